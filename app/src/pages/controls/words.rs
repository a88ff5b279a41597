//! Words of runs. Pure.

use crate::ui::{Glyph, Tone};
use farol_model::action::{ActionSpec, Params, RunStatus};

/// How a state of a run is shown.
pub fn status_words(status: RunStatus) -> (Tone, Glyph, &'static str) {
    match status {
        RunStatus::Awaiting => (Tone::Warn, Glyph::Eye, "Needs approval"),
        RunStatus::Queued => (Tone::Info, Glyph::Clock, "Waiting"),
        RunStatus::Running => (Tone::Info, Glyph::Play, "Running"),
        RunStatus::Succeeded => (Tone::Ok, Glyph::Check, "Succeeded"),
        RunStatus::Failed => (Tone::Crit, Glyph::Alert, "Failed"),
        RunStatus::TimedOut => (Tone::Crit, Glyph::Clock, "Timed out"),
        RunStatus::Cancelled => (Tone::Neutral, Glyph::Stop, "Cancelled"),
        RunStatus::Killed => (Tone::Crit, Glyph::Skull, "Killed"),
        RunStatus::Lost => (Tone::Warn, Glyph::Question, "Lost"),
        RunStatus::Denied => (Tone::Neutral, Glyph::Cross, "Denied"),
        RunStatus::Expired => (Tone::Neutral, Glyph::Clock, "Expired"),
    }
}

/// A duration of milliseconds as people say it: `340 ms`, `4.2 s`, `3 min 20 s`.
pub fn took(duration_ms: i64) -> String {
    match duration_ms.max(0) {
        ms if ms < 1000 => format!("{ms} ms"),
        ms if ms < 60_000 => format!("{:.1} s", ms as f64 / 1000.0),
        ms if ms < 3_600_000 => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
        ms => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

/// How long ago, in the largest unit that is not zero.
pub fn ago(at_ms: i64, now_ms: i64) -> String {
    match (now_ms - at_ms).max(0) / 1000 {
        secs if secs < 5 => "just now".to_owned(),
        secs if secs < 60 => format!("{secs} s ago"),
        secs if secs < 3600 => format!("{} min ago", secs / 60),
        secs if secs < 86_400 => format!("{} h ago", secs / 3600),
        secs => format!("{} d ago", secs / 86_400),
    }
}

/// What the confirm step says: the spec's own text, or its title, and always on which host.
pub fn confirm_words(spec: &ActionSpec, params: &Params, host: &str) -> String {
    let text = spec.confirm_text(params).unwrap_or_else(|| spec.title.clone());
    format!("{} on {host}?", text.trim_end_matches(['.', '?', '!']))
}

/// What the confirm button says: verb and object, or only the title when that would be too long for a button.
pub fn confirm_button(spec: &ActionSpec, params: &Params) -> String {
    spec.confirm_text(params)
        .map(|text| text.trim_end_matches(['.', '?', '!']).to_owned())
        .filter(|text| text.chars().count() <= 40)
        .unwrap_or_else(|| spec.title.clone())
}

/// Parameters as `name value` pairs.
pub fn params_words(params: &Params) -> String {
    params
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The key of the n-th submission of one form. Fits the pattern that the runner wants for any action id.
pub fn run_key(seed: &str, action: &str, count: u64) -> String {
    let action: String = action
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(32)
        .collect();
    format!("{seed}-{action}-{count}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{Permission, action::Danger};

    #[test]
    fn durations_are_told_in_the_unit_that_fits() {
        let told: Vec<String> = [-5, 340, 4200, 200_000, 3_720_000]
            .into_iter()
            .map(took)
            .collect();
        assert_eq!(told, ["0 ms", "340 ms", "4.2 s", "3 min 20 s", "1 h 2 min"]);
    }

    #[test]
    fn a_clock_that_is_behind_never_tells_the_future() {
        assert_eq!(ago(10_000, 0), "just now");
        assert_eq!(ago(0, 7_200_000), "2 h ago");
    }

    #[test]
    fn keys_fit_the_runner_whatever_the_action_is_called() {
        let key = run_key(
            "0123456789abcdef",
            "runbook.ünsäfe name/that-goes-on-and-on-and-on",
            4_294_967_295,
        );
        assert!((8..=64).contains(&key.len()), "{}", key.len());
        assert!(
            key.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "{key}"
        );
    }

    #[test]
    fn the_confirm_step_names_the_host_even_without_a_text_of_its_own() {
        let spec = ActionSpec {
            id: "x".into(),
            title: "Flush the cache".into(),
            summary: String::new(),
            group: String::new(),
            permission: Permission::RunActions,
            danger: Danger::Dangerous,
            confirm: None,
            time_limit_secs: 5,
            params: vec![],
        };
        assert_eq!(
            confirm_words(&spec, &Params::new(), "web-1"),
            "Flush the cache on web-1?"
        );
    }
}
