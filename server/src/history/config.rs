//! `[history]`: what is kept, for how long, and how much room it may take.

use super::tier::{DAY_MS, HOUR_MS, Tier};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// See the module.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryConfig {
    /// Whether anything is written down. Without it a chart reaches back ten minutes.
    pub enabled: bool,
    /// A folder of its own; `history` in the data folder when left out.
    pub dir: Option<PathBuf>,
    /// Hours that each value is kept as it was read.
    pub raw_hours: u32,
    /// Days that minimum, maximum, mean, last and count of each 10 s are kept.
    pub ten_seconds_days: u32,
    /// Days that the same of each 2 min is kept.
    pub two_minutes_days: u32,
    /// MiB that all of it may take; above, the oldest of what takes the most goes first.
    pub max_mib: u64,
    /// MiB that stay free on the file system: with less, nothing is written until there is room again.
    pub min_free_mib: u64,
    /// Series that are known at most; further ones are not kept, and are counted.
    pub max_series: u32,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        HistoryConfig {
            enabled: true,
            dir: None,
            raw_hours: 48,
            ten_seconds_days: 14,
            two_minutes_days: 396,
            max_mib: 4096,
            min_free_mib: 256,
            max_series: 50_000,
        }
    }
}

impl HistoryConfig {
    /// Key, within the section, and reason of what is wrong.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut within = |key: &str, value: u64, (least, most): (u64, u64), unit: &str| {
            if !(least..=most).contains(&value) {
                let reason = format!("is {value} {unit}; must be from {least} to {most}");
                problems.push((key.to_owned(), reason));
            }
        };
        within("raw_hours", self.raw_hours.into(), (3, 24 * 366), "hours");
        within(
            "ten_seconds_days",
            self.ten_seconds_days.into(),
            (3, 3660),
            "days",
        );
        within(
            "two_minutes_days",
            self.two_minutes_days.into(),
            (21, 36_600),
            "days",
        );
        within("max_mib", self.max_mib, (16, 1 << 30), "MiB");
        within("min_free_mib", self.min_free_mib, (0, 1 << 30), "MiB");
        within("max_series", self.max_series.into(), (1, 1_000_000), "series");
        if i64::from(self.ten_seconds_days) * DAY_MS < i64::from(self.raw_hours) * HOUR_MS {
            let reason = "is shorter than raw_hours: what is older than the raw values would be missing";
            problems.push(("ten_seconds_days".to_owned(), reason.to_owned()));
        }
        if self.two_minutes_days < self.ten_seconds_days {
            let reason = "is shorter than ten_seconds_days: a longer time is kept more coarsely, not less";
            problems.push(("two_minutes_days".to_owned(), reason.to_owned()));
        }
        if let Some(dir) = self.dir.as_ref().filter(|dir| !dir.is_absolute()) {
            let reason = format!("`{}` is no whole path; write it from the root", dir.display());
            problems.push(("dir".to_owned(), reason));
        }
        problems
    }

    /// How long a tier keeps what it has, milliseconds.
    pub fn keep_ms(&self, tier: Tier) -> i64 {
        match tier {
            Tier::Raw => i64::from(self.raw_hours) * HOUR_MS,
            Tier::TenSeconds => i64::from(self.ten_seconds_days) * DAY_MS,
            Tier::TwoMinutes => i64::from(self.two_minutes_days) * DAY_MS,
        }
    }
}
