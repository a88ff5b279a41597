//! The parameters of a question about the past, as they are written in an address.

use crate::history::{
    Store,
    expr::Expression,
    query::{Answer, MAX_SELECTORS, Query, Step},
    selector::Selector,
};
use farol_model::Fault;

/// A question: series as they are kept, or an expression over them.
pub(in crate::rest) struct Question {
    /// Without selectors where there is an expression.
    pub query: Query,
    expression: Option<Expression>,
}

impl Question {
    /// The same question about a time that was so many milliseconds before.
    pub(in crate::rest) fn earlier(&self, ms: i64) -> Question {
        let mut query = self.query.clone();
        query.from_ms -= ms;
        query.to_ms -= ms;
        Question {
            query,
            expression: self.expression.clone(),
        }
    }

    /// Reads files: not for an async thread.
    pub(in crate::rest) fn answer(&self, store: &Store) -> Result<Answer, Fault> {
        let Query {
            from_ms, to_ms, step, ..
        } = self.query;
        match &self.expression {
            Some(expression) => store.evaluate(expression, from_ms, to_ms, step),
            None => store.query(&self.query),
        }
    }
}

/// The parameters of a request. A name may come more than once, so this is not axum's `Query`.
pub(in crate::rest) struct Asked(Vec<(String, String)>);

impl Asked {
    pub(in crate::rest) fn parse(query: Option<&str>, known: &[&str]) -> Result<Asked, Fault> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs
            // As some clients write lists.
            .map(|(name, value)| (name.trim_end_matches("[]").to_owned(), value.into_owned()))
            .collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => {
                let name: String = name.chars().take(64).collect();
                let words = format!("There is no parameter `{name}`; there are {}.", known.join(", "));
                Err(Fault::invalid(name, words))
            }
            None => Ok(Asked(pairs)),
        }
    }

    pub(in crate::rest) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(in crate::rest) fn one(&self, name: &str) -> Result<Option<&str>, Fault> {
        let mut all = self.all(name);
        let first = all.next();
        match all.next() {
            Some(_) => Err(Fault::invalid(name, format!("{name} may be given once."))),
            None => Ok(first),
        }
    }

    pub(in crate::rest) fn number(&self, name: &str) -> Result<Option<i64>, Fault> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Fault::invalid(name, format!("{name} must be a whole number.")))
        };
        self.one(name)?.map(parse).transpose()
    }

    pub(in crate::rest) fn selectors(&self) -> Result<Vec<Selector>, Fault> {
        if self.all("match").count() > MAX_SELECTORS {
            return Err(Fault::invalid(
                "match",
                format!("There may be {MAX_SELECTORS} selectors at most."),
            ));
        }
        self.all("match").map(Selector::parse).collect()
    }

    /// The question; `points` at most when no step is given.
    pub(in crate::rest) fn range(&self, now_ms: i64, points: usize) -> Result<Question, Fault> {
        let start = self
            .one("start")?
            .ok_or_else(|| Fault::invalid("start", "start is missing: a time."))?;
        let end = self.one("end")?;
        let step = match self.one("step")? {
            None => Step::Points(points),
            Some(text) => Step::Of(millis(text).filter(|ms| *ms > 0).ok_or_else(|| {
                Fault::invalid("step", "step must be a number of seconds, for example 10 or 0.5.")
            })?),
        };
        let expression = self.one("expr")?;
        if expression.is_some() && self.all("match").next().is_some() {
            return Err(Fault::invalid(
                "expr",
                "Give match or expr, not both: an expression names its series itself.",
            ));
        }
        Ok(Question {
            expression: expression.map(Expression::parse).transpose()?,
            query: Query {
                selectors: self.selectors()?,
                from_ms: time("start", start, now_ms)?,
                to_ms: end.map_or(Ok(now_ms), |end| time("end", end, now_ms))?,
                step,
            },
        })
    }
}

/// Seconds as milliseconds.
fn millis(text: &str) -> Option<i64> {
    let ms = text.parse::<f64>().ok()? * 1000.0;
    // Above lies no time that anybody means.
    (ms.abs() <= 1e15).then_some(ms.round() as i64)
}

/// How long ago: `-90s`, `-15m`, `-6h`, `-2d`, `-1w`.
fn before(text: &str, now_ms: i64) -> Option<i64> {
    let rest = text.strip_prefix('-')?;
    let (count, unit) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return None,
    };
    let count: u32 = count.parse().ok()?;
    now_ms.checked_sub(i64::from(count).checked_mul(unit)?)
}

pub(in crate::rest) fn time(name: &str, text: &str, now_ms: i64) -> Result<i64, Fault> {
    use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
    let of_date = |text| OffsetDateTime::parse(text, &Rfc3339).ok();
    let found = millis(text)
        .or_else(|| before(text, now_ms))
        .or_else(|| i64::try_from(of_date(text)?.unix_timestamp_nanos().div_euclid(1_000_000)).ok());
    found.ok_or_else(|| {
        Fault::invalid(
            name,
            format!("{name} must be seconds since the epoch, a date as 2026-01-31T12:00:00Z, or a time before now as -6h."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_dates() {
        assert_eq!(time("start", "1790000000.25", 0).unwrap(), 1_790_000_000_250);
        assert_eq!(
            time("start", "2026-09-21T14:13:20.5Z", 0).unwrap(),
            1_790_000_000_500
        );
        assert_eq!(
            time("start", "2026-09-21T16:13:20+02:00", 0).unwrap(),
            1_790_000_000_000
        );
        assert_eq!(time("start", "-6h", 30_000_000).unwrap(), 8_400_000);
        assert_eq!(time("end", "-90s", 0).unwrap(), -90_000);
        for wrong in [
            "-",
            "-h",
            "-6y",
            "-6é",
            "-99999999999d",
            "",
            "yesterday",
            "1e300",
            "NaN",
            "inf",
            "2026-13-01T00:00:00Z",
        ] {
            let fault = time("start", wrong, 0).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some("start"), "{wrong}");
        }
    }

    #[test]
    fn parameters_that_nobody_knows_or_that_come_twice_are_refused() {
        let wrong = |query: &str| {
            let asked = Asked::parse(Some(query), &["match", "expr", "start", "end", "step"]);
            asked.and_then(|asked| asked.range(0, 600).map(drop)).unwrap_err()
        };
        assert!(
            wrong("match=a&start=1&setp=3")
                .message
                .contains("no parameter `setp`")
        );
        assert!(wrong("match=a&start=1&start=2").message.contains("once"));
        assert!(wrong("match=a").message.contains("start is missing"));
        assert!(wrong("match=a&expr=a&start=1").message.contains("not both"));
        assert!(wrong("expr=sum(&start=1").message.contains("byte 4"));
        assert!(wrong("expr=a&expr=b&start=1").message.contains("once"));
        assert!(
            wrong("match=a&start=1&step=0")
                .message
                .contains("number of seconds")
        );
        assert!(
            wrong("match=a&start=1&step=-1")
                .message
                .contains("number of seconds")
        );
        assert!(
            wrong(&format!("start=1{}", "&match=a".repeat(33)))
                .message
                .contains("32 selectors")
        );
    }
}
