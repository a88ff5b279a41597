//! A small line without axes, for tiles. The number stands beside it, so it says nothing to a screen reader.

use super::{
    scale::{Draw, Hidden, Pick, scene},
    stage::{self, Stage},
    still::Drawing,
};
use crate::live::ChannelHandle;
use crate::prelude::*;
use leptos::html;
use std::sync::Arc;

/// One series, by its [key](farol_model::metric::MetricSpec::key), over the last `window_ms`.
#[component]
pub fn Sparkline(
    handle: ChannelHandle,
    #[prop(into)] series: String,
    #[prop(default = 120_000)] window_ms: i64,
) -> AnyView {
    let series = StoredValue::new(series);
    let hidden = RwSignal::new(Hidden::new());
    let draw: Draw = Arc::new(move |columns: u32| {
        handle.peek(|view| {
            let index = series.try_with_value(|key| view.index(key)).flatten();
            let indices: Vec<usize> = index.into_iter().collect();
            let (scene, _) = scene(
                view,
                &Pick {
                    series: &indices,
                    hidden: &Hidden::new(),
                    window_ms,
                    columns,
                    grid: false,
                },
            );
            Drawing::of(scene)
        })
    });
    let ink = NodeRef::<html::Div>::new();
    let share = Memo::new(|_| None);
    stage::mount(
        Stage {
            ink,
            line: None,
            handle,
            hidden,
            share,
        },
        draw.clone(),
    );
    let first = stage::still(&draw, (120, 32));
    view! {
        <div class="sparkline" aria-hidden="true">
            <div class="plot-ink" node_ref=ink inner_html=first></div>
            <canvas class="plot-canvas"></canvas>
        </div>
    }
}
