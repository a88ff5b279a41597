//! Layers around every request. Each looks at one thing and knows no page.

pub mod guard;
pub mod headers;
pub mod origin;
pub mod pack;
