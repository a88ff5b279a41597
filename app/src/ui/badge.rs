//! A state as icon and word.

use super::icons::{Glyph, Icon};
use crate::prelude::*;

/// What a state means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Neutral,
    Ok,
    Warn,
    Crit,
    Info,
}

impl Tone {
    /// The class that style files use.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Neutral => "",
            Tone::Ok => "ok",
            Tone::Warn => "warn",
            Tone::Crit => "crit",
            Tone::Info => "info",
        }
    }
}

#[component]
pub fn Badge(#[prop(optional)] tone: Tone, glyph: Glyph, #[prop(into)] word: String) -> AnyView {
    view! {
        <span class=format!("badge {}", tone.class())>
            <Icon glyph small=true/>
            {word}
        </span>
    }
}
