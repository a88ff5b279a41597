//! What all figures of a page share: which time, how it is looked at, where it came from, and the addresses of all else.

use super::{Look, Past, PastSeries, Range, bar::Place};
use crate::pages::drawn::href;
use farol_model::{action::Mark, metric::MetricSpec};
use std::collections::{BTreeMap, HashSet};

/// Selectors of one question to the API at most.
const MAX_SELECTORS: usize = 32;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The page without its time and its look. None: the figures have no links.
    pub place: Option<Place<'a>>,
    pub source: Source<'a>,
    pub range: &'a Range,
    pub look: &'a Look,
    pub past: &'a Past,
    /// What was read of the time that is compared with.
    pub earlier: Option<&'a Past>,
    pub marks: &'a [Mark],
}

/// Where series came from, for addresses that ask for them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// All of a channel.
    Channel(&'a str),
    /// What an expression says.
    Expression(&'a str),
}

impl<'a> Frame<'a> {
    /// Figures without links, looked at as usual.
    pub fn plain(past: &'a Past, range: &'a Range, marks: &'a [Mark], look: &'a Look) -> Frame<'a> {
        Frame {
            place: None,
            source: Source::Expression(""),
            range,
            look,
            past,
            earlier: None,
            marks,
        }
    }

    /// This page looked at otherwise.
    pub fn href(&self, look: &Look) -> Option<String> {
        self.link(look, &self.range.query())
    }

    /// The same with a time that stays what it is.
    pub fn fixed(&self, look: &Look) -> Option<String> {
        self.link(look, &self.range.fixed())
    }

    fn link(&self, look: &Look, range: &[(&'static str, String)]) -> Option<String> {
        let place = self.place?;
        let range = range.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs: Vec<(&str, &str)> = place
            .query
            .iter()
            .copied()
            .chain(range)
            .chain(look.query())
            .collect();
        Some(href(place.path, &pairs))
    }

    /// An address of the API that asks for these series of this time, with more parameters. None where no question names them.
    pub fn api(&self, path: &str, series: &[&PastSeries], more: &[(&str, &str)]) -> Option<String> {
        self.asking(path, &self.questions(series), more)
    }

    /// An address of the API with these questions. None where there are none, or more than one address may have.
    pub(super) fn asking(&self, path: &str, asked: &[String], more: &[(&str, &str)]) -> Option<String> {
        let name = match self.source {
            Source::Channel(_) => "match",
            Source::Expression(_) => "expr",
        };
        if asked.is_empty() || asked.len() > MAX_SELECTORS {
            return None;
        }
        let times = self.range.times();
        let mut pairs: Vec<(&str, &str)> = asked.iter().map(|asked| (name, asked.as_str())).collect();
        pairs.extend(times.iter().map(|(name, value)| (*name, value.as_str())));
        pairs.extend_from_slice(more);
        Some(href(path, &pairs))
    }

    /// All of a channel as a file.
    pub fn whole_channel(&self, channel: &str) -> Option<String> {
        let all = format!("{{channel={}}}", quoted(channel));
        let times = self.range.times();
        let times = times.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs: Vec<(&str, &str)> = [("match", all.as_str())].into_iter().chain(times).collect();
        Some(href("/api/v1/export.csv", &pairs))
    }

    /// These series on the page that finds and combines series.
    pub fn explore(&self, series: &[&PastSeries]) -> Option<String> {
        let asked = self.questions(series);
        let times = self.range.query();
        let pairs = asked.iter().map(|asked| ("p", asked.as_str()));
        let pairs = pairs.chain(times.iter().map(|(name, value)| (*name, value.as_str())));
        (!asked.is_empty()).then(|| href("/explore", &pairs.collect::<Vec<_>>()))
    }

    /// What asks for these series.
    pub(super) fn questions(&self, series: &[&PastSeries]) -> Vec<String> {
        match self.source {
            Source::Channel(channel) => selectors(channel, series, &self.past.series),
            Source::Expression("") => Vec::new(),
            Source::Expression(expression) => vec![expression.to_owned()],
        }
    }
}

/// Selectors that mean these series and no others of the channel: one for each name, with as many labels as it takes. None at all
/// where there would be more than a question may have.
fn selectors(channel: &str, series: &[&PastSeries], all: &[PastSeries]) -> Vec<String> {
    let mut names: BTreeMap<&str, (Vec<&MetricSpec>, Vec<&MetricSpec>)> = BTreeMap::new();
    for one in series {
        names.entry(&one.spec.name).or_default().0.push(&one.spec);
    }
    if names.len() > MAX_SELECTORS {
        return Vec::new();
    }
    let ours: HashSet<String> = series.iter().map(|one| one.spec.key()).collect();
    for one in all.iter().filter(|one| !ours.contains(&one.spec.key())) {
        if let Some((_, others)) = names.get_mut(one.spec.name.as_str()) {
            others.push(&one.spec);
        }
    }
    let one = |(name, (ours, others)): (&str, (Vec<&MetricSpec>, Vec<&MetricSpec>))| {
        let mut conditions = vec![format!("channel={}", quoted(channel))];
        conditions.extend(telling(&ours, others));
        format!("{name}{{{}}}", conditions.join(","))
    };
    names.into_iter().map(one).collect()
}

/// Conditions that hold for all of ours and, as far as labels go, for none of the others.
fn telling(ours: &[&MetricSpec], mut others: Vec<&MetricSpec>) -> Vec<String> {
    let mut conditions = Vec::new();
    let names = ours.first().map_or(&[][..], |first| first.labels.as_slice());
    for label in names.iter().map(|label| label.name.as_str()) {
        let value = |spec: &MetricSpec| spec.label_value(label).unwrap_or_default().to_owned();
        let mut values: Vec<String> = ours.iter().map(|spec| value(spec)).collect();
        values.sort();
        values.dedup();
        let before = others.len();
        others.retain(|spec| values.contains(&value(spec)));
        if others.len() == before {
            continue;
        }
        conditions.push(match values.as_slice() {
            [one] => format!("{label}={}", quoted(one)),
            many => format!(
                "{label}=~{}",
                quoted(
                    &many
                        .iter()
                        .map(|value| literal(value))
                        .collect::<Vec<_>>()
                        .join("|")
                )
            ),
        });
    }
    conditions
}

/// A text in a selector.
pub(crate) fn quoted(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{text}\"")
}

/// A text as a regular expression that matches it alone.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\.+*?()|[]{}^$#&-~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
