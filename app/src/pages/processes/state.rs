//! What the parts of the page share. Every field is cheap to copy.

use super::table::{Column, Key, Sort, held_order, key, order, window};
use crate::feed::Processes;
use farol_model::process::ProcessRow;
use leptos::prelude::*;
use std::ops::Range;

/// Size and place of the scrolled table, pixels. All zero until it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scroll {
    pub top: f64,
    pub viewport: f64,
    pub row_height: f64,
}

#[derive(Clone, Copy)]
pub struct TableState {
    /// The live table.
    pub rows: Processes,
    pub sort: RwSignal<Sort>,
    pub text: RwSignal<String>,
    pub columns: RwSignal<Vec<Column>>,
    /// Somebody points at the rows: their order stays.
    pub held: RwSignal<bool>,
    pub scroll: RwSignal<Scroll>,
    /// Positions in `rows` in display order.
    pub order: Memo<Vec<usize>>,
    /// The part of `order` that is in the document.
    pub window: Memo<Range<usize>>,
    /// The process whose details are open.
    pub selected: Memo<Option<Key>>,
    /// Query that keeps order and filter in links without scripts.
    pub keep: StoredValue<String>,
}

impl TableState {
    pub fn new(rows: Processes, sort: Sort, text: String, selected: Memo<Option<Key>>) -> Self {
        let mut keep = String::new();
        if sort != Sort::default() {
            keep.push_str(&format!("sort={}&", sort.to_word()));
        }
        if !text.is_empty() {
            keep.push_str(&format!("q={}&", crate::pages::audit::escape(&text)));
        }
        let sort = RwSignal::new(sort);
        let text = RwSignal::new(text);
        let held = RwSignal::new(false);
        let scroll = RwSignal::new(Scroll::default());
        let before = StoredValue::new((Sort::default(), String::new(), Vec::<Key>::new()));
        let order = Memo::new(move |_| {
            let (sort, text) = (sort.get(), text.get());
            rows.with(|rows| {
                let same = before.with_value(|(s, t, _)| *s == sort && *t == text);
                let order = if held.get() && same {
                    before.with_value(|(_, _, keys)| held_order(rows, keys, sort, &text))
                } else {
                    order(rows, sort, &text)
                };
                before.set_value((sort, text, order.iter().map(|&at| key(&rows[at])).collect()));
                order
            })
        });
        let window = Memo::new(move |_| {
            let Scroll {
                top,
                viewport,
                row_height,
            } = scroll.get();
            window(top, viewport, row_height, order.with(Vec::len))
        });
        let columns = RwSignal::new(
            Column::ALL
                .into_iter()
                .filter(|column| column.shown_at_first())
                .collect(),
        );
        let keep = StoredValue::new(keep);
        TableState {
            rows,
            sort,
            text,
            columns,
            held,
            scroll,
            order,
            window,
            selected,
            keep,
        }
    }

    /// The row at a place of the display order.
    pub fn row_at(&self, index: usize) -> Option<ProcessRow> {
        let at = self.order.with(|order| order.get(index).copied())?;
        self.rows.with(|rows| rows.get(at).cloned())
    }

    /// Address of a row's details.
    pub fn href(&self, row: &ProcessRow) -> String {
        self.keep
            .with_value(|keep| format!("/processes?{keep}pid={}&start={}", row.pid, row.start_ms))
    }

    /// Address of the table without details.
    pub fn closed_href(&self) -> String {
        self.keep.with_value(|keep| {
            format!("/processes?{keep}")
                .trim_end_matches(['?', '&'])
                .to_owned()
        })
    }
}
