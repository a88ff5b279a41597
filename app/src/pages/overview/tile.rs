//! One vital sign as a tile.

use super::vital::{TREND_SAMPLES, Trend, Vital, trend};
use crate::{
    feed::{self, Channel, Spark},
    ui::Icon,
};
use leptos::prelude::*;

#[component]
pub fn Tile(vital: Vital, channel: Channel) -> AnyView {
    let unit = vital.spec.unit;
    let key = StoredValue::new(vital.spec.key());
    let value = Memo::new(move |_| {
        feed::parts(
            unit,
            key.with_value(|key| channel.recent(key, 1))
                .first()
                .copied()
                .unwrap_or(f64::NAN),
        )
    });
    let trend = Memo::new(move |_| trend(unit, &key.with_value(|key| channel.recent(key, TREND_SAMPLES))));
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
                <Spark channel series=key.get_value()/>
            </div>
        </section>
    }
    .into_any()
}
