//! Moments that are marked. Those that are too close together to be told apart are one flag that names them all.

use farol_model::action::Mark;

/// Flags are further apart than this share of the width.
const APART: f64 = 0.012;
/// Moments that a flag names; more are counted.
const NAMED: usize = 4;

/// One or more moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Share of the width: of the first of them.
    pub at: f64,
    pub count: usize,
    pub title: String,
}

/// Flags of the moments within a time, in their order.
pub fn flags(marks: &[Mark], from_ms: i64, to_ms: i64) -> Vec<Flag> {
    let mut within: Vec<&Mark> = marks
        .iter()
        .filter(|mark| (from_ms..=to_ms).contains(&mark.at_ms))
        .collect();
    within.sort_by_key(|mark| mark.at_ms);
    let span = (to_ms - from_ms).max(1) as f64;
    let share = |mark: &Mark| (mark.at_ms - from_ms) as f64 / span;
    let mut groups: Vec<Vec<&Mark>> = Vec::new();
    for mark in within {
        let close = |group: &Vec<&Mark>| {
            group
                .first()
                .is_some_and(|first| share(mark) - share(first) < APART)
        };
        match groups.last_mut().filter(|group| close(group)) {
            Some(group) => group.push(mark),
            None => groups.push(vec![mark]),
        }
    }
    let flag = |group: Vec<&Mark>| {
        let named: Vec<&str> = group.iter().take(NAMED).map(|mark| mark.title.as_str()).collect();
        let more = group.len().saturating_sub(NAMED);
        let mut title = named.join("; ");
        if more > 0 {
            title.push_str(&format!("; and {more} more"));
        }
        Flag {
            at: group.first().map_or(0.0, |first| share(first)),
            count: group.len(),
            title,
        }
    };
    groups.into_iter().map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_that_are_close_are_one_flag_and_those_outside_are_none() {
        let mark = |at_ms: i64| Mark {
            at_ms,
            title: format!("m{at_ms}"),
        };
        let marks: Vec<Mark> = [500, 1000, 1005, 9_000, 1010, 1015, 1020, 20_000]
            .map(mark)
            .to_vec();
        let flags = flags(&marks, 0, 10_000);
        let told: Vec<(usize, &str)> = flags
            .iter()
            .map(|flag| (flag.count, flag.title.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "m500"),
                (5, "m1000; m1005; m1010; m1015; and 1 more"),
                (1, "m9000")
            ]
        );
        assert_eq!(flags[2].at, 0.9);
    }

    /// Ten thousand moments are a hundred flags at most, each moment in one of them.
    #[test]
    fn there_are_never_more_flags_than_can_be_told_apart() {
        let marks: Vec<Mark> = (0..10_000)
            .map(|at_ms| Mark {
                at_ms,
                title: String::new(),
            })
            .collect();
        let flags = flags(&marks, 0, 9_999);
        assert!(flags.len() <= 84, "{}", flags.len());
        assert_eq!(flags.iter().map(|flag| flag.count).sum::<usize>(), 10_000);
        assert!(flags.windows(2).all(|pair| pair[1].at - pair[0].at >= APART));
    }
}
