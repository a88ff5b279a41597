//! What the parts of a table share. Every field is cheap to copy.

use super::layout::{Head, Sort, window};
use crate::prelude::*;
use leptos_router::hooks::use_query_map;
use std::ops::Range;

/// Size and place of the scrolled table, pixels. All zero until it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scroll {
    pub top: f64,
    pub viewport: f64,
    pub row_height: f64,
}

/// Order and filter that an address asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub sort: Sort,
    pub text: String,
    /// The address that asks for the same, open for more.
    base: String,
}

impl Asked {
    /// Read once: with scripts a table sorts and filters itself. `sort` is the head that was pressed, `order` what was in
    /// force before.
    pub fn read(path: &str, heads: &[Head], usual: Sort) -> Asked {
        let query = use_query_map().get_untracked();
        let word = |name: &str| query.get_str(name).unwrap_or_default().to_owned();
        let sort = Sort::parse(&word("sort"), heads).or_else(|| Sort::parse(&word("order"), heads));
        let (sort, text) = (sort.unwrap_or(usual), word("q"));
        let mut base = format!("{path}?");
        if sort != usual {
            base.push_str(&format!("sort={}&", sort.to_word(heads)));
        }
        if !text.is_empty() {
            base.push_str(&format!("q={}&", crate::format::escape(&text)));
        }
        Asked { sort, text, base }
    }
}

/// What the person at the table has chosen.
#[derive(Clone, Copy)]
pub struct Choice {
    pub sort: RwSignal<Sort>,
    pub text: RwSignal<String>,
    /// Somebody points at the rows: their order stays.
    pub held: RwSignal<bool>,
}

impl Choice {
    pub fn new(asked: &Asked) -> Self {
        Choice {
            sort: RwSignal::new(asked.sort),
            text: RwSignal::new(asked.text.clone()),
            held: RwSignal::new(false),
        }
    }
}

#[derive(Clone, Copy)]
pub struct GridState {
    pub heads: &'static [Head],
    pub choice: Choice,
    /// The columns that are shown.
    pub columns: RwSignal<Vec<usize>>,
    pub scroll: RwSignal<Scroll>,
    /// Rows in all.
    pub total: Signal<usize>,
    /// The rows that are in the document.
    pub window: Memo<Range<usize>>,
    /// The place whose row takes the focus as soon as it is in the document.
    pub(super) wanted: RwSignal<Option<usize>>,
    /// The place whose row has the focus.
    pub(super) focused: StoredValue<Option<usize>>,
    base: StoredValue<String>,
}

impl GridState {
    pub fn new(heads: &'static [Head], choice: Choice, asked: Asked, total: Signal<usize>) -> Self {
        let scroll = RwSignal::new(Scroll::default());
        let shown = (0..heads.len()).filter(|&at| heads.get(at).is_some_and(|head| head.shown));
        GridState {
            heads,
            choice,
            columns: RwSignal::new(shown.collect()),
            scroll,
            total,
            window: Memo::new(move |_| {
                let Scroll {
                    top,
                    viewport,
                    row_height,
                } = scroll.get();
                window(top, viewport, row_height, total.get())
            }),
            wanted: RwSignal::new(None),
            focused: StoredValue::new(None),
            base: StoredValue::new(asked.base),
        }
    }

    /// An address of this page that keeps order and filter. Works without scripts.
    pub fn href(&self, rest: &str) -> String {
        self.base
            .with_value(|base| format!("{base}{rest}").trim_end_matches(['?', '&']).to_owned())
    }

    pub fn word(&self) -> String {
        self.choice.sort.get().to_word(self.heads)
    }
}
