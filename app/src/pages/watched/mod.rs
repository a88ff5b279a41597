//! A page with a table that the server filters, sorts, cuts and writes, and the details of one row. The page asks once a second,
//! while it is looked at, for the rows that are on screen, so ten thousand of them cost a browser no more than fifty.
//!
//! What the table is about is a [`Subject`]: words, and a server function to ask. To add such a page: a subject, a server
//! function that answers [`Watched`], and words of the server's. All the code that the browser needs is here, once; only details
//! that are more than facts, lines and panels are drawn by the page itself.

mod details;
mod page;
mod state;
mod table;

pub use details::{details, facts, gone};
pub use page::WatchedPage;
pub use state::{AWAITED, TableState};
pub use table::Row;

use crate::prelude::AnyView;
use crate::{
    page_data::Answer,
    ui::{
        Glyph,
        grid::{Head, Sort},
    },
};
use farol_model::{action::ActionSpec, fields, sample::ChannelView};
use serde::Serialize;
use std::{future::Future, pin::Pin};

/// A part of the table, with what stands around it. Numbers are in words already: the browser only places them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Watched {
    /// How many there are or match, when it was looked, then one value per title of the head line.
    pub head: Vec<String>,
    /// HTML that stands above the table.
    pub notice: String,
    /// Why there is nothing: title and text; else empty.
    pub absent: Vec<String>,
    /// Rows that the filter lets through.
    pub matching: u32,
    /// Place of the first of `rows` among them.
    pub from: u32,
    pub rows: Vec<Row>,
    /// Order, filter and place that were asked for.
    pub asked: String,
    /// The one whose details were asked for.
    pub id: String,
    /// It is not there now.
    pub gone: bool,
    /// Its details, in the order of their titles.
    pub facts: Vec<String>,
    /// Why acting on it takes more thought than on others; else empty.
    pub vital: String,
    /// Its lines, if they were asked for: milliseconds since the epoch, what about it, text.
    pub lines: Vec<Row>,
    /// Why there are no lines; else empty.
    pub lines_why: String,
    /// Its metrics, when the page has none yet.
    pub charts: Vec<ChannelView>,
    /// The actions on one that this viewer may run. They come with the page only.
    pub actions: Vec<ActionSpec>,
    /// What keys of this page's forms start with; another in each answer.
    pub key_seed: String,
}

fields!(Watched {
    head,
    notice,
    absent,
    matching,
    from,
    rows,
    asked,
    id,
    gone,
    facts,
    vital,
    lines,
    lines_why,
    charts,
    actions,
    key_seed
});

/// Places in [`Watched::head`].
pub const COUNT: usize = 0;
pub const LOOKED: usize = 1;
pub const FIRST_TOTAL: usize = 2;

/// What is asked of the server.
#[derive(Debug, Clone, Default)]
pub struct Question {
    pub sort: String,
    pub text: String,
    pub from: u32,
    pub count: u32,
    pub id: String,
    /// With the lines of the one whose details are asked for.
    pub lines: bool,
    /// With its metrics.
    pub charts: bool,
    /// The page asks again without anybody having done anything.
    pub by_itself: bool,
}

/// Title and text.
type Words = [&'static str; 2];

/// What a table is about. See the module.
pub struct Subject {
    pub path: &'static str,
    pub title: &'static str,
    /// Sets widths per column.
    pub class: &'static str,
    /// What the filter looks at.
    pub filter: &'static str,
    pub heads: &'static [Head],
    /// The column that leads to the details.
    pub link: usize,
    pub usual: Sort,
    /// Titles of the head line.
    pub totals: &'static [&'static str],
    /// Titles of the details.
    pub facts: &'static [&'static str],
    pub glyph: Glyph,
    /// There is none; none matches; the chosen one is gone.
    pub nobody: Words,
    pub no_match: Words,
    pub gone: Words,
    /// The heading of the details, from the id and the facts.
    pub name: fn(&str, &dyn Fn(usize) -> String) -> String,
    /// What the details show: [`details`], or what a page draws itself.
    pub details: fn(TableState, Vec<ActionSpec>) -> AnyView,
    /// The parameter of the actions that names the chosen one.
    pub param: &'static str,
    /// The word in the address that asks for the lines.
    pub word: &'static str,
    /// The heading above the lines, and what they are.
    pub lines: Words,
    /// The word on the button that reads the lines; they are followed where there is none.
    pub read: Option<&'static str>,
    pub ask: fn(Question) -> Pin<Box<dyn Future<Output = Answer> + Send>>,
}
