//! When runs began and ended, for the charts of their host, and what was annotated. As far back as charts reach, [`MAX_MARKS`] runs at
//! most: above it the oldest go.

use farol_model::action::{Mark, Run, RunStatus};
use std::collections::{HashSet, VecDeque};

/// How long a mark stays, milliseconds: the window that a page holds.
const KEEP_MS: i64 = 10 * 60 * 1000;
pub const MAX_MARKS: usize = 64;

/// The marks that there are now.
#[derive(Debug, Default)]
pub struct Marks {
    marks: VecDeque<Mark>,
    /// What people, programs and Farol itself have annotated lately.
    annotated: Vec<Mark>,
    /// Runs that have begun and not ended.
    begun: HashSet<String>,
}

impl Marks {
    /// Takes the news of a run. Whether it made a mark.
    pub fn take(&mut self, run: &Run, now_ms: i64) -> bool {
        let word = match run.status {
            RunStatus::Running if self.begun.insert(run.id.clone()) => "began",
            // One that never began did nothing to the host.
            status if status.ended() && self.begun.remove(&run.id) => end_word(status),
            _ => return false,
        };
        self.marks.push_back(Mark {
            at_ms: run.ended_ms.unwrap_or(now_ms),
            title: format!("{} {word} ({})", run.title, run.who),
        });
        self.marks.retain(|mark| now_ms - mark.at_ms <= KEEP_MS);
        while self.marks.len() > MAX_MARKS {
            self.marks.pop_front();
        }
        true
    }

    /// Takes what is known of runs of before the start, oldest first.
    pub fn recall(&mut self, marks: Vec<Mark>) {
        let newest = marks.len().saturating_sub(MAX_MARKS);
        let later = std::mem::take(&mut self.marks);
        self.marks = marks.into_iter().skip(newest).chain(later).collect();
    }

    /// These are the annotations of lately now.
    pub fn annotate(&mut self, marks: Vec<Mark>) {
        self.annotated = marks;
    }

    /// Of them what was annotated.
    pub fn annotated(&self) -> &[Mark] {
        &self.annotated
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Mark> {
        let mut all: Vec<Mark> = self.marks.iter().chain(&self.annotated).cloned().collect();
        all.sort_by_key(|mark| mark.at_ms);
        all
    }
}

/// The mark of a run that began at this time, or ended.
pub fn mark_of(run: &Run, at_ms: i64, began: bool) -> Mark {
    let word = if began { "began" } else { end_word(run.status) };
    Mark {
        at_ms,
        title: format!("{} {word} ({})", run.title, run.who),
    }
}

fn end_word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::TimedOut => "timed out",
        RunStatus::Cancelled => "was cancelled",
        RunStatus::Killed => "was killed",
        _ => "ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::action::Params;

    fn run(id: &str, status: RunStatus) -> Run {
        Run {
            id: id.into(),
            action: "a".into(),
            title: "Rotate".into(),
            who: "ana".into(),
            params: Params::new(),
            status,
            detail: String::new(),
            queued_ms: 0,
            ended_ms: status.ended().then_some(2000),
            exit_code: None,
        }
    }

    #[test]
    fn runs_of_before_the_start_are_marked_too_and_are_as_few() {
        let mut marks = Marks::default();
        marks.take(&run("1", RunStatus::Running), 9000);
        let mark = |at_ms: i64| mark_of(&run("0", RunStatus::Succeeded), at_ms, false);
        marks.recall((0..70).map(mark).collect());
        let all = marks.all();
        assert_eq!(
            (all.len(), all[0].at_ms, all[MAX_MARKS].at_ms),
            (MAX_MARKS + 1, 6, 9000)
        );
        assert_eq!(all[0].title, "Rotate succeeded (ana)");
        marks.take(&run("1", RunStatus::Succeeded), 9000);
        assert_eq!(marks.all().len(), MAX_MARKS);
    }

    #[test]
    fn a_run_is_marked_when_it_begins_and_when_it_ends() {
        let mut marks = Marks::default();
        for (status, marked) in [
            (RunStatus::Queued, false),
            (RunStatus::Running, true),
            (RunStatus::Running, false),
            (RunStatus::Failed, true),
            (RunStatus::Failed, false),
        ] {
            assert_eq!(marks.take(&run("1", status), 1000), marked, "{status:?}");
        }
        let told: Vec<_> = marks
            .all()
            .into_iter()
            .map(|mark| (mark.at_ms, mark.title))
            .collect();
        assert_eq!(
            told,
            [
                (1000, "Rotate began (ana)".to_owned()),
                (2000, "Rotate failed (ana)".to_owned())
            ]
        );
        assert!(
            !marks.take(&run("2", RunStatus::Cancelled), 3000),
            "it never began"
        );
    }

    #[test]
    fn a_run_of_long_ago_is_marked_as_one_of_now() {
        let marked = |status, at_ms, began| {
            let mark = mark_of(&run("1", status), at_ms, began);
            (mark.at_ms, mark.title)
        };
        assert_eq!(
            marked(RunStatus::Failed, 5, true),
            (5, "Rotate began (ana)".to_owned())
        );
        assert_eq!(
            marked(RunStatus::Killed, 9, false),
            (9, "Rotate was killed (ana)".to_owned())
        );
    }

    #[test]
    fn marks_are_bounded_in_time_and_number() {
        let mut marks = Marks::default();
        for index in 0..MAX_MARKS + 9 {
            marks.take(&run(&index.to_string(), RunStatus::Running), 1000);
        }
        assert_eq!(marks.all().len(), MAX_MARKS);
        marks.take(&run("late", RunStatus::Running), 1001 + KEEP_MS);
        assert_eq!(marks.all().len(), 1);
    }
}
