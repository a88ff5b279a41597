//! The status line: is anything wrong, in plain words. Pure.

use crate::ui::Tone;
use farol_model::health::{CollectorState, CollectorStatus};

/// From where on a share that is used up is worth a word, percent.
const TIGHT: f64 = 90.0;
/// From where on it is urgent, percent.
const NEARLY_FULL: f64 = 97.0;

/// One vital sign as the status line sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sign {
    /// E.g. `Memory` or `Disk /srv`.
    pub name: String,
    /// Percent in use; NaN when not known.
    pub percent: f64,
    pub rising: bool,
}

/// The line.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    pub tone: Tone,
    pub title: String,
    pub detail: String,
}

/// Words for what the collectors and the vital signs say together. The worst comes first.
pub fn status(collectors: &[CollectorStatus], signs: &[Sign]) -> Status {
    let failed: Vec<&str> = collectors
        .iter()
        .filter(|one| matches!(one.state, CollectorState::Failed { .. }))
        .map(|one| one.title.as_str())
        .collect();
    let full: Vec<&Sign> = signs.iter().filter(|sign| sign.percent >= TIGHT).collect();
    let worst = full.iter().map(|sign| sign.percent).fold(0.0, f64::max);
    let tone = if worst >= NEARLY_FULL {
        Tone::Crit
    } else if !full.is_empty() || !failed.is_empty() {
        Tone::Warn
    } else {
        Tone::Ok
    };
    let title = match (full.as_slice(), failed.as_slice()) {
        ([sign, ..], _) => format!("{} is at {:.0} %", sign.name, sign.percent),
        ([], [one]) => format!("{one} is not being measured"),
        ([], [_, ..]) => format!("{} collectors are failing", failed.len()),
        ([], []) => "All is well".to_owned(),
    };
    let mut sentences = vec![collector_words(collectors)];
    sentences.extend(
        full.iter()
            .skip(1)
            .map(|sign| format!("{} is at {:.0} %.", sign.name, sign.percent)),
    );
    sentences.extend(
        signs
            .iter()
            .filter(|sign| sign.rising && sign.percent < TIGHT)
            .map(|sign| format!("{} is rising.", sign.name)),
    );
    Status {
        tone,
        title,
        detail: sentences.join(" "),
    }
}

/// How many measure, how many do not, and why not.
pub fn collector_words(collectors: &[CollectorStatus]) -> String {
    let count =
        |matches: fn(&CollectorState) -> bool| collectors.iter().filter(|one| matches(&one.state)).count();
    let live = count(|state| matches!(state, CollectorState::Live));
    let starting = count(|state| matches!(state, CollectorState::Starting));
    let paused = count(|state| matches!(state, CollectorState::Paused));
    let failed = count(|state| matches!(state, CollectorState::Failed { .. }));
    let absent = count(|state| matches!(state, CollectorState::Unavailable { .. }));
    if collectors.is_empty() {
        return "No collector has reported yet.".to_owned();
    }
    let expected = collectors.len() - absent;
    let mut words = match (live == expected, live) {
        (true, 1) => "The one collector is live".to_owned(),
        (true, _) => format!("All {live} collectors live"),
        (false, _) => format!("{live} of {expected} collectors live"),
    };
    for (number, word) in [(failed, "failing"), (paused, "paused"), (starting, "starting")] {
        if number > 0 {
            words.push_str(&format!(", {number} {word}"));
        }
    }
    if absent > 0 {
        words.push_str(&format!(", {absent} not available on this machine"));
    }
    words.push('.');
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collector(title: &str, state: CollectorState) -> CollectorStatus {
        CollectorStatus {
            name: title.to_lowercase(),
            title: title.into(),
            state,
            interval_ms: 1000,
            last_ok_ms: None,
            last_duration_us: None,
            series: 0,
        }
    }

    fn failed() -> CollectorState {
        CollectorState::Failed {
            reason: "no".into(),
            failures: 1,
            retry_at_ms: 0,
        }
    }

    fn sign(name: &str, percent: f64, rising: bool) -> Sign {
        Sign {
            name: name.into(),
            percent,
            rising,
        }
    }

    #[test]
    fn a_calm_machine_is_said_to_be_well() {
        let all = [
            collector("CPU", CollectorState::Live),
            collector("Memory", CollectorState::Live),
        ];
        let status = status(&all, &[sign("Memory", 40.0, true), sign("Disk", f64::NAN, false)]);
        assert_eq!((status.tone, status.title.as_str()), (Tone::Ok, "All is well"));
        assert_eq!(status.detail, "All 2 collectors live. Memory is rising.");
    }

    #[test]
    fn what_this_machine_does_not_have_is_no_failure() {
        let all = [
            collector("CPU", CollectorState::Live),
            collector(
                "Temperatures",
                CollectorState::Unavailable {
                    reason: "none".into(),
                },
            ),
        ];
        let status = status(&all, &[]);
        assert_eq!(status.tone, Tone::Ok);
        assert_eq!(
            status.detail,
            "The one collector is live, 1 not available on this machine."
        );
    }

    #[test]
    fn a_failing_collector_is_named() {
        let all = [
            collector("CPU", CollectorState::Live),
            collector("Disks", failed()),
        ];
        let status = status(&all, &[]);
        assert_eq!(
            (status.tone, status.title.as_str()),
            (Tone::Warn, "Disks is not being measured")
        );
        assert_eq!(status.detail, "1 of 2 collectors live, 1 failing.");
    }

    #[test]
    fn what_is_nearly_full_comes_before_what_is_not_measured() {
        let all = [collector("CPU", failed())];
        let status = status(&all, &[sign("Disk /srv", 98.2, false)]);
        assert_eq!(
            (status.tone, status.title.as_str()),
            (Tone::Crit, "Disk /srv is at 98 %")
        );
    }

    #[test]
    fn before_the_first_report_nothing_is_claimed() {
        assert_eq!(collector_words(&[]), "No collector has reported yet.");
    }
}
