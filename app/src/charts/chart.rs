//! The chart: heading, plot, axes, legend and a text alternative. The server draws the plot as SVG; in the browser a canvas of
//! the same geometry takes its place.

use super::{
    interact::{key_moves, use_crosshair},
    keys::{keys, notes},
    legend::{Item, Legend, items, known_at, look, value_at},
    live::{LiveChart, drawing},
    scale::{Draw, Hidden, Pick, window_now},
    side::{class, side},
    stage::{self, Stage},
    still::Drawing,
};
use crate::prelude::*;
use crate::{
    format::{clock_utc, duration, format},
    live::{ChannelHandle, Marks, apply::View},
};
use leptos::html;
use std::sync::{Arc, Mutex};

/// What the series of a chart were an earlier period before, moved into this one.
pub type Then = Arc<Mutex<View>>;

/// Nominal size of the server's drawing, pixels. It stretches to the plot's real size.
const NOMINAL: (u32, u32) = (600, 160);

/// What stands around a plot, as markup: the class of the figure, its side, and what there is to be said. One text, which changes where
/// one of them does and not at each sample.
fn around(drawing: &Drawing, alone: bool) -> String {
    let said = notes(drawing) + &keys(drawing);
    [class("", drawing, alone), side(drawing, alone), said].join(BETWEEN)
}

const BETWEEN: &str = "\n";

/// All series whose [`MetricSpec::chart`](farol_model::metric::MetricSpec::chart) is the title, over the last `window_ms`. `then` is what
/// they were an earlier period before.
#[component]
pub fn Chart(
    handle: ChannelHandle,
    chart: LiveChart,
    #[prop(default = 300_000)] window_ms: i64,
    #[prop(optional_no_strip)] then: Option<Then>,
) -> AnyView {
    let LiveChart {
        title,
        mode,
        log,
        alone,
        hidden,
        menu,
    } = chart;
    let chart = StoredValue::new(title.clone());
    let series = Memo::new(move |_| handle.with(|view| chart.with_value(|chart| items(view, chart))));
    let hidden = RwSignal::new(hidden);
    let marks = use_context::<Marks>();
    let earlier = then.clone();
    let draw: Draw = Arc::new(move |columns: u32| {
        let hidden = hidden.try_get_untracked()?;
        let indices = |view: &View| {
            chart
                .try_with_value(|chart| view.chart(chart))
                .unwrap_or_default()
        };
        let lay_out = |then: Option<&View>| {
            handle.peek(|view| {
                let pick = Pick {
                    series: &indices(view),
                    hidden: &hidden,
                    window_ms,
                    columns,
                    grid: true,
                };
                drawing(view, &pick, (mode, log), then)
            })
        };
        let mut drawn = match earlier.as_ref().and_then(|then| then.lock().ok()) {
            Some(then) => lay_out(Some(&then)),
            None => lay_out(None),
        }?;
        if let Some(marks) = marks.and_then(|marks| marks.0.peek(|latest| latest.0.clone())) {
            drawn.scene = drawn.scene.marked(&marks);
        }
        Some(drawn)
    });
    let window = move || {
        handle
            .try_with(|view| window_now(view, window_ms))
            .unwrap_or(window_ms)
    };
    let measured = draw.clone();
    let around = Memo::new(move |_| {
        handle.tick.track();
        hidden.track();
        let drawing: Option<Drawing> = measured(NOMINAL.0);
        drawing.map_or_else(String::new, |drawing| around(&drawing, alone))
    });
    let part =
        move |at: usize| move || around.with(|all| all.split(BETWEEN).nth(at).unwrap_or_default().to_owned());
    let spoken = {
        let title = title.clone();
        reactive(move || handle.with(|view| series.with(|all| alternative(&title, view, all))))
    };
    let empty = Memo::new(move |_| match series.with(Vec::is_empty) {
        true => "Not available here".to_owned(),
        false if handle.with(|view| view.times.is_empty()) => "No data yet".to_owned(),
        false => String::new(),
    });
    view! {
        <figure class=part(0)>
            <figcaption>
                <h3 class="chart-title">{title.clone()}</h3>
                <p class="visually-hidden">{spoken}</p>
                <div inner_html=menu></div>
            </figcaption>
            <div class="chart-body">
                <div class="chart-y" aria-hidden="true" inner_html=part(1)></div>
                <Plot handle title series hidden window_ms then draw empty/>
                <div class="chart-x" aria-hidden="true">
                    <span>{move || format!("{} ago", duration(window()))}</span>
                    <span>{move || format!("{} ago", duration(window() / 2))}</span>
                    <span>"latest"</span>
                </div>
            </div>
            <div inner_html=part(2)></div>
            <Legend handle series hidden/>
        </figure>
    }
}

#[component]
fn Plot(
    handle: ChannelHandle,
    title: String,
    series: Memo<Vec<Item>>,
    hidden: RwSignal<Hidden>,
    window_ms: i64,
    then: Option<Then>,
    draw: Draw,
    empty: Memo<String>,
) -> AnyView {
    let cross = use_crosshair().0;
    let marks = use_context::<Marks>();
    let pointed = RwSignal::new(false);
    let (plot, ink, line) = (
        NodeRef::<html::Div>::new(),
        NodeRef::<html::Div>::new(),
        NodeRef::<html::Div>::new(),
    );
    let first = stage::still(&draw, NOMINAL);
    // Where the crosshair stands in the window, 0 to 1.
    let share = Memo::new(move |_| {
        let at = cross.get()?;
        let (to, window) = handle.try_with(|view| (view.last_ms(), window_now(view, window_ms)))?;
        Some((at - to? as f64) / window as f64 + 1.0).filter(|share| (0.0..=1.0).contains(share))
    });
    stage::mount(
        Stage {
            ink,
            line: Some(line),
            handle,
            hidden,
            share,
        },
        draw,
    );
    // For gestures, which are not only of this chart (`past::scope`).
    let say_span = move || {
        let span = handle.peek(|view| Some((view.last_ms()?, window_now(view, window_ms))));
        if let Some(Some((to, window))) = span {
            stage::say_span(plot, to - window, to);
        }
    };
    let point = move |client_x: i32| {
        let Some(share) = stage::share_of(plot, client_x) else {
            return;
        };
        say_span();
        let row = handle.peek(|view| {
            let at = view.last_ms()? as f64 - window_now(view, window_ms) as f64 * (1.0 - share);
            view.times.get(view.nearest(at)?).map(|time| *time as f64)
        });
        if let Some(Some(time)) = row {
            pointed.set(true);
            if cross.get_untracked() != Some(time) {
                cross.set(Some(time));
            }
        }
    };
    let leave = move || {
        // A plot that is taken out of the document loses the focus after its page is gone.
        if pointed.try_get_untracked() == Some(true) {
            pointed.set(false);
            cross.set(None);
        }
    };
    let press = move |event: leptos::ev::KeyboardEvent| {
        say_span();
        if event.shift_key() {
            return;
        }
        let moved = handle
            .peek(|view| {
                key_moves(
                    view,
                    window_now(view, window_ms),
                    cross.get_untracked(),
                    &event.key(),
                )
            })
            .flatten();
        if let Some(time) = moved {
            event.prevent_default();
            pointed.set(time.is_some());
            cross.set(time);
        }
    };
    view! {
        <div class="plot" node_ref=plot tabindex="0" role="group" aria-label=format!("{title} over time. Arrow keys read values.")
            on:pointermove=move |event| point(event.client_x())
            on:pointerdown=move |event| point(event.client_x())
            on:pointerleave=move |_| leave() on:blur=move |_| leave() on:keydown=press>
            <div class="plot-ink" node_ref=ink inner_html=first></div>
            <canvas class="plot-canvas" aria-hidden="true"></canvas>
            <div class="plot-line" node_ref=line hidden=move || share.get().is_none()></div>
            <div class="plot-tip" class:at-left=move || share.get().is_some_and(|share| share > 0.5) aria-live="polite"
                hidden=move || !pointed.get() || share.get().is_none()>
                {move || pointed.get().then(|| tip(handle, series, hidden, cross, then.as_ref(), marked(handle, marks, cross.get(), window_ms))).flatten().into_any()}
            </div>
            <p class="chart-empty" hidden=move || empty.with(String::is_empty)>{move || empty.get()}</p>
        </div>
    }
}

/// What is marked close to the crosshair: within a hundredth of the window, or so that no row is closer.
fn marked(handle: ChannelHandle, marks: Option<Marks>, at: Option<f64>, window_ms: i64) -> Vec<String> {
    let (Some(marks), Some(at)) = (marks, at) else {
        return Vec::new();
    };
    let titles = marks.0.peek(|latest| {
        handle.peek(|view| {
            let near = window_now(view, window_ms) as f64 / 100.0;
            let mut titles = Vec::new();
            for mark in &latest.0 {
                let time = mark.at_ms as f64;
                let row = view.nearest(time).and_then(|row| view.times.get(row));
                let nearest = row.is_some_and(|row| *row as f64 == at);
                let far = (time - at).abs();
                if far <= near || (nearest && far <= f64::from(view.step_ms)) {
                    titles.push(mark.title.clone());
                }
            }
            titles
        })
    });
    titles.flatten().unwrap_or_default()
}

/// Values under the crosshair, in the corner that is away from it.
fn tip(
    handle: ChannelHandle,
    series: Memo<Vec<Item>>,
    hidden: RwSignal<Hidden>,
    cross: RwSignal<Option<f64>>,
    then: Option<&Then>,
    marked: Vec<String>,
) -> Option<AnyView> {
    const MAX_ROWS: usize = 12;
    let at = cross.get()?;
    let mut rows: Vec<(Item, f64)> = series
        .get()
        .into_iter()
        .filter(|item| hidden.with(|hidden| !hidden.contains(&item.key)))
        .map(|item| {
            let value = handle
                .peek(|view| value_at(view, &item.key, Some(at)))
                .unwrap_or(f64::NAN);
            (item, value)
        })
        .collect();
    let more = rows.len().saturating_sub(MAX_ROWS);
    rows.truncate(MAX_ROWS);
    Some(view! {
        <p class="plot-time">{format!("{} UTC", clock_utc(at as i64))}</p>
        {marked.into_iter().map(|title| view! { <p class="plot-mark">{title}</p> }).collect::<Vec<_>>()}
        {rows.into_iter().map(|(item, value)| view! {
            <p class="plot-row">
                <span class=format!("chart-swatch {}", look(item.slot)) aria-hidden="true"></span>
                <span>{item.title.clone()}</span>
                <b>{format(value, item.unit).to_string()}</b>
                {earlier(then, &item, at)}
            </p>
        }).collect::<Vec<_>>()}
        {(more > 0).then(|| view! { <p class="plot-row">{format!("and {more} more in the legend")}</p> })}
    })
}

/// What a series was the earlier period before, where that is drawn.
fn earlier(then: Option<&Then>, item: &Item, at: f64) -> Option<AnyView> {
    let then = then?.lock().ok()?;
    let value = known_at(&then, &item.key, at)?;
    let told = format!("was {}", format(value, item.unit));
    Some(view! { <span class="muted">{told}</span> }.into_any())
}

/// "CPU: all cores 12.0 %, user 3.0 %." Series beyond the first twelve are counted.
fn alternative(title: &str, view: &View, all: &[Item]) -> String {
    if all.is_empty() {
        return format!("{title}: not available here.");
    }
    let named: Vec<String> = all
        .iter()
        .take(12)
        .map(|item| {
            format!(
                "{} {}",
                item.title,
                format(value_at(view, &item.key, None), item.unit)
            )
        })
        .collect();
    let more = match all.len() {
        0..=12 => String::new(),
        count => format!(" and {} more", count - 12),
    };
    format!("{title}: {}{more}.", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{
        metric::{MetricSpec, Unit},
        sample::{ChannelView, Column, Snapshot},
    };

    #[test]
    fn the_text_alternative_says_current_values_with_units() {
        let view = View::new(ChannelView {
            channel: "c".into(),
            schema: vec![
                MetricSpec::gauge("a", Unit::Percent, "CPU", "all cores", "H."),
                MetricSpec::gauge("b", Unit::Percent, "CPU", "steal", "H."),
            ],
            snapshot: Snapshot {
                times_ms: vec![1],
                columns: vec![Column { values: vec![12.0] }],
                step_ms: 1000,
            },
            epoch: String::new(),
            offset: 0,
        });
        let text = alternative("CPU", &view, &items(&view, "CPU")).replace('\u{a0}', " ");
        assert_eq!(text, "CPU: all cores 12.0 %, steal —.");
        assert_eq!(
            alternative("GPU", &view, &items(&view, "GPU")),
            "GPU: not available here."
        );
    }

    #[test]
    fn the_first_html_is_whole_without_a_browser() {
        let owner = Owner::new();
        let html = owner.with(|| {
            let wave = |phase: f64| {
                (0..300).map(move |row| {
                    if row == 150 {
                        f64::NAN
                    } else {
                        40.0 + 30.0 * (f64::from(row) / 20.0 + phase).sin()
                    }
                })
            };
            let titles = ["all cores", "user", "system"];
            let initial = ChannelView {
                channel: "metrics/local/cpu".into(),
                schema: titles
                    .iter()
                    .map(|title| {
                        MetricSpec::gauge(&title.replace(' ', "_"), Unit::Percent, "CPU", title, "H.")
                    })
                    .collect(),
                snapshot: Snapshot {
                    times_ms: (0..300).map(|row| row * 1000).collect(),
                    columns: (0..3)
                        .map(|index| Column {
                            values: wave(f64::from(index)).collect(),
                        })
                        .collect(),
                    step_ms: 1000,
                },
                epoch: "e".into(),
                offset: 300,
            };
            let handle = crate::live::use_channel(initial);
            view! { <Chart handle chart="CPU".to_owned().into()/> }.to_html()
        });
        // Lets a person look at it: FAROL_CHART_HTML names the file.
        if let Ok(path) = std::env::var("FAROL_CHART_HTML") {
            std::fs::write(path, &html).unwrap();
        }
        for part in [
            "<svg viewBox=",
            "CPU: all cores",
            "aria-pressed=\"true\"",
            "class=\"line c3\"",
            "100%",
            "5 min ago",
        ] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(
            !html.contains("style="),
            "inline styles offend the content security policy"
        );
    }
}
