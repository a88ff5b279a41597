//! Which channels of runs there are and which one goes first.

use super::{channel::Channel, limits::LiveLimits};
use std::{collections::VecDeque, sync::Arc, time::Instant};

/// Channels of runs in order of birth.
#[derive(Debug, Default)]
pub struct Runs {
    entries: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    channel: Arc<Channel>,
    /// When the run ended; None while it runs.
    ended: Option<Instant>,
}

impl Runs {
    pub fn add(&mut self, channel: Arc<Channel>) {
        self.entries.push_back(Entry { channel, ended: None });
    }

    pub fn ended(&mut self, name: &str, now: Instant) {
        if let Some(entry) = self
            .entries
            .iter_mut()
            .find(|entry| entry.channel.key.name == name)
        {
            entry.ended.get_or_insert(now);
        }
    }

    /// Takes out the runs that ended longer ago than they are kept.
    pub fn expired(&mut self, limits: &LiveLimits, now: Instant) -> Vec<Arc<Channel>> {
        let mut gone = Vec::new();
        self.entries.retain(|entry| {
            let stays = entry
                .ended
                .is_none_or(|ended| now.saturating_duration_since(ended) < limits.run_keep);
            if !stays {
                gone.push(entry.channel.clone());
            }
            stays
        });
        gone
    }

    /// Takes out what is above the bounds: the run that ended first, or the oldest when none has ended. The newest stays
    /// in any case.
    pub fn above(&mut self, limits: &LiveLimits) -> Vec<Arc<Channel>> {
        let size = |entry: &Entry| entry.channel.with(|inner| inner.held_bytes());
        let mut total: usize = self.entries.iter().map(size).sum();
        let mut gone = Vec::new();
        while self.entries.len() > 1
            && (self.entries.len() > limits.run_channels || total > limits.run_total_bytes)
        {
            let first = self
                .entries
                .iter()
                .enumerate()
                .filter_map(|(index, entry)| Some((entry.ended?, index)))
                .min()
                .map_or(0, |(_, index)| index);
            if let Some(entry) = self.entries.remove(first) {
                total -= size(&entry);
                gone.push(entry.channel);
            }
        }
        gone
    }
}
