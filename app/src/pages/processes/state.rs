//! What the parts of the page share. Every field is cheap to copy.

use super::{
    table::{HEADS, Key, USUAL, held_order, key, order},
    tree::{Place, above, flat, tree},
};
use crate::feed::Processes;
use crate::ui::grid::{Asked, Choice, GridState, row_of};
use farol_model::process::ProcessRow;
use leptos::{prelude::*, web_sys::KeyboardEvent};

#[derive(Clone, Copy)]
pub struct TableState {
    /// The live table.
    pub rows: Processes,
    /// What is shown, in display order.
    pub order: Memo<Vec<Place>>,
    pub grid: GridState,
    /// The process whose details are open.
    pub selected: Memo<Option<Key>>,
    /// Whether processes stand under their parents.
    pub tree: Signal<bool>,
    /// Parents whose children are not shown.
    shut: RwSignal<Vec<Key>>,
}

impl TableState {
    pub fn new(rows: Processes, asked: Asked, selected: Memo<Option<Key>>, in_tree: Signal<bool>) -> Self {
        let choice = Choice::new(&asked);
        let shut = RwSignal::new(Vec::<Key>::new());
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
                let places = match in_tree.get() {
                    true => shut.with(|shut| tree(rows, &order, shut, !text.trim().is_empty())),
                    false => flat(order),
                };
                before.set_value((
                    sort,
                    text,
                    places.iter().map(|place| key(&rows[place.at])).collect(),
                ));
                places
            })
        });
        let total = Signal::derive(move || order.with(Vec::len));
        TableState {
            rows,
            order,
            grid: GridState::new(&HEADS, choice, asked, total),
            selected,
            tree: in_tree,
            shut,
        }
    }

    /// The place at an index of the display order.
    pub fn place(&self, index: usize) -> Place {
        self.order
            .with(|order| order.get(index).copied().unwrap_or_default())
    }

    /// The row at a place of the display order.
    pub fn row_at(&self, index: usize) -> Option<ProcessRow> {
        let at = self.order.with(|order| Some(order.get(index)?.at))?;
        self.rows.with(|rows| rows.get(at).cloned())
    }

    /// Opens what is shut and shuts what is open.
    pub fn fold(&self, index: usize) {
        let Some(row) = untrack(|| self.row_at(index)) else {
            return;
        };
        self.shut.update(|shut| {
            let before = shut.len();
            shut.retain(|shut| *shut != key(&row));
            if shut.len() == before {
                shut.push(key(&row));
            }
        });
    }

    /// Right opens and then goes in, left shuts and then goes out, Home and End go to the ends: the treegrid pattern.
    pub fn keys(&self, event: &KeyboardEvent) {
        let Some(index) = row_of(event) else {
            return;
        };
        let pressed = event.key();
        let in_tree = self.tree.get_untracked();
        let open = untrack(|| self.place(index).open);
        let to = match (pressed.as_str(), open) {
            ("ArrowRight", Some(false)) | ("ArrowLeft", Some(true)) if in_tree => {
                self.fold(index);
                index
            }
            ("ArrowRight", Some(true)) if in_tree => index + 1,
            ("ArrowLeft", _) if in_tree => match self.order.with_untracked(|order| above(order, index)) {
                Some(above) => above,
                None => return,
            },
            ("Home", _) => 0,
            ("End", _) => self.order.with_untracked(Vec::len).saturating_sub(1),
            _ => return,
        };
        event.prevent_default();
        self.grid.go_to(to);
    }

    /// An address of this page that keeps order, filter and the tree.
    pub fn address(&self, rest: &str) -> String {
        let tree = if self.tree.get() { "tree=true&" } else { "" };
        self.grid.href(&format!("{tree}{rest}"))
    }

    /// Address of a row's details.
    pub fn href(&self, row: &ProcessRow) -> String {
        self.address(&format!("pid={}&start={}", row.pid, row.start_ms))
    }
}
