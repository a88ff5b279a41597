//! What the parts of such a page share, and how it is kept fresh. Every field is cheap to copy.

use super::{Ask, Question, TableView, take};
use crate::prelude::*;
use crate::{
    call::Call,
    live::Clock,
    ui::{
        Notice, Tone,
        grid::{Asked, Choice, GridState, Head, RowParts, row_link},
    },
};
use leptos_router::hooks::use_query_map;

/// What stands where the answer has not come yet.
pub const AWAITED: &str = "…";
/// Stands between the parts of a row; the server leaves no control character in them.
const BETWEEN: &str = "\u{1f}";

/// What tells one such table from another.
#[derive(Clone, Copy)]
pub struct Kind {
    pub heads: &'static [Head],
    /// The column that leads to the details.
    pub main: usize,
    /// The word in the address that asks for more about the chosen row.
    pub more: &'static str,
    /// Place in [`TableView::head`] of the time of the answer.
    pub looked: usize,
    pub ask: Ask,
}

#[derive(Clone, Copy)]
pub struct TableState {
    pub kind: Kind,
    pub view: RwSignal<TableView>,
    pub grid: GridState,
    /// Id of the row whose details are open; empty for none.
    pub chosen: Memo<String>,
    /// Asks for more about the chosen one, again with each change.
    pub more: Memo<String>,
    /// Why what is shown is old; empty while it is fresh.
    pub trouble: RwSignal<String>,
    call: Call,
    /// Once a second while the page is looked at.
    beat: RwSignal<u64>,
}

impl TableState {
    pub fn new(kind: Kind, view: TableView, asked: Asked) -> Self {
        let query = use_query_map();
        let word = move |name: &'static str| {
            Memo::new(move |_| query.get().get_str(name).unwrap_or_default().to_owned())
        };
        let view = RwSignal::new(view);
        let choice = Choice::new(&asked);
        let total = Signal::derive(move || view.with(|view| view.matching as usize));
        TableState {
            kind,
            view,
            grid: GridState::new(kind.heads, choice, asked, total),
            chosen: word("id"),
            more: word(kind.more),
            trouble: RwSignal::new(String::new()),
            call: Call::new(),
            beat: RwSignal::new(0),
        }
    }

    /// Asks once a second, and at once when something else is to be shown. One question at a time.
    pub fn keep_fresh(self) {
        let sent = StoredValue::new(String::new());
        // The page came with what its address asks for.
        let read = StoredValue::new(self.more.get_untracked());
        let beat = self.beat;
        let clock = Clock::every_second(move || {
            if !document().hidden() {
                let _ = beat.try_update(|beat| *beat += 1);
            }
        });
        on_cleanup(move || drop(clock));
        effect(move || {
            let window = self.grid.window.get();
            let (sort, text) = (self.grid.word(), self.grid.choice.text.get());
            let (from, count) = (window.start as u32, window.len() as u32);
            let (id, more) = (self.chosen.get(), self.more.get());
            let beat = self.beat.get();
            let question = format!("{beat} {sort} {from} {count} {id} {more} {text}");
            if self.call.pending() || sent.get_value() == question {
                return;
            }
            sent.set_value(question);
            let with_more = read.get_value() != more;
            read.set_value(more);
            let known = self
                .view
                .with_untracked(|view| view.id == id && !view.charts.is_empty());
            self.call.start((self.kind.ask)(Question {
                sort,
                text,
                from,
                count,
                id,
                more: with_more,
                charts: !known,
                by_itself: true,
            }));
        });
        effect(move || {
            let Some(answer) = self.call.answer() else { return };
            match answer.and_then(|data| data.read::<TableView>()) {
                Ok(fresh) => {
                    let hold = self.grid.choice.held.get_untracked();
                    self.view.update(|view| take(view, fresh, hold));
                    self.trouble.set(String::new());
                }
                Err(error) => self.trouble.set(error.to_string()),
            }
        });
    }

    /// The row at a place of the display order, its parts joined; empty while it is on its way. Tracks.
    fn joined(&self, index: usize) -> String {
        self.view.with(|view| {
            let at = index.checked_sub(view.from as usize);
            let row = at.and_then(|at| view.rows.get(at));
            row.map_or_else(String::new, |row| row.join(BETWEEN))
        })
    }

    /// One of the details of the chosen row. Tracks.
    pub fn fact(&self, at: usize) -> String {
        self.view.with(|view| {
            let fact = view.facts.get(at).filter(|_| view.id == self.chosen.get());
            fact.map_or(AWAITED, String::as_str).to_owned()
        })
    }

    /// The row that stands at `index`.
    pub fn row(self, index: usize) -> RowParts {
        // Cells follow their row and not the whole table: a thousand readers of one signal would cost more than what they read.
        let row = Memo::new(move |_| self.joined(index));
        let part = move |at: usize| {
            row.with(|row| {
                let part = row.split(BETWEEN).nth(at).filter(|part| !part.is_empty());
                part.unwrap_or(AWAITED).to_owned()
            })
        };
        let cell = move |column: usize| {
            let class = self.kind.heads.get(column).map_or_else(String::new, Head::class);
            let words = reactive(move || part(column + 1));
            if column == self.kind.main {
                let href = reactive(move || self.grid.href(&format!("id={}", part(0))));
                return view! { <td class=class>{row_link(index, href, words)}</td> };
            }
            let title = words.clone();
            view! {
                <td class=class title=title>
                    {words}
                </td>
            }
        };
        RowParts {
            chosen: Box::new(move || self.chosen.get() == part(0)),
            cell: Box::new(cell),
            branch: None,
        }
    }
}

/// A word of the head. Tracks.
pub fn head(state: TableState, at: usize) -> AnyView {
    let word = move || {
        state
            .view
            .with(|view| view.head.get(at).cloned().unwrap_or_default())
    };
    reactive(word).into_any()
}

/// Why the numbers are old, and since when. Tracks.
pub fn trouble(state: TableState) -> AnyView {
    let why = state.trouble.get();
    if why.is_empty() {
        return ().into_any();
    }
    let seen = state
        .view
        .with(|view| view.head.get(state.kind.looked).cloned().unwrap_or_default());
    let text = format!("{why} What is shown is of {seen}. Trying again each second.");
    view! { <Notice tone=Tone::Warn title="These numbers are old" text/> }
}

/// The head line: titles, and the words of the head from `first` on.
pub fn totals(state: TableState, titles: &'static [&'static str], first: usize) -> AnyView {
    let totals = titles.iter().enumerate().map(|(at, title)| {
        view! {
            <div>
                <dt>{*title}</dt>
                <dd>{head(state, first + at)}</dd>
            </div>
        }
    });
    view! { <dl class="totals">{totals.collect::<Vec<_>>()}</dl> }
}

/// The details of the chosen row under their titles.
pub fn facts(state: TableState, titles: &'static [&'static str]) -> AnyView {
    let facts = titles.iter().enumerate().map(|(at, title)| {
        view! {
            <div>
                <dt>{*title}</dt>
                <dd>{move || state.fact(at)}</dd>
            </div>
        }
    });
    view! { <dl class="facts rows watched-facts">{facts.collect::<Vec<_>>()}</dl> }
}

/// An address that asks for more about the chosen row, another one each time. Tracks.
pub fn ask_more(state: TableState) -> String {
    let times: u32 = state.more.get().parse().unwrap_or_default();
    let (id, word) = (state.chosen.get(), state.kind.more);
    state
        .grid
        .href(&format!("id={id}&{word}={}", times.wrapping_add(1)))
}
