//! Building blocks of every page: one component per file, its style in the file of the same name under `style/`.
//!
//! A component here knows nothing of metrics, processes or runs; it takes words and children. To add one: a file, a `mod`
//! line, a style file. You get it wrong with an inline `style` attribute: the content security policy refuses it.

pub mod badge;
pub mod card;
pub mod dialog;
pub mod drawer;
pub mod empty;
pub mod field;
pub mod found;
pub mod grid;
pub mod icons;
pub mod logo;
pub mod moment;
pub mod nav;
pub mod notice;
pub mod palette;
pub mod prefs;
pub mod rows;
#[cfg(feature = "ssr")]
mod search;
pub mod skeleton;
pub mod toast;
pub mod topbar;

pub use badge::{Badge, Tone};
pub use card::Card;
pub use empty::Empty;
pub use icons::{Glyph, Icon};
pub use moment::{Moment, TimeStyle};
pub use notice::Notice;
pub use rows::Rows;
