//! Settings: users, roles, sessions and tokens. Everything is a link or a plain form, so the server draws it whole and it crosses
//! as HTML; none of it is in the wasm.
//!
//! The forms post to `/api/settings/...` (`server/src/access/settings.rs`), which sends the browser back here with the key of what
//! is to be said.

mod api;
mod page;

#[cfg(feature = "ssr")]
mod drawn;
#[cfg(feature = "ssr")]
pub mod view;
#[cfg(feature = "ssr")]
mod words;

pub use page::{SettingsPage, UsersPage};
