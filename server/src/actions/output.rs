//! What a run prints: kept up to a cap, and published as it comes.

use super::RunOutlet;
use farol_model::action::{OutputStream, RunEvent};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Kept of a run that does not say otherwise, bytes.
pub const DEFAULT_LIMIT_BYTES: u64 = 256 * 1024;

/// The pieces that a run has printed so far.
#[derive(Debug, Clone, Default)]
pub struct Printed {
    pub pieces: Vec<(OutputStream, String)>,
    pub bytes: u64,
    pub truncated: bool,
}

/// Takes what a run prints. Cheap to clone.
#[derive(Clone)]
pub struct OutputSink {
    run: Arc<str>,
    outlet: Arc<dyn RunOutlet>,
    limit_bytes: Arc<AtomicU64>,
    /// Held while a piece is added and published, so that both have one order.
    printed: Arc<Mutex<Printed>>,
}

impl OutputSink {
    pub fn new(run: &str, outlet: Arc<dyn RunOutlet>) -> Self {
        OutputSink {
            run: run.into(),
            outlet,
            limit_bytes: Arc::new(AtomicU64::new(DEFAULT_LIMIT_BYTES)),
            printed: Arc::default(),
        }
    }

    /// Sets how much is kept, bytes. To be called before anything is written.
    pub fn limit(&self, bytes: u64) {
        self.limit_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Adds a piece. Above the cap pieces are dropped; that is told once. The run itself goes on.
    pub fn write(&self, stream: OutputStream, text: &str) {
        if text.is_empty() {
            return;
        }
        let limit_bytes = self.limit_bytes.load(Ordering::Relaxed);
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        if printed.truncated {
            return;
        }
        let left = usize::try_from(limit_bytes.saturating_sub(printed.bytes)).unwrap_or(usize::MAX);
        let kept = &text[..text.floor_char_boundary(left)];
        if !kept.is_empty() {
            printed.bytes += kept.len() as u64;
            printed.pieces.push((stream, kept.to_owned()));
            self.outlet.event(
                &self.run,
                &RunEvent::Output {
                    stream,
                    text: kept.to_owned(),
                },
            );
        }
        if kept.len() < text.len() {
            printed.truncated = true;
            self.outlet.event(&self.run, &RunEvent::Truncated { limit_bytes });
        }
    }

    /// What was printed so far.
    pub fn printed(&self) -> Printed {
        self.printed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Turns bytes into text piece by piece: a character that is cut in two by a read is put together again, and what is no
/// UTF-8 becomes U+FFFD.
#[derive(Debug, Default)]
pub struct Utf8Pieces {
    /// The beginning of a character, at most three bytes.
    rest: Vec<u8>,
}

impl Utf8Pieces {
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let cut = all.len() - unfinished(&all);
        self.rest = all.split_off(cut);
        String::from_utf8_lossy(&all).into_owned()
    }

    /// What is left at the end.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.rest)).into_owned()
    }
}

/// Bytes at the end that begin a character and do not finish it.
fn unfinished(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let wanted = match byte {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            0b1000_0000..=0b1011_1111 => continue,
            _ => return 0,
        };
        return if back < wanted { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl RunOutlet for Nowhere {
        fn event(&self, _: &str, _: &RunEvent) {}
        fn closed(&self, _: &str) {}
    }

    #[test]
    fn above_the_cap_output_is_cut_at_a_character_and_told_once() {
        let sink = OutputSink::new("r", Arc::new(Nowhere));
        sink.limit(4);
        sink.write(OutputStream::Stdout, "abé!");
        sink.write(OutputStream::Stdout, "more");
        let printed = sink.printed();
        assert_eq!(printed.pieces, [(OutputStream::Stdout, "abé".to_owned())]);
        assert!(printed.truncated);
    }

    #[test]
    fn a_character_cut_by_a_read_is_put_together() {
        let bytes = "aé漢🦀z".as_bytes();
        for cut in 0..bytes.len() {
            let mut pieces = Utf8Pieces::default();
            let text = pieces.push(&bytes[..cut]) + &pieces.push(&bytes[cut..]) + &pieces.finish();
            assert_eq!(text, "aé漢🦀z", "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_text_is_shown_as_such_and_never_lost() {
        let mut pieces = Utf8Pieces::default();
        let text = pieces.push(b"a\xff\xfeb\xf0") + &pieces.finish();
        assert_eq!(text, "a\u{fffd}\u{fffd}b\u{fffd}");
    }
}
