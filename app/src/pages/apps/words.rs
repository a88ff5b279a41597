//! Words of sources and checks. Pure.

use crate::{
    format::format,
    ui::{Glyph, Tone},
};
use farol_model::{
    ingest::{CheckKind, CheckState, ReceiverState, Source, SourceKind, SourceState},
    metric::Unit,
};

/// How a source gets its numbers here.
pub fn kind_words(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Scrape => "scraped",
        SourceKind::Otlp => "OpenTelemetry",
        SourceKind::Statsd => "StatsD",
        SourceKind::Push => "pushed",
    }
}

/// How a source stands, as tone, picture and word.
pub fn state_words(state: SourceState) -> (Tone, Glyph, &'static str) {
    match state {
        SourceState::Down => (Tone::Crit, Glyph::Cross, "down"),
        SourceState::Partly => (Tone::Warn, Glyph::Alert, "partly up"),
        SourceState::Silent => (Tone::Warn, Glyph::Alert, "silent"),
        SourceState::Waiting => (Tone::Neutral, Glyph::Clock, "waiting"),
        SourceState::Up => (Tone::Ok, Glyph::Check, "up"),
    }
}

/// How a receiver of samples stands.
pub fn receiver_words(state: ReceiverState) -> (Tone, Glyph, &'static str) {
    match state {
        ReceiverState::Refused => (Tone::Crit, Glyph::Cross, "refused"),
        ReceiverState::Retrying => (Tone::Warn, Glyph::Alert, "retrying"),
        ReceiverState::Waiting => (Tone::Neutral, Glyph::Clock, "waiting"),
        ReceiverState::Sending => (Tone::Ok, Glyph::Check, "sending"),
    }
}

/// How many series, of how many.
pub fn series_words(source: &Source) -> String {
    format!("{} of {}", count(source.series), count(source.limit))
}

/// What a check looks at.
pub fn check_kind_words(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::Http => "HTTP",
        CheckKind::Tcp => "TCP",
        CheckKind::Tls => "certificate",
        CheckKind::Dns => "DNS",
        CheckKind::Process => "process",
        CheckKind::Unit => "systemd unit",
    }
}

/// How a check stands.
pub fn check_words(state: CheckState) -> (Tone, Glyph, &'static str) {
    match state {
        CheckState::Failing => (Tone::Crit, Glyph::Cross, "failing"),
        CheckState::Unsure => (Tone::Warn, Glyph::Alert, "unsure"),
        CheckState::Waiting => (Tone::Neutral, Glyph::Clock, "waiting"),
        CheckState::Ok => (Tone::Ok, Glyph::Check, "well"),
    }
}

/// A number of things.
pub fn count(number: impl Into<f64>) -> String {
    format(number.into(), Unit::Count).to_string()
}

/// `1 series`, `2 charts`.
pub fn counted(number: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        count(number as f64),
        if number == 1 { one } else { many }
    )
}
