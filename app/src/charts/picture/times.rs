//! Labels of the time axis, in UTC: whoever gets a picture may be anywhere.

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Distances of labels that people read at a glance.
const STEPS: [i64; 20] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Round times within `from_ms..=to_ms` and what is written there, at most `most` of them. The first says that it is UTC, and a day
/// is named where it begins.
pub fn times(from_ms: i64, to_ms: i64, most: usize) -> Vec<(i64, String)> {
    // Ten thousand years and more: no time that anybody means, and sums would not fit.
    const FAR: i64 = 400_000_000_000_000;
    let (from_ms, to_ms) = (from_ms.clamp(-FAR, FAR), to_ms.clamp(-FAR, FAR));
    let span = (to_ms - from_ms).max(1);
    let most = most.max(1) as i64;
    let fits = |step: &i64| span / step < most;
    // Longer than all: whole multiples of the longest.
    let longest = 7 * DAY;
    let step = STEPS
        .into_iter()
        .find(fits)
        .unwrap_or(longest * (span / longest / most + 1));
    let first = from_ms.div_euclid(step) * step;
    let all = (0..=most + 1).map(|index| first + index * step);
    let within = all.filter(|time| (from_ms..=to_ms).contains(time));
    let mut labels: Vec<(i64, String)> = within.map(|time| (time, label(time, step))).collect();
    if let Some((_, first)) = labels.first_mut() {
        first.push_str(" UTC");
    }
    labels
}

/// What stands under the beginning, the middle and the end of a range: the day too, where it is not the same all along.
pub fn ends(from_ms: i64, to_ms: i64) -> [String; 3] {
    let days = from_ms.div_euclid(DAY) != to_ms.div_euclid(DAY);
    let times = [from_ms, from_ms + (to_ms - from_ms) / 2, to_ms];
    let mut words = times.map(|time| {
        let in_day = time.rem_euclid(DAY);
        let clock = match to_ms - from_ms < 10 * MINUTE {
            true => format!(
                "{:02}:{:02}:{:02}",
                in_day / HOUR,
                in_day / MINUTE % 60,
                in_day / SECOND % 60
            ),
            false => format!("{:02}:{:02}", in_day / HOUR, in_day / MINUTE % 60),
        };
        let (_, month, day) = date(time.div_euclid(DAY));
        match days {
            true => format!("{day} {} {clock}", MONTHS[(month - 1) as usize % 12]),
            false => clock,
        }
    });
    words[2].push_str(" UTC");
    words
}

fn label(time: i64, step: i64) -> String {
    let in_day = time.rem_euclid(DAY);
    let (hour, minute, second) = (in_day / HOUR, in_day / MINUTE % 60, in_day / SECOND % 60);
    if in_day == 0 {
        let (year, month, day) = date(time.div_euclid(DAY));
        let month = MONTHS[(month - 1) as usize % 12];
        return match step >= DAY && month == "Jan" && day <= 7 {
            true => format!("{day} {month} {year}"),
            false => format!("{day} {month}"),
        };
    }
    match step < MINUTE {
        true => format!("{hour:02}:{minute:02}:{second:02}"),
        false => format!("{hour:02}:{minute:02}"),
    }
}

/// Year, month and day of a number of days since 1 January 1970 (the civil-from-days algorithm of H. Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thursday 26 November 2026, 00:00 UTC.
    const MIDNIGHT: i64 = 1_795_651_200_000;

    fn words(from_ms: i64, to_ms: i64, most: usize) -> Vec<String> {
        times(from_ms, to_ms, most)
            .into_iter()
            .map(|(_, label)| label)
            .collect()
    }

    #[test]
    fn labels_stand_at_round_times_and_name_the_day_where_it_begins() {
        assert_eq!(
            words(MIDNIGHT - 2 * HOUR, MIDNIGHT + 2 * HOUR, 5),
            ["22:00 UTC", "23:00", "26 Nov", "01:00", "02:00"]
        );
        assert_eq!(
            words(MIDNIGHT + 1500, MIDNIGHT + 60_000, 5),
            ["00:00:15 UTC", "00:00:30", "00:00:45", "00:01:00"]
        );
        assert_eq!(
            words(MIDNIGHT, MIDNIGHT + 3 * DAY, 4),
            ["26 Nov UTC", "27 Nov", "28 Nov", "29 Nov"]
        );
    }

    #[test]
    fn there_are_never_more_than_fit_and_any_time_is_fine() {
        for span in [1, 1000, 3_600_000, 13 * 30 * DAY, 400 * 365 * DAY] {
            for most in [0, 1, 2, 5, 10] {
                let count = times(MIDNIGHT, MIDNIGHT + span, most).len();
                assert!(count <= most.max(1) + 1, "{span} ms: {count} of {most}");
            }
        }
        times(-1_000_000, i64::MAX, 5);
        times(i64::MIN, 0, 5);
    }

    #[test]
    fn the_ends_of_a_range_name_the_day_only_where_it_changes() {
        assert_eq!(ends(MIDNIGHT, MIDNIGHT + HOUR), ["00:00", "00:30", "01:00 UTC"]);
        assert_eq!(
            ends(MIDNIGHT - HOUR, MIDNIGHT + HOUR),
            ["25 Nov 23:00", "26 Nov 00:00", "26 Nov 01:00 UTC"]
        );
        assert_eq!(
            ends(MIDNIGHT, MIDNIGHT + MINUTE),
            ["00:00:00", "00:00:30", "00:01:00 UTC"]
        );
    }

    #[test]
    fn days_have_their_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(MIDNIGHT / DAY), (2026, 11, 26));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(-1), (1969, 12, 31));
    }
}
