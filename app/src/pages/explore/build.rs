//! An expression as choices, and back: a metric, which of its series, whether per second, what is combined by which labels, which
//! are kept. That is what can be clicked; an expression that says more is changed as text.
//!
//! `topk(5, sum by (device) (rate(disk_read_bytes{device=~"sd.*"}[1m])))` is all of it at once.

use crate::{
    pages::drawn::href,
    past::{Range, frame::quoted},
};

/// Filters of one expression that can be clicked.
pub const FILTERS: usize = 8;

/// Ways to combine series: the word in an expression, and what a person reads.
pub const COMBINE: [(&str, &str); 6] = [
    ("sum", "Sum"),
    ("avg", "Average"),
    ("min", "Minimum"),
    ("max", "Maximum"),
    ("count", "Count"),
    ("quantile", "Quantile"),
];
/// Ways to keep some series of many.
pub const KEEP: [(&str, &str); 2] = [("topk", "The highest"), ("bottomk", "The lowest")];
/// How a label is compared, and what a person reads.
pub const SIGNS: [(&str, &str); 4] = [
    ("=", "is"),
    ("!=", "is not"),
    ("=~", "matches"),
    ("!~", "does not match"),
];

/// See the module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Built {
    pub metric: String,
    pub filters: Vec<Filter>,
    /// Increase per second, over the window that is named; empty: as fine as is drawn.
    pub rate: Option<String>,
    /// One of [`COMBINE`].
    pub combine: Option<&'static str>,
    pub by: Vec<String>,
    /// Of a quantile, 0 to 1, as written.
    pub q: String,
    /// One of [`KEEP`].
    pub keep: Option<&'static str>,
    /// How many are kept, as written.
    pub k: String,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub label: String,
    /// One of [`SIGNS`].
    pub sign: &'static str,
    pub value: String,
}

/// The word of a choice as it stands in its table.
pub fn known(table: &[(&'static str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().map(|(known, _)| *known).find(|known| *known == word)
}

impl Built {
    /// As choices; None when it says more than can be clicked, or is none.
    pub fn parse(text: &str) -> Option<Built> {
        let (mut built, mut reader) = (Built::default(), Reader(text.trim()));
        reader.kept(&mut built)?;
        reader.0.is_empty().then_some(built)
    }

    /// As an expression.
    pub fn text(&self) -> String {
        let mut text = self.selector();
        if let Some(window) = &self.rate {
            text = match window.is_empty() {
                true => format!("rate({text})"),
                false => format!("rate({text}[{window}])"),
            };
        }
        if let Some(combine) = self.combine {
            let by = match self.by.is_empty() {
                true => String::new(),
                false => format!(" by ({}) ", self.by.join(", ")),
            };
            let q = match combine {
                "quantile" => format!("{}, ", number(&self.q, "0.95")),
                _ => String::new(),
            };
            text = format!("{combine}{by}({q}{text})");
        }
        match self.keep {
            Some(keep) => format!("{keep}({}, {text})", number(&self.k, "5")),
            None => text,
        }
    }

    fn selector(&self) -> String {
        if self.filters.is_empty() {
            return self.metric.clone();
        }
        let filters: Vec<String> = self
            .filters
            .iter()
            .map(|filter| format!("{}{}{}", filter.label, filter.sign, quoted(&filter.value)))
            .collect();
        format!("{}{{{}}}", self.metric, filters.join(", "))
    }
}

/// Charts of one address at most.
const LINKED: usize = 8;

/// Metrics of a channel in Explore, over the same time. No metric: all of the channel.
pub fn explore(channel: &str, metrics: &[&str], range: Option<&Range>) -> String {
    let of = |metric: &str| match metric.is_empty() || !channel.starts_with("metrics/") {
        // Applications may call theirs alike.
        true => format!("{metric}{{channel={}}}", quoted(channel)),
        false => metric.to_owned(),
    };
    let expressions: Vec<String> = match metrics {
        [] => vec![of("")],
        metrics => metrics.iter().take(LINKED).map(|metric| of(metric)).collect(),
    };
    let mut pairs: Vec<(&str, &str)> = expressions
        .iter()
        .map(|expression| ("p", expression.as_str()))
        .collect();
    let time = range.map(Range::query).unwrap_or_default();
    pairs.extend(time.iter().map(|(name, value)| (*name, value.as_str())));
    href("/explore", &pairs)
}

/// A number as typed, or the usual one. What it may be says who evaluates it.
fn number<'a>(typed: &'a str, usual: &'a str) -> &'a str {
    match typed.trim() {
        "" => usual,
        typed => typed,
    }
}

/// Reads from the front of what is left. None: not what can be clicked.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn eat(&mut self, what: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(what)?.trim_start();
        Some(())
    }

    fn word(&mut self) -> &'a str {
        let inside = |c: char| c.is_ascii_alphanumeric() || "_:.-".contains(c);
        let end = self.0.find(|c| !inside(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest.trim_start();
        word
    }

    /// The function that is called here, if it is one of these.
    fn function(&mut self, table: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let before = self.0;
        let found = known(table, self.word());
        let called = self.0.starts_with('(') || self.0.starts_with("by");
        if found.is_none() || !called {
            self.0 = before;
            return None;
        }
        found
    }

    fn number_before_comma(&mut self) -> Option<String> {
        let number = self.word();
        number.parse::<f64>().ok()?;
        self.eat(",")?;
        Some(number.to_owned())
    }

    fn kept(&mut self, built: &mut Built) -> Option<()> {
        built.keep = self.function(&KEEP);
        if built.keep.is_none() {
            return self.combined(built);
        }
        self.eat("(")?;
        built.k = self.number_before_comma()?;
        self.combined(built)?;
        self.eat(")")
    }

    fn combined(&mut self, built: &mut Built) -> Option<()> {
        built.combine = self.function(&COMBINE);
        if built.combine.is_none() {
            return self.rated(built);
        }
        let before = self.by(built)?;
        self.eat("(")?;
        if built.combine == Some("quantile") {
            built.q = self.number_before_comma()?;
        }
        self.rated(built)?;
        self.eat(")")?;
        if !before {
            self.by(built)?;
        }
        Some(())
    }

    /// `by (a, b)`, if it is here. Whether it was.
    fn by(&mut self, built: &mut Built) -> Option<bool> {
        if self.eat("by").is_none() {
            return Some(false);
        }
        self.eat("(")?;
        while self.eat(")").is_none() {
            let label = self.word();
            if label.is_empty() {
                return None;
            }
            built.by.push(label.to_owned());
            if self.eat(",").is_none() && !self.0.starts_with(')') {
                return None;
            }
        }
        Some(true)
    }

    fn rated(&mut self, built: &mut Built) -> Option<()> {
        if self.function(&[("rate", "")]).is_none() {
            return self.selector(built);
        }
        self.eat("(")?;
        self.selector(built)?;
        built.rate = Some(match self.eat("[") {
            Some(()) => {
                let window = self.word().to_owned();
                self.eat("]")?;
                window
            }
            None => String::new(),
        });
        self.eat(")")
    }

    fn selector(&mut self, built: &mut Built) -> Option<()> {
        built.metric = self.word().to_owned();
        if self.eat("{").is_some() {
            while self.eat("}").is_none() {
                let label = self.word().to_owned();
                // Longer ones first: `=` begins `=~`.
                let sign = ["=~", "!~", "!=", "="]
                    .into_iter()
                    .find(|sign| self.eat(sign).is_some())?;
                let value = self.quoted()?;
                built.filters.push(Filter { label, sign, value });
                if self.eat(",").is_none() && !self.0.starts_with('}') {
                    return None;
                }
            }
        }
        let named = !built.metric.is_empty() || !built.filters.is_empty();
        let labelled = built.filters.iter().all(|filter| !filter.label.is_empty());
        (named && labelled && built.filters.len() <= FILTERS).then_some(())
    }

    fn quoted(&mut self) -> Option<String> {
        let (mut value, mut chars) = (String::new(), self.0.strip_prefix('"')?.char_indices());
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = self.0.get(at + 2..)?.trim_start();
                    return Some(value);
                }
                '\\' => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    c @ ('"' | '\\') => c,
                    _ => return None,
                }),
                c => value.push(c),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_clicked_is_read_and_written_as_it_was() {
        for text in [
            "cpu_usage_percent",
            "{channel=\"apps/shop\"}",
            "disk_used_bytes{device=~\"sd.*\", kind!=\"a\\\"b\\\\\"}",
            "rate(requests[5m])",
            "rate(requests)",
            "sum(cpu_usage_percent)",
            "sum by (device, mode) (rate(disk_read_bytes{device!~\"loop.*\"}[1m]))",
            "quantile by (core) (0.95, cpu_core_percent)",
            "topk(5, sum by (device) (disk_read_bytes{device=~\"sd.*\"}))",
            "bottomk(3, free_bytes)",
            // A metric may be called as a function is.
            "rate",
            "sum{a=\"b\"}",
        ] {
            let built = Built::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(built.text(), text);
        }
    }

    #[test]
    fn other_ways_to_write_the_same_are_read_too() {
        for (text, same) in [
            ("rate( x [5m] )", "rate(x[5m])"),
            ("sum(x) by (a)", "sum by (a) (x)"),
            (" sum  by(a,)( x{ b = \"c\" , } ) ", "sum by (a) (x{b=\"c\"})"),
            ("x{}", "x"),
        ] {
            assert_eq!(
                Built::parse(text).map(|built| built.text()).as_deref(),
                Some(same),
                "{text}"
            );
        }
    }

    #[test]
    fn what_says_more_is_left_to_its_text() {
        for text in [
            "",
            "{}",
            "a + b",
            "sum without (a) (x)",
            "sum(sum(x))",
            "topk(many, x)",
            "x{a=\"b}",
            "x{a=b}",
            "x{=\"b\"}",
            "sum(x",
            "sum(x))",
            "quantile(x)",
            &format!("x{{{}}}", "a=\"b\",".repeat(FILTERS + 1)),
        ] {
            assert_eq!(Built::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_chart_leads_to_its_metrics_over_the_same_time() {
        let range = |word| Range {
            word,
            from_ms: 1_000,
            to_ms: 61_000,
        };
        assert_eq!(
            explore("metrics/local/disk", &["a", "b"], Some(&range(Some("1h")))),
            "/explore?p=a&p=b&range=1h"
        );
        assert_eq!(
            explore("apps/shop", &["a"], Some(&range(None))),
            "/explore?p=a%7Bchannel%3D%22apps%2Fshop%22%7D&from=1&to=61"
        );
        assert_eq!(
            explore("metrics/local/disk", &[], None),
            "/explore?p=%7Bchannel%3D%22metrics%2Flocal%2Fdisk%22%7D"
        );
    }

    #[test]
    fn what_was_not_typed_has_a_usual_value() {
        let mut built = Built::parse("x").unwrap();
        built.combine = Some("quantile");
        built.keep = Some("topk");
        built.rate = Some(String::new());
        assert_eq!(built.text(), "topk(5, quantile(0.95, rate(x)))");
    }
}
