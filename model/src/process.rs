//! The process table, and what is known of one process when somebody asks.

use serde::{Deserialize, Serialize};

/// One process. `pid` alone is reused by the kernel; `pid` and `start_ms` together name it for good.
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessRow {
    #[prost(uint32, tag = "1")]
    pub pid: u32,
    #[prost(uint32, tag = "2")]
    pub parent: u32,
    /// Start time, milliseconds since the epoch, as precise as the kernel tells (Linux: clock ticks since boot).
    #[prost(int64, tag = "3")]
    pub start_ms: i64,
    #[prost(string, tag = "4")]
    pub name: String,
    #[prost(string, tag = "5")]
    pub user: String,
    /// One word, e.g. `running`, `sleeping`, `zombie`.
    #[prost(string, tag = "6")]
    pub state: String,
    /// Of one core: a process with two busy threads shows 200.
    #[prost(float, tag = "7")]
    pub cpu_percent: f32,
    /// Resident set.
    #[prost(uint64, tag = "8")]
    pub memory_bytes: u64,
    #[prost(uint64, tag = "9")]
    pub read_bytes_per_second: u64,
    #[prost(uint64, tag = "10")]
    pub written_bytes_per_second: u64,
    #[prost(uint32, tag = "11")]
    pub threads: u32,
    /// Arguments joined by spaces, cut at 512 characters.
    #[prost(string, tag = "12")]
    pub command: String,
    /// False when the machine does not let us read this process' I/O; the rates are then 0 and must not be shown.
    #[prost(bool, tag = "13")]
    pub io_known: bool,
}

/// One process in full: read when somebody asks, never kept. Without its environment, which holds secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessDetails {
    /// Word and value, in display order: nice value, control group, folders and so on.
    pub facts: Vec<(String, String)>,
    pub files: Told<OpenFile>,
    pub sockets: Told<OpenSocket>,
    pub limits: Told<ProcessLimit>,
}

/// A list that may be cut, or not to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told<T> {
    /// The first ones, and how many more there are.
    Listed { rows: Vec<T>, more: u32 },
    /// Why it cannot be read, and what would be needed, as sentences.
    Refused(String),
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Told::Listed {
            rows: Vec::new(),
            more: 0,
        }
    }
}

/// A file descriptor that is no socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFile {
    pub fd: u32,
    /// A path, or what the kernel calls it, e.g. `pipe:[4711]`.
    pub what: String,
}

/// A file descriptor that is a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSocket {
    pub fd: u32,
    /// `tcp`, `tcp6`, `udp`, `udp6`, `unix`, or `other` when no table of the kernel lists it.
    pub kind: &'static str,
    /// Own address, or the path of a Unix socket. Empty when it has none.
    pub local: String,
    /// The other end; empty when there is none.
    pub remote: String,
    /// E.g. `listen`; empty where there is no such thing.
    pub state: &'static str,
}

/// One resource limit; values as the kernel writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessLimit {
    pub name: String,
    pub soft: String,
    pub hard: String,
    pub unit: String,
}

/// The whole table, or what changed since the one before.
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProcessUpdate {
    #[prost(sint64, tag = "1")]
    pub t_ms: i64,
    /// True: `rows` is the whole table. False: `rows` are new or changed, `gone` have ended.
    #[prost(bool, tag = "2")]
    pub whole: bool,
    #[prost(message, repeated, tag = "3")]
    pub rows: Vec<ProcessRow>,
    #[prost(uint32, repeated, tag = "4")]
    pub gone: Vec<u32>,
}

impl ProcessUpdate {
    /// What turns `before` into `after`. Rows are compared whole; order does not matter.
    pub fn between(before: &[ProcessRow], after: &[ProcessRow], t_ms: i64) -> Self {
        let old: std::collections::HashMap<u32, &ProcessRow> =
            before.iter().map(|row| (row.pid, row)).collect();
        let new: std::collections::HashSet<u32> = after.iter().map(|row| row.pid).collect();
        ProcessUpdate {
            t_ms,
            whole: false,
            rows: after
                .iter()
                .filter(|row| old.get(&row.pid) != Some(row))
                .cloned()
                .collect(),
            gone: before
                .iter()
                .map(|row| row.pid)
                .filter(|pid| !new.contains(pid))
                .collect(),
        }
    }

    /// Applies this update to a table.
    pub fn apply(self, table: &mut Vec<ProcessRow>) {
        if self.whole {
            *table = self.rows;
            return;
        }
        let places = table.iter().enumerate().map(|(at, row)| (row.pid, at));
        let places: std::collections::HashMap<u32, usize> = places.collect();
        let mut gone = vec![false; table.len()];
        for pid in self.gone {
            if let Some(at) = places.get(&pid) {
                gone[*at] = true;
            }
        }
        for row in self.rows {
            match places.get(&row.pid) {
                Some(at) => table[*at] = row,
                None => table.push(row),
            }
        }
        let mut at = 0;
        table.retain(|_| {
            at += 1;
            !gone.get(at - 1).copied().unwrap_or(false)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pid: u32, cpu_percent: f32) -> ProcessRow {
        ProcessRow {
            pid,
            cpu_percent,
            ..Default::default()
        }
    }

    #[test]
    fn an_update_turns_the_old_table_into_the_new_one() {
        let before = vec![row(1, 0.0), row(2, 1.0), row(3, 2.0)];
        let after = vec![row(1, 0.0), row(3, 9.0), row(4, 0.0)];
        let update = ProcessUpdate::between(&before, &after, 10);
        assert_eq!(update.rows.len(), 2, "only what changed travels");
        let mut table = before;
        update.apply(&mut table);
        assert_eq!(table, after);
    }

    #[test]
    fn a_whole_update_replaces_the_table() {
        let mut table = vec![row(1, 0.0)];
        ProcessUpdate {
            t_ms: 0,
            whole: true,
            rows: vec![row(7, 0.0)],
            gone: vec![],
        }
        .apply(&mut table);
        assert_eq!(table, vec![row(7, 0.0)]);
    }
}
