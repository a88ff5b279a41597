//! What one connection has sent and received: counts, and the last frames.

use super::framed::Framed;
use bytes::Bytes;
use farol_model::connection::Flow;
use std::{collections::VecDeque, time::Duration};

/// Frames that are remembered.
pub const REMEMBERED: usize = 50;
/// Above so many there is room for all that are remembered.
const FEW: usize = 16;
/// Larger frames are remembered by their size alone, so that a connection does not keep large states in memory.
const REMEMBERED_BYTES: usize = 4 * 1024;

/// See the module. Plain: the outbox guards it with the lock that it takes anyway.
#[derive(Debug, Default, Clone)]
pub struct Traffic {
    pub counts: Counts,
    /// The last frames, oldest first. Empty until something is sent.
    recent: VecDeque<Kept>,
    rates: Rates,
}

/// What passed between the last two looks.
#[derive(Debug, Default, Clone, Copy)]
struct Rates {
    before: [u64; 4],
    per_s: [f64; 4],
}

/// Since the connection began.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub frames_in: u64,
    pub bytes_in: u64,
    pub frames_out: u64,
    pub bytes_out: u64,
    /// Subscriptions that ended because their publications did not fit.
    pub conflations: u64,
    /// Time from the last ping to its answer; None before the first.
    pub round_trip: Option<Duration>,
    /// How far the client's clock is ahead of ours, milliseconds; None when it has not said.
    pub clock_ahead_ms: Option<i64>,
}

impl Counts {
    fn passed(&self) -> [u64; 4] {
        [self.frames_in, self.bytes_in, self.frames_out, self.bytes_out]
    }
}

/// One frame as it is kept: three words, because writing the record is most of what a delivery costs beside the socket.
#[derive(Debug, Clone)]
struct Kept {
    /// Milliseconds since the epoch, doubled; odd when it came in.
    when: i64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Shared with whoever else got it.
    Frame(Framed),
    /// It was too large to be kept.
    Bytes(usize),
}

/// One frame that passed.
#[derive(Debug, Clone)]
pub struct Seen {
    pub t_ms: i64,
    pub inbound: bool,
    pub size: usize,
    /// None when it was too large to be kept.
    pub bytes: Option<Bytes>,
}

impl Traffic {
    /// Takes the rates since the last look, which was so long ago.
    pub fn look(&mut self, ago: Duration) {
        let now = self.counts.passed();
        let secs = ago.as_secs_f64().max(0.001);
        for ((rate, before), now) in self.rates.per_s.iter_mut().zip(self.rates.before).zip(now) {
            *rate = (now - before) as f64 / secs;
        }
        self.rates.before = now;
    }

    /// What came in, and what went out.
    pub fn flows(&self) -> (Flow, Flow) {
        let passed = self.counts.passed();
        let flow = |frames: usize, bytes: usize| Flow {
            frames: passed[frames],
            bytes: passed[bytes],
            frames_per_s: self.rates.per_s[frames],
            bytes_per_s: self.rates.per_s[bytes],
        };
        (flow(0, 1), flow(2, 3))
    }

    pub fn received(&mut self, t_ms: i64, message: &Bytes) {
        self.counts.frames_in += 1;
        self.counts.bytes_in += message.len() as u64;
        if !message.is_empty() {
            self.remember(t_ms, true, message.clone().into());
        }
    }

    /// Takes the frames over.
    pub fn sent(&mut self, t_ms: i64, frames: &mut Vec<Framed>) {
        for frame in frames.drain(..) {
            self.counts.frames_out += 1;
            self.counts.bytes_out += frame.len() as u64;
            self.remember(t_ms, false, frame);
        }
    }

    fn remember(&mut self, t_ms: i64, inbound: bool, frame: Framed) {
        match self.recent.len() {
            // Exactly: then the newest takes the place in memory that the oldest leaves, and one place is touched, not two.
            // Not at once, because most connections that are idle never had more than a few.
            FEW => self.recent.reserve_exact(REMEMBERED - FEW),
            REMEMBERED => drop(self.recent.pop_front()),
            _ => {}
        }
        self.recent.push_back(Kept {
            when: t_ms << 1 | i64::from(inbound),
            what: match frame.len() {
                size if size > REMEMBERED_BYTES => What::Bytes(size),
                _ => What::Frame(frame),
            },
        });
    }

    /// The last frames, oldest first.
    pub fn recent(&self) -> impl Iterator<Item = Seen> {
        self.recent.iter().map(|kept| Seen {
            t_ms: kept.when >> 1,
            inbound: kept.when & 1 == 1,
            size: match &kept.what {
                What::Frame(frame) => frame.len(),
                What::Bytes(size) => *size,
            },
            bytes: match &kept.what {
                What::Frame(frame) => Some(Bytes::clone(frame)),
                What::Bytes(_) => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frames_are_remembered_and_large_ones_by_size_alone() {
        let mut traffic = Traffic::default();
        for t_ms in 0..60 {
            traffic.sent(t_ms, &mut vec![Bytes::from_static(b"x").into()]);
        }
        traffic.received(60, &Bytes::from(vec![0; REMEMBERED_BYTES + 1]));
        let recent: Vec<Seen> = traffic.recent().collect();
        assert_eq!(recent.len(), REMEMBERED);
        assert_eq!((recent[0].t_ms, recent[49].inbound), (11, true));
        assert_eq!((recent[49].size, recent[49].bytes.is_some()), (4097, false));
        assert_eq!(traffic.counts.frames_out, 60);
    }

    #[test]
    fn rates_are_those_between_the_last_two_looks() {
        let mut traffic = Traffic::default();
        traffic.sent(0, &mut vec![Bytes::from_static(b"four").into(); 2]);
        traffic.look(Duration::from_secs(2));
        let (received, sent) = traffic.flows();
        assert_eq!(
            (sent.frames, sent.bytes, sent.frames_per_s, sent.bytes_per_s),
            (2, 8, 1.0, 4.0)
        );
        assert_eq!(received, Flow::default());
        traffic.look(Duration::from_secs(1));
        assert_eq!(traffic.flows().1.bytes_per_s, 0.0);
    }
}
