//! What the table shows, without any of the drawing. Pure.

use super::Watched;

/// A row: the id of what it is about, then one cell per column.
pub type Row = Vec<String>;

/// Takes what is new. What is not known any more of the chosen connection stays as it was last. `hold`: rows keep their
/// order.
pub fn take(view: &mut Watched, mut fresh: Watched, hold: bool) {
    if hold && view.asked == fresh.asked {
        fresh.rows = held(&view.rows, fresh.rows);
    }
    if view.id == fresh.id {
        if fresh.facts.is_empty() {
            fresh.facts = std::mem::take(&mut view.facts);
        }
        if fresh.lines.is_empty() {
            fresh.lines = std::mem::take(&mut view.lines);
        }
        if fresh.charts.is_empty() {
            fresh.charts = std::mem::take(&mut view.charts);
        }
    }
    *view = fresh;
}

/// The same rows in the order they had before: while somebody points at the table nothing may slip away under the pointer. Rows
/// that are new go to the end.
fn held(before: &[Row], mut fresh: Vec<Row>) -> Vec<Row> {
    let mut held = Vec::new();
    for row in before {
        if let Some(at) = fresh.iter().position(|other| other.first() == row.first()) {
            held.push(fresh.remove(at));
        }
    }
    held.append(&mut fresh);
    held
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, cell: &str) -> Row {
        vec![id.into(), cell.into()]
    }

    #[test]
    fn held_rows_keep_their_order_and_new_ones_go_last() {
        let before = [row("a", "1"), row("b", "1"), row("c", "1")];
        let fresh = vec![row("c", "2"), row("d", "2"), row("a", "2")];
        assert_eq!(
            held(&before, fresh),
            [row("a", "2"), row("c", "2"), row("d", "2")]
        );
    }

    #[test]
    fn what_was_known_of_the_chosen_one_stays_when_it_is_gone() {
        let before = Watched {
            id: "a".into(),
            facts: vec!["olga".into()],
            lines: vec![row("1", "x")],
            rows: vec![row("a", "1")],
            ..Default::default()
        };
        let gone = |id: &str| Watched {
            id: id.into(),
            gone: true,
            ..Default::default()
        };
        let mut view = before.clone();
        take(&mut view, gone("a"), false);
        assert_eq!((&view.facts, &view.lines), (&before.facts, &before.lines));
        assert!(view.gone && view.rows.is_empty());
        let mut view = before.clone();
        take(&mut view, gone("b"), false);
        assert!(view.facts.is_empty() && view.lines.is_empty(), "another one");
    }

    #[test]
    fn rows_are_held_only_while_the_same_is_asked_for() {
        let view = |asked: &str, rows: &[Row]| Watched {
            asked: asked.into(),
            rows: rows.to_vec(),
            ..Default::default()
        };
        let (ab, ba) = ([row("a", "1"), row("b", "1")], [row("b", "2"), row("a", "2")]);
        let mut shown = view("x", &ab);
        take(&mut shown, view("x", &ba), true);
        assert_eq!(shown.rows, [row("a", "2"), row("b", "2")]);
        take(&mut shown, view("y", &ba), true);
        assert_eq!(shown.rows, ba);
    }
}
