//! From frames to requests, for one receiver: which series it gets, what they are called, what came of them since the last request.
//!
//! A series ends when it has no value, or is not there any more: then it is sent once as stale. Samples of one series are in the order of
//! their times, and none has the time of one before; what is not newer is left out and counted. You get it wrong when two series of Farol
//! have the same name and labels there: the receiver would refuse the whole request, so the second is left out and told.

use super::{
    message::{self, STALE, Sample},
    naming,
    queue::Meta,
};
use crate::history::{registry::Series, selector::Selector};
use farol_model::metric::MetricSpec;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// A clock that is set back by more than this is believed: it is for the receiver to say whether it takes older samples.
const SET_BACK_MS: i64 = 600_000;
/// A channel that says nothing for so many of its intervals, and so long at least, has ended.
const SILENT: (i64, i64) = (5, 10_000);
/// Bytes of a request at most before it is packed, about: then it is made, whatever the time.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that one sample takes.
const SAMPLE_BYTES: usize = 20;

/// See the module.
pub struct Gather {
    filter: Vec<Selector>,
    labels: BTreeMap<String, String>,
    host: String,
    max_samples: usize,
    /// Times up to here were sent before this process began.
    floor_ms: i64,
    channels: BTreeMap<Arc<str>, Channel>,
    /// Names that are taken.
    names: HashSet<Arc<[u8]>>,
    /// Series that are gone, with what is left to say of them.
    ended: Vec<Line>,
    samples: usize,
    bytes: usize,
    /// Samples left out since this was last asked.
    out_of_order: u64,
    /// A series that was left out because another has its name, to be told.
    twin: Option<String>,
    scratch: Vec<u8>,
}

struct Channel {
    schema: Arc<[MetricSpec]>,
    /// For each of the schema; None where it is not sent.
    lines: Vec<Option<Line>>,
    last_ms: i64,
    interval_ms: i64,
    ended: bool,
}

struct Line {
    labels: Arc<[u8]>,
    /// Its last sample was a value.
    alive: bool,
    last_ms: i64,
    samples: Vec<Sample>,
}

impl Gather {
    pub fn new(
        filter: Vec<Selector>,
        labels: BTreeMap<String, String>,
        host: &str,
        max_samples: usize,
    ) -> Gather {
        Gather {
            filter,
            labels,
            host: host.to_owned(),
            max_samples,
            floor_ms: i64::MIN,
            channels: BTreeMap::new(),
            names: HashSet::new(),
            ended: Vec::new(),
            samples: 0,
            bytes: 0,
            out_of_order: 0,
            twin: None,
            scratch: Vec::new(),
        }
    }

    /// Times up to here were sent by somebody before.
    pub fn set_floor(&mut self, floor_ms: i64) {
        self.floor_ms = floor_ms;
    }

    /// Whether a request is to be made now, whatever the time.
    pub fn is_full(&self) -> bool {
        self.samples >= self.max_samples || self.bytes >= MAX_BYTES
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// Whether a frame goes so far back that what was gathered has to be sent first.
    pub fn goes_back(&self, channel: &str, t_ms: i64) -> bool {
        let last = self.channels.get(channel).map(|known| known.last_ms);
        last.is_some_and(|last_ms| t_ms < last_ms.saturating_sub(SET_BACK_MS))
    }

    /// Takes a frame.
    pub fn frame(
        &mut self,
        channel: &str,
        schema: &Arc<[MetricSpec]>,
        t_ms: i64,
        interval_ms: u32,
        values: &[f64],
    ) {
        let known = self.channels.remove_entry(channel);
        let (name, mut known) = match known {
            Some((name, known)) if Arc::ptr_eq(&known.schema, schema) => (name, known),
            Some((name, known)) => {
                let last_ms = known.last_ms;
                let lines = self.relaid(&name, schema, known, t_ms);
                (name, Channel::new(schema, lines, last_ms))
            }
            None => {
                let name: Arc<str> = channel.into();
                let lines = self.laid(&name, schema, &mut HashMap::new());
                (name, Channel::new(schema, lines, self.floor_ms))
            }
        };
        let set_back = t_ms < known.last_ms.saturating_sub(SET_BACK_MS);
        for (line, value) in known.lines.iter_mut().zip(values) {
            let Some(line) = line else { continue };
            if set_back {
                line.last_ms = i64::MIN;
            }
            self.say(line, t_ms, *value);
        }
        if set_back {
            self.floor_ms = i64::MIN;
        }
        known.last_ms = if set_back { t_ms } else { known.last_ms.max(t_ms) };
        known.interval_ms = interval_ms.into();
        known.ended = false;
        self.channels.insert(name, known);
    }

    fn say(&mut self, line: &mut Line, t_ms: i64, value: f64) {
        let ends = value.is_nan();
        if ends && !line.alive {
            return;
        }
        if t_ms <= line.last_ms {
            self.out_of_order += u64::from(!ends);
            return;
        }
        line.alive = !ends;
        line.last_ms = t_ms;
        if line.samples.is_empty() {
            self.bytes += line.labels.len();
        }
        line.samples.push(Sample {
            value: if ends { STALE } else { value },
            timestamp: t_ms,
        });
        self.samples += 1;
        self.bytes += SAMPLE_BYTES;
    }

    /// The lines of another schema of a channel. Series that are in both go on; the others end.
    fn relaid(
        &mut self,
        channel: &Arc<str>,
        schema: &Arc<[MetricSpec]>,
        before: Channel,
        t_ms: i64,
    ) -> Vec<Option<Line>> {
        let lines = before.lines.into_iter().flatten();
        let mut old: HashMap<Arc<[u8]>, Line> = lines
            .map(|line| {
                self.names.remove(&line.labels);
                (line.labels.clone(), line)
            })
            .collect();
        let fresh = self.laid(channel, schema, &mut old);
        for line in old.into_values() {
            self.end(line, t_ms);
        }
        fresh
    }

    fn laid(
        &mut self,
        channel: &Arc<str>,
        schema: &Arc<[MetricSpec]>,
        old: &mut HashMap<Arc<[u8]>, Line>,
    ) -> Vec<Option<Line>> {
        let mut lines = Vec::with_capacity(schema.len());
        for spec in schema.iter() {
            let series = Series {
                id: 0,
                channel_id: 0,
                channel: channel.clone(),
                spec: spec.clone(),
            };
            let meant = self.filter.is_empty() || self.filter.iter().any(|one| one.matches(&series));
            if !meant {
                lines.push(None);
                continue;
            }
            let labels = naming::labels(channel, spec, &self.host, &self.labels);
            let labels: Arc<[u8]> = message::labels(labels).into();
            if !self.names.insert(labels.clone()) {
                self.twin
                    .get_or_insert_with(|| format!("{} of {channel}", spec.key()));
                lines.push(None);
                continue;
            }
            lines.push(Some(old.remove(&labels).unwrap_or(Line {
                labels,
                alive: false,
                last_ms: self.floor_ms,
                samples: Vec::new(),
            })));
        }
        lines
    }

    /// Says that a series is not there any more, and keeps what is left to say.
    fn end(&mut self, mut line: Line, t_ms: i64) {
        self.names.remove(&line.labels);
        let t_ms = t_ms.max(line.last_ms.saturating_add(1));
        self.say(&mut line, t_ms, f64::NAN);
        if !line.samples.is_empty() {
            self.ended.push(line);
        }
    }

    /// A channel is not there any more.
    pub fn gone(&mut self, channel: &str, t_ms: i64) {
        if let Some(known) = self.channels.remove(channel) {
            for line in known.lines.into_iter().flatten() {
                self.end(line, t_ms);
            }
        }
    }

    /// Ends the series of channels that have fallen silent.
    pub fn end_silent(&mut self, now_ms: i64) {
        let mut channels = std::mem::take(&mut self.channels);
        for known in channels.values_mut().filter(|known| !known.ended) {
            let patience = (known.interval_ms * SILENT.0).max(SILENT.1);
            if now_ms - known.last_ms <= patience {
                continue;
            }
            known.ended = true;
            // Where its next value would have been.
            let t_ms = known.last_ms.saturating_add(known.interval_ms.max(1));
            for line in known.lines.iter_mut().flatten() {
                self.say(line, t_ms, f64::NAN);
            }
        }
        self.channels = channels;
    }

    /// Makes a request of what was gathered, not packed yet.
    pub fn request(&mut self) -> Option<(Meta, Vec<u8>)> {
        if self.is_empty() {
            return None;
        }
        let mut meta = Meta {
            newest_ms: i64::MIN,
            oldest_ms: i64::MAX,
            samples: u32::try_from(self.samples).unwrap_or(u32::MAX),
        };
        let mut body = Vec::with_capacity(self.bytes);
        let mut put = |line: &mut Line, scratch: &mut Vec<u8>| {
            if let (Some(first), Some(last)) = (line.samples.first(), line.samples.last()) {
                meta.oldest_ms = meta.oldest_ms.min(first.timestamp);
                meta.newest_ms = meta.newest_ms.max(last.timestamp);
                message::put_series(&mut body, &line.labels, &line.samples, scratch);
                line.samples.clear();
            }
        };
        // Those that are gone first: one of the same name may have come back since.
        for mut line in self.ended.drain(..) {
            put(&mut line, &mut self.scratch);
        }
        for channel in self.channels.values_mut() {
            for line in channel.lines.iter_mut().flatten() {
                put(line, &mut self.scratch);
            }
        }
        (self.samples, self.bytes) = (0, 0);
        Some((meta, body))
    }

    /// Samples that were left out because they were not newer, since this was last asked.
    pub fn out_of_order(&mut self) -> u64 {
        std::mem::take(&mut self.out_of_order)
    }

    /// A series that was left out since this was last asked because another has its name.
    pub fn twin(&mut self) -> Option<String> {
        self.twin.take()
    }
}

impl Channel {
    fn new(schema: &Arc<[MetricSpec]>, lines: Vec<Option<Line>>, last_ms: i64) -> Channel {
        Channel {
            schema: schema.clone(),
            lines,
            last_ms,
            interval_ms: 1000,
            ended: false,
        }
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;
