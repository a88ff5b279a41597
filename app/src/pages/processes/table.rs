//! What the table shows, without any of the drawing: columns, order and filter.

use crate::{
    browser,
    ui::grid::{Head, Sort},
};
use farol_model::process::ProcessRow;
use std::{cmp::Ordering, collections::HashMap};

/// The columns, in the order of [`Column`].
pub const HEADS: [Head; 12] = [
    Head::number("pid", "PID").rising(),
    Head::words("name", "Name"),
    Head::words("user", "User"),
    Head::words("state", "State"),
    Head::number("cpu", "CPU"),
    Head::number("memory", "Memory"),
    Head::number("read", "Read"),
    Head::number("written", "Written"),
    Head::number("threads", "Threads"),
    Head::number("parent", "Parent").rising().hidden(),
    Head::number("start", "Started").hidden(),
    Head::words("command", "Command"),
];

/// One column, in display order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Pid,
    Name,
    User,
    State,
    Cpu,
    Memory,
    Read,
    Written,
    Threads,
    Parent,
    Start,
    Command,
}

impl Column {
    const ALL: [Column; HEADS.len()] = [
        Column::Pid,
        Column::Name,
        Column::User,
        Column::State,
        Column::Cpu,
        Column::Memory,
        Column::Read,
        Column::Written,
        Column::Threads,
        Column::Parent,
        Column::Start,
        Column::Command,
    ];

    /// The word in the head.
    pub fn title(self) -> &'static str {
        HEADS.get(self as usize).map_or("", |head| head.title)
    }

    /// The one at a place of [`HEADS`].
    pub fn at(place: usize) -> Column {
        Column::ALL.get(place).copied().unwrap_or(Column::Name)
    }
}

/// The busiest first.
pub const USUAL: Sort = Sort {
    column: Column::Cpu as usize,
    descending: true,
};

/// Ties are broken by pid, so that equal rows do not change places.
fn compare(sort: Sort, a: &ProcessRow, b: &ProcessRow) -> Ordering {
    let order = match Column::at(sort.column) {
        Column::Pid => a.pid.cmp(&b.pid),
        Column::Name => a.name.cmp(&b.name),
        Column::User => a.user.cmp(&b.user),
        Column::State => a.state.cmp(&b.state),
        Column::Cpu => a.cpu_percent.total_cmp(&b.cpu_percent),
        Column::Memory => a.memory_bytes.cmp(&b.memory_bytes),
        Column::Read => a.read_bytes_per_second.cmp(&b.read_bytes_per_second),
        Column::Written => a.written_bytes_per_second.cmp(&b.written_bytes_per_second),
        Column::Threads => a.threads.cmp(&b.threads),
        Column::Parent => a.parent.cmp(&b.parent),
        Column::Start => a.start_ms.cmp(&b.start_ms),
        Column::Command => a.command.cmp(&b.command),
    };
    let order = if sort.descending { order.reverse() } else { order };
    order.then(a.pid.cmp(&b.pid))
}

/// Whether a row has the text, given in lower case, in its name, user, command or state, or is the pid.
fn matches(row: &ProcessRow, text: &str) -> bool {
    text.is_empty()
        || [&row.name, &row.user, &row.command, &row.state]
            .into_iter()
            .any(|field| browser::lower(field).contains(text))
        || row.pid.to_string() == text
}

/// What names a process for good.
pub type Key = (u32, i64);

/// The key of a row.
pub fn key(row: &ProcessRow) -> Key {
    (row.pid, row.start_ms)
}

/// Positions of the matching rows in display order.
pub fn order(rows: &[ProcessRow], sort: Sort, text: &str) -> Vec<usize> {
    let text = browser::lower(text.trim());
    let mut order: Vec<usize> = (0..rows.len()).filter(|&at| matches(&rows[at], &text)).collect();
    crate::order::sort(&mut order, |a, b| compare(sort, &rows[a], &rows[b]));
    order
}

/// The same rows in the order they had before: while somebody points at the table nothing may slip away under the
/// pointer. Rows that are new go to the end.
pub fn held_order(rows: &[ProcessRow], before: &[Key], sort: Sort, text: &str) -> Vec<usize> {
    let fresh = order(rows, sort, text);
    let mut at: HashMap<Key, usize> = fresh.iter().map(|&index| (key(&rows[index]), index)).collect();
    let mut held: Vec<usize> = before.iter().filter_map(|key| at.remove(key)).collect();
    held.extend(
        fresh
            .into_iter()
            .filter(|&index| at.contains_key(&key(&rows[index]))),
    );
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pid: u32, name: &str, cpu_percent: f32) -> ProcessRow {
        ProcessRow {
            pid,
            name: name.into(),
            cpu_percent,
            start_ms: 1,
            ..Default::default()
        }
    }

    fn pids(rows: &[ProcessRow], order: &[usize]) -> Vec<u32> {
        order.iter().map(|&at| rows[at].pid).collect()
    }

    #[test]
    fn rows_sort_both_ways_and_ties_keep_their_place() {
        let rows = [row(3, "b", 5.0), row(1, "a", 5.0), row(2, "c", 9.0)];
        assert_eq!(pids(&rows, &order(&rows, USUAL, "")), [2, 1, 3]);
        let by_name = Sort {
            column: Column::Name as usize,
            descending: true,
        };
        assert_eq!(pids(&rows, &order(&rows, by_name, "")), [2, 3, 1]);
    }

    #[test]
    fn the_filter_looks_at_words_without_case_and_at_the_whole_pid() {
        let mut nginx = row(80, "nginx", 0.0);
        nginx.command = "/usr/sbin/NGINX -g daemon".into();
        assert!(matches(&nginx, "nginx"));
        assert!(matches(&nginx, "80"));
        assert!(!matches(&nginx, "8"));
        assert!(matches(&nginx, ""));
    }

    #[test]
    fn a_held_order_keeps_rows_in_place_and_puts_new_ones_last() {
        let rows = [row(1, "a", 1.0), row(2, "b", 9.0), row(4, "d", 50.0)];
        let before = [(1, 1), (3, 1), (2, 1)];
        assert_eq!(pids(&rows, &held_order(&rows, &before, USUAL, "")), [1, 2, 4]);
    }

    #[test]
    fn every_column_stands_where_its_head_does() {
        for (place, column) in Column::ALL.into_iter().enumerate() {
            assert_eq!(column as usize, place);
            assert_eq!(Column::at(place), column);
            assert_eq!(HEADS[place].key, format!("{column:?}").to_lowercase());
        }
    }
}
