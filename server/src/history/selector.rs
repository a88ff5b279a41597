//! Which series are meant: `name{label="value", other!="x", third=~"a|b"}`, as Prometheus writes it. The channel of a series
//! can be asked for as if it were the label `channel`.
//!
//! `=` and `!=` compare, `=~` and `!~` match a regular expression against the whole value (the crate `regex`: time linear in
//! the text). A label that a series does not have is empty.

use super::registry::Series;
use farol_model::Fault;
use regex::{Regex, RegexBuilder};

/// Bytes of one selector at most.
const MAX_BYTES: usize = 1024;
/// Conditions of one selector at most.
const MAX_CONDITIONS: usize = 16;
/// Bytes that a regular expression may take once it is compiled.
const REGEX_BYTES: usize = 1 << 18;
/// The parameter that selectors come in.
const FIELD: &str = "match";
/// What a selector is called where it is by itself.
const SUBJECT: &str = "selector";

/// See the module.
#[derive(Debug, Clone)]
pub struct Selector {
    name: Option<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    label: String,
    test: Test,
    wanted: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Is(String),
    Matches(Regex),
}

impl Selector {
    /// Reads one, or says what is wrong with it and where.
    pub fn parse(text: &str) -> Result<Selector, Fault> {
        if text.len() > MAX_BYTES {
            return Err(Fault::invalid(
                FIELD,
                format!("A selector may have {MAX_BYTES} bytes at most."),
            ));
        }
        let mut reader = Reader::new(text, SUBJECT, FIELD);
        let name = reader.word();
        let selector = reader.selector(name)?;
        if !reader.rest.is_empty() {
            return Err(reader.wrong("has more than a name and {conditions} here"));
        }
        if selector.is_empty() {
            return Err(Fault::invalid(
                FIELD,
                "A selector names a metric, labels, or both: cpu_usage_percent, or {device=\"sda\"}.",
            ));
        }
        Ok(selector)
    }

    /// Whether it has neither a name nor a condition.
    pub(super) fn is_empty(&self) -> bool {
        self.name.is_none() && self.conditions.is_empty()
    }

    /// One series by its channel and the key of its spec.
    pub fn of_series(channel: &str, spec: &farol_model::metric::MetricSpec) -> Selector {
        let is = |label: &str, value: &str| Condition {
            label: label.to_owned(),
            test: Test::Is(value.to_owned()),
            wanted: true,
        };
        let labels = spec.labels.iter().map(|label| is(&label.name, &label.value));
        Selector {
            name: Some(spec.name.clone()),
            conditions: std::iter::once(is("channel", channel)).chain(labels).collect(),
        }
    }

    pub fn matches(&self, series: &Series) -> bool {
        let named = self.name.as_ref().is_none_or(|name| *name == series.spec.name);
        named && self.conditions.iter().all(|condition| condition.holds(series))
    }
}

impl Condition {
    fn holds(&self, series: &Series) -> bool {
        let value = match self.label.as_str() {
            "channel" => &series.channel,
            label => series.spec.label_value(label).unwrap_or_default(),
        };
        let holds = match &self.test {
            Test::Is(wanted) => wanted == value,
            Test::Matches(regex) => regex.is_match(value),
        };
        holds == self.wanted
    }
}

/// Reads from the front of what is left, of a selector or of an expression that has some.
pub(super) struct Reader<'a> {
    text: &'a str,
    pub rest: &'a str,
    /// What is read, and the parameter that it came in: for what is wrong.
    subject: &'static str,
    field: &'static str,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str, subject: &'static str, field: &'static str) -> Reader<'a> {
        Reader {
            text,
            rest: text.trim(),
            subject,
            field,
        }
    }

    /// The conditions that follow a name, if any do.
    pub fn selector(&mut self, name: &str) -> Result<Selector, Fault> {
        let mut conditions = Vec::new();
        if self.eat("{") {
            while !self.eat("}") {
                conditions.push(self.condition()?);
                if conditions.len() > MAX_CONDITIONS {
                    return Err(self.wrong(&format!("may have {MAX_CONDITIONS} conditions at most")));
                }
                if !self.eat(",") && !self.rest.starts_with('}') {
                    return Err(self.wrong("needs `,` or `}` here"));
                }
            }
        }
        Ok(Selector {
            name: (!name.is_empty()).then(|| name.to_owned()),
            conditions,
        })
    }

    pub fn eat(&mut self, what: &str) -> bool {
        match self.rest.strip_prefix(what) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// A name of a metric or a label; may be empty.
    fn word(&mut self) -> &'a str {
        self.while_in("_:.-")
    }

    /// Letters, digits, and what else may be in it; may be empty.
    pub fn while_in(&mut self, also: &str) -> &'a str {
        let inside = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
        let end = self.rest.find(|c: char| !inside(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        word
    }

    fn condition(&mut self) -> Result<Condition, Fault> {
        let label = self.word().to_owned();
        if label.is_empty() {
            return Err(self.wrong("needs the name of a label here"));
        }
        // Longer ones first: `=` begins `=~`.
        let operators = [
            ("=~", true, true),
            ("!~", true, false),
            ("!=", false, false),
            ("=", false, true),
        ];
        let found = operators.into_iter().find(|(sign, _, _)| self.eat(sign));
        let Some((_, regex, wanted)) = found else {
            return Err(self.wrong("needs =, !=, =~ or !~ here"));
        };
        let value = self.quoted()?;
        let test = match regex {
            false => Test::Is(value),
            true => Test::Matches(
                RegexBuilder::new(&format!("^(?:{value})$"))
                    .size_limit(REGEX_BYTES)
                    .build()
                    .map_err(|error| {
                        let short = error.to_string();
                        let last = short.lines().last().unwrap_or_default();
                        self.wrong(&format!(
                            "has `{value}`, which is no regular expression ({last}), before this"
                        ))
                    })?,
            ),
        };
        Ok(Condition { label, test, wanted })
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let quote = self.rest.chars().next().filter(|c| "\"'".contains(*c));
        let Some(quote) = quote else {
            return Err(self.wrong("needs a value in double quotes here"));
        };
        let (mut value, mut chars) = (String::new(), self.rest.char_indices().skip(1));
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.rest = self.rest[at + 1..].trim_start();
                    return Ok(value);
                }
                '\\' => value.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, c @ ('"' | '\'' | '\\'))) => c,
                    _ => {
                        return Err(
                            self.wrong("has a \\ before something else than n, a quote or \\ in this value")
                        );
                    }
                }),
                c => value.push(c),
            }
        }
        Err(self.wrong("has a value without its closing quote here"))
    }

    /// The byte that comes next.
    pub fn at(&self) -> usize {
        self.text.trim_end().len().saturating_sub(self.rest.len())
    }

    pub fn wrong(&self, what: &str) -> Fault {
        let at = self.at();
        let rest: String = self.rest.chars().take(24).collect();
        let here = if rest.is_empty() {
            "the end".to_owned()
        } else {
            format!("`{rest}`")
        };
        let subject = self.subject;
        Fault::invalid(self.field, format!("The {subject} {what}: {here} (byte {at})."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::metric::{MetricSpec, Unit};

    fn series(name: &str, channel: &str, labels: &[(&str, &str)]) -> Series {
        let mut spec = MetricSpec::gauge(name, Unit::None, "c", "t", "h");
        for (name, value) in labels {
            spec = spec.label(name, value);
        }
        Series {
            id: 1,
            channel_id: 2,
            channel: channel.into(),
            spec,
        }
    }

    #[test]
    fn names_labels_and_channels_select() {
        let disk = series(
            "disk_used_bytes",
            "metrics/local/disk",
            &[("device", "sd\"a"), ("kind", "ssd")],
        );
        for yes in [
            "disk_used_bytes",
            " disk_used_bytes { device = \"sd\\\"a\" , } ",
            "{kind=~\"s.d|hdd\"}",
            "disk_used_bytes{kind!~\"s\",channel=\"metrics/local/disk\"}",
            "{kind!=\"hdd\"}",
            "disk_used_bytes{nothing=\"\"}",
            "disk_used_bytes{}",
        ] {
            assert!(Selector::parse(yes).unwrap().matches(&disk), "{yes}");
        }
        for no in [
            "disk_used",
            "{kind=\"s\"}",
            "{kind=~\"s\"}",
            "{kind!=\"ssd\"}",
            "{channel=~\"apps/.*\"}",
        ] {
            assert!(!Selector::parse(no).unwrap().matches(&disk), "{no}");
        }
        assert!(Selector::of_series(&disk.channel, &disk.spec).matches(&disk));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, words) in [
            ("", "names a metric"),
            ("{}", "names a metric"),
            ("a{b}", "=, !=, =~ or !~ here: `}` (byte 3)"),
            ("a{b=c}", "double quotes here: `c}` (byte 4)"),
            ("a{b=\"c\"", "`,` or `}` here: the end (byte 7)"),
            ("a{b=\"c", "closing quote"),
            ("a{=\"c\"}", "name of a label"),
            ("a b", "more than a name"),
            ("a{b=~\"(\"}", "no regular expression"),
            ("a{b=~\"(x{900}){900}\"}", "no regular expression"),
            ("a{b=\"\\x\"}", "before something else"),
        ] {
            let fault = Selector::parse(text).unwrap_err();
            assert!(fault.message.contains(words), "{text}: {}", fault.message);
            assert_eq!(fault.field.as_deref(), Some("match"));
        }
        assert!(Selector::parse(&"a".repeat(2000)).is_err());
        let many = format!("a{{{}}}", "b=\"c\",".repeat(17));
        assert!(
            Selector::parse(&many)
                .unwrap_err()
                .message
                .contains("16 conditions")
        );
    }
}
