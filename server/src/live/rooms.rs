//! Which rooms there are and which one goes first.

use super::{channel::Channel, limits::LiveLimits};
use std::{sync::Arc, time::Instant};

/// Rooms, in no order.
#[derive(Debug, Default)]
pub struct Rooms {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    channel: Arc<Channel>,
    /// When somebody was last seen in it, or spoke.
    used: Instant,
}

impl Entry {
    fn is_empty(&self) -> bool {
        !self.channel.with(|inner| inner.has_subscribers())
    }
}

impl Rooms {
    pub fn get(&mut self, name: &str, now: Instant) -> Option<Arc<Channel>> {
        let entry = self
            .entries
            .iter_mut()
            .find(|entry| entry.channel.key.name == name)?;
        entry.used = now;
        Some(entry.channel.clone())
    }

    /// Makes place for one more. At the limit the empty room that was used the longest ago goes; None when nobody has left any.
    pub fn make_place(&mut self, limits: &LiveLimits) -> Option<Option<Arc<Channel>>> {
        if self.entries.len() < limits.rooms {
            return Some(None);
        }
        let empty = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.is_empty());
        let (index, _) = empty.min_by_key(|(_, entry)| entry.used)?;
        Some(Some(self.entries.swap_remove(index).channel))
    }

    pub fn add(&mut self, channel: Arc<Channel>, now: Instant) {
        self.entries.push(Entry { channel, used: now });
    }

    /// Takes out the rooms that nobody has used for a while.
    pub fn expired(&mut self, limits: &LiveLimits, now: Instant) -> Vec<Arc<Channel>> {
        let mut gone = Vec::new();
        self.entries.retain_mut(|entry| {
            if !entry.is_empty() {
                entry.used = now;
            }
            let stays = now.saturating_duration_since(entry.used) < limits.room_keep;
            if !stays {
                gone.push(entry.channel.clone());
            }
            stays
        });
        gone
    }
}
