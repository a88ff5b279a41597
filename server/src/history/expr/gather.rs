//! What is made of several series at the same time.
//!
//! Each of these rises with each series that goes into it, so that what is made of the least values is below, and what is made of the
//! greatest is above whatever it was at any moment.

use super::{
    FIELD,
    lines::{CHANNEL, Line},
    point::Point,
    tree::{Gather, Grouping},
    units,
};
use farol_model::{
    Fault,
    metric::{Label, Unit},
};
use std::collections::BTreeMap;

/// The bound of a bucket.
const BOUND: &str = "le";

/// What stands for a group: its channel, if that counts, and its labels.
type Key = (Option<String>, Vec<(String, String)>);

fn key(line: &Line, grouping: &Grouping) -> Key {
    let kept = |name: &str| match grouping {
        Grouping::By(names) => names.iter().any(|by| by == name),
        Grouping::Without(names) => !names.iter().any(|without| without == name),
    };
    let mut labels: Vec<(String, String)> = line
        .labels
        .iter()
        .filter(|label| kept(&label.name) && !label.value.is_empty())
        .map(|label| (label.name.clone(), label.value.clone()))
        .collect();
    labels.sort();
    let channel = line.channel.as_deref().filter(|_| kept(CHANNEL));
    (channel.map(str::to_owned), labels)
}

fn groups(lines: Vec<Line>, grouping: &Grouping) -> BTreeMap<Key, Vec<Line>> {
    let mut groups: BTreeMap<Key, Vec<Line>> = BTreeMap::new();
    for line in lines {
        groups.entry(key(&line, grouping)).or_default().push(line);
    }
    groups
}

/// `at`: where the function stands.
pub fn apply(how: Gather, grouping: &Grouping, lines: Vec<Line>, at: usize) -> Result<Vec<Line>, Fault> {
    let mut made = Vec::new();
    for (key, members) in groups(lines, grouping) {
        if let Gather::TopK(count) | Gather::BottomK(count) = how {
            made.extend(best(members, count, matches!(how, Gather::TopK(_))));
            continue;
        }
        let unit = match how {
            Gather::Count => Unit::Count,
            _ => one_unit(&members, at)?,
        };
        let mut values = Vec::with_capacity(members.len());
        let points = (0..length(&members)).map(|at| point(how, &members, at, &mut values));
        let points = points.collect();
        made.push(line_of(key, &members, unit, points));
    }
    if matches!(how, Gather::TopK(_) | Gather::BottomK(_)) {
        sort(&mut made, matches!(how, Gather::TopK(_)));
    }
    Ok(made)
}

fn length(lines: &[Line]) -> usize {
    lines.first().map_or(0, |line| line.points.len())
}

fn line_of((channel, labels): Key, members: &[Line], unit: Unit, points: Vec<Point>) -> Line {
    let metric = members.first().and_then(|line| line.metric.clone());
    Line {
        series: None,
        channel: channel.map(Into::into),
        labels: labels
            .into_iter()
            .map(|(name, value)| Label { name, value })
            .collect(),
        metric: metric.filter(|_| members.iter().all(|line| line.metric == members[0].metric)),
        title: None,
        unit,
        counter: false,
        points,
    }
}

fn one_unit(members: &[Line], at: usize) -> Result<Unit, Fault> {
    let unit = members.first().map_or(Unit::None, |line| line.unit);
    match members.iter().find(|line| line.unit != unit) {
        None => Ok(unit),
        Some(other) => Err(Fault::invalid(
            FIELD,
            format!(
                "The expression brings together series of {} and of {} at byte {at}. Name series of one unit, or count them.",
                units::word(unit),
                units::word(other.unit)
            ),
        )),
    }
}

fn point(how: Gather, members: &[Line], at: usize, values: &mut Vec<f64>) -> Point {
    let there = || {
        members
            .iter()
            .map(|line| line.points[at])
            .filter(|point| !point.is_none())
    };
    let count = there().map(|point| point.count).fold(0, u64::saturating_add);
    if count == 0 {
        return Point::NONE;
    }
    let mut of = |column: fn(&Point) -> f64| {
        values.clear();
        values.extend(there().map(|point| column(&point)));
        value(how, values)
    };
    Point {
        min: of(|point| point.min),
        max: of(|point| point.max),
        mean: of(|point| point.mean),
        last: of(|point| point.last),
        count,
    }
    .sane()
}

fn value(how: Gather, values: &mut [f64]) -> f64 {
    let sum = || values.iter().sum::<f64>();
    match how {
        Gather::Sum | Gather::TopK(_) | Gather::BottomK(_) => sum(),
        Gather::Avg => sum() / values.len() as f64,
        Gather::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        Gather::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Gather::Count => values.len() as f64,
        Gather::Quantile(share) => quantile(share, values),
    }
}

/// Between the two values that are next to it, in proportion, as Prometheus does.
fn quantile(share: f64, values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = share * (values.len() - 1) as f64;
    let (low, high) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
    low + (high - low) * rank.fract()
}

/// Those that have the greatest or least mean over all of the time, whole.
fn best(mut members: Vec<Line>, count: usize, greatest: bool) -> Vec<Line> {
    members.retain(|line| line.points.iter().any(|point| !point.is_none()));
    sort(&mut members, greatest);
    members.truncate(count);
    members
}

fn sort(lines: &mut [Line], greatest: bool) {
    lines.sort_by(|a, b| {
        let order = a.mean().total_cmp(&b.mean());
        if greatest { order.reverse() } else { order }
    });
}

/// The value below which so great a share of what a histogram counted lies, from its buckets, as Prometheus does.
pub fn histogram_quantile(share: f64, lines: Vec<Line>, at: usize) -> Result<Vec<Line>, Fault> {
    let bound = |line: &Line| match line.label(BOUND) {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        text => text.parse::<f64>().ok().filter(|bound| !bound.is_nan()),
    };
    if !lines.is_empty() && lines.iter().all(|line| bound(line).is_none()) {
        return Err(Fault::invalid(
            FIELD,
            format!(
                "The expression has histogram_quantile at byte {at} of series without the label le, which says what a bucket holds. Give \
                 it buckets: histogram_quantile(0.9, sum by (le) (rate(name_bucket[5m])))."
            ),
        ));
    }
    let mut made = Vec::new();
    for (key, members) in groups(lines, &Grouping::Without(vec![BOUND.to_owned()])) {
        let mut buckets: Vec<(f64, &Line)> = members
            .iter()
            .filter_map(|line| Some((bound(line)?, line)))
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let of = |at: usize, column: fn(&Point) -> f64| {
            let there = buckets.iter().filter(|(_, line)| !line.points[at].is_none());
            in_buckets(
                share,
                there
                    .map(|(bound, line)| (*bound, column(&line.points[at])))
                    .collect(),
            )
        };
        let points = (0..length(&members)).map(|at| {
            let counts = members.iter().map(|line| line.points[at].count);
            let mean = of(at, |point| point.mean);
            Point {
                // From which counts the least and the greatest came is not known.
                min: f64::NAN,
                max: f64::NAN,
                mean,
                last: Some(of(at, |point| point.last))
                    .filter(|last| last.is_finite())
                    .unwrap_or(mean),
                count: counts.fold(0, u64::saturating_add),
            }
            .sane()
        });
        let points = points.collect();
        let unit = members
            .first()
            .and_then(|line| line.metric.as_deref())
            .map_or(Unit::None, units::of_buckets);
        made.push(line_of(key, &members, unit, points));
    }
    Ok(made)
}

/// Of buckets by ascending bound, each with what is at or below it. NaN when that is nothing.
fn in_buckets(share: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    let mut most = 0.0_f64;
    for (_, count) in &mut buckets {
        // They were not read at the very same moment.
        most = most.max(*count);
        *count = most;
    }
    let [below @ .., (last, all)] = buckets.as_slice() else {
        return f64::NAN;
    };
    if *last != f64::INFINITY || below.is_empty() || *all <= 0.0 {
        return f64::NAN;
    }
    let rank = share * all;
    let Some(at) = below.iter().position(|(_, count)| *count >= rank) else {
        // Above the last bound nothing more is known.
        return below[below.len() - 1].0;
    };
    let (end, count) = below[at];
    let (start, before) = match at {
        0 if end <= 0.0 => return end,
        0 => (0.0, 0.0),
        at => below[at - 1],
    };
    match count > before {
        true => start + (end - start) * (rank - before) / (count - before),
        false => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_the_values_next_to_it() {
        assert_eq!(quantile(0.5, &mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(quantile(0.5, &mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(
            (quantile(0.0, &mut [7.0, 8.0]), quantile(1.0, &mut [7.0, 8.0])),
            (7.0, 8.0)
        );
    }

    #[test]
    fn a_quantile_of_buckets_is_that_of_prometheus() {
        let buckets = || vec![(0.1, 10.0), (0.5, 60.0), (1.0, 90.0), (f64::INFINITY, 100.0)];
        assert_eq!(in_buckets(0.5, buckets()), 0.1 + 0.4 * 40.0 / 50.0);
        assert_eq!(in_buckets(0.05, buckets()), 0.05);
        assert_eq!(in_buckets(0.95, buckets()), 1.0, "above the last bound");
        assert_eq!(in_buckets(0.5, vec![(-1.0, 5.0), (f64::INFINITY, 6.0)]), -1.0);
        assert!(
            in_buckets(0.5, vec![(1.0, 0.0), (f64::INFINITY, 0.0)]).is_nan(),
            "nothing was counted"
        );
        assert!(
            in_buckets(0.5, vec![(1.0, 5.0), (2.0, 6.0)]).is_nan(),
            "without the bucket of all"
        );
        assert!(in_buckets(0.5, vec![]).is_nan());
    }
}
