//! What the table shows, without any of the drawing: columns, order, filter, and which rows are on screen.

use farol_model::process::ProcessRow;
use std::{cmp::Ordering, collections::HashMap, ops::Range};

/// Rows that the server sends with the page.
pub const FIRST_ROWS: usize = 200;
/// Rows kept ready above and below what is visible. The window moves in steps of this.
const OVERSCAN: usize = 12;

/// One column, in display order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    pub const ALL: [Column; 12] = [
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

    /// The word in addresses and class names.
    pub fn key(self) -> &'static str {
        match self {
            Column::Pid => "pid",
            Column::Name => "name",
            Column::User => "user",
            Column::State => "state",
            Column::Cpu => "cpu",
            Column::Memory => "memory",
            Column::Read => "read",
            Column::Written => "written",
            Column::Threads => "threads",
            Column::Parent => "parent",
            Column::Start => "start",
            Column::Command => "command",
        }
    }

    /// The word in the head.
    pub fn title(self) -> &'static str {
        match self {
            Column::Pid => "PID",
            Column::Name => "Name",
            Column::User => "User",
            Column::State => "State",
            Column::Cpu => "CPU",
            Column::Memory => "Memory",
            Column::Read => "Read",
            Column::Written => "Written",
            Column::Threads => "Threads",
            Column::Parent => "Parent",
            Column::Start => "Started",
            Column::Command => "Command",
        }
    }

    /// Numbers stand to the right and sort from the largest first.
    pub fn numeric(self) -> bool {
        !matches!(
            self,
            Column::Name | Column::User | Column::State | Column::Command
        )
    }

    /// Shown until somebody chooses otherwise.
    pub fn shown_at_first(self) -> bool {
        !matches!(self, Column::Parent | Column::Start)
    }
}

/// By which column, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    pub column: Column,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Sort {
            column: Column::Cpu,
            descending: true,
        }
    }
}

impl Sort {
    /// The form in addresses: `cpu-desc`.
    pub fn to_word(self) -> String {
        format!(
            "{}-{}",
            self.column.key(),
            if self.descending { "desc" } else { "asc" }
        )
    }

    /// The default when the text is no such word.
    pub fn parse(text: &str) -> Sort {
        let parsed = text.split_once('-').and_then(|(key, way)| {
            let column = Column::ALL.into_iter().find(|column| column.key() == key)?;
            let descending = match way {
                "desc" => true,
                "asc" => false,
                _ => return None,
            };
            Some(Sort { column, descending })
        });
        parsed.unwrap_or_default()
    }

    /// What a press on a column's head asks for: the other way, or the column's natural way.
    pub fn pressed(self, column: Column) -> Sort {
        if self.column == column {
            Sort {
                column,
                descending: !self.descending,
            }
        } else {
            Sort {
                column,
                descending: column.numeric() && column != Column::Pid && column != Column::Parent,
            }
        }
    }

    /// The value of `aria-sort` on a column's head.
    pub fn aria(self, column: Column) -> Option<&'static str> {
        (self.column == column).then_some(if self.descending {
            "descending"
        } else {
            "ascending"
        })
    }

    /// Ties are broken by pid, so that equal rows do not change places.
    fn compare(self, a: &ProcessRow, b: &ProcessRow) -> Ordering {
        let order = match self.column {
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
        let order = if self.descending { order.reverse() } else { order };
        order.then(a.pid.cmp(&b.pid))
    }
}

/// Whether a row has the text, given in lower case, in its name, user, command or state, or is the pid.
fn matches(row: &ProcessRow, text: &str) -> bool {
    text.is_empty()
        || [&row.name, &row.user, &row.command, &row.state]
            .into_iter()
            .any(|field| field.to_lowercase().contains(text))
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
    let text = text.trim().to_lowercase();
    let mut order: Vec<usize> = (0..rows.len()).filter(|&at| matches(&rows[at], &text)).collect();
    crate::order::sort(&mut order, |a, b| sort.compare(&rows[a], &rows[b]));
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

/// Rows that must exist, given how far the table is scrolled. All lengths in pixels.
pub fn window(scroll_top: f64, viewport: f64, row_height: f64, total: usize) -> Range<usize> {
    if row_height <= 0.0 || total == 0 {
        return 0..total.min(FIRST_ROWS);
    }
    let first = (scroll_top.max(0.0) / row_height) as usize;
    let visible = (viewport.max(0.0) / row_height).ceil() as usize + 1;
    let start = (first / OVERSCAN * OVERSCAN).saturating_sub(OVERSCAN);
    let end = (first + visible).div_ceil(OVERSCAN) * OVERSCAN + OVERSCAN;
    start.min(total.saturating_sub(1))..end.min(total)
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
        assert_eq!(pids(&rows, &order(&rows, Sort::default(), "")), [2, 1, 3]);
        let by_name = Sort {
            column: Column::Name,
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
        assert_eq!(
            pids(&rows, &held_order(&rows, &before, Sort::default(), "")),
            [1, 2, 4]
        );
    }

    #[test]
    fn sort_words_parse_back_and_rubbish_is_the_default() {
        for column in Column::ALL {
            for descending in [true, false] {
                let sort = Sort { column, descending };
                assert_eq!(Sort::parse(&sort.to_word()), sort);
            }
        }
        for rubbish in ["", "cpu", "cpu-up", "x-desc"] {
            assert_eq!(Sort::parse(rubbish), Sort::default());
        }
    }

    #[test]
    fn pressing_a_head_turns_it_and_another_starts_its_natural_way() {
        let sort = Sort::default();
        assert!(!sort.pressed(Column::Cpu).descending);
        assert!(sort.pressed(Column::Memory).descending);
        assert!(!sort.pressed(Column::Name).descending);
        assert!(!sort.pressed(Column::Pid).descending);
    }

    #[test]
    fn the_window_covers_what_is_visible_and_stays_small_and_inside() {
        for total in [0, 1, 57, 10_000] {
            for scroll in [-50.0, 0.0, 777.0, 359_000.0, 1e9] {
                let range = window(scroll, 800.0, 36.0, total);
                assert!(
                    range.end <= total && range.start <= range.end,
                    "{range:?} of {total}"
                );
                assert!(range.len() <= 23 + 4 * OVERSCAN, "{range:?}");
            }
        }
        let range = window(36.0 * 5000.0, 800.0, 36.0, 10_000);
        assert!(range.start <= 5000 && range.end >= 5023, "{range:?}");
    }

    #[test]
    fn before_anything_is_measured_the_first_rows_are_drawn() {
        assert_eq!(window(0.0, 0.0, 0.0, 10_000), 0..FIRST_ROWS);
    }
}
