//! Something to know, in place: a title and what to do.

use super::{
    badge::Tone,
    icons::{Glyph, Icon},
};
use crate::prelude::*;

#[component]
pub fn Notice(
    tone: Tone,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    /// Read out at once by a screen reader.
    #[prop(optional)]
    urgent: bool,
) -> AnyView {
    let glyph = match tone {
        Tone::Ok => Glyph::Check,
        Tone::Crit | Tone::Warn => Glyph::Alert,
        Tone::Neutral | Tone::Info => Glyph::Info,
    };
    view! {
        <div class=format!("notice {}", tone.class()) role=if urgent { "alert" } else { "status" }>
            <Icon glyph/>
            <div class="notice-words">
                <p class="notice-title">{title}</p>
                <p>{text}</p>
            </div>
        </div>
    }
}
