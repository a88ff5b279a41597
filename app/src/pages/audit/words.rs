//! Words of the log. Pure.

use crate::ui::{Glyph, Tone};
use farol_model::audit::AuditOutcome;

/// How an outcome is shown.
pub fn outcome_words(outcome: AuditOutcome) -> (Tone, Glyph, &'static str) {
    match outcome {
        AuditOutcome::Started => (Tone::Info, Glyph::Play, "Started"),
        AuditOutcome::Succeeded => (Tone::Ok, Glyph::Check, "Succeeded"),
        AuditOutcome::Failed => (Tone::Crit, Glyph::Alert, "Failed"),
        AuditOutcome::Refused => (Tone::Warn, Glyph::Lock, "Refused"),
        AuditOutcome::Invalid => (Tone::Warn, Glyph::Alert, "Invalid"),
        AuditOutcome::TimedOut => (Tone::Crit, Glyph::Clock, "Timed out"),
        AuditOutcome::Cancelled => (Tone::Neutral, Glyph::Stop, "Cancelled"),
        AuditOutcome::Killed => (Tone::Crit, Glyph::Skull, "Killed"),
        AuditOutcome::Lost => (Tone::Warn, Glyph::Question, "Lost"),
    }
}

/// JSON parameters as `name value` pairs; text that is no object is shown as it is.
pub fn params_words(json: &str) -> String {
    match farol_model::json::read(json) {
        Ok(params) => crate::pages::controls::words::params_words(&params),
        Err(_) => json.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_read_as_pairs_and_broken_json_as_itself() {
        assert_eq!(params_words(r#"{"pid":"7","force":"true"}"#), "force true, pid 7");
        assert_eq!(params_words("{"), "{");
        assert_eq!(params_words("{}"), "");
    }

    #[test]
    fn every_outcome_has_a_word_of_its_own() {
        let words: std::collections::HashSet<_> = AuditOutcome::ALL
            .into_iter()
            .map(|outcome| outcome_words(outcome).2)
            .collect();
        assert_eq!(words.len(), AuditOutcome::ALL.len());
    }
}
