//! One vital sign as a tile.

use super::vital::{TREND_SAMPLES, Trend, Vital, trend};
use crate::{
    feed::{self, Channel, Spark},
    ui::Icon,
};
use leptos::prelude::*;

#[component]
pub fn Tile(vital: Vital, channel: Channel) -> AnyView {
    let (series, unit) = (vital.series, vital.spec.unit);
    let value = Memo::new(move |_| {
        feed::parts(
            unit,
            channel.recent(series, 1).first().copied().unwrap_or(f64::NAN),
        )
    });
    let trend = Memo::new(move |_| trend(unit, &channel.recent(series, TREND_SAMPLES)));
    let about = vital.about.unwrap_or(vital.spec.title);
    view! {
        <section class="tile" aria-label=vital.label>
            <p class="tile-head">
                <Icon glyph=vital.glyph/>
                {vital.label}
            </p>
            <p class="tile-value">
                <span>{move || value.with(|(number, _)| number.clone())}</span>
                <span class="unit">{move || value.with(|(_, unit)| unit.clone())}</span>
            </p>
            <p class="tile-note" title=vital.spec.help>
                <span class=move || trend.get().word()>{move || trend.get().word()}</span>
                {move || matches!(trend.get(), Trend::Unknown).then_some("").unwrap_or(" · ")}
                {about}
            </p>
            <div class="tile-spark">
                <Spark channel series/>
            </div>
        </section>
    }
    .into_any()
}
