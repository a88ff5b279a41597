//! One vital sign as a tile.

use super::vital::{TREND_SAMPLES, Trend, Vital, trend};
use crate::prelude::*;
use crate::{
    feed::{self, Channel, Spark},
    ui::Icon,
};

#[component]
pub fn Tile(vital: Vital, channel: Channel) -> AnyView {
    let unit = vital.spec.unit;
    let key = StoredValue::new(vital.spec.key());
    let value = move || {
        feed::parts(
            unit,
            key.with_value(|key| channel.recent(key, 1))
                .first()
                .copied()
                .unwrap_or(f64::NAN),
        )
    };
    let trend = move || trend(unit, &key.with_value(|key| channel.recent(key, TREND_SAMPLES)));
    let about = vital.spec.title;
    view! {
        <section class="tile" aria-label=vital.label>
            <p class="tile-head">
                <Icon glyph=vital.glyph/>
                {vital.label}
            </p>
            <p class="tile-value">
                <span>{move || value().0}</span>
                <span class="unit">{move || value().1}</span>
            </p>
            <p class="tile-note" title=vital.spec.help>
                <span class=move || trend().word().to_owned()>{move || trend().word().to_owned()}</span>
                {move || if matches!(trend(), Trend::Unknown) { String::new() } else { " · ".to_owned() }}
                {about}
            </p>
            <div class="tile-spark">
                <Spark channel series=key.get_value()/>
            </div>
        </section>
    }
}
