//! How charts are looked at, as the address says it: the way to draw, the axis, what is compared, which series, in which order.

use super::range::{MAX_CELLS, POINTS};
use crate::{charts::still::Mode, pages::drawn::pairs};
use farol_model::Fault;

/// Names of all parameters. `hide` may come more than once.
pub const NAMES: [&str; 7] = ["mode", "axis", "compare", "sort", "only", "hide", "chart"];
/// Series that may be hidden.
const MAX_HIDDEN: usize = 100;
/// Bytes of a name of a series or a chart.
const MAX_BYTES: usize = 2000;
/// The nearest and the farthest earlier period, milliseconds.
const COMPARE: (i64, i64) = (60_000, 5 * 366 * 86_400_000);

/// Earlier periods that are offered: the word in the address and what the link says.
pub const PERIODS: [(&str, &str); 4] = [
    ("1h", "an hour earlier"),
    ("1d", "a day earlier"),
    ("7d", "a week earlier"),
    ("28d", "four weeks earlier"),
];

/// Orders of a legend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Name,
    Min,
    Mean,
    Max,
    Last,
}

farol_model::words!(Sort {
    Name = "name",
    Min = "min",
    Mean = "mean",
    Max = "max",
    Last = "last",
});

/// How far before something else is: a word such as `1d` and the same in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offset {
    pub word: String,
    pub ms: i64,
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// None: each chart as it is usual for it.
    pub mode: Option<Mode>,
    /// A logarithmic axis.
    pub log: bool,
    pub compare: Option<Offset>,
    /// None: in the order of the schema.
    pub sort: Option<Sort>,
    /// The key of the series that alone is shown in its chart.
    pub only: Option<String>,
    /// Keys of series that are not shown.
    pub hide: Vec<String>,
    /// The chart that alone is shown.
    pub chart: Option<String>,
}

impl Look {
    /// Reads parameters; those of other names are not looked at.
    ///
    /// # Errors
    /// A word that is none; the fault says which there are.
    pub fn read(pairs: &[(String, String)]) -> Result<Look, Fault> {
        let mut look = Look::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in pairs
            .iter()
            .filter(|(name, value)| NAMES.contains(&name.as_str()) && !value.is_empty())
        {
            if value.len() > MAX_BYTES {
                return Err(Fault::invalid(
                    name,
                    format!("{name} may have {MAX_BYTES} bytes at most."),
                ));
            }
            if name != "hide" && seen.contains(&name.as_str()) {
                return Err(Fault::invalid(name, format!("{name} may be given once.")));
            }
            seen.push(name);
            match name.as_str() {
                "mode" => {
                    look.mode = Some(word(
                        name,
                        value,
                        Mode::parse(value),
                        &Mode::ALL.map(Mode::as_str),
                    )?)
                }
                "sort" => {
                    look.sort = Some(word(
                        name,
                        value,
                        Sort::parse(value),
                        &Sort::ALL.map(Sort::as_str),
                    )?)
                }
                "axis" => {
                    let log = match value.as_str() {
                        "log" => Some(true),
                        "linear" => Some(false),
                        _ => None,
                    };
                    look.log = word(name, value, log, &["linear", "log"])?;
                }
                "compare" => look.compare = Some(Offset::read(value)?),
                "only" => look.only = Some(value.clone()),
                "chart" => look.chart = Some(value.clone()),
                _ if look.hide.contains(value) => {}
                _ if look.hide.len() == MAX_HIDDEN => {
                    return Err(Fault::invalid(
                        name,
                        format!("{MAX_HIDDEN} series may be hidden at most."),
                    ));
                }
                _ => look.hide.push(value.clone()),
            }
        }
        Ok(look)
    }

    /// Reads the query of an address.
    ///
    /// # Errors
    /// As [`Look::read`].
    pub fn of_query(query: &str) -> Result<Look, Fault> {
        Look::read(&pairs(query))
    }

    /// As parameters of an address, in an order that is always the same.
    pub fn query(&self) -> Vec<(&str, &str)> {
        let mut pairs = vec![
            ("chart", self.chart.as_deref().unwrap_or_default()),
            ("mode", self.mode.map_or("", Mode::as_str)),
            ("axis", if self.log { "log" } else { "" }),
            ("compare", self.compare.as_ref().map_or("", |offset| &offset.word)),
            ("sort", self.sort.map_or("", Sort::as_str)),
            ("only", self.only.as_deref().unwrap_or_default()),
        ];
        pairs.extend(self.hide.iter().map(|key| ("hide", key.as_str())));
        pairs.retain(|(_, value)| !value.is_empty());
        pairs
    }

    /// The same with one thing changed.
    pub fn but(&self, change: impl FnOnce(&mut Look)) -> Look {
        let mut look = self.clone();
        change(&mut look);
        look
    }

    /// Which series of a chart are shown, by their keys.
    pub fn shown(&self, keys: &[String]) -> Vec<bool> {
        let alone = self.only.as_ref().filter(|only| keys.contains(only));
        let is_shown = |key: &String| match alone {
            Some(only) => only == key,
            None => !self.hide.contains(key),
        };
        keys.iter().map(is_shown).collect()
    }

    /// Points that are asked of each series: what is broader than a line needs fewer, a chart that is alone has room for more.
    pub fn points(&self, series: usize) -> usize {
        let alone = self.chart.is_some();
        let most = match self.mode {
            Some(Mode::Bars) => 60,
            Some(Mode::Heat) => 120,
            _ if alone => 2 * POINTS,
            _ => POINTS,
        };
        let cells = if alone { 4 * MAX_CELLS } else { MAX_CELLS };
        most.min(cells / series.max(1)).max(20)
    }
}

impl Offset {
    /// Reads `36h`, `90m`, `1d`, `2w`.
    ///
    /// # Errors
    /// It is no such word, or no time that can be compared with.
    pub fn read(text: &str) -> Result<Offset, Fault> {
        let unit = |unit: &str| match unit {
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            "w" => Some(7 * 86_400_000),
            _ => None,
        };
        let parts = text.len().checked_sub(1).and_then(|at| text.split_at_checked(at));
        let ms = parts.and_then(|(count, word)| {
            let count: u32 = count.parse().ok()?;
            i64::from(count).checked_mul(unit(word)?)
        });
        let fits = ms.filter(|ms| (COMPARE.0..=COMPARE.1).contains(ms));
        let ms = fits.ok_or_else(|| {
            Fault::invalid(
                "compare",
                "compare must say how much earlier: 90m, 36h, 1d, 2w; a minute at least and five years at most.",
            )
        })?;
        Ok(Offset {
            word: text.to_owned(),
            ms,
        })
    }

    /// E.g. `a day earlier`, `36 hours earlier`.
    pub fn words(&self) -> String {
        match PERIODS.into_iter().find(|(word, _)| *word == self.word) {
            Some((_, words)) => words.to_owned(),
            None => format!("{} earlier", crate::format::duration(self.ms)),
        }
    }
}

fn word<T>(name: &str, given: &str, found: Option<T>, words: &[&str]) -> Result<T, Fault> {
    found.ok_or_else(|| {
        let given: String = given.chars().take(40).collect();
        let words = words.join(", ");
        Fault::invalid(
            name,
            format!("There is no {name} \u{201c}{given}\u{201d}; there are {words}."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Look, Fault> {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Look::read(&pairs)
    }

    #[test]
    fn what_an_address_says_is_read_and_written_back() {
        let look = read(&[
            ("group", "cpu"),
            ("mode", "stacked"),
            ("axis", "log"),
            ("compare", "36h"),
            ("sort", "max"),
            ("hide", "a"),
            ("hide", "b{c=\"d\"}"),
            ("hide", "a"),
            ("chart", "Per core"),
            ("only", ""),
        ])
        .unwrap();
        assert_eq!(
            (look.mode, look.log, look.sort),
            (Some(Mode::Stacked), true, Some(Sort::Max))
        );
        assert_eq!(look.compare.as_ref().unwrap().ms, 36 * 3_600_000);
        assert_eq!(look.hide, ["a", "b{c=\"d\"}"]);
        assert_eq!(read(&look.query()).unwrap(), look);
        assert_eq!(read(&[]).unwrap(), Look::default());
        assert!(Look::default().query().is_empty());
    }

    #[test]
    fn what_is_no_look_is_refused_with_what_would_be_one() {
        let refused = |name: &str, value: &str| read(&[(name, value)]).unwrap_err();
        assert!(
            refused("mode", "pie")
                .message
                .contains("no mode “pie”; there are lines, area, stacked, bars, heat, states")
        );
        assert!(refused("axis", "up").message.contains("linear, log"));
        assert!(
            refused("sort", "size")
                .message
                .contains("name, min, mean, max, last")
        );
        for odd in [
            "d",
            "1",
            "1y",
            "-1d",
            "1.5d",
            "0d",
            "5s",
            "9999999999d",
            "4000w",
            "é",
        ] {
            let fault = refused("compare", odd);
            assert!(
                fault.message.contains("36h") && fault.field.as_deref() == Some("compare"),
                "{odd}"
            );
        }
        assert!(refused("only", &"x".repeat(3000)).message.contains("2000 bytes"));
        assert!(
            read(&[("mode", "bars"), ("mode", "area")])
                .unwrap_err()
                .message
                .contains("once")
        );
        let many: Vec<(String, String)> = (0..101).map(|at| ("hide".to_owned(), at.to_string())).collect();
        assert!(Look::read(&many).unwrap_err().message.contains("100 series"));
    }

    #[test]
    fn one_that_is_alone_is_alone_in_its_own_chart_only() {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let look = read(&[("only", "a"), ("hide", "a"), ("hide", "y")]).unwrap();
        assert_eq!(
            look.shown(&keys(&["a", "b"])),
            [true, false],
            "alone counts more than hidden"
        );
        assert_eq!(look.shown(&keys(&["x", "y"])), [true, false]);
    }

    #[test]
    fn periods_that_are_offered_are_periods() {
        for (word, words) in PERIODS {
            assert_eq!(Offset::read(word).unwrap().words(), words);
        }
        assert_eq!(Offset::read("36h").unwrap().words(), "1 d 12 h earlier");
    }
}
