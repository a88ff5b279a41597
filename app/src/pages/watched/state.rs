//! What the parts of the page share, and how it is kept fresh. Every field is cheap to copy.

use super::{Question, Subject, Watched, table::take};
use crate::prelude::*;
use crate::{
    call::Call,
    live::Clock,
    ui::grid::{Asked, Choice, GridState, Head, RowParts, row_link},
};
use leptos_router::hooks::use_query_map;

/// What stands where the answer has not come yet.
pub const AWAITED: &str = "…";
/// Stands between the parts of a row; the server leaves no control character in them.
const BETWEEN: &str = "\u{1f}";

#[derive(Clone, Copy)]
pub struct TableState {
    pub subject: &'static Subject,
    pub view: RwSignal<Watched>,
    pub grid: GridState,
    /// Id of the one whose details are open; empty for none.
    pub chosen: Memo<String>,
    /// Asks for the lines of the chosen one, again with each change.
    pub lines: Memo<String>,
    /// Why what is shown is old; empty while it is fresh.
    pub trouble: RwSignal<String>,
    call: Call,
    /// Once a second while the page is looked at.
    beat: RwSignal<u64>,
}

impl TableState {
    pub fn new(subject: &'static Subject, view: Watched, asked: Asked) -> Self {
        let query = use_query_map();
        let word = move |name: &'static str| {
            Memo::new(move |_| query.get().get_str(name).unwrap_or_default().to_owned())
        };
        let view = RwSignal::new(view);
        let choice = Choice::new(&asked);
        let total = Signal::derive(move || view.with(|view| view.matching as usize));
        TableState {
            subject,
            view,
            grid: GridState::new(subject.heads, choice, asked, total),
            chosen: word("id"),
            lines: word(subject.word),
            trouble: RwSignal::new(String::new()),
            call: Call::new(),
            beat: RwSignal::new(0),
        }
    }

    /// Asks once a second, and at once when something else is to be shown. One question at a time.
    pub fn keep_fresh(self) {
        let sent = StoredValue::new(String::new());
        // The page came with what its address asks for.
        let read = StoredValue::new(self.lines.get_untracked());
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
            let (id, pressed) = (self.chosen.get(), self.lines.get());
            let beat = self.beat.get();
            let question = format!("{beat} {sort} {from} {count} {id} {pressed} {text}");
            if self.call.pending() || sent.get_value() == question {
                return;
            }
            sent.set_value(question);
            // What has no button is followed for as long as the details are open.
            let lines = self.subject.read.is_none() || read.get_value() != pressed;
            read.set_value(pressed);
            let known = self
                .view
                .with_untracked(|view| view.id == id && !view.charts.is_empty());
            self.call.start((self.subject.ask)(Question {
                sort,
                text,
                from,
                count,
                id,
                lines,
                charts: !known,
                by_itself: true,
            }));
        });
        effect(move || {
            let Some(answer) = self.call.answer() else { return };
            match answer.and_then(|data| data.read::<Watched>()) {
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

    /// One of the details of the chosen one. Tracks.
    pub fn fact(&self, at: usize) -> String {
        self.view.with(|view| {
            let fact = view.facts.get(at).filter(|_| view.id == self.chosen.get());
            fact.map_or(AWAITED, String::as_str).to_owned()
        })
    }

    /// An address that asks for the lines of the chosen one, another one each time. Tracks.
    pub fn ask_again(&self) -> String {
        let times: u32 = self.lines.get().parse().unwrap_or_default();
        let id = crate::format::escape(&self.chosen.get());
        let word = self.subject.word;
        self.grid
            .href(&format!("id={id}&{word}={}", times.wrapping_add(1)))
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
            let class = self
                .subject
                .heads
                .get(column)
                .map_or_else(String::new, Head::class);
            let words = reactive(move || part(column + 1));
            if column == self.subject.link {
                let href =
                    reactive(move || self.grid.href(&format!("id={}", crate::format::escape(&part(0)))));
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
            branch: None,
            chosen: Box::new(move || self.chosen.get() == part(0)),
            cell: Box::new(cell),
        }
    }
}
