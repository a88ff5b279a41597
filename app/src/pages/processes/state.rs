//! What the parts of the page share. Every field is cheap to copy.

use super::table::{HEADS, Key, USUAL, held_order, key, order};
use crate::feed::Processes;
use crate::ui::grid::{Asked, Choice, GridState};
use farol_model::process::ProcessRow;
use leptos::prelude::*;

#[derive(Clone, Copy)]
pub struct TableState {
    /// The live table.
    pub rows: Processes,
    /// Positions in `rows` in display order.
    pub order: Memo<Vec<usize>>,
    pub grid: GridState,
    /// The process whose details are open.
    pub selected: Memo<Option<Key>>,
}

impl TableState {
    pub fn new(rows: Processes, asked: Asked, selected: Memo<Option<Key>>) -> Self {
        let choice = Choice::new(&asked);
        let before = StoredValue::new((USUAL, String::new(), Vec::<Key>::new()));
        let order = Memo::new(move |_| {
            let (sort, text) = (choice.sort.get(), choice.text.get());
            rows.with(|rows| {
                let same = before.with_value(|(s, t, _)| *s == sort && *t == text);
                let order = if choice.held.get() && same {
                    before.with_value(|(_, _, keys)| held_order(rows, keys, sort, &text))
                } else {
                    order(rows, sort, &text)
                };
                before.set_value((sort, text, order.iter().map(|&at| key(&rows[at])).collect()));
                order
            })
        });
        let total = Signal::derive(move || order.with(Vec::len));
        TableState {
            rows,
            order,
            grid: GridState::new(&HEADS, choice, asked, total),
            selected,
        }
    }

    /// The row at a place of the display order.
    pub fn row_at(&self, index: usize) -> Option<ProcessRow> {
        let at = self.order.with(|order| order.get(index).copied())?;
        self.rows.with(|rows| rows.get(at).cloned())
    }

    /// Address of a row's details.
    pub fn href(&self, row: &ProcessRow) -> String {
        self.grid.href(&format!("pid={}&start={}", row.pid, row.start_ms))
    }
}
