//! One panel: its chart, or why there is none.

use super::{board::Panel, found::unit_words};
use crate::{
    past::{Frame, Look, Past, PastSeries, Range, Source, figure::framed},
    ports::MetricsPort,
    prelude::*,
    ui::{Glyph, Icon},
};
use farol_model::{Fault, action::Mark};
use std::collections::HashMap;

/// Series that one panel draws; of more it says that there are more.
pub const DRAWN: usize = 40;
/// Values of one page at most, shared by its panels.
const CELLS: usize = 60_000;
/// Charts of one panel: one for each unit.
const UNITS: usize = 4;

/// What an expression said.
pub struct Answer {
    past: Past,
    /// What it said of the time that is compared with.
    earlier: Option<Past>,
    look: Look,
    /// Series in all; more than are drawn.
    pub total: usize,
}

impl Answer {
    /// What is measured, each unit once.
    pub fn units(&self) -> Vec<i32> {
        let mut units: Vec<i32> = Vec::new();
        for series in &self.past.series {
            if !units.contains(&series.spec.unit) {
                units.push(series.spec.unit);
            }
        }
        units
    }
}

/// Asks for what a panel shows, as fine as there is room for beside so many others.
///
/// # Errors
/// What is wrong with the expression, in words for who has written it.
pub async fn ask(
    metrics: &dyn MetricsPort,
    panel: &Panel,
    range: &Range,
    panels: usize,
) -> Result<Answer, Fault> {
    let look = panel.looked()?;
    let room = CELLS / panels.max(4);
    let read = |points, before: i64| {
        metrics.evaluate(
            &panel.expression,
            range.from_ms - before,
            range.to_ms - before,
            points,
        )
    };
    let mut points = look.points(1);
    let mut past = read(points, 0).await?;
    let total = past.series.len();
    let shown = total.clamp(1, DRAWN);
    if shown * past.times_ms.len() > room {
        points = (room / shown).max(20);
        past = read(points, 0).await?;
    }
    let mut earlier = match &look.compare {
        Some(offset) => Some(read(points, offset.ms).await?),
        None => None,
    };
    for past in [Some(&mut past), earlier.as_mut()].into_iter().flatten() {
        past.series.truncate(DRAWN);
        told_apart(&mut past.series);
    }
    Ok(Answer {
        past,
        earlier,
        look,
        total,
    })
}

/// Series of different charts may be called alike there; beside each other they must not.
fn told_apart(series: &mut [PastSeries]) {
    let mut titles: HashMap<&str, usize> = HashMap::new();
    for one in series.iter() {
        *titles.entry(&one.spec.title).or_default() += 1;
    }
    if series.len() == titles.len() && !titles.contains_key("") {
        return;
    }
    let first = series
        .first()
        .map(|one| one.spec.name.clone())
        .unwrap_or_default();
    let one_metric = series.iter().all(|one| one.spec.name == first);
    for one in series {
        let labels: Vec<&str> = one.spec.labels.iter().map(|label| label.value.as_str()).collect();
        one.spec.title = match (one_metric, labels.is_empty()) {
            (true, false) => labels.join(" "),
            _ => one.spec.key(),
        };
    }
}

/// The charts of a panel: one, and one more for each further unit.
pub fn charts(panel: &Panel, answer: &Answer, range: &Range, marks: &[Mark]) -> AnyView {
    let units = answer.units();
    if units.is_empty() {
        let text = "No series is meant by this, or none had a value in this time.";
        return said(panel, Glyph::Info, text.to_owned());
    }
    let (several, left_out) = (units.len() > 1, units.len().saturating_sub(UNITS));
    let charts = units
        .into_iter()
        .take(UNITS)
        .map(|unit| {
            let of_it = answer.past.series.iter();
            let of_it: Vec<&PastSeries> = of_it.filter(|series| series.spec.unit == unit).collect();
            let title = match several {
                true => format!("{}, {}", panel.heading(), unit_words(unit)),
                false => panel.heading().to_owned(),
            };
            let frame = Frame {
                source: Source::Expression(&panel.expression),
                earlier: answer.earlier.as_ref(),
                ..Frame::plain(&answer.past, range, marks, &answer.look)
            };
            framed(&title, &of_it, &frame)
        })
        .collect::<Vec<_>>();
    let more = (left_out > 0).then(|| {
        let words = format!("Series of {left_out} further units are not drawn. Name fewer metrics.");
        view! { <p class="muted">{words}</p> }
    });
    view! {
        {charts}
        {more}
    }
}

/// A panel without a chart says why.
pub fn fault(panel: &Panel, fault: &Fault) -> AnyView {
    said(panel, Glyph::Alert, fault.message.clone())
}

fn said(panel: &Panel, glyph: Glyph, text: String) -> AnyView {
    view! {
        <div class="explore-no-chart">
            <h3 class="chart-title">{panel.heading().to_owned()}</h3>
            <div class="unavailable">
                <Icon glyph/>
                <p>{text}</p>
            </div>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::metric::{MetricSpec, Unit};

    fn series(name: &str, unit: Unit, title: &str, labels: &[(&str, &str)]) -> PastSeries {
        let mut spec = MetricSpec::gauge(name, unit, "Chart", title, "Help.");
        for (name, value) in labels {
            spec = spec.label(name, value);
        }
        PastSeries {
            spec,
            min: vec![1.0; 3],
            max: vec![3.0; 3],
            mean: vec![2.0; 3],
        }
    }

    fn titles(mut all: Vec<PastSeries>) -> Vec<String> {
        told_apart(&mut all);
        all.into_iter().map(|one| one.spec.title).collect()
    }

    #[test]
    fn series_that_are_called_alike_are_told_apart_by_their_labels() {
        let read = |device| series("read", Unit::Bytes, device, &[("device", device)]);
        assert_eq!(titles(vec![read("sda"), read("sdb")]), ["sda", "sdb"]);
        let used = |device| series("used", Unit::Bytes, "used", &[("device", device)]);
        assert_eq!(titles(vec![used("sda"), used("sdb")]), ["sda", "sdb"]);
        let free = series("free", Unit::Bytes, "sda", &[("device", "sda")]);
        assert_eq!(
            titles(vec![read("sda"), free]),
            ["read{device=\"sda\"}", "free{device=\"sda\"}"]
        );
    }

    #[test]
    fn each_unit_has_a_chart_of_its_own_and_nothing_is_said_to_be_nothing() {
        let range = Range {
            word: None,
            from_ms: 0,
            to_ms: 30_000,
        };
        let answer = |series: Vec<PastSeries>| Answer {
            total: series.len(),
            earlier: None,
            look: Look::default(),
            past: Past {
                step_ms: 10_000,
                times_ms: vec![0, 10_000, 20_000],
                series,
            },
        };
        let panel = Panel::of("{device=\"<b>\"}");
        let two = answer(vec![
            series("a", Unit::Bytes, "a", &[]),
            series("b", Unit::Percent, "b", &[]),
            series("c", Unit::Bytes, "c", &[]),
        ]);
        let html = charts(&panel, &two, &range, &[]).to_html();
        assert_eq!(html.matches("<figure").count(), 2, "{html}");
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>\""), "{html}");
        let none = charts(&panel, &answer(vec![]), &range, &[]).to_html();
        assert!(none.contains("No series is meant") && !none.contains("<figure"));
    }
}
