//! Ways to other ranges, as links.

use super::{
    gesture::REACH,
    range::{POINTS, RANGES, Range},
};
use crate::{
    format::duration,
    pages::drawn::{href, written},
    prelude::*,
    ui::{Card, Glyph, Icon, moment::civil},
};
use farol_model::Fault;

/// The address of what is shown, without its range.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
}

impl Place<'_> {
    /// The same with more parameters.
    pub fn with(&self, more: &[(&str, &str)]) -> String {
        href(self.path, &[self.query, more].concat())
    }

    /// The same, live.
    fn live(&self) -> String {
        match self.with(&[]) {
            // At `/` alone it may be that a board is, of whoever has one as start page.
            here if here == "/" => "/?overview".to_owned(),
            here => here,
        }
    }

    /// The same at another time.
    fn at(&self, from_ms: i64, to_ms: i64) -> String {
        let (from, to) = ((from_ms / 1000).to_string(), (to_ms / 1000).to_string());
        self.with(&[("from", &from), ("to", &to)])
    }
}

/// Ways to ranges. `range` None is live.
pub fn bar(place: Place<'_>, range: Option<&Range>, now_ms: i64) -> AnyView {
    let link = |href: String, words: &'static str, here: bool| {
        view! {
            <li>
                <a href=href aria-current=here.then_some("true") data-noscroll="true">
                    {words}
                </a>
            </li>
        }
    };
    let mut links = vec![link(place.live(), "Live", range.is_none())];
    links.extend(RANGES.into_iter().map(|(word, words, _)| {
        let here = range.is_some_and(|range| range.word == Some(word));
        link(place.with(&[("range", word)]), words, here)
    }));
    // What ends now is renewed by the browser: as often as there is something new to draw.
    let every = range.filter(|range| range.word.is_some()).map(|range| {
        let point = (range.to_ms - range.from_ms) / POINTS as i64;
        point.clamp(2000, 60_000).to_string()
    });
    let steps = range.map(|range| steps(place, range, now_ms));
    view! {
        <nav class="ranges" aria-label="Time" data-every=every>
            <ul>{links}</ul>
            {steps}
            <button type="button" class="button plain icon-only js-only" data-full aria-label="Full screen" title="Full screen, F on a chart">
                <Icon glyph=Glyph::Full/>
            </button>
        </nav>
    }
}

/// Earlier, later, a longer time, and what is shown.
fn steps(place: Place<'_>, range: &Range, now_ms: i64) -> AnyView {
    let span = range.to_ms - range.from_ms;
    let half = span / 2;
    // What is seen now, also when more time has passed.
    let here = place.at(range.from_ms, range.to_ms);
    let later = (range.to_ms < now_ms - 1000).then(|| {
        let to_ms = (range.to_ms + half).min(now_ms);
        view! {
            <a class="button small" href=place.at(to_ms - span, to_ms) rel="next" data-noscroll="true">
                "Later"
            </a>
        }
    });
    let wider = (span * 2 <= REACH.1).then(|| {
        let to_ms = (range.to_ms + half).min(now_ms.max(range.to_ms));
        view! {
            <a class="button small" href=place.at(to_ms - span * 2, to_ms) data-noscroll="true">
                "Zoom out"
            </a>
        }
    });
    let closer = (half >= REACH.0).then(|| {
        view! {
            <a class="button small" href=place.at(range.from_ms + span / 4, range.to_ms - span / 4) data-noscroll="true">
                "Zoom in"
            </a>
        }
    });
    view! {
        <p class="range-words">
            {end(range.from_ms)} " to " {end(range.to_ms)} " "
            <span class="muted nowrap">"(" {duration(span)} ")" <span class="range-utc">" UTC"</span></span>
        </p>
        <div class="button-row">
            <a class="button small" href=place.at(range.from_ms - half, range.to_ms - half) rel="prev" data-noscroll="true">
                "Earlier"
            </a>
            {later} {closer} {wider}
            <a class="button small" href=here.clone() data-copy=here>
                "Copy link"
            </a>
        </div>
        <p class="range-stale" role="status">
            "Not up to date: the server does not answer."
        </p>
    }
}

/// A moment without the word that it is UTC, which is said once behind both: as wide as the viewer's own, so that nothing moves when that
/// takes its place.
fn end(at_ms: i64) -> AnyView {
    written(at_ms, civil(at_ms))
}

/// What is said where a range cannot be read.
pub fn refused(fault: &Fault) -> AnyView {
    let words = fault.message.clone();
    view! {
        <Card title="This cannot be shown">
            <div class="unavailable">
                <Icon glyph=Glyph::Alert/>
                <p>{words}</p>
            </div>
        </Card>
    }
}
