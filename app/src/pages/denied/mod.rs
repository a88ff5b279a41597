//! Signed in, but not allowed. The server answers 403 beside it.

mod page;

pub use page::Denied;
