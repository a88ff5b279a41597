//! Ways to look at charts otherwise, as links: how they are drawn, on which axis, compared with what.

use super::{
    Frame,
    look::{Offset, PERIODS},
};
use crate::{charts::still::Mode, prelude::*};

/// Ways to draw in words.
pub const MODES: [(Mode, &str); 6] = [
    (Mode::Lines, "Lines"),
    (Mode::Area, "Area"),
    (Mode::Stacked, "Stacked"),
    (Mode::Bars, "Bars"),
    (Mode::Heat, "Heat map"),
    (Mode::States, "States"),
];

/// A row of choices. `states`: some of the series have states.
pub fn looks(frame: &Frame<'_>, states: bool) -> AnyView {
    let look = frame.look;
    let choice = |href: Option<String>, words: String, here: bool| {
        href.map(|href| {
            view! { <li><a href=href aria-current=here.then_some("true") data-noscroll="true">{words}</a></li> }
        })
    };
    let mut ways = vec![choice(
        frame.href(&look.but(|look| look.mode = None)),
        "As usual".to_owned(),
        look.mode.is_none(),
    )];
    let offered = MODES
        .into_iter()
        .filter(|(mode, _)| *mode != Mode::States || states || look.mode == Some(Mode::States));
    ways.extend(offered.map(|(mode, words)| {
        let here = look.mode == Some(mode);
        choice(
            frame.href(&look.but(|look| look.mode = Some(mode))),
            words.to_owned(),
            here,
        )
    }));
    let axes = [(false, "Linear"), (true, "Logarithmic")].map(|(log, words)| {
        choice(
            frame.href(&look.but(|look| look.log = log)),
            words.to_owned(),
            look.log == log,
        )
    });
    view! {
        <nav class="ranges looks" aria-label="Look">
            <ul aria-label="Drawn as">{ways}</ul>
            <ul aria-label="Axis">{axes.into_iter().collect::<Vec<_>>()}</ul>
            {compare(frame)}
        </nav>
    }
}

/// Earlier periods, folded; what is compared stands in the head.
fn compare(frame: &Frame<'_>) -> AnyView {
    let look = frame.look;
    let mut offered: Vec<Option<Offset>> = vec![None];
    offered.extend(PERIODS.into_iter().map(|(word, _)| Offset::read(word).ok()));
    // One that is not among those that are offered is a choice too.
    if look.compare.is_some() && !offered.contains(&look.compare) {
        offered.push(look.compare.clone());
    }
    let items = offered
        .into_iter()
        .map(|offset| {
            let words = offset.as_ref().map_or_else(|| "Compare with nothing".to_owned(), Offset::words);
            let here = look.compare == offset;
            let href = frame.href(&look.but(|look| look.compare = offset));
            view! { <li><a class="link" href=href aria-current=here.then_some("true") data-noscroll="true">{words}</a></li> }
        })
        .collect::<Vec<_>>();
    let head = look.compare.as_ref().map_or_else(
        || "Compare".to_owned(),
        |offset| format!("Compared with {}", offset.words()),
    );
    view! {
        <details class="drop from-left">
            <summary class="button small">{head}</summary>
            <ul class="drop-body">{items}</ul>
        </details>
    }
}
