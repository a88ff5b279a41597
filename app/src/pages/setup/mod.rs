//! The first account, from the one-time link that the server prints at its first start.

mod page;

pub use page::SetupPage;
