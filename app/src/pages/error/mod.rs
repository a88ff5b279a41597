//! What went wrong and the next step. Used in place of whatever could not be shown.

mod page;

pub use page::Trouble;
