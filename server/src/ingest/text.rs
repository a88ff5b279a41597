//! The text formats of Prometheus: 0.0.4 (prometheus.io, "Exposition formats") and OpenMetrics 1.0 (openmetrics.io). Pure.
//!
//! One line that is wrong refuses all of it, with its number: half a scrape would look like a machine that lost half of itself.
//! Exemplars and `_created` are read over. Names in quotes (UTF-8 names) are not taken; we ask for names without.

use super::sample::{Sample, Shape, is_label_name, is_metric_name};
use std::{collections::HashMap, fmt};

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    OpenMetrics,
}

impl Format {
    /// As a `Content-Type` says.
    pub fn of(content_type: &str) -> Format {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        match kind.eq_ignore_ascii_case("application/openmetrics-text") {
            true => Format::OpenMetrics,
            false => Format::Text,
        }
    }
}

/// A line that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct BadLine {
    /// Counted from 1.
    pub line: usize,
    pub reason: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// What `# TYPE` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    Unknown,
}

#[derive(Default)]
struct Family<'a> {
    kind: Option<Type>,
    help: &'a str,
}

/// Latest time that is taken, milliseconds: the year 9999.
const MAX_T_MS: f64 = 253_402_300_799_000.0;

/// Reads all of it. Values without a time of their own are of `now_ms`.
pub fn parse(text: &str, format: Format, now_ms: i64) -> Result<Vec<Sample>, BadLine> {
    let mut families: HashMap<&str, Family<'_>> = HashMap::new();
    let mut samples = Vec::new();
    let mut ended = false;
    let mut last = 0;
    for (at, line) in text.lines().enumerate() {
        last = at + 1;
        let bad = |reason: String| BadLine { line: at + 1, reason };
        if ended {
            return Err(bad("something follows `# EOF`".to_owned()));
        }
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            ended = format == Format::OpenMetrics && comment == " EOF";
            describe(comment, &mut families).map_err(bad)?;
            continue;
        }
        if let Some(sample) = sample(line, format, now_ms, &families).map_err(bad)? {
            samples.push(sample);
        }
    }
    if format == Format::OpenMetrics && !ended {
        let reason = "`# EOF` is missing: it was cut off".to_owned();
        return Err(BadLine { line: last, reason });
    }
    Ok(samples)
}

/// `# HELP`, `# TYPE`; any other comment is none of ours.
fn describe<'a>(comment: &'a str, families: &mut HashMap<&'a str, Family<'a>>) -> Result<(), String> {
    let comment = comment.trim_start_matches([' ', '\t']);
    let (word, rest) = cut(comment);
    if word != "HELP" && word != "TYPE" {
        return Ok(());
    }
    let (name, rest) = cut(rest);
    if !is_metric_name(name) {
        return Err(format!("`{}` is no name of a metric", shown(name)));
    }
    let family = families.entry(name).or_default();
    if word == "HELP" {
        family.help = rest;
        return Ok(());
    }
    family.kind = Some(match rest {
        "counter" => Type::Counter,
        "gauge" => Type::Gauge,
        "histogram" => Type::Histogram,
        "gaugehistogram" => Type::GaugeHistogram,
        "summary" => Type::Summary,
        "info" => Type::Info,
        "stateset" => Type::StateSet,
        "untyped" | "unknown" => Type::Unknown,
        other => return Err(format!("`{}` is no type of a metric", shown(other))),
    });
    Ok(())
}

/// A line with a value; None where it is of no use to us.
fn sample(
    line: &str,
    format: Format,
    now_ms: i64,
    families: &HashMap<&str, Family<'_>>,
) -> Result<Option<Sample>, String> {
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    if !is_metric_name(name) {
        return Err(format!(
            "`{}` does not begin with the name of a metric",
            shown(line)
        ));
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => labels(inner)?,
        None => (Vec::new(), rest),
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    // An exemplar (OpenMetrics 1.0, "Exemplars").
    let rest = match format {
        Format::OpenMetrics => rest.split_once(" # ").map_or(rest, |(before, _)| before),
        Format::Text => rest,
    };
    let mut words = rest.split_ascii_whitespace();
    let value = words.next().ok_or_else(|| format!("{name} has no value"))?;
    let value = number(value).ok_or_else(|| format!("{name}: `{}` is no number", shown(value)))?;
    let t_ms = match words.next() {
        Some(time) => moment(time, format).ok_or_else(|| format!("{name}: `{}` is no time", shown(time)))?,
        None => now_ms,
    };
    if let Some(more) = words.next() {
        return Err(format!(
            "{name}: `{}` follows where the line should end",
            shown(more)
        ));
    }
    let (family, suffix) = family_of(name, families);
    let kind = family.and_then(|family| family.kind).unwrap_or(Type::Unknown);
    if suffix == "_created" && kind != Type::Unknown {
        return Ok(None);
    }
    Ok(Some(Sample {
        shape: shape(kind, name, suffix),
        labels,
        help: family.map_or_else(String::new, |family| unescape(family.help)),
        ..Sample::gauge(name, value, t_ms)
    }))
}

fn shape(kind: Type, name: &str, suffix: &str) -> Shape {
    let counted = match kind {
        Type::Counter => true,
        Type::Histogram => matches!(suffix, "_bucket" | "_count" | "_sum"),
        Type::Summary => matches!(suffix, "_count" | "_sum"),
        Type::Unknown => name.ends_with("_total"),
        Type::Gauge | Type::GaugeHistogram | Type::Info | Type::StateSet => false,
    };
    if counted { Shape::Counter } else { Shape::Gauge }
}

/// The family that a value belongs to, and what its name has beyond it.
fn family_of<'f, 'n, 't>(
    name: &'n str,
    families: &'f HashMap<&'t str, Family<'t>>,
) -> (Option<&'f Family<'t>>, &'n str) {
    if let Some(family) = families.get(name) {
        return (Some(family), "");
    }
    for suffix in [
        "_total", "_bucket", "_sum", "_count", "_created", "_gsum", "_gcount", "_info",
    ] {
        if let Some(base) = name.strip_suffix(suffix)
            && let Some(family) = families.get(base)
        {
            return (Some(family), &name[base.len()..]);
        }
    }
    (None, "")
}

/// Names and values.
type Labels = Vec<(String, String)>;

/// Labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Result<(Labels, &str), String> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (name, after) = rest
            .split_once('=')
            .ok_or_else(|| "the labels have no closing brace".to_owned())?;
        let name = name.trim_end_matches([' ', '\t']);
        if !is_label_name(name) {
            return Err(format!("`{}` is no name of a label", shown(name)));
        }
        let after = after
            .trim_start_matches([' ', '\t'])
            .strip_prefix('"')
            .ok_or_else(|| format!("the value of label {name} does not stand in quotes"))?;
        let end =
            quoted_end(after).ok_or_else(|| format!("the value of label {name} has no closing quote"))?;
        labels.push((name.to_owned(), unescape(&after[..end])));
        rest = after[end + 1..].trim_start_matches([' ', '\t']);
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err(format!("after label {name} there is neither `,` nor `}}`")),
        }
    }
}

/// Where the quote is that no backslash stands before.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    })
}

/// `\\`, `\"` and `\n`; before any other character a backslash is one.
fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other @ ('\\' | '"')) => out.push(other),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    out
}

/// As Go's `ParseFloat` has it, without hexadecimal and underscores.
fn number(text: &str) -> Option<f64> {
    let word = text.trim_start_matches(['+', '-']);
    let starts = word.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let special = ["inf", "infinity", "nan"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    (starts || special).then(|| text.parse().ok()).flatten()
}

/// Milliseconds in the one, seconds with a fraction in the other.
fn moment(text: &str, format: Format) -> Option<i64> {
    let ms = match format {
        Format::Text => text.parse::<i64>().ok()? as f64,
        Format::OpenMetrics => text.parse::<f64>().ok()? * 1000.0,
    };
    (0.0..=MAX_T_MS).contains(&ms).then_some(ms as i64)
}

/// The first word, and what follows it.
fn cut(text: &str) -> (&str, &str) {
    match text.split_once([' ', '\t']) {
        Some((word, rest)) => (word, rest.trim_start_matches([' ', '\t'])),
        None => (text, ""),
    }
}

/// Short enough for a message.
fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
