//! A small line without axes, for tiles. The number stands beside it, so it says nothing to a screen reader.

use super::{
    scale::{Hidden, Pick, scene},
    stage::{self, Stage},
    svg::svg,
};
use crate::live::ChannelHandle;
use leptos::{html, prelude::*};

/// One series, by its [key](farol_model::metric::MetricSpec::key), over the last `window_ms`.
#[component]
pub fn Sparkline(
    handle: ChannelHandle,
    #[prop(into)] series: String,
    #[prop(default = 120_000)] window_ms: i64,
) -> AnyView {
    let series = StoredValue::new(series);
    let hidden = RwSignal::new(Hidden::new());
    let draw = move |columns: u32| {
        handle.peek(|view| {
            let index = series.try_with_value(|key| view.index(key)).flatten();
            let indices: Vec<usize> = index.into_iter().collect();
            scene(
                view,
                &Pick {
                    series: &indices,
                    hidden: &Hidden::new(),
                    window_ms,
                    columns,
                    grid: false,
                },
            )
        })
    };
    let (canvas, ink) = (NodeRef::<html::Canvas>::new(), NodeRef::<html::Div>::new());
    let share = Memo::new(|_| None);
    stage::mount(
        Stage {
            canvas,
            ink,
            line: None,
            handle,
            hidden,
            share,
        },
        draw,
    );
    let first = draw(120).map(|scene| svg(&scene, 120, 32)).unwrap_or_default();
    view! {
        <div class="sparkline" aria-hidden="true">
            <div class="plot-ink" node_ref=ink inner_html=first></div>
            <canvas class="plot-canvas" node_ref=canvas></canvas>
        </div>
    }
    .into_any()
}
