//! A table that lives on the server: it filters, sorts, cuts and writes the cells; the page asks once a second, while it is looked
//! at, for the rows that are on screen, and for the details of the one that is open. So ten thousand rows cost a browser no more
//! than fifty. Knows nothing of what the rows are.

mod state;

pub use state::{AWAITED, Kind, TableState, ask_more, facts, head, totals, trouble};

use crate::page_data::Answer;
use farol_model::{action::ActionSpec, fields, sample::ChannelView};
use serde::Serialize;
use std::{future::Future, pin::Pin};

/// A row: what names it, then one cell per column.
pub type Row = Vec<String>;

/// A part of a table, with what stands around it. Numbers are in words already: the browser only places them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TableView {
    /// How many there are or match, when it was looked, then one value per title of the head line.
    pub head: Vec<String>,
    /// HTML that stands above the table, or in its place when there are no rows.
    pub notice: String,
    /// Rows that the filter lets through.
    pub matching: u32,
    /// Place of the first of `rows` among them.
    pub from: u32,
    pub rows: Vec<Row>,
    /// Order, filter and place that were asked for.
    pub asked: String,
    /// The row whose details were asked for.
    pub id: String,
    /// It is not there now.
    pub gone: bool,
    /// Its details, in the order of their titles.
    pub facts: Vec<String>,
    /// More about it, if that was asked for.
    pub more: Vec<Row>,
    /// Its metrics, when the page has none yet.
    pub charts: Vec<ChannelView>,
    /// The actions that the details offer, as far as this viewer may run them. They come with the page only.
    pub panels: Vec<ActionSpec>,
    /// What keys of this page's forms start with; another in each answer.
    pub key_seed: String,
}

fields!(TableView {
    head,
    notice,
    matching,
    from,
    rows,
    asked,
    id,
    gone,
    facts,
    more,
    charts,
    panels,
    key_seed
});

/// What a page asks for.
#[derive(Debug, Clone, Default)]
pub struct Question {
    pub sort: String,
    pub text: String,
    pub from: u32,
    pub count: u32,
    /// The row whose details are open; empty for none.
    pub id: String,
    /// More about it is wanted.
    pub more: bool,
    /// Its metrics are wanted.
    pub charts: bool,
    /// The page asks again without anybody having done anything.
    pub by_itself: bool,
}

/// Asks the server.
pub type Ask = fn(Question) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Takes what is new. What is not known any more of the chosen row stays as it was last. `hold`: rows keep their order.
fn take(view: &mut TableView, mut fresh: TableView, hold: bool) {
    if hold && view.asked == fresh.asked {
        fresh.rows = held(&view.rows, fresh.rows);
    }
    if view.id == fresh.id {
        if fresh.facts.is_empty() {
            fresh.facts = std::mem::take(&mut view.facts);
        }
        if fresh.more.is_empty() {
            fresh.more = std::mem::take(&mut view.more);
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
        let before = TableView {
            id: "a".into(),
            facts: vec!["olga".into()],
            more: vec![row("1", "x")],
            rows: vec![row("a", "1")],
            ..Default::default()
        };
        let gone = |id: &str| TableView {
            id: id.into(),
            gone: true,
            ..Default::default()
        };
        let mut view = before.clone();
        take(&mut view, gone("a"), false);
        assert_eq!((&view.facts, &view.more), (&before.facts, &before.more));
        assert!(view.gone && view.rows.is_empty());
        let mut view = before.clone();
        take(&mut view, gone("b"), false);
        assert!(view.facts.is_empty() && view.more.is_empty(), "another one");
    }

    #[test]
    fn rows_are_held_only_while_the_same_is_asked_for() {
        let view = |asked: &str, rows: &[Row]| TableView {
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
