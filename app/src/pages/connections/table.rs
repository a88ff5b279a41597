//! What the table shows, without any of the drawing. Pure.

use super::api::ConnectionsView;
use crate::ui::grid::{Head, Sort};

/// The columns. Their keys are the words of [`ConnectionSort`](farol_model::connection::ConnectionSort).
pub const HEADS: [Head; 15] = [
    Head::words("user", "User"),
    Head::words("address", "Address"),
    Head::words("client", "Client"),
    Head::words("carrier", "Carrier"),
    Head::words("encoding", "Encoding").hidden(),
    Head::number("age", "Age"),
    Head::number("channels", "Channels"),
    Head::number("received", "Received"),
    Head::number("sent", "Sent"),
    Head::number("received_frames", "Frames in"),
    Head::number("sent_frames", "Frames out"),
    Head::number("queue", "Waiting"),
    Head::number("round_trip", "Round trip"),
    Head::number("clock", "Clock"),
    Head::number("conflations", "Conflated").hidden(),
];

/// The column that leads to the details.
pub const USER: usize = 0;

/// The oldest first: rows keep their places.
pub const USUAL: Sort = Sort {
    column: 5,
    descending: true,
};

/// Titles of the head line.
pub const TOTALS: [&str; 5] = ["Connections", "Users", "Received", "Sent", "Waiting"];

/// Places in [`ConnectionsView::head`].
pub const COUNT: usize = 0;
pub const LOOKED: usize = 1;
pub const FIRST_TOTAL: usize = 2;

/// Titles of the details.
pub const FACTS: [&str; 16] = [
    "User",
    "Role",
    "Address",
    "Program",
    "Agent",
    "Carrier",
    "Encoding",
    "Connected",
    "Received",
    "Sent",
    "Waiting",
    "Conflations",
    "Round trip",
    "Clock",
    "Id",
    "Channels",
];

/// Places of [`FACTS`] that name the connection.
pub const FACT_USER: usize = 0;
pub const FACT_ADDRESS: usize = 2;

/// A row: the id of the connection, then one cell per column.
pub type Row = Vec<String>;

/// Takes what is new. What is not known any more of the chosen connection stays as it was last. `hold`: rows keep their
/// order.
pub fn take(view: &mut ConnectionsView, mut fresh: ConnectionsView, hold: bool) {
    if hold && view.asked == fresh.asked {
        fresh.rows = held(&view.rows, fresh.rows);
    }
    if view.id == fresh.id {
        if fresh.facts.is_empty() {
            fresh.facts = std::mem::take(&mut view.facts);
        }
        if fresh.frames.is_empty() {
            fresh.frames = std::mem::take(&mut view.frames);
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
    use farol_model::connection::ConnectionSort;

    fn row(id: &str, cell: &str) -> Row {
        vec![id.into(), cell.into()]
    }

    #[test]
    fn every_column_can_be_sorted_by() {
        for head in HEADS {
            assert!(ConnectionSort::parse(head.key).is_some(), "{}", head.key);
        }
        assert_eq!(HEADS.len(), ConnectionSort::ALL.len());
        assert_eq!((HEADS[USUAL.column].key, HEADS[USER].key), ("age", "user"));
        assert_eq!((FACTS[FACT_USER], FACTS[FACT_ADDRESS]), ("User", "Address"));
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
        let before = ConnectionsView {
            id: "a".into(),
            facts: vec!["olga".into()],
            frames: vec![row("1", "x")],
            rows: vec![row("a", "1")],
            ..Default::default()
        };
        let gone = |id: &str| ConnectionsView {
            id: id.into(),
            gone: true,
            ..Default::default()
        };
        let mut view = before.clone();
        take(&mut view, gone("a"), false);
        assert_eq!((&view.facts, &view.frames), (&before.facts, &before.frames));
        assert!(view.gone && view.rows.is_empty());
        let mut view = before.clone();
        take(&mut view, gone("b"), false);
        assert!(view.facts.is_empty() && view.frames.is_empty(), "another one");
    }

    #[test]
    fn rows_are_held_only_while_the_same_is_asked_for() {
        let view = |asked: &str, rows: &[Row]| ConnectionsView {
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
