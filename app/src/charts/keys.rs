//! What a way of drawing needs to be read: shades, states.

use super::still::{
    heat::{LEVELS, Scale},
    states::Tone,
};
use crate::prelude::*;

/// What the shades of a heat map say.
pub fn shades(scale: Option<&Scale>) -> AnyView {
    let scale = scale.map(|scale| {
        let steps = (1..=LEVELS)
            .map(|level| view! { <i class=format!("shade h{level}")></i> })
            .collect::<Vec<_>>();
        view! {
            <p class="chart-scale">
                <span>{scale.low.clone()}</span>
                <span class="chart-shades" aria-hidden="true">{steps}</span>
                <span>{scale.high.clone()}</span>
                " "
                <span>{scale.words.clone()}</span>
            </p>
        }
    });
    scale.into_any()
}

/// What the colours of states say.
pub fn tones(tones: &[(Tone, String)]) -> AnyView {
    let tones = tones
        .iter()
        .map(|(tone, words)| {
            view! { <li><i class=format!("tone {}", tone.class()) aria-hidden="true"></i> {words.clone()}</li> }
        })
        .collect::<Vec<_>>();
    (!tones.is_empty())
        .then(|| view! { <ul class="chart-tones">{tones}</ul> })
        .into_any()
}
