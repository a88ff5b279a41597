//! What pages of boards are drawn from. The server fills it for one viewer; nothing in it is more than that viewer may see.

use super::board::Board;

pub use crate::pages::settings::view::Said;

/// A board in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    pub id: i64,
    pub title: String,
    /// Name of the owner; None when their account is gone.
    pub owner: Option<String>,
    /// The viewer's own.
    pub own: bool,
    /// Everybody sees it who sees metrics.
    pub shared: bool,
    /// Whether the viewer may change it.
    pub may_change: bool,
    /// The viewer's start page.
    pub start: bool,
    pub panels: u32,
    /// Grows with each change.
    pub version: i64,
    pub changed_ms: i64,
    pub changed_by: String,
}

/// A board whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedBoard {
    pub row: BoardRow,
    pub board: Board,
}

/// All that a viewer may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoardList {
    /// The last changed first.
    pub own: Vec<BoardRow>,
    /// Of others, likewise.
    pub shared: Vec<BoardRow>,
    /// Of others in all; more than are listed.
    pub shared_total: u64,
    /// How many a user may have.
    pub limit: u64,
}

/// What a user opens Farol with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    #[default]
    Overview,
    Board(i64),
    /// A board that is not there any more, or not for this user.
    Lost,
}

/// A label of a metric and its values, both in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelValues {
    pub name: String,
    pub values: Vec<String>,
}
