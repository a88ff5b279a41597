//! When a runbook runs by itself: cron syntax of five fields, in UTC, so that no change of clocks runs it twice or not at all.
//!
//! Each run has a key made of the runbook and the minute, so the runner lets it happen once. What was missed while Farol was
//! down, or while the machine slept for longer than [`LATE_MS`], is not made up; that is logged.

use super::{config::RunbookConfig, shelf::Shelf};
use crate::{
    actions::{Caller, runner::Runner},
    time::now_ms,
};
use chrono::DateTime;
use croner::Cron;
use farol_model::{
    Role, Viewer,
    action::{Params, RunRequest},
};
use std::{collections::HashMap, str::FromStr, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Between two looks at the clock.
const LOOK: Duration = Duration::from_secs(1);
/// A run that is later than this is left out.
const LATE_MS: i64 = 60_000;

/// A parsed schedule.
pub struct Schedule(Cron);

impl Schedule {
    /// # Errors
    /// A sentence on what is wrong with it.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        if text.split_whitespace().count() != 5 {
            return Err(format!(
                "`{text}` must have five fields: minute, hour, day of the month, month, day of the week"
            ));
        }
        let cron = Cron::from_str(text).map_err(|error| format!("`{text}` is no cron schedule: {error}"))?;
        let schedule = Schedule(cron);
        match schedule.next(now_ms()) {
            Some(_) => Ok(schedule),
            None => Err(format!("`{text}` never comes")),
        }
    }

    /// The first time after this one, milliseconds.
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        let after = DateTime::from_timestamp_millis(after_ms)?;
        let next = self.0.find_next_occurrence(&after, false).ok()?;
        Some(next.timestamp_millis())
    }

    /// In words, e.g. `At 03:00, on day 1 of the month`.
    pub fn words(&self) -> String {
        self.0.describe()
    }
}

/// Starts what is due, until `shutdown`.
pub async fn keep(shelf: Arc<Shelf>, runner: Runner, shutdown: CancellationToken) {
    let mut clock = tokio::time::interval(LOOK);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut due = Due::default();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = clock.tick() => {}
        }
        look(&mut due, &shelf, &runner, now_ms()).await;
    }
}

/// Starts what is due at this time.
async fn look(due: &mut Due, shelf: &Shelf, runner: &Runner, now_ms: i64) {
    for (runbook, at_ms) in due.look(&shelf.runbooks(), now_ms) {
        start(runner, &runbook, at_ms).await;
    }
}

async fn start(runner: &Runner, runbook: &str, at_ms: i64) {
    let request = RunRequest {
        key: format!("s-{runbook}-{}", at_ms / 60_000),
        action: format!("runbook.{runbook}"),
        params: Params::new(),
        confirm: true,
    };
    // The runner has written the refusal to the audit log.
    if let Err(fault) = runner
        .start(Caller::vouched(&by_schedule()), "schedule", request)
        .await
    {
        tracing::warn!(runbook, %fault, "a run by schedule was not started");
    }
}

/// On whose behalf scheduled runs are. No user has this number; whoever may write the runbook's file has decided.
fn by_schedule() -> Viewer {
    Viewer::new(0, "schedule", Role::Admin)
}

/// What comes next, by runbook.
#[derive(Default)]
struct Due(HashMap<String, (String, Option<i64>)>);

impl Due {
    /// Names and times of what is due now.
    fn look(&mut self, runbooks: &[RunbookConfig], now_ms: i64) -> Vec<(String, i64)> {
        let mut due = Vec::new();
        let mut seen = HashMap::new();
        for runbook in runbooks {
            let Some(text) = &runbook.schedule else { continue };
            let Ok(schedule) = Schedule::parse(text) else {
                continue;
            };
            let known = self.0.remove(&runbook.name).filter(|(before, _)| before == text);
            let mut next = known.map_or_else(|| schedule.next(now_ms), |(_, next)| next);
            if let Some(at_ms) = next.filter(|at_ms| *at_ms <= now_ms) {
                if now_ms - at_ms > LATE_MS {
                    tracing::warn!(
                        runbook = runbook.name,
                        late_ms = now_ms - at_ms,
                        "a run by schedule was missed and is left out"
                    );
                } else {
                    due.push((runbook.name.clone(), at_ms));
                }
                next = schedule.next(now_ms);
            }
            seen.insert(runbook.name.clone(), (text.clone(), next));
        }
        self.0 = seen;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actions::{RunOutlet, store::RunStore},
        audit::AuditLog,
        db,
    };
    use farol_model::{
        action::{Run, RunEvent, RunStatus},
        audit::{AuditOutcome, AuditQuery},
    };

    const MINUTE: i64 = 60_000;

    fn runbook(schedule: &str) -> RunbookConfig {
        let text =
            format!("name = \"a\"\ntitle = \"A\"\nargv = [\"/bin/true\"]\nschedule = \"{schedule}\"\n");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn the_next_time_is_in_utc_and_a_bad_schedule_says_why() {
        let daily = Schedule::parse("30 3 * * *").unwrap();
        // 2026-11-25 00:00:00 UTC.
        assert_eq!(
            daily.next(1_795_564_800_000),
            Some(1_795_564_800_000 + (3 * 60 + 30) * MINUTE)
        );
        assert!(daily.words().contains("3:30"), "{}", daily.words());
        for (bad, why) in [
            ("* * * *", "five fields"),
            ("* * * * * *", "five fields"),
            ("99 * * * *", "cron"),
            ("0 0 31 2 *", "never"),
        ] {
            assert!(
                Schedule::parse(bad).is_err_and(|reason| reason.contains(why)),
                "{bad}"
            );
        }
    }

    struct Ears(tokio::sync::mpsc::UnboundedSender<Run>);

    impl RunOutlet for Ears {
        fn event(&self, _: &str, event: &RunEvent) {
            if let RunEvent::State { run } = event {
                let _ = self.0.send(run.clone());
            }
        }
        fn closed(&self, _: &str) {}
    }

    /// From the file to the run and its entry; the clock is the test's.
    #[tokio::test]
    async fn a_runbook_of_a_file_runs_by_itself_when_its_time_comes_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let count = dir.path().join("count");
        let text = format!(
            "title = \"Tick\"\nschedule = \"*/5 * * * *\"\nargv = [\"/bin/sh\", \"-c\", \"echo x >> {}\"]\n",
            count.display()
        );
        std::fs::write(dir.path().join("tick.toml"), text).unwrap();
        let pool = db::open_in_memory().await.unwrap();
        let audit = AuditLog::new(pool.clone());
        let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let runner = Runner::start_up(
            Vec::new(),
            RunStore::new(pool),
            audit.clone(),
            Arc::new(Ears(sender)),
            CancellationToken::new(),
            tokio_util::task::TaskTracker::new(),
        );
        let runner = runner.await.unwrap();
        let (shelf, _) = Shelf::start(dir.path().to_owned(), Vec::new(), &runner).await;
        assert_eq!(shelf.faults(), []);
        let (mut due, begin) = (Due::default(), 1_795_564_800_000 + 1);
        look(&mut due, &shelf, &runner, begin).await;
        assert!(heard.try_recv().is_err(), "its time has not come");
        let first = begin - 1 + 5 * MINUTE;
        for late_ms in [0, 200, 1200] {
            look(&mut due, &shelf, &runner, first + late_ms).await;
        }
        // Another Farol on the same database, or a clock that was set back: the key is the same.
        look(
            &mut Due([("tick".to_owned(), ("*/5 * * * *".to_owned(), Some(first)))].into()),
            &shelf,
            &runner,
            first,
        )
        .await;
        let ended = loop {
            let run = heard.recv().await.unwrap();
            if run.status.ended() {
                break run;
            }
        };
        assert_eq!(
            (ended.status, ended.who.as_str()),
            (RunStatus::Succeeded, "schedule")
        );
        look(&mut due, &shelf, &runner, first + 5 * MINUTE).await;
        while !heard.recv().await.unwrap().status.ended() {}
        assert_eq!(
            std::fs::read_to_string(&count).unwrap(),
            "x\nx\n",
            "once each time"
        );
        let log = audit.page(&AuditQuery::default()).await.unwrap();
        assert_eq!(log.entries.len(), 2);
        for entry in &log.entries {
            let told = (
                entry.who.as_str(),
                entry.from.as_str(),
                entry.what.as_str(),
                entry.outcome,
            );
            assert_eq!(
                told,
                (
                    "schedule",
                    "schedule",
                    "run.runbook.tick",
                    AuditOutcome::Succeeded
                )
            );
        }
    }

    #[test]
    fn a_time_is_due_once_and_what_was_missed_is_left_out() {
        let books = [runbook("*/5 * * * *")];
        let mut due = Due::default();
        let start = 1_795_564_800_000 + 1;
        assert!(
            due.look(&books, start).is_empty(),
            "what lies before the start is not made up"
        );
        let first = start - 1 + 5 * MINUTE;
        assert!(due.look(&books, first - 1).is_empty());
        assert_eq!(due.look(&books, first + 200), [("a".to_owned(), first)]);
        assert!(due.look(&books, first + 1200).is_empty());
        assert!(
            due.look(&books, first + 7 * MINUTE).is_empty(),
            "two minutes late is too late"
        );
        assert_eq!(due.look(&books, first + 10 * MINUTE).len(), 1);
        let other = [runbook("0 0 1 1 *")];
        assert!(
            due.look(&other, first + 15 * MINUTE).is_empty(),
            "a new schedule begins anew"
        );
    }
}
