//! Two runs' outputs, line by line (the crate `similar`, Myers' algorithm). Bounded: the last [`COMPARED_BYTES`] of each,
//! [`PATIENCE`] of work, [`SHOWN_LINES`] of result.

use super::output::ansi::plain;
use farol_model::{
    Fault,
    action::{Change, Comparison, DiffLine, RunView},
};
use similar::{ChangeTag, TextDiff};
use std::time::Duration;

/// Bytes of each output that are compared; what stands before is left out, and that is said.
const COMPARED_BYTES: usize = 512 * 1024;
/// After so long the rest is told as removed and added.
const PATIENCE: Duration = Duration::from_secs(2);
/// Lines of the result at most.
const SHOWN_LINES: usize = 2000;
/// Lines that are alike are shown around what differs.
const AROUND: usize = 3;

/// Compares off the async threads.
///
/// # Errors
/// [`Fault::internal`] when the work broke.
pub async fn compare(first: RunView, second: RunView) -> Result<Comparison, Fault> {
    let work = tokio::task::spawn_blocking(move || {
        let (before, cut_before) = text(&first);
        let (after, cut_after) = text(&second);
        let (lines, long) = lines(&before, &after);
        Comparison {
            first: first.run,
            second: second.run,
            lines,
            cut: long || cut_before || cut_after,
        }
    });
    work.await.map_err(|error| {
        tracing::error!(%error, "two outputs could not be compared");
        Fault::internal()
    })
}

/// The end of an output as text, and whether something stands before it.
fn text(view: &RunView) -> (String, bool) {
    let all: String = view.output.iter().map(|(_, text)| plain(text)).collect();
    let from = all.ceil_char_boundary(all.len().saturating_sub(COMPARED_BYTES));
    (all[from..].to_owned(), view.truncated || from > 0)
}

/// What differs, with a few lines around, and whether there is more of it.
fn lines(before: &str, after: &str) -> (Vec<DiffLine>, bool) {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            lines.push(DiffLine {
                change: Change::Skipped,
                first: None,
                second: None,
                text: String::new(),
            });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            if lines.len() >= SHOWN_LINES {
                return (lines, true);
            }
            lines.push(DiffLine {
                change: match change.tag() {
                    ChangeTag::Equal => Change::Same,
                    ChangeTag::Delete => Change::Removed,
                    ChangeTag::Insert => Change::Added,
                },
                first: change.old_index().map(|at| at + 1),
                second: change.new_index().map(|at| at + 1),
                text: change.value().trim_end_matches('\n').to_owned(),
            });
        }
    }
    (lines, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_with_its_line_numbers() {
        let (lines, more) = lines("a\nb\nc\n", "a\nB\nc\nd\n");
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.change, line.first, line.second, line.text.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (Change::Same, Some(1), Some(1), "a"),
                (Change::Removed, Some(2), None, "b"),
                (Change::Added, None, Some(2), "B"),
                (Change::Same, Some(3), Some(3), "c"),
                (Change::Added, None, Some(4), "d"),
            ]
        );
        assert!(!more);
    }

    #[test]
    fn outputs_that_are_alike_have_nothing_to_show() {
        assert_eq!(lines("a\nb\n", "a\nb\n"), (Vec::new(), false));
    }

    #[test]
    fn far_apart_changes_are_separate_and_much_is_cut() {
        let numbers = |odd: &str| {
            (0..100)
                .map(|n| {
                    if n % 50 == 25 {
                        format!("{odd}\n")
                    } else {
                        format!("{n}\n")
                    }
                })
                .collect::<String>()
        };
        let (some, _) = lines(&numbers("x"), &numbers("y"));
        assert_eq!(
            some.iter().filter(|line| line.change == Change::Skipped).count(),
            1
        );
        let long = |word: &str| (0..5000).map(|n| format!("{word}{n}\n")).collect::<String>();
        let (all, more) = lines(&long("a"), &long("b"));
        assert!(more && all.len() == SHOWN_LINES);
    }
}
