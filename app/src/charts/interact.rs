//! The crosshair that all charts of the page share: the time that somebody points at. Pure but for the signal.

use crate::live::apply::View;
use leptos::prelude::*;

/// The time pointed at, milliseconds; None when nobody points. One for all charts.
#[derive(Clone, Copy)]
pub struct Crosshair(pub RwSignal<Option<f64>>);

/// Puts the crosshair into context. Call once, in `App`; `provide_live` does.
pub fn provide_crosshair() {
    provide_context(Crosshair(RwSignal::new(None)));
}

/// The page's crosshair; without [`provide_crosshair`] one of its own.
pub fn use_crosshair() -> Crosshair {
    use_context().unwrap_or_else(|| Crosshair(RwSignal::new(None)))
}

/// What a key does to the crosshair: None when it does nothing, `Some(None)` when it clears. Arrows move by a row, page
/// keys by ten, Home and End to the edges.
pub fn key_moves(view: &View, window_ms: i64, at: Option<f64>, key: &str) -> Option<Option<f64>> {
    if key == "Escape" {
        return Some(None);
    }
    let last = view.times.len().checked_sub(1)?;
    let oldest = view.last_ms()? - window_ms;
    let first = view.times.partition_point(|time| *time < oldest).min(last);
    let row = at.and_then(|time| view.nearest(time));
    let target = match (key, row) {
        ("End", _) => last,
        ("Home", _) => first,
        ("ArrowLeft" | "ArrowRight" | "PageUp" | "PageDown", None) => last,
        ("ArrowLeft", Some(row)) => row.saturating_sub(1),
        ("ArrowRight", Some(row)) => row + 1,
        ("PageUp", Some(row)) => row.saturating_sub(10),
        ("PageDown", Some(row)) => row + 10,
        _ => return None,
    };
    let time = view.times.get(target.clamp(first, last))?;
    Some(Some(*time as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::sample::{ChannelView, Snapshot};

    fn view(times_ms: Vec<i64>) -> View {
        let snapshot = Snapshot {
            times_ms,
            columns: vec![],
            step_ms: 1000,
        };
        View::new(ChannelView {
            channel: "c".into(),
            schema: vec![],
            snapshot,
            epoch: String::new(),
            offset: 0,
        })
    }

    #[test]
    fn arrows_walk_over_rows_and_stay_inside_the_window() {
        let view = view((0..100).map(|row| row * 1000).collect());
        let press = |at: Option<f64>, key: &str| key_moves(&view, 50_000, at, key);
        assert_eq!(
            press(None, "ArrowLeft"),
            Some(Some(99_000.0)),
            "begins at the newest"
        );
        assert_eq!(press(Some(99_000.0), "ArrowLeft"), Some(Some(98_000.0)));
        assert_eq!(press(Some(99_000.0), "ArrowRight"), Some(Some(99_000.0)));
        assert_eq!(
            press(Some(0.0), "ArrowLeft"),
            Some(Some(49_000.0)),
            "not left of what is drawn"
        );
        assert_eq!(press(Some(9.0), "Home"), Some(Some(49_000.0)));
        assert_eq!(press(Some(90_000.0), "PageUp"), Some(Some(80_000.0)));
        assert_eq!(press(Some(9.0), "Escape"), Some(None));
        assert_eq!(press(Some(9.0), "Tab"), None, "other keys are the page's");
    }

    #[test]
    fn an_empty_chart_ignores_keys() {
        assert_eq!(key_moves(&view(vec![]), 1000, None, "ArrowLeft"), None);
    }
}
