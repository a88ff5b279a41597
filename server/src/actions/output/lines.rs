//! What is remembered of the lines that a run prints: the first that speaks of a fault.

use super::ansi::plain;
use farol_model::action::OutputStream;
use regex::Regex;

/// Kept of one line, characters.
const MAX_LINE_CHARS: usize = 300;

/// Words by which programs say that something went wrong, in lower case.
const FAULT_WORDS: [&str; 12] = [
    "error",
    "failed",
    "failure",
    "fatal",
    "panic",
    "denied",
    "refused",
    "cannot",
    "not found",
    "no such",
    "unable to",
    "exception",
];

/// Watches both streams.
#[derive(Debug, Default)]
pub struct Lines {
    /// Lines that have not ended yet, of stdout and stderr.
    open: [String; 2],
    first_word: Option<String>,
    first_stderr: Option<String>,
    /// Something that must be printed for the run to count as a success.
    wanted: Option<Regex>,
    found: bool,
}

impl Lines {
    pub fn push(&mut self, stream: OutputStream, text: &str) {
        let text = plain(text);
        let mut parts = text.split('\n').peekable();
        while let Some(part) = parts.next() {
            let open = &mut self.open[place(stream)];
            let room = MAX_LINE_CHARS.saturating_sub(open.chars().count());
            open.extend(part.chars().take(room));
            if parts.peek().is_some() {
                let line = std::mem::take(open);
                self.line(stream, line);
            }
        }
    }

    /// Ends the lines that have no end.
    pub fn finish(&mut self) {
        for stream in [OutputStream::Stdout, OutputStream::Stderr] {
            let line = std::mem::take(&mut self.open[place(stream)]);
            self.line(stream, line);
        }
    }

    /// From now on a line that matches is looked for.
    pub fn want(&mut self, pattern: Regex) {
        self.wanted = Some(pattern);
        self.found = false;
    }

    pub fn found(&self) -> bool {
        self.found
    }

    /// The first line that speaks of a fault, else the first on the error output.
    pub fn first_fault(&self) -> Option<&str> {
        self.first_word.as_deref().or(self.first_stderr.as_deref())
    }

    fn line(&mut self, stream: OutputStream, line: String) {
        if self.wanted.as_ref().is_some_and(|wanted| wanted.is_match(&line)) {
            self.found = true;
        }
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        if self.first_word.is_none() {
            let lower = line.to_lowercase();
            if FAULT_WORDS.iter().any(|word| lower.contains(word)) {
                self.first_word = Some(line.to_owned());
            }
        }
        if stream == OutputStream::Stderr && self.first_stderr.is_none() {
            self.first_stderr = Some(line.to_owned());
        }
    }
}

pub(super) fn place(stream: OutputStream) -> usize {
    match stream {
        OutputStream::Stdout => 0,
        OutputStream::Stderr => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use OutputStream::{Stderr, Stdout};

    #[test]
    fn the_line_that_failed_first_is_told() {
        let mut lines = Lines::default();
        lines.push(Stdout, "begin\nwarm");
        lines.push(Stderr, "note\n");
        lines.push(Stdout, "ing\n\x1b[31mError\x1b[0m: disk full\nError: again\nen");
        assert_eq!(lines.first_fault(), Some("Error: disk full"));
    }

    #[test]
    fn without_a_word_of_fault_it_is_the_first_on_the_error_output() {
        let mut lines = Lines::default();
        lines.push(Stdout, "fine\n");
        assert_eq!(lines.first_fault(), None);
        lines.push(Stderr, "oops\nmore\n");
        assert_eq!(lines.first_fault(), Some("oops"));
    }

    #[test]
    fn a_pattern_is_looked_for_in_whole_lines_and_long_lines_are_cut() {
        let mut lines = Lines::default();
        lines.want(Regex::new("^all (done|well)$").unwrap());
        lines.push(Stdout, "all do");
        assert!(!lines.found());
        lines.push(Stdout, "ne");
        lines.finish();
        assert!(lines.found());
        lines.push(Stderr, &"x".repeat(10_000));
        lines.finish();
        assert_eq!(lines.first_fault().map(str::len), Some(MAX_LINE_CHARS));
    }
}
