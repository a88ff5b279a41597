//! An entry of the chain and the bytes that are hashed. docs/SECURITY.md says the same in words; whoever changes one changes
//! both, and old entries stay as they are: a new form needs a new [`TAG`].

use sha2::{Digest, Sha256};
use sqlx::{Row, sqlite::SqliteRow};
use std::{fmt, str::FromStr};

/// SHA-256 of an entry.
pub type Hash = [u8; 32];
/// What the first entry follows.
pub const NOTHING: Hash = [0; 32];
/// What the hashed bytes begin with.
const TAG: &[u8] = b"farol-audit-v1\n";

/// One link of the chain, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without a gap.
    pub seq: i64,
    pub at_ms: i64,
    pub who: String,
    pub from: String,
    pub what: String,
    /// JSON text, secrets redacted.
    pub params: String,
    pub run: Option<String>,
    /// The entry that this one ends.
    pub ends: Option<i64>,
    /// A word of `AuditOutcome`.
    pub outcome: String,
    pub detail: String,
    pub duration_ms: Option<i64>,
    /// Hash of the entry before.
    pub prev: Hash,
    pub hash: Hash,
}

/// Number and hash of an entry: together they vouch for all up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: Hash,
}

impl Entry {
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }

    /// The hash that the entry must have.
    pub fn digest(&self) -> Hash {
        Sha256::digest(self.canonical()).into()
    }

    /// Numbers are 8 bytes, big-endian, two's complement; text is its length in bytes as 4 bytes, big-endian, and its UTF-8;
    /// what may be absent is one byte, 0 or 1, and then the value.
    fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256 + self.params.len() + self.detail.len());
        bytes.extend_from_slice(TAG);
        bytes.extend_from_slice(&self.prev);
        number(&mut bytes, self.seq);
        number(&mut bytes, self.at_ms);
        text(&mut bytes, &self.who);
        text(&mut bytes, &self.from);
        text(&mut bytes, &self.what);
        text(&mut bytes, &self.params);
        optional(&mut bytes, self.run.as_deref(), text);
        optional(&mut bytes, self.ends, number);
        text(&mut bytes, &self.outcome);
        text(&mut bytes, &self.detail);
        optional(&mut bytes, self.duration_ms, number);
        bytes
    }

    /// From `SELECT *`.
    pub fn read(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
        Ok(Entry {
            seq: row.try_get("seq")?,
            at_ms: row.try_get("at_ms")?,
            who: row.try_get("who")?,
            from: row.try_get("peer")?,
            what: row.try_get("what")?,
            params: row.try_get("params")?,
            run: row.try_get("run")?,
            ends: row.try_get("ends")?,
            outcome: row.try_get("outcome")?,
            detail: row.try_get("detail")?,
            duration_ms: row.try_get("duration_ms")?,
            prev: hash_of(row, "prev")?,
            hash: hash_of(row, "hash")?,
        })
    }
}

/// A stored hash.
pub fn hash_of(row: &SqliteRow, column: &str) -> Result<Hash, sqlx::Error> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes
        .try_into()
        .map_err(|_| sqlx::Error::Decode(format!("{column} is no SHA-256").into()))
}

fn number(bytes: &mut Vec<u8>, value: i64) {
    bytes.extend_from_slice(&value.to_be_bytes());
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    // SQLite holds no text of 4 GiB.
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value.as_bytes());
}

fn optional<T>(bytes: &mut Vec<u8>, value: Option<T>, write: fn(&mut Vec<u8>, T)) {
    bytes.push(value.is_some().into());
    if let Some(value) = value {
        write(bytes, value);
    }
}

/// `SEQ:HASH`, as it is kept by whoever wants to compare later.
impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, super::hex(&self.hash))
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Head, String> {
        let wrong = || "write the entry's number, a colon and its hash: 1234:9f86d081…".to_owned();
        let (seq, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
        let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or_else(wrong)?;
        Ok(Head {
            seq,
            hash: parse_hash(hash).ok_or_else(wrong)?,
        })
    }
}

/// 64 hexadecimal digits.
pub fn parse_hash(text: &str) -> Option<Hash> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut hash = NOTHING;
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            seq: 2,
            at_ms: 1_700_000_000_000,
            who: "ana".into(),
            from: "::1".into(),
            what: "run.x".into(),
            params: "{}".into(),
            run: None,
            ends: Some(1),
            outcome: "succeeded".into(),
            detail: "é".into(),
            duration_ms: Some(5),
            prev: [7; 32],
            hash: NOTHING,
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_security_page() {
        let mut wanted = b"farol-audit-v1\n".to_vec();
        wanted.extend([7; 32]);
        wanted.extend([0, 0, 0, 0, 0, 0, 0, 2]);
        wanted.extend([0, 0, 0x01, 0x8B, 0xCF, 0xE5, 0x68, 0x00]);
        wanted.extend(b"\0\0\0\x03ana\0\0\0\x03::1\0\0\0\x05run.x\0\0\0\x02{}");
        wanted.extend([0]);
        wanted.extend([1, 0, 0, 0, 0, 0, 0, 0, 1]);
        wanted.extend(b"\0\0\0\x09succeeded\0\0\0\x02\xc3\xa9");
        wanted.extend([1, 0, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(entry().canonical(), wanted);
    }

    #[test]
    fn no_field_can_change_without_the_hash() {
        let changes: [fn(&mut Entry); 12] = [
            |e| e.seq += 1,
            |e| e.at_ms += 1,
            |e| e.who.push('x'),
            |e| e.from.push('x'),
            |e| e.what.push('x'),
            |e| e.params.push(' '),
            |e| e.run = Some(String::new()),
            |e| e.ends = None,
            |e| e.outcome = "failed".into(),
            |e| e.detail.clear(),
            |e| e.duration_ms = None,
            |e| e.prev[31] ^= 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut changed = entry();
            change(&mut changed);
            assert_ne!(changed.digest(), entry().digest(), "change {index}");
        }
    }

    #[test]
    fn text_that_moves_from_one_field_to_the_next_changes_the_hash() {
        let moved = Entry {
            who: "an".into(),
            from: "a::1".into(),
            ..entry()
        };
        assert_ne!(moved.digest(), entry().digest());
    }

    #[test]
    fn a_head_is_read_back_as_it_was_written() {
        let head = Head {
            seq: 7,
            hash: [0xab; 32],
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        for wrong in [
            "",
            "7",
            "7:",
            "0:ab",
            "x:y",
            &format!("7:{}", "é".repeat(32)),
            "7:zz",
        ] {
            assert!(wrong.parse::<Head>().is_err(), "{wrong}");
        }
    }
}
