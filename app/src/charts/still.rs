//! The scene of a time that is past: lines are means, bands reach from the least to the greatest value of each point, so that a
//! spike is seen however much is drawn. Pure.

use super::{
    decimate::{Window, decimate},
    scale::{Band, Line, Scene, y_ticks},
};

/// What was read of one series: a value for each time, NaN where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    pub min: &'a [f64],
    pub max: &'a [f64],
    pub mean: &'a [f64],
}

/// Lays out series over the whole window. Points begin at `times_ms` and are expected at the distance that the window says.
pub fn scene(times_ms: &[i64], series: &[Columns<'_>], window: &Window, unit: i32) -> Scene {
    let line = |slot: usize, values: &[f64]| Line {
        slot,
        segments: decimate(times_ms.iter().copied().zip(values.iter().copied()), window),
    };
    let all = || series.iter().enumerate();
    // The axis holds the bands too.
    let least = all().map(|(slot, series)| line(slot, series.min));
    let greatest = all().map(|(slot, series)| line(slot, series.max));
    let reached: Vec<Line> = least.chain(greatest).collect();
    Scene {
        from_ms: window.from_ms,
        to_ms: window.to_ms,
        ticks: y_ticks(&reached, unit),
        lines: all().map(|(slot, series)| line(slot, series.mean)).collect(),
        grid: true,
        area: false,
        bands: all()
            .flat_map(|(slot, series)| bands(times_ms, slot, series))
            .collect(),
        marks: Vec::new(),
    }
}

/// Stretches without a gap in which least and greatest differ.
fn bands(times_ms: &[i64], slot: usize, series: &Columns<'_>) -> Vec<Band> {
    let points: Vec<(f64, f64, f64)> = times_ms
        .iter()
        .zip(series.min)
        .zip(series.max)
        .map(|((time, min), max)| (*time as f64, *min, *max))
        .collect();
    points
        .split(|(_, min, max)| !min.is_finite() || !max.is_finite())
        .filter(|part| part.iter().any(|(_, min, max)| max > min))
        .map(|part| Band {
            slot,
            points: part.to_vec(),
        })
        .collect()
}
