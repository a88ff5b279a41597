//! Finding series by words that somebody types: letters left out, letters wrong, words in any order; best first.
//!
//! Each word must be found somewhere. In the name of a metric its letters need only come in this order (the crate `nucleo-matcher`, as
//! the editor Helix finds files), in labels, title, chart, channel and help it must stand as it is, where it counts less in this order.
//! When nothing is found, words that are nearly right are put right (edit distance, the crate `strsim`) and it is looked once more.

use super::{Inner, registry::Series, selector::Selector};
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{Atom, AtomKind, CaseMatching, Normalization},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Words of one search at most; those after it do not count.
const MAX_WORDS: usize = 8;
/// Letters of one word at most, likewise.
const MAX_LETTERS: usize = 64;
/// The least share of what a word scores against itself that counts: below, its letters are only strewn over the name.
const LEAST_SHARE: f32 = 0.6;
/// Letters of a word that may be wrong in one, and in two places.
const FORGIVEN: [usize; 2] = [4, 8];

/// What a word is worth by where it is found.
mod worth {
    pub const NAME: f32 = 100.0;
    pub const VALUE: f32 = 95.0;
    pub const VALUE_BEGINS: f32 = 80.0;
    pub const LABEL: f32 = 60.0;
    pub const TITLE: f32 = 70.0;
    pub const CHART: f32 = 60.0;
    pub const CHANNEL: f32 = 50.0;
    pub const HELP: f32 = 25.0;
    /// Within a word, not at its beginning.
    pub const INSIDE: f32 = 0.6;
}

/// A metric that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundMetric {
    /// One of its series.
    pub example: Arc<Series>,
    /// How many of its series were found.
    pub count: usize,
    /// Names of labels: first those that tell these series apart, then those that all of them have alike.
    pub labels: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Series in all.
    pub total: usize,
    /// Best first.
    pub metrics: Vec<FoundMetric>,
}

/// What is looked through, in small letters.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Which state of the registry it is of.
    of: u64,
    /// By name.
    metrics: Vec<(String, Vec<Entry>)>,
    /// Words that there are, to put typed ones right.
    vocabulary: BTreeSet<String>,
}

#[derive(Debug)]
struct Entry {
    series: Arc<Series>,
    values: Box<[String]>,
    labels: String,
    title: String,
    chart: String,
    channel: String,
    help: String,
}

impl Index {
    fn of<'a>(version: u64, all: impl Iterator<Item = &'a Arc<Series>>) -> Index {
        let mut metrics: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        let mut vocabulary = BTreeSet::new();
        for series in all {
            let spec = &series.spec;
            let entry = Entry {
                values: spec
                    .labels
                    .iter()
                    .map(|label| label.value.to_lowercase())
                    .collect(),
                labels: spec
                    .labels
                    .iter()
                    .map(|label| format!("{}={}\n", label.name, label.value).to_lowercase())
                    .collect(),
                title: spec.title.to_lowercase(),
                chart: spec.chart.to_lowercase(),
                channel: series.channel.to_lowercase(),
                help: spec.help.to_lowercase(),
                series: series.clone(),
            };
            let name = spec.name.to_lowercase();
            for text in [&name, &entry.title, &entry.chart]
                .into_iter()
                .chain(&*entry.values)
            {
                let words = text.split(|c: char| !c.is_alphanumeric());
                let words = words.filter(|word| (FORGIVEN[0]..=MAX_LETTERS).contains(&word.len()));
                for word in words.filter(|word| word.starts_with(|c: char| c.is_alphabetic())) {
                    if !vocabulary.contains(word) {
                        vocabulary.insert(word.to_owned());
                    }
                }
            }
            metrics.entry(name).or_default().push(entry);
        }
        Index {
            of: version,
            metrics: metrics.into_iter().collect(),
            vocabulary,
        }
    }

    /// Each series in which all words are found, and how well.
    fn search(&self, words: &[Vec<String>], meant: impl Fn(&Series) -> bool) -> Vec<(f32, &Arc<Series>)> {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let words: Vec<Vec<Needle<'_>>> = words
            .iter()
            .map(|alike| alike.iter().map(|word| Needle::of(word, &mut matcher)).collect())
            .collect();
        let mut found = Vec::new();
        let mut letters = Vec::new();
        for (name, entries) in &self.metrics {
            let name_scores: Vec<f32> = words
                .iter()
                .map(|alike| best(alike, |needle| needle.in_name(name, &mut letters, &mut matcher)))
                .collect();
            // Of two names that have all of it, the shorter one is nearer.
            let short = 1.0 / (1.0 + name.len() as f32 / 16.0);
            for entry in entries.iter().filter(|entry| meant(&entry.series)) {
                let mut scores = words
                    .iter()
                    .zip(&name_scores)
                    .map(|(alike, in_name)| best(alike, |needle| entry.score(needle.word, *in_name)));
                let all = scores.try_fold(0.0, |all: f32, score| (score > 0.0).then_some(all + score));
                if let Some(score) = all {
                    found.push((score + short, &entry.series));
                }
            }
        }
        found.sort_by(|(a, one), (b, other)| b.total_cmp(a).then(one.id.cmp(&other.id)));
        found
    }

    /// Words that there are and that are near to this one, which nobody has.
    fn near(&self, word: &str) -> Vec<String> {
        let letters = word.chars().count();
        let most = FORGIVEN.iter().filter(|least| letters >= **least).count();
        let mut near: Vec<(usize, &String)> = self
            .vocabulary
            .iter()
            .filter(|known| most > 0 && known.len().abs_diff(word.len()) <= most)
            .filter_map(|known| {
                let distance = strsim::osa_distance(known, word);
                (distance <= most).then_some((distance, known))
            })
            .collect();
        near.sort();
        near.into_iter()
            .take(MAX_WORDS)
            .map(|(_, known)| known.clone())
            .collect()
    }
}

struct Needle<'a> {
    word: &'a str,
    atom: Atom,
    /// What it scores against itself.
    whole: f32,
}

impl<'a> Needle<'a> {
    fn of(word: &'a str, matcher: &mut Matcher) -> Needle<'a> {
        let atom = Atom::new(
            word,
            CaseMatching::Ignore,
            Normalization::Smart,
            AtomKind::Fuzzy,
            false,
        );
        let mut letters = Vec::new();
        let whole = atom
            .score(Utf32Str::new(word, &mut letters), matcher)
            .unwrap_or(1)
            .max(1);
        Needle {
            word,
            atom,
            whole: f32::from(whole),
        }
    }

    fn in_name(&self, name: &str, letters: &mut Vec<char>, matcher: &mut Matcher) -> f32 {
        let score = self.atom.score(Utf32Str::new(name, letters), matcher);
        let share = score.map_or(0.0, |score| (f32::from(score) / self.whole).min(1.0));
        match share >= LEAST_SHARE {
            true => worth::NAME * share + if name == self.word { 10.0 } else { 0.0 },
            false => 0.0,
        }
    }
}

impl Entry {
    /// What a word is worth that is worth so much by its name already: where it could not be worth more, it is not looked for.
    fn score(&self, word: &str, in_name: f32) -> f32 {
        let value = |value: &String| match value.strip_prefix(word) {
            Some("") => worth::VALUE,
            Some(_) => worth::VALUE_BEGINS,
            None => 0.0,
        };
        let mut best = in_name;
        if worth::VALUE > best {
            best = self.values.iter().map(value).fold(best, f32::max);
        }
        for (text, worth) in [
            (&self.title, worth::TITLE),
            (&self.chart, worth::CHART),
            (&self.labels, worth::LABEL),
            (&self.channel, worth::CHANNEL),
            (&self.help, worth::HELP),
        ] {
            if worth > best {
                best = best.max(within(text, word, worth));
            }
        }
        best
    }
}

fn within(text: &str, word: &str, worth: f32) -> f32 {
    match text.find(word) {
        None => 0.0,
        Some(at) if text[..at].ends_with(char::is_alphanumeric) => worth * worth::INSIDE,
        Some(_) => worth,
    }
}

fn best<T>(alike: &[T], score: impl FnMut(&T) -> f32) -> f32 {
    alike.iter().map(score).fold(0.0, f32::max)
}

impl Inner {
    fn index(&self) -> Arc<Index> {
        let mut kept = super::lock_of(&self.index);
        let registry = self.read_registry();
        let version = registry.version();
        if kept.of != version {
            let all: Vec<Arc<Series>> = registry.all().cloned().collect();
            // Whoever writes does not wait for what is made of it.
            drop(registry);
            *kept = Arc::new(Index::of(version, all.iter()));
        }
        kept.clone()
    }

    /// Series that any selector matches (all of them without one) and in which all words are found, best first; without words in the
    /// order of their numbers.
    pub(super) fn find_series(&self, selectors: &[Selector], words: &str) -> Vec<Arc<Series>> {
        let meant = |series: &Series| {
            selectors.is_empty() || selectors.iter().any(|selector| selector.matches(series))
        };
        let words: Vec<Vec<String>> = words
            .split_whitespace()
            .take(MAX_WORDS)
            .map(|word| vec![word.chars().take(MAX_LETTERS).collect::<String>().to_lowercase()])
            .collect();
        if words.is_empty() {
            let registry = self.read_registry();
            return registry.all().filter(|series| meant(series)).cloned().collect();
        }
        let index = self.index();
        let mut found = index.search(&words, meant);
        if found.is_empty() {
            // Each word as it is, and as it may have been meant.
            let nearly = words.into_iter().map(|mut alike| {
                alike.extend(index.near(&alike[0]));
                alike
            });
            found = index.search(&nearly.collect::<Vec<_>>(), meant);
        }
        found.into_iter().map(|(_, series)| series.clone()).collect()
    }

    /// The metrics of them, so many at most.
    pub(super) fn find_metrics(&self, words: &str, limit: usize) -> Found {
        let all = self.find_series(&[], words);
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut metrics: Vec<Vec<&Arc<Series>>> = Vec::new();
        for series in &all {
            let place = *places.entry(&series.spec.name).or_insert(metrics.len());
            match metrics.get_mut(place) {
                Some(metric) => metric.push(series),
                None => metrics.push(vec![series]),
            }
        }
        let metrics = metrics.into_iter().take(limit).filter_map(|series| {
            Some(FoundMetric {
                example: (*series.first()?).clone(),
                count: series.len(),
                labels: labels(&series),
            })
        });
        Found {
            metrics: metrics.collect(),
            total: all.len(),
        }
    }
}

fn labels(series: &[&Arc<Series>]) -> Vec<String> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for label in series.iter().flat_map(|series| &series.spec.labels) {
        let known = values.entry(&label.name).or_default();
        // Two are enough to know that they differ.
        if known.len() < 2 {
            known.insert(&label.value);
        }
    }
    let (apart, alike): (Vec<_>, Vec<_>) = values.into_iter().partition(|(_, values)| values.len() > 1);
    let names = apart.into_iter().chain(alike);
    names.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::metric::{MetricSpec, Unit};

    fn index() -> Index {
        let mut all = Vec::new();
        let mut add = |channel: &str, spec: MetricSpec| {
            let id = all.len() as u32;
            all.push(Arc::new(Series {
                id,
                channel_id: 0,
                channel: channel.into(),
                spec,
            }));
        };
        let gauge = |name: &str, chart: &str, title: &str, help: &str| {
            MetricSpec::gauge(name, Unit::None, chart, title, help)
        };
        for device in ["sda", "sdb", "nvme0n1"] {
            let title = format!("{device} read");
            let spec = gauge(
                "disk_read_bytes_per_second",
                "Disk throughput",
                &title,
                "Bytes read from the device.",
            );
            add("metrics/local/disk", spec.label("device", device));
            let spec = gauge(
                "disk_busy_percent",
                "Disk use",
                device,
                "Time in which the device was busy.",
            );
            add("metrics/local/disk", spec.label("device", device));
        }
        let memory = gauge(
            "memory_available_bytes",
            "Memory",
            "available",
            "What programs can still get.",
        );
        add("metrics/local/memory", memory);
        let receive = gauge(
            "network_receive_bytes_per_second",
            "Traffic",
            "eth0 in",
            "Bytes that came in.",
        );
        add("metrics/web-1/network", receive.label("interface", "eth0"));
        Index::of(1, all.iter())
    }

    fn names(index: &Index, words: &str) -> Vec<String> {
        let words: Vec<Vec<String>> = words
            .split_whitespace()
            .map(|word| vec![word.to_owned()])
            .collect();
        let found = index.search(&words, |_| true).into_iter();
        found.map(|(_, series)| series.spec.key()).collect()
    }

    #[test]
    fn letters_in_order_find_a_name_and_labels_titles_and_channels_count_too() {
        let index = index();
        assert_eq!(
            names(&index, "dskrd sda"),
            ["disk_read_bytes_per_second{device=\"sda\"}"]
        );
        assert_eq!(names(&index, "memavail"), ["memory_available_bytes"]);
        assert_eq!(
            names(&index, "web-1"),
            ["network_receive_bytes_per_second{interface=\"eth0\"}"]
        );
        assert_eq!(names(&index, "device=sdb busy").len(), 1);
        assert_eq!(names(&index, "still programs"), ["memory_available_bytes"]);
        assert_eq!(names(&index, "throughput").len(), 3);
        assert!(names(&index, "xyzzy").is_empty());
        assert!(names(&index, "sda xyzzy").is_empty(), "each word must be there");
        assert_eq!(
            names(&index, "disk sdb")[0],
            "disk_busy_percent{device=\"sdb\"}",
            "the shorter of two"
        );
    }

    #[test]
    fn words_that_are_nearly_right_are_put_right() {
        let index = index();
        assert_eq!(index.near("memroy"), ["memory"]);
        assert_eq!(index.near("recieve"), ["receive"]);
        assert_eq!(index.near("througput"), ["throughput"]);
        assert!(index.near("sad").is_empty(), "a short word may be anything");
        assert!(index.near("xylophone").is_empty());
    }

    #[test]
    fn labels_that_tell_apart_come_first() {
        let index = index();
        let all: Vec<&Arc<Series>> = index
            .metrics
            .iter()
            .find(|(name, _)| name == "disk_busy_percent")
            .map(|(_, entries)| entries.iter().map(|entry| &entry.series).collect())
            .unwrap();
        assert_eq!(labels(&all), ["device"]);
    }
}
