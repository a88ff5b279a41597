//! The legend: series with their newest values (or those under the crosshair), to hide and to single out.

use super::{
    interact::use_crosshair,
    scale::{COLOURS, Hidden, Line, by_last_value},
};
use crate::prelude::*;
use crate::{
    format::format,
    live::{ChannelHandle, apply::View},
};

/// One series of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub slot: usize,
    pub key: String,
    pub title: String,
    pub unit: i32,
}

/// The series of a chart, in schema order.
pub fn items(view: &View, chart: &str) -> Vec<Item> {
    let indices = view.chart(chart);
    indices
        .into_iter()
        .enumerate()
        .filter_map(|(slot, index)| {
            let spec = view.schema.get(index)?;
            Some(Item {
                slot,
                key: view.keys.get(index)?.clone(),
                title: spec.title.clone(),
                unit: spec.unit,
            })
        })
        .collect()
}

/// What pressing a legend button does: hides or shows one; `isolate` shows only this one, and all again the second time.
/// The last one shown cannot be hidden: that would show nothing.
pub fn toggle(hidden: &mut Hidden, all: &[Item], key: &str, isolate: bool) {
    let others = || {
        all.iter()
            .filter(|item| item.key != key)
            .map(|item| item.key.clone())
    };
    if isolate {
        let alone = others().all(|other| hidden.contains(&other)) && !is_hidden(hidden, key);
        *hidden = if alone { Hidden::new() } else { others().collect() };
    } else if is_hidden(hidden, key) {
        hidden.retain(|other| other != key);
    } else if others().all(|other| hidden.contains(&other)) {
        hidden.clear();
    } else {
        hidden.push(key.to_owned());
    }
}

fn is_hidden(hidden: &Hidden, key: &str) -> bool {
    hidden.iter().any(|other| other == key)
}

/// Value of a series within a step of a time; None where there is none.
pub fn known_at(view: &View, key: &str, at: f64) -> Option<f64> {
    let row = *view.times.get(view.nearest(at)?)? as f64;
    let value = value_at(view, key, Some(at));
    ((row - at).abs() <= f64::from(view.step_ms) && value.is_finite()).then_some(value)
}

/// Value of a series at a time, or the newest.
pub fn value_at(view: &View, key: &str, at: Option<f64>) -> f64 {
    let Some(index) = view.index(key) else {
        return f64::NAN;
    };
    match at.and_then(|time| view.nearest(time)) {
        Some(row) => view
            .columns
            .get(index)
            .and_then(|column| column.get(row))
            .copied()
            .unwrap_or(f64::NAN),
        None => view.last(index),
    }
}

/// Classes of a line's colour: `c1`..`c8`, `dashed` for the second eight.
pub fn look(slot: usize) -> String {
    let dashed = if Line::dashed(slot) { " dashed" } else { "" };
    format!("c{}{dashed}", Line::colour(slot) + 1)
}

#[component]
pub fn Legend(handle: ChannelHandle, series: Memo<Vec<Item>>, hidden: RwSignal<Hidden>) -> AnyView {
    let unfolded = RwSignal::new(false);
    let by_value = RwSignal::new(false);
    // Chosen when the set of series changes or somebody asks, and not at each tick: rows that trade places cannot be read.
    let shown = Memo::new(move |_| {
        let all = series.get();
        let (folded, by_value) = (all.len() > COLOURS && !unfolded.get(), by_value.get());
        if !folded && !by_value {
            return all;
        }
        let last: Vec<f64> = all
            .iter()
            .map(|item| {
                handle
                    .peek(|view| value_at(view, &item.key, None))
                    .unwrap_or(f64::NAN)
            })
            .collect();
        let mut order = by_last_value(&last);
        if folded {
            order.truncate(COLOURS);
        }
        if !by_value {
            crate::order::sort(&mut order, |a, b| a.cmp(&b));
        }
        order
            .into_iter()
            .filter_map(|slot| all.get(slot).cloned())
            .collect()
    });
    let count = Memo::new(move |_| series.with(Vec::len));
    view! {
        <ul class="chart-legend">
            {move || shown.get().into_iter().map(|item| view! { <li><Entry handle series hidden item/></li> }).collect::<Vec<_>>().into_any()}
        </ul>
        <button type="button" class="chart-more" aria-expanded=move || unfolded.get().to_string()
            hidden=move || count.get() <= COLOURS
            on:click=move |_| unfolded.update(|open| *open = !*open)>
            {move || if unfolded.get() { "Show fewer".to_owned() } else { format!("Show all {}", count.get()) }}
        </button>
        <button type="button" class="chart-more" aria-pressed=move || by_value.get().to_string()
            title="By the newest values; press twice to sort anew" hidden=move || count.get() < 3
            on:click=move |_| by_value.update(|on| *on = !*on)>
            "Highest first"
        </button>
    }
}

#[component]
fn Entry(handle: ChannelHandle, series: Memo<Vec<Item>>, hidden: RwSignal<Hidden>, item: Item) -> AnyView {
    let cross = use_crosshair().0;
    let Item {
        slot,
        key,
        title,
        unit,
    } = item;
    let key = StoredValue::new(key);
    let value = move || {
        let value = handle.try_with(|view| key.with_value(|key| value_at(view, key, cross.get())));
        format(value.unwrap_or(f64::NAN), unit)
    };
    let pressed = move || hidden.with(|hidden| key.with_value(|key| !is_hidden(hidden, key)));
    let press = move |event: leptos::ev::MouseEvent| {
        let isolate = event.shift_key() || event.ctrl_key() || event.meta_key() || event.alt_key();
        let all = series.get_untracked();
        hidden.update(|hidden| key.with_value(|key| toggle(hidden, &all, key, isolate)));
    };
    view! {
        <button type="button" class="chart-series" aria-pressed=move || pressed().to_string() on:click=press
            title="Click to hide or show, Shift-click to show only this one">
            <span class=format!("chart-swatch {}", look(slot)) aria-hidden="true"></span>
            <span class="chart-name">{title}</span>
            <span class="chart-value">
                <b>{move || value().number}</b>
                <small>{move || value().unit}</small>
            </span>
        </button>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Item> {
        ["a", "b", "c"]
            .into_iter()
            .enumerate()
            .map(|(slot, key)| Item {
                slot,
                key: key.into(),
                title: key.into(),
                unit: 0,
            })
            .collect()
    }

    fn shown(hidden: &Hidden) -> String {
        all()
            .iter()
            .map(|item| item.key.as_str())
            .filter(|key| !is_hidden(hidden, key))
            .collect()
    }

    #[test]
    fn a_value_is_known_within_a_step_of_its_row() {
        use farol_model::{
            metric::{MetricSpec, Unit},
            sample::{ChannelView, Column, Snapshot},
        };
        let view = View::new(ChannelView {
            channel: "c".into(),
            schema: vec![MetricSpec::gauge("a", Unit::None, "A", "a", "A.")],
            snapshot: Snapshot {
                times_ms: vec![10_000, 20_000, 60_000],
                columns: vec![Column {
                    values: vec![1.0, f64::NAN, 3.0],
                }],
                step_ms: 10_000,
            },
            epoch: "e".into(),
            offset: 3,
        });
        let known = |at| known_at(&view, "a", at);
        assert_eq!((known(14_000.0), known(0.0)), (Some(1.0), Some(1.0)));
        assert_eq!(known(21_000.0), None, "a gap is one");
        assert_eq!(known(49_000.0), None, "too far from either row");
        assert_eq!((known(51_000.0), known(71_000.0)), (Some(3.0), None));
        assert_eq!(known_at(&view, "b", 10_000.0), None);
    }

    #[test]
    fn a_press_hides_and_shows() {
        let mut hidden = Hidden::new();
        toggle(&mut hidden, &all(), "a", false);
        assert_eq!(shown(&hidden), "bc");
        toggle(&mut hidden, &all(), "a", false);
        assert_eq!(shown(&hidden), "abc");
    }

    #[test]
    fn isolating_twice_shows_all_again() {
        let mut hidden = Hidden::new();
        toggle(&mut hidden, &all(), "b", true);
        assert_eq!(shown(&hidden), "b");
        toggle(&mut hidden, &all(), "b", true);
        assert_eq!(shown(&hidden), "abc");
    }

    #[test]
    fn hiding_the_last_one_shows_all() {
        let mut hidden = Hidden::new();
        toggle(&mut hidden, &all(), "b", true);
        toggle(&mut hidden, &all(), "b", false);
        assert_eq!(shown(&hidden), "abc");
    }
}
