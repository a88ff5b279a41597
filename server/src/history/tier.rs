//! The three resolutions, and the windows of time that their files are cut into. A window begins at a whole multiple of its
//! length since the epoch: no calendar and no time zone has a say, so daylight saving is nothing here.

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day of 24 hours.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Tier {
    /// Each value as it was read.
    Raw = 0,
    /// Minimum, maximum, mean, last and count of each 10 s.
    TenSeconds = 1,
    /// The same of each 2 min.
    TwoMinutes = 2,
}

impl Tier {
    /// From fine to coarse.
    pub const ALL: [Tier; 3] = [Tier::Raw, Tier::TenSeconds, Tier::TwoMinutes];

    /// Milliseconds that one row stands for. Raw rows stand for themselves.
    pub fn step_ms(self) -> i64 {
        match self {
            Tier::Raw => 1,
            Tier::TenSeconds => 10_000,
            Tier::TwoMinutes => 120_000,
        }
    }

    /// Milliseconds that one file covers. Each is a whole number of the windows of the finer tier, and of every step.
    pub fn window_ms(self) -> i64 {
        match self {
            Tier::Raw => HOUR_MS,
            Tier::TenSeconds => DAY_MS,
            Tier::TwoMinutes => 10 * DAY_MS,
        }
    }

    /// Where the window that a time falls in begins.
    pub fn window_of(self, t_ms: i64) -> i64 {
        t_ms - t_ms.rem_euclid(self.window_ms())
    }

    /// The tier that is made from this one.
    pub fn coarser(self) -> Option<Tier> {
        match self {
            Tier::Raw => Some(Tier::TenSeconds),
            Tier::TenSeconds => Some(Tier::TwoMinutes),
            Tier::TwoMinutes => None,
        }
    }

    /// The name of its folder.
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Raw => "raw",
            Tier::TenSeconds => "10s",
            Tier::TwoMinutes => "2min",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_whole_windows_of_the_finer_tier_and_whole_rows_of_the_coarser() {
        for tier in Tier::ALL {
            let Some(coarser) = tier.coarser() else { continue };
            assert_eq!(coarser.window_ms() % tier.window_ms(), 0);
            assert_eq!(tier.window_ms() % coarser.step_ms(), 0);
            assert_eq!(coarser.step_ms() % tier.step_ms(), 0);
        }
    }

    #[test]
    fn a_day_is_24_hours_whatever_clocks_on_the_wall_do() {
        // 2026-03-29T01:00:00Z and 2026-10-25T01:00:00Z: Europe changes its clocks, by an hour forward and back.
        for change in [1_774_746_000_000_i64, 1_792_890_000_000] {
            for tier in Tier::ALL {
                let window = tier.window_of(change);
                assert!((window..window + tier.window_ms()).contains(&change));
                assert_eq!(tier.window_of(window - 1), window - tier.window_ms());
            }
            assert_eq!(Tier::Raw.window_of(change), change);
        }
        assert_eq!(Tier::Raw.window_of(-1), -HOUR_MS, "before the epoch too");
    }
}
