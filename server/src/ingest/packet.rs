//! One line of StatsD (github.com/statsd/statsd, "Metric types"), with the tags of DogStatsD (docs.datadoghq.com, "DogStatsD
//! datagram format", v1.0 to v1.3). Pure. Events and service checks are not taken.

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// As it was sent.
    pub name: String,
    pub tags: Vec<(String, String)>,
    pub said: Said,
}

/// The value, or values, of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// So many more, after the sample rate was made up for.
    Count(f64),
    Gauge(f64),
    /// The gauge changes by this.
    GaugeBy(f64),
    /// Seconds; each stands for so many.
    Timer(Vec<f64>, f64),
    /// As a timer, of anything.
    Histogram(Vec<f64>, f64),
    /// One of a set.
    Member(String),
}

/// Longest name, bytes.
const MAX_NAME_BYTES: usize = 200;
/// Values of one line at most.
const MAX_VALUES: usize = 1000;

/// Reads a line, or says why it is none.
pub fn parse(line: &str) -> Result<Line, String> {
    if line.starts_with("_e{") {
        return Err("events are not taken".to_owned());
    }
    if line.starts_with("_sc|") {
        return Err("service checks are not taken".to_owned());
    }
    let mut parts = line.split('|');
    let head = parts.next().unwrap_or_default();
    let (name, values) = head
        .split_once(':')
        .ok_or_else(|| format!("`{}` has no `:` after its name", shown(line)))?;
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(format!("the name must be 1 to {MAX_NAME_BYTES} bytes"));
    }
    let kind = parts
        .next()
        .ok_or_else(|| format!("`{}` has no type after `|`", shown(line)))?;
    let mut rate = 1.0;
    let mut tags = Vec::new();
    for part in parts {
        if let Some(text) = part.strip_prefix('@') {
            rate = text
                .parse()
                .ok()
                .filter(|rate| *rate > 0.0 && *rate <= 1.0)
                .ok_or_else(|| format!("{name}: `{}` is no sample rate above 0 and up to 1", shown(text)))?;
        } else if let Some(text) = part.strip_prefix('#') {
            tags = self::tags(text);
        }
        // What else there is (`c:` a container, `T` a time, `e:` a field) is of no use here.
    }
    let said = said(name, values, kind, 1.0 / rate)?;
    Ok(Line {
        name: name.to_owned(),
        tags,
        said,
    })
}

fn said(name: &str, values: &str, kind: &str, weight: f64) -> Result<Said, String> {
    if kind == "s" {
        return match values.is_empty() {
            true => Err(format!("{name}: an empty member of a set")),
            false => Ok(Said::Member(values.to_owned())),
        };
    }
    // Several values of one line are DogStatsD v1.1.
    let numbers: Vec<f64> = values
        .split(':')
        .map(|text| number(text).ok_or_else(|| format!("{name}: `{}` is no number", shown(text))))
        .collect::<Result<_, _>>()?;
    if numbers.len() > MAX_VALUES {
        return Err(format!("{name} has more than {MAX_VALUES} values"));
    }
    let last = numbers.last().copied().unwrap_or_default();
    match kind {
        "c" => Ok(Said::Count(numbers.iter().sum::<f64>() * weight)),
        // A sign says that the gauge changes, so that one below zero is reached from zero.
        "g" if values.starts_with(['+', '-']) => Ok(Said::GaugeBy(numbers.iter().sum())),
        "g" => Ok(Said::Gauge(last)),
        "ms" => Ok(Said::Timer(
            numbers.iter().map(|ms| ms / 1000.0).collect(),
            weight,
        )),
        "h" | "d" => Ok(Said::Histogram(numbers, weight)),
        other => Err(format!(
            "{name}: `{}` is no type; there are c, g, ms, h, d and s",
            shown(other)
        )),
    }
}

/// A finite number.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `name:value,flag`. What has no value is a flag.
fn tags(text: &str) -> Vec<(String, String)> {
    let tags = text.split(',').filter(|tag| !tag.is_empty());
    let mut tags: Vec<(String, String)> = tags
        .map(|tag| {
            let (name, value) = tag.split_once(':').unwrap_or((tag, "true"));
            (name.to_owned(), value.to_owned())
        })
        .collect();
    tags.sort();
    // The last of a name counts.
    tags.reverse();
    tags.dedup_by(|a, b| a.0 == b.0);
    tags.reverse();
    tags
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> Said {
        parse(line).unwrap().said
    }

    #[test]
    fn every_type_is_read_with_rates_tags_and_several_values() {
        assert_eq!(said("a:3|c"), Said::Count(3.0));
        assert_eq!(said("a:1|c|@0.1"), Said::Count(10.0));
        assert_eq!(said("a:1:2:3|c"), Said::Count(6.0));
        assert_eq!(said("a:7.5|g"), Said::Gauge(7.5));
        assert_eq!(said("a:-3|g"), Said::GaugeBy(-3.0));
        assert_eq!(said("a:+3|g"), Said::GaugeBy(3.0));
        assert_eq!(said("a:320|ms|@0.5"), Said::Timer(vec![0.32], 2.0));
        assert_eq!(said("a:1:2|h"), Said::Histogram(vec![1.0, 2.0], 1.0));
        assert_eq!(said("a:bob:x|s"), Said::Member("bob:x".into()));
        let line = parse("web.hits:1|c|@1|#route:/a:b,canary,env:eu|c:0123|T1656581400").unwrap();
        let tags: Vec<(&str, &str)> = line.tags.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(tags, [("canary", "true"), ("env", "eu"), ("route", "/a:b")]);
    }

    #[test]
    fn what_is_no_line_is_told() {
        for (line, reason) in [
            ("", "no `:`"),
            ("hello", "no `:`"),
            (":1|c", "name must be"),
            ("a:1", "no type"),
            ("a:x|c", "`x` is no number"),
            ("a:NaN|g", "no number"),
            ("a:1|q", "`q` is no type"),
            ("a:1|c|@0", "no sample rate"),
            ("a:1|c|@2", "no sample rate"),
            ("a:|s", "empty member"),
            ("_e{5,4}:title|text", "events are not taken"),
            ("_sc|name|0", "service checks"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
