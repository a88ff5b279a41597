//! What can be done with one chart: see it alone, take it along, ask further. Links only.

use super::{Frame, PastSeries};
use crate::{
    prelude::*,
    ui::{Glyph, Icon},
};

/// Pixels of a picture.
const PICTURE: (&str, &str) = ("1200", "480");

/// The menu of a chart; nothing where there are no links.
pub fn menu(title: &str, series: &[&PastSeries], frame: &Frame<'_>) -> AnyView {
    let alone = frame.look.chart.is_some();
    let Some(other) = frame.href(
        &frame
            .look
            .but(|look| look.chart = (!alone).then(|| title.to_owned())),
    ) else {
        return ().into_any();
    };
    let item = |href: Option<String>, words: &'static str, outside: bool| {
        let rel = outside.then_some("external");
        href.map(|href| view! { <li><a class="link" href=href rel=rel>{words}</a></li> })
    };
    let picture = |kind: &str| picture(kind, title, series, frame);
    let csv = frame.api("/api/v1/export.csv", series, &[]);
    let this = frame.look.but(|look| look.chart = Some(title.to_owned()));
    let (link, words) = match frame.range.is_live() {
        true => (frame.href(&this), "Link to this chart"),
        false => (frame.fixed(&this), "Link to this chart at this time"),
    };
    view! {
        <details class="drop chart-menu">
            <summary class="button plain icon-only" aria-label=format!("More of {title}") title="More">
                <Icon glyph=Glyph::More/>
            </summary>
            <ul class="drop-body">
                <li><a class="link" href=other data-noscroll="true">{if alone { "All charts" } else { "Open alone" }}</a></li>
                {item(frame.explore(series), "Explore these series", false)}
                {item(picture("png"), "Picture (PNG)", true)}
                {item(picture("svg"), "Picture (SVG)", true)}
                {item(csv, "Values as CSV", true)}
                {link.map(|href| view! {
                    <li>
                        <a class="link" href=href.clone() data-copy=href>{words}</a>
                    </li>
                })}
            </ul>
        </details>
    }
}

/// The address of this chart as a picture, as it is seen.
fn picture(kind: &str, title: &str, series: &[&PastSeries], frame: &Frame<'_>) -> Option<String> {
    let look = frame.look;
    let keys: Vec<String> = series.iter().map(|one| one.spec.key()).collect();
    let hidden = keys.iter().zip(look.shown(&keys)).filter(|(_, shown)| !shown);
    let usual = super::figure::usual(series);
    let mut more = vec![
        ("title", title),
        ("mode", look.mode.unwrap_or(usual).as_str()),
        ("axis", if look.log { "log" } else { "" }),
        ("compare", look.compare.as_ref().map_or("", |offset| &offset.word)),
        ("width", PICTURE.0),
        ("height", PICTURE.1),
    ];
    more.extend(hidden.map(|(key, _)| ("hide", key.as_str())));
    frame.api(&format!("/api/v1/render.{kind}"), series, &more)
}
