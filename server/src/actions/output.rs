//! What a run prints: cleaned, kept up to a cap, and published as it comes.
//!
//! Pieces wait here until the store has them (see `runner/keep.rs`), [`UNSAVED_BYTES`] at most: who prints faster waits in
//! [`OutputSink::room`]. Secrets are hidden ([`secrets`]) and escape sequences but colours are taken out ([`ansi`]) before
//! anybody sees a piece.

pub mod ansi;
mod lines;
mod secrets;

use super::RunOutlet;
use ansi::Ansi;
use farol_model::action::{OutputStream, RunEvent};
use lines::{Lines, place};
use regex::Regex;
use secrets::Secrets;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;

/// Kept of a run that does not say otherwise, bytes.
pub const DEFAULT_LIMIT_BYTES: u64 = 10 * 1024 * 1024;
/// Pieces that the store does not have yet, bytes.
pub const UNSAVED_BYTES: usize = 1024 * 1024;
/// Small pieces of one stream are joined up to this before they are stored, bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// The pieces that are held here.
#[derive(Debug, Clone, Default)]
pub struct Printed {
    pub pieces: Vec<(OutputStream, String)>,
    /// Number of the first piece: how many the store has.
    pub first: u64,
    /// Printed in all, up to the cap.
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
    held: Arc<Mutex<Held>>,
    /// Something is to be stored.
    news: Arc<Notify>,
    /// Something has been stored.
    stored: Arc<Notify>,
    /// Half of what may wait is there.
    filling: Arc<Notify>,
}

#[derive(Default)]
struct Held {
    printed: Printed,
    /// Bytes of the pieces.
    unsaved: usize,
    /// Pieces at the front that are being stored and must stay as they are.
    on_the_way: usize,
    secrets: [Secrets; 2],
    ansi: [Ansi; 2],
    lines: Lines,
    pid: Option<u32>,
    /// Whether somebody stores what is printed. Otherwise it all stays here.
    kept: bool,
}

impl OutputSink {
    pub fn new(run: &str, outlet: Arc<dyn RunOutlet>) -> Self {
        OutputSink {
            run: run.into(),
            outlet,
            limit_bytes: Arc::new(AtomicU64::new(DEFAULT_LIMIT_BYTES)),
            held: Arc::default(),
            news: Arc::default(),
            stored: Arc::default(),
            filling: Arc::default(),
        }
    }

    /// Sets how much is kept, bytes. To be called before anything is written.
    pub fn limit(&self, bytes: u64) {
        self.limit_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Values that nobody may see. To be called before anything is written.
    pub fn hide(&self, values: &[String]) {
        self.held().secrets = [Secrets::new(values), Secrets::new(values)];
    }

    /// The process that the run is, for who asks after Farol has stopped in mid-run.
    pub fn began(&self, pid: Option<u32>) {
        self.held().pid = pid;
        self.news.notify_one();
    }

    pub fn pid(&self) -> Option<u32> {
        self.held().pid
    }

    /// From now on a line that matches is looked for.
    pub fn want(&self, pattern: Regex) {
        self.held().lines.want(pattern);
    }

    /// Whether a line that was [wanted](Self::want) has come.
    pub fn found(&self) -> bool {
        self.held().lines.found()
    }

    /// The line that failed first, as far as that can be told.
    pub fn first_fault(&self) -> Option<String> {
        self.held().lines.first_fault().map(str::to_owned)
    }

    /// Adds a piece. Above the cap pieces are dropped; that is told once. The run itself goes on.
    pub fn write(&self, stream: OutputStream, text: &str) {
        let mut held = self.held();
        let text = held.secrets[place(stream)].push(text);
        let text = held.ansi[place(stream)].push(&text);
        self.add(&mut held, stream, &text);
    }

    /// Adds what was held back because it might have been the beginning of something.
    pub fn finish(&self) {
        let mut held = self.held();
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            let text = held.secrets[place(stream)].finish();
            let ansi = &mut held.ansi[place(stream)];
            let text = ansi.push(&text) + &ansi.finish();
            self.add(&mut held, stream, &text);
        }
        held.lines.finish();
    }

    fn add(&self, held: &mut Held, stream: OutputStream, text: &str) {
        if text.is_empty() {
            return;
        }
        held.lines.push(stream, text);
        if held.printed.truncated {
            return;
        }
        let limit_bytes = self.limit_bytes.load(Ordering::Relaxed);
        let left = usize::try_from(limit_bytes.saturating_sub(held.printed.bytes)).unwrap_or(usize::MAX);
        let kept = &text[..text.floor_char_boundary(left)];
        if !kept.is_empty() {
            held.take(stream, kept);
            let text = kept.to_owned();
            self.outlet.event(&self.run, &RunEvent::Output { stream, text });
        }
        if kept.len() < text.len() {
            held.printed.truncated = true;
            self.outlet.event(&self.run, &RunEvent::Truncated { limit_bytes });
        }
        self.news.notify_one();
        if held.unsaved > UNSAVED_BYTES / 2 {
            self.filling.notify_one();
        }
    }

    /// What is held here: all that was printed, or what the store does not have yet.
    pub fn printed(&self) -> Printed {
        self.held().printed.clone()
    }

    /// Waits until there is room for more.
    pub async fn room(&self) {
        loop {
            let stored = self.stored.notified();
            {
                let held = self.held();
                if !held.kept || held.unsaved < UNSAVED_BYTES {
                    return;
                }
            }
            stored.await;
        }
    }

    /// Waits for something to store. Pieces are kept here until [`stored`](Self::stored) takes them away.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// Waits until it is time to store, however short ago that was.
    pub async fn full(&self) {
        self.filling.notified().await;
    }

    /// From now on somebody stores what is printed.
    pub fn keep(&self) {
        self.held().kept = true;
    }

    /// What is to be stored now.
    pub fn to_store(&self) -> Printed {
        let mut held = self.held();
        held.on_the_way = held.printed.pieces.len();
        held.printed.clone()
    }

    /// So many pieces at the front have been stored, or cannot be.
    pub fn stored(&self, count: usize) {
        {
            let mut held = self.held();
            let count = count.min(held.printed.pieces.len());
            let gone: usize = held
                .printed
                .pieces
                .drain(..count)
                .map(|(_, text)| text.len())
                .sum();
            held.unsaved -= gone;
            held.printed.first += count as u64;
            held.on_the_way = 0;
        }
        self.stored.notify_waiters();
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn take(&mut self, stream: OutputStream, text: &str) {
        self.printed.bytes += text.len() as u64;
        self.unsaved += text.len();
        let free = self.kept && self.printed.pieces.len() > self.on_the_way;
        match self.printed.pieces.last_mut() {
            Some((last, so_far)) if free && *last == stream && so_far.len() + text.len() <= PIECE_BYTES => {
                so_far.push_str(text);
            }
            _ => self.printed.pieces.push((stream, text.to_owned())),
        }
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
    fn pieces_are_joined_until_they_are_on_their_way_to_the_store() {
        let sink = OutputSink::new("r", Arc::new(Nowhere));
        sink.keep();
        sink.write(OutputStream::Stdout, "a");
        sink.write(OutputStream::Stdout, "b");
        assert_eq!(sink.to_store().pieces.len(), 1);
        sink.write(OutputStream::Stdout, "c");
        assert_eq!(
            sink.printed().pieces.len(),
            2,
            "what is being stored stays as it is"
        );
        sink.stored(1);
        let left = sink.printed();
        assert_eq!(
            (left.first, left.pieces),
            (1, vec![(OutputStream::Stdout, "c".to_owned())])
        );
    }

    #[tokio::test]
    async fn who_prints_faster_than_it_is_stored_waits() {
        let sink = OutputSink::new("r", Arc::new(Nowhere));
        sink.keep();
        sink.write(OutputStream::Stdout, &"x".repeat(UNSAVED_BYTES));
        let waiting = tokio::spawn({
            let sink = sink.clone();
            async move { sink.room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        sink.stored(sink.to_store().pieces.len());
        waiting.await.unwrap();
    }

    #[test]
    fn a_secret_is_in_no_piece_and_no_event() {
        struct Told(Mutex<String>);
        impl RunOutlet for Told {
            fn event(&self, _: &str, event: &RunEvent) {
                if let RunEvent::Output { text, .. } = event {
                    self.0.lock().unwrap().push_str(text);
                }
            }
            fn closed(&self, _: &str) {}
        }
        let told = Arc::new(Told(Mutex::default()));
        let sink = OutputSink::new("r", told.clone());
        sink.hide(&["hunter2".to_owned()]);
        sink.write(OutputStream::Stderr, "wrong password: hun");
        sink.write(OutputStream::Stderr, "ter2\n");
        sink.finish();
        assert_eq!(*told.0.lock().unwrap(), "wrong password: [redacted]\n");
        assert_eq!(sink.first_fault().as_deref(), Some("wrong password: [redacted]"));
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
