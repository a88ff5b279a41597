//! What a collector read: a schema that is kept while the layout stays, and values by position.
//!
//! A collector says all its series each time, in the same order. Each is compared with the one that had this place before; as
//! long as they agree, nothing is made but the numbers. From the first that differs, the rest of the schema is made anew. So
//! specs and values cannot get out of step, and a rate finds the total before it at its own place, without a map.

use super::metric::{Fields, Metric};
use farol_model::{metric::MetricSpec, process::ProcessRow};
use std::{sync::Arc, time::Instant};

/// Series of one chart at most; more go to a second chart of the same name and a number.
pub const MAX_PER_CHART: usize = 12;
/// Series of one reading at most. Above it the others are left out, and [`Reading::left_out`] counts them.
pub const MAX_SERIES: usize = 4000;
/// Between the name of a chart and the number of its part.
const PART: &str = ", part ";

/// See the module.
#[derive(Debug, Default)]
pub struct Reading {
    schema: Arc<[MetricSpec]>,
    values: Vec<f64>,
    /// What has been said, by place.
    slots: Vec<Slot>,
    /// The place that comes next.
    place: usize,
    /// Set once the layout has been seen to differ.
    anew: Option<Anew>,
    /// When this reading began, and how long after the one before.
    begun: Option<Instant>,
    elapsed_secs: f64,
    left_out: usize,
    table: Option<Vec<ProcessRow>>,
}

/// One place.
#[derive(Debug)]
struct Slot {
    /// Address of the [`Metric`] or of the [`Fields`].
    source: usize,
    /// Values of the labels, or the word of the field, each ended by a zero byte.
    labels: Box<str>,
    /// None: the word is left out.
    metric: Option<&'static Metric>,
    /// The total of the reading before.
    last: Option<u64>,
}

/// A layout in the making.
#[derive(Debug)]
struct Anew {
    /// Places of the layout before that were not said again yet.
    old: Vec<Slot>,
    specs: Vec<MetricSpec>,
}

impl Slot {
    fn is(&self, source: usize, labels: &[&str]) -> bool {
        if self.source != source {
            return false;
        }
        let mut rest: &str = &self.labels;
        for label in labels {
            match rest.strip_prefix(label).and_then(|rest| rest.strip_prefix('\0')) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

impl Reading {
    /// Begins a reading.
    pub fn begin(&mut self, now: Instant) {
        self.elapsed_secs = self.begun.replace(now).map_or(f64::NAN, |before| {
            now.saturating_duration_since(before).as_secs_f64()
        });
        self.values.clear();
        self.place = 0;
        self.left_out = 0;
        self.table = None;
    }

    /// Seconds since the reading before; NaN in the first.
    pub fn elapsed_secs(&self) -> f64 {
        self.elapsed_secs
    }

    /// Says a number. NaN is "no value".
    pub fn value(&mut self, metric: &'static Metric, labels: &[&str], value: f64) {
        if self
            .take(address(metric), labels, || {
                Some((metric, metric.spec(labels, None)))
            })
            .is_some()
        {
            self.values.push(value);
        }
    }

    /// Says a count of the kernel: as it stands, or as the rate that the metric is. None is "no value".
    pub fn count(&mut self, metric: &'static Metric, labels: &[&str], count: Option<u64>) {
        let found = self.take(address(metric), labels, || {
            Some((metric, metric.spec(labels, None)))
        });
        if let Some(at) = found {
            self.push_count(at, count);
        }
    }

    /// Says the count of a word.
    pub fn field(&mut self, fields: &'static Fields, word: &str, count: Option<u64>) {
        if let Some(at) = self.take(address(fields), &[word], || fields.resolve(word)) {
            self.push_count(at, count);
        }
    }

    /// The process table that came along.
    pub fn table(&mut self, rows: Vec<ProcessRow>) {
        self.table = Some(rows);
    }

    /// Series that found no place in this reading.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    fn push_count(&mut self, at: usize, count: Option<u64>) {
        let elapsed = self.elapsed_secs;
        let slot = &mut self.slots[at];
        let before = std::mem::replace(&mut slot.last, count);
        let Some(metric) = slot.metric else {
            return;
        };
        let value = match (count, before) {
            (Some(count), _) if !metric.is_rate => count as f64 * metric.scale,
            // A total that shrank was reset, and what happened in between is unknown.
            (Some(count), Some(before)) if count >= before && elapsed > 0.0 => {
                (count - before) as f64 * metric.scale / elapsed
            }
            _ => f64::NAN,
        };
        self.values.push(value);
    }

    /// The place of what is said now. None when it has none: a word that is left out, or one series too many.
    fn take(
        &mut self,
        source: usize,
        labels: &[&str],
        resolve: impl FnOnce() -> Option<(&'static Metric, MetricSpec)>,
    ) -> Option<usize> {
        let at = self.place;
        if self.anew.is_none() {
            if self.slots.get(at).is_some_and(|slot| slot.is(source, labels)) {
                self.place += 1;
                return self.slots[at].metric.is_some().then_some(at);
            }
            if self.values.len() >= MAX_SERIES {
                self.left_out += 1;
                return None;
            }
            let old = self.slots.split_off(at);
            let specs = self.schema[..self.values.len()].to_vec();
            self.anew = Some(Anew { old, specs });
        }
        let anew = self.anew.as_mut()?;
        if anew.specs.len() >= MAX_SERIES {
            self.left_out += 1;
            return None;
        }
        let last = match anew.old.iter().position(|slot| slot.is(source, labels)) {
            // Those before it have gone, or come later: either way they are looked for from the beginning.
            Some(found) => anew.old.remove(found).last,
            None => None,
        };
        let (metric, spec) = resolve().unzip();
        anew.specs.extend(spec);
        self.slots.push(Slot {
            source,
            labels: labels
                .iter()
                .flat_map(|label| [*label, "\0"])
                .collect::<String>()
                .into(),
            metric,
            last,
        });
        self.place += 1;
        metric.map(|_| at)
    }

    /// Ends a reading: the schema is the same `Arc` as before while the layout is.
    pub fn end(&mut self) {
        let specs = match self.anew.take() {
            Some(anew) => anew.specs,
            None if self.place < self.slots.len() => {
                self.slots.truncate(self.place);
                self.schema[..self.values.len()].to_vec()
            }
            None => return,
        };
        self.schema = parted(specs).into();
    }

    pub fn schema(&self) -> &Arc<[MetricSpec]> {
        &self.schema
    }

    /// The values, by the places of their specs.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Takes the values out, for whoever keeps them.
    pub fn take_values(&mut self) -> Vec<f64> {
        let room = Vec::with_capacity(self.values.len());
        std::mem::replace(&mut self.values, room)
    }

    /// Takes the process table out, if there is one.
    pub fn take_table(&mut self) -> Option<Vec<ProcessRow>> {
        self.table.take()
    }

    /// The value of the first series of this name.
    pub fn value_of(&self, name: &str) -> Option<f64> {
        let at = self.schema.iter().position(|spec| spec.name == name)?;
        self.values.get(at).copied()
    }
}

fn address<T>(thing: &'static T) -> usize {
    std::ptr::from_ref(thing).addr()
}

/// The same specs, with no more than [`MAX_PER_CHART`] in a chart.
fn parted(mut specs: Vec<MetricSpec>) -> Vec<MetricSpec> {
    let mut counts: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for spec in &mut specs {
        let name = spec.chart.split(PART).next().unwrap_or_default().to_owned();
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        spec.chart = match count.div_ceil(MAX_PER_CHART) {
            1 => name,
            part => format!("{name}{PART}{part}"),
        };
    }
    specs
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
