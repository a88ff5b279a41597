//! Entries as JSON lines, which another program can verify, and as CSV, which people open in spreadsheets.

use super::{
    entry::{Entry, Head, parse_hash},
    hex,
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use std::io::Write;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// How entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One JSON object a line, with all that is hashed
    Jsonl,
    /// RFC 4180; text that a spreadsheet would take for a formula begins with an apostrophe
    Csv,
}

/// From and up to when, milliseconds; the end is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub since_ms: i64,
    pub until_ms: i64,
}

/// An entry as a line of JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    seq: i64,
    at_ms: i64,
    /// `at_ms` for people; not hashed.
    #[serde(default)]
    at: String,
    who: String,
    from: String,
    what: String,
    /// Text, because the text is hashed.
    params: String,
    run: Option<String>,
    ends: Option<i64>,
    outcome: String,
    detail: String,
    duration_ms: Option<i64>,
    prev: String,
    hash: String,
}

impl From<&Entry> for Line {
    fn from(entry: &Entry) -> Line {
        Line {
            seq: entry.seq,
            at_ms: entry.at_ms,
            at: rfc3339(entry.at_ms),
            who: entry.who.clone(),
            from: entry.from.clone(),
            what: entry.what.clone(),
            params: entry.params.clone(),
            run: entry.run.clone(),
            ends: entry.ends,
            outcome: entry.outcome.clone(),
            detail: entry.detail.clone(),
            duration_ms: entry.duration_ms,
            prev: hex(&entry.prev),
            hash: hex(&entry.hash),
        }
    }
}

impl Line {
    /// Back to what it was; None when a hash is none.
    pub fn entry(self) -> Option<Entry> {
        Some(Entry {
            prev: parse_hash(&self.prev)?,
            hash: parse_hash(&self.hash)?,
            seq: self.seq,
            at_ms: self.at_ms,
            who: self.who,
            from: self.from,
            what: self.what,
            params: self.params,
            run: self.run,
            ends: self.ends,
            outcome: self.outcome,
            detail: self.detail,
            duration_ms: self.duration_ms,
        })
    }
}

/// Milliseconds as RFC 3339 in UTC; a time beyond what it can say is empty.
pub fn rfc3339(at_ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Reads `2026-01-31`, which begins in UTC, or RFC 3339.
pub fn parse_time(text: &str) -> Result<i64, String> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let at = OffsetDateTime::parse(&whole, &Rfc3339).map_err(|_| {
        "write a day, 2026-01-31, or a time as RFC 3339 has it, 2026-01-31T08:00:00Z".to_owned()
    })?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).map_err(|_| "that is too far away".to_owned())
}

/// Writes what was written down within the span, in the order of the chain. Number of entries and the last of them.
pub async fn write(
    pool: &SqlitePool,
    span: Span,
    format: Format,
    mut to: impl Write,
) -> anyhow::Result<(u64, Option<Head>)> {
    let mut rows = sqlx::query("SELECT * FROM audit WHERE at_ms >= ? AND at_ms < ? ORDER BY seq")
        .bind(span.since_ms)
        .bind(span.until_ms)
        .fetch(pool);
    if format == Format::Csv {
        to.write_all(HEAD.as_bytes())?;
    }
    let (mut count, mut last) = (0, None);
    while let Some(row) = rows.try_next().await? {
        let entry = Entry::read(&row)?;
        match format {
            Format::Jsonl => {
                serde_json::to_writer(&mut to, &Line::from(&entry))?;
                to.write_all(b"\n")?;
            }
            Format::Csv => to.write_all(csv(&entry).as_bytes())?,
        }
        count += 1;
        last = Some(entry.head());
    }
    to.flush()?;
    Ok((count, last))
}

const HEAD: &str = "seq,at,at_ms,who,from,what,params,run,ends,outcome,detail,duration_ms,prev,hash\r\n";

/// RFC 4180. Text is always quoted; numbers never can be anything else.
fn csv(entry: &Entry) -> String {
    let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        entry.seq.to_string(),
        rfc3339(entry.at_ms),
        entry.at_ms.to_string(),
        text(&entry.who),
        text(&entry.from),
        text(&entry.what),
        text(&entry.params),
        text(entry.run.as_deref().unwrap_or_default()),
        number(entry.ends),
        text(&entry.outcome),
        text(&entry.detail),
        number(entry.duration_ms),
        hex(&entry.prev),
        hex(&entry.hash),
    ]
    .join(",")
        + "\r\n"
}

/// A name that somebody typed at sign-in must not become a formula on the machine of whoever reads the log (OWASP, CSV
/// injection): what begins like one gets an apostrophe.
fn text(value: &str) -> String {
    let formula = value
        .trim_start()
        .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
        || value.starts_with(['\t', '\r', '\n']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", value.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_take_for_a_formula_is_text() {
        for (given, wanted) in [
            ("ana", "\"ana\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("  =x", "\"'  =x\""),
            ("\t=x", "\"'\t=x\""),
            ("＝cmd", "\"'＝cmd\""),
            ("a \"b\", c\nd", "\"a \"\"b\"\", c\nd\""),
        ] {
            assert_eq!(text(given), wanted);
        }
    }

    #[test]
    fn days_and_times_are_read_and_anything_else_is_refused() {
        assert_eq!(parse_time("1970-01-02"), Ok(86_400_000));
        assert_eq!(parse_time("1970-01-01T01:00:00+01:00"), Ok(0));
        for wrong in ["", "yesterday", "2026-13-01", "2026-01-31 08:00", "1"] {
            assert!(parse_time(wrong).unwrap_err().contains("2026-01-31"), "{wrong}");
        }
        assert_eq!(rfc3339(86_400_001), "1970-01-02T00:00:00.001Z");
        assert_eq!(rfc3339(i64::MAX), "");
    }
}
