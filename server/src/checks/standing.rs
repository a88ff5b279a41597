//! How a check stands after its tries. Pure: what counts as failing, since when, and what changed.

use super::{config::CheckConfig, probe::Outcome};
use farol_model::ingest::{Check, CheckChange, CheckKind, CheckState};
use std::collections::VecDeque;

/// Tries that are shown.
const RECENT: usize = 60;
/// Changes that are kept of one check.
pub const CHANGES: usize = 200;
/// Changes that are shown of one check.
const SHOWN: usize = 20;

/// See the module.
#[derive(Debug)]
pub struct Standing {
    config: CheckConfig,
    kind: CheckKind,
    state: CheckState,
    failures: u32,
    last: Option<(Outcome, i64)>,
    recent: VecDeque<bool>,
    /// The newest last.
    changes: VecDeque<CheckChange>,
}

impl Standing {
    /// `changes` are those of before, oldest first.
    pub fn new(config: CheckConfig, kind: CheckKind, changes: Vec<CheckChange>) -> Standing {
        Standing {
            config,
            kind,
            state: CheckState::Waiting,
            failures: 0,
            last: None,
            recent: VecDeque::new(),
            changes: changes.into(),
        }
    }

    pub fn config(&self) -> &CheckConfig {
        &self.config
    }

    pub fn kind(&self) -> CheckKind {
        self.kind
    }

    /// Whether it failed when it last changed, also before the start.
    pub fn failed(&self) -> bool {
        self.changes
            .back()
            .is_some_and(|last| last.state == CheckState::Failing)
    }

    /// What changed, oldest first.
    pub fn changes(&self) -> Vec<CheckChange> {
        self.changes.iter().cloned().collect()
    }

    pub fn last(&self) -> Option<&Outcome> {
        self.last.as_ref().map(|(outcome, _)| outcome)
    }

    /// A try came to an end. What is to be written down, when it changed anything.
    pub fn take(&mut self, outcome: Outcome, t_ms: i64) -> Option<CheckChange> {
        self.failures = if outcome.ok {
            0
        } else {
            self.failures.saturating_add(1)
        };
        self.state = match outcome.ok {
            true => CheckState::Ok,
            false if self.failures >= self.config.fails_after => CheckState::Failing,
            // One that is failing already stays so.
            false if self.failed() => CheckState::Failing,
            false => CheckState::Unsure,
        };
        self.recent.push_back(outcome.ok);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        let settled = self.state != CheckState::Unsure;
        let changed = settled && self.changes.back().is_none_or(|last| last.state != self.state);
        let change = changed.then(|| CheckChange {
            t_ms,
            state: self.state,
            message: outcome.message.clone(),
        });
        if let Some(change) = &change {
            self.changes.push_back(change.clone());
            if self.changes.len() > CHANGES {
                self.changes.pop_front();
            }
        }
        self.last = Some((outcome, t_ms));
        change
    }

    /// As it is told.
    pub fn check(&self) -> Check {
        let last = self.last.as_ref();
        let secs = |outcome: &Outcome| outcome.took.as_secs_f64();
        Check {
            name: self.config.name.clone(),
            kind: self.kind,
            at: self.config.target.clone(),
            state: self.state,
            // Until it was tried, what was before says nothing.
            since_ms: last.and_then(|_| self.changes.back()).map(|change| change.t_ms),
            last_ms: last.map(|(_, t_ms)| *t_ms),
            message: last.map_or_else(String::new, |(outcome, _)| outcome.message.clone()),
            duration_secs: last.map(|(outcome, _)| secs(outcome)),
            tls_expiry_secs: last.and_then(|(outcome, _)| outcome.tls_expiry_secs),
            interval_secs: self.config.interval_secs,
            recent: self.recent.iter().copied().collect(),
            changes: self.changes.iter().rev().take(SHOWN).cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(changes: Vec<CheckChange>) -> Standing {
        let config = CheckConfig {
            fails_after: 2,
            ..Default::default()
        };
        Standing::new(config, CheckKind::Tcp, changes)
    }

    fn outcome(ok: bool) -> Outcome {
        Outcome::of(if ok {
            Ok("well".into())
        } else {
            Err(anyhow::anyhow!("gone"))
        })
    }

    #[test]
    fn it_fails_after_so_many_in_a_row_and_is_well_at_once() {
        let mut check = standing(Vec::new());
        assert_eq!(check.check().state, CheckState::Waiting);
        let mut seen = Vec::new();
        for (t_ms, ok) in [true, false, true, false, false, false, true]
            .into_iter()
            .enumerate()
        {
            let change = check.take(outcome(ok), t_ms as i64);
            seen.push((check.check().state, change.is_some()));
        }
        use CheckState::{Failing, Ok, Unsure};
        let expected = [
            (Ok, true),
            (Unsure, false),
            (Ok, false),
            (Unsure, false),
            (Failing, true),
            (Failing, false),
            (Ok, true),
        ];
        assert_eq!(seen, expected);
        let told = check.check();
        assert_eq!((told.since_ms, told.last_ms), (Some(6), Some(6)));
        assert_eq!(told.changes[1].message, "gone");
        assert_eq!(told.recent, [true, false, true, false, false, false, true]);
    }

    #[test]
    fn what_was_before_a_restart_goes_on() {
        let before = |state| CheckChange {
            t_ms: 3,
            state,
            message: String::new(),
        };
        let mut check = standing(vec![before(CheckState::Ok)]);
        assert_eq!(check.check().since_ms, None, "it has not been tried yet");
        assert_eq!(check.take(outcome(true), 9), None);
        assert_eq!(check.check().since_ms, Some(3));
        let mut check = standing(vec![before(CheckState::Failing)]);
        assert_eq!(check.take(outcome(false), 9), None);
        assert_eq!(
            (check.check().state, check.check().since_ms),
            (CheckState::Failing, Some(3))
        );
    }

    #[test]
    fn tries_and_changes_are_bounded() {
        let mut check = standing(Vec::new());
        check.config.fails_after = 1;
        for t_ms in 0..1000 {
            check.take(outcome(t_ms % 2 == 0), t_ms);
        }
        assert_eq!((check.recent.len(), check.changes.len()), (RECENT, CHANGES));
        assert_eq!(check.check().changes[0].t_ms, 999);
    }
}
