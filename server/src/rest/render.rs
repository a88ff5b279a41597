//! Any chart as a picture, for mail, chats and wikis, and for pages without scripts. The question is that of `query_range`; what is
//! drawn stands in `farol_app::charts::picture`.

use super::{
    history::{Past, asked::Asked},
    problem::Problem,
};
use crate::{
    access::Identity,
    history::query::{Answer, Query},
    marked, raster,
    time::now_ms,
};
use axum::{
    Extension,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use farol_app::{
    charts::picture::{Before, HEIGHTS, Picture, Series, Theme, WIDTHS},
    past::Look as Seen,
};
use farol_model::{Fault, metric::Unit};
use http::header;
use std::{
    collections::{HashMap, HashSet},
    ops::RangeInclusive,
};

/// What every picture may be asked with.
const KNOWN: [&str; 13] = [
    "match", "expr", "start", "end", "step", "width", "height", "theme", "title", "mode", "axis", "compare",
    "hide",
];
/// Those of them that say how charts are looked at, as on pages.
const SEEN: [&str; 4] = ["mode", "axis", "compare", "hide"];
/// Size when nobody says.
const USUAL: (u32, u32) = (800, 300);
/// Pixels of one point of the answer: more points would not be told apart.
const PIXELS_PER_POINT: u32 = 2;
/// Letters of a title at most.
const MAX_TITLE: usize = 200;
/// Points of a PNG for each pixel.
const SCALES: RangeInclusive<u32> = 1..=2;

/// How it is to look.
struct Look {
    title: Option<String>,
    width: u32,
    height: u32,
    theme: Theme,
    seen: Seen,
}

/// Series over a time as an SVG document. All must have one unit, since a picture has one axis.
#[utoipa::path(
    get, path = "/api/v1/render.svg", tag = "history", operation_id = "renderSvg",
    params(
        ("match" = Option<Vec<String>>, Query, description = "As with query_range"),
        ("expr" = Option<String>, Query, description = "As with query_range"),
        ("start" = String, Query, description = "As with query_range"),
        ("end" = Option<String>, Query, description = "As with query_range"),
        ("step" = Option<String>, Query, description = "As with query_range; when left out, a point for two pixels at most"),
        ("width" = Option<u32>, Query, description = "Pixels", minimum = 240, maximum = 4000),
        ("height" = Option<u32>, Query, description = "Pixels", minimum = 120, maximum = 2400),
        ("theme" = Option<String>, Query, description = "`light` or `dark`"),
        ("title" = Option<String>, Query, description = "What stands above it; what the series have in common when left out"),
        ("mode" = Option<String>, Query, description = "`lines`, `area`, `stacked`, `bars`, `heat` or `states`; when left out what is usual: \
            a heat map of buckets of a histogram, states of what is up or down, a stack of percentages that add up to 100, else lines"),
        ("axis" = Option<String>, Query, description = "`linear` or `log`"),
        ("compare" = Option<String>, Query, description = "How much earlier the series are drawn too, dashed: `90m`, `36h`, `1d`, `2w`"),
        ("hide" = Option<Vec<String>>, Query, description = "Keys of series that are left out and keep their colours: `name{label=\"value\"}`; 100 at most"),
    ),
    responses((status = 200, description = "The picture", body = String, content_type = "image/svg+xml"))
)]
pub async fn svg(
    State(past): State<Past>,
    identity: Option<Extension<Identity>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let drawn = draw(
        &past,
        identity,
        query.as_deref(),
        &KNOWN,
        |_| Ok(()),
        |svg, ()| Ok(svg),
    )
    .await?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], drawn).into_response())
}

/// The same as PNG.
#[utoipa::path(
    get, path = "/api/v1/render.png", tag = "history", operation_id = "renderPng",
    params(
        ("match" = Option<Vec<String>>, Query, description = "As with query_range"),
        ("expr" = Option<String>, Query, description = "As with query_range"),
        ("start" = String, Query, description = "As with query_range"),
        ("end" = Option<String>, Query, description = "As with query_range"),
        ("step" = Option<String>, Query, description = "As with render.svg"),
        ("width" = Option<u32>, Query, description = "Pixels", minimum = 240, maximum = 4000),
        ("height" = Option<u32>, Query, description = "Pixels", minimum = 120, maximum = 2400),
        ("theme" = Option<String>, Query, description = "`light` or `dark`"),
        ("title" = Option<String>, Query, description = "As with render.svg"),
        ("mode" = Option<String>, Query, description = "As with render.svg"),
        ("axis" = Option<String>, Query, description = "As with render.svg"),
        ("compare" = Option<String>, Query, description = "As with render.svg"),
        ("hide" = Option<Vec<String>>, Query, description = "As with render.svg"),
        ("scale" = Option<u32>, Query, description = "Points per pixel", minimum = 1, maximum = 2),
    ),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/png"))
)]
pub async fn png(
    State(past): State<Past>,
    identity: Option<Extension<Identity>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known: Vec<&str> = KNOWN.into_iter().chain(["scale"]).collect();
    let scale = |asked: &Asked| size(asked, "scale", &SCALES, 1);
    let points = |svg: String, scale: u32| {
        raster::png(&svg, scale).map_err(|error| {
            tracing::error!(%error, "a picture could not be made");
            Fault::internal()
        })
    };
    let drawn = draw(&past, identity, query.as_deref(), &known, scale, points).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], drawn).into_response())
}

async fn draw<E: Send + 'static, T: Send + 'static>(
    past: &Past,
    identity: Option<Extension<Identity>>,
    query: Option<&str>,
    known: &[&str],
    extra: impl FnOnce(&Asked) -> Result<E, Fault>,
    finish: impl FnOnce(String, E) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let viewer = identity.as_ref().map(|identity| identity.viewer.clone());
    let store = past.store(identity)?;
    let asked = Asked::parse(query, known)?;
    let look = Look::of(&asked)?;
    let question = asked.range(now_ms(), (look.width / PIXELS_PER_POINT) as usize)?;
    let extra = extra(&asked)?;
    let (from_ms, to_ms) = (question.query.from_ms, question.query.to_ms);
    let marks = match &viewer {
        Some(viewer) => marked::over(&past.annotations, &past.runner, viewer, from_ms, to_ms).await?,
        None => Vec::new(),
    };
    store
        .seated(move |store| {
            let answer = question.answer(store)?;
            let before = look.seen.compare.as_ref();
            let before = before
                .map(|offset| question.earlier(offset.ms).answer(store))
                .transpose()?;
            let drawn = Picture {
                marks,
                ..picture(answer, before, &question.query, look)?
            };
            finish(drawn.svg(), extra)
        })
        .await
}

impl Look {
    fn of(asked: &Asked) -> Result<Look, Fault> {
        let theme = match asked.one("theme")? {
            None => Theme::default(),
            Some(word) => {
                Theme::parse(word).ok_or_else(|| Fault::invalid("theme", "theme must be light or dark."))?
            }
        };
        let title = asked.one("title")?.map(str::to_owned);
        if title
            .as_ref()
            .is_some_and(|title| title.chars().count() > MAX_TITLE)
        {
            return Err(Fault::invalid(
                "title",
                format!("title may have {MAX_TITLE} letters at most."),
            ));
        }
        let seen = SEEN.into_iter().flat_map(|name| {
            let all = asked.all(name);
            all.map(move |value| (name.to_owned(), value.to_owned()))
        });
        Ok(Look {
            seen: Seen::read(&seen.collect::<Vec<_>>())?,
            title,
            width: size(asked, "width", &WIDTHS, USUAL.0)?,
            height: size(asked, "height", &HEIGHTS, USUAL.1)?,
            theme,
        })
    }
}

fn size(asked: &Asked, name: &str, within: &RangeInclusive<u32>, usual: u32) -> Result<u32, Fault> {
    match asked.number(name)? {
        None => Ok(usual),
        Some(number) => u32::try_from(number)
            .ok()
            .filter(|number| within.contains(number))
            .ok_or_else(|| {
                let words = format!("{name} must be from {} to {}.", within.start(), within.end());
                Fault::invalid(name, words)
            }),
    }
}

fn picture(answer: Answer, before: Option<Answer>, query: &Query, look: Look) -> Result<Picture, Fault> {
    let units: HashSet<i32> = answer.series.iter().map(|found| found.series.spec.unit).collect();
    if units.len() > 1 {
        let mut words: Vec<String> = units.into_iter().map(unit_word).collect();
        words.sort();
        return Err(Fault::invalid(
            "match",
            format!(
                "These series have the units {}; a picture has one axis. Name series of one unit.",
                words.join(" and ")
            ),
        ));
    }
    let titles: HashSet<&str> = answer
        .series
        .iter()
        .map(|found| found.series.spec.title.as_str())
        .collect();
    // Where titles do not tell series apart, their keys do.
    let told_apart = titles.len() == answer.series.len();
    let title = look.title.unwrap_or_else(|| common(&answer));
    let times_ms = answer.grid.times_ms();
    let times = before
        .as_ref()
        .map(|before| (before.grid.times_ms(), before.grid.step_ms));
    let earlier = times
        .zip(look.seen.compare.clone())
        .map(|((times_ms, step_ms), offset)| Before {
            words: offset.words(),
            times_ms: times_ms.into_iter().map(|time| time + offset.ms).collect(),
            step_ms,
        });
    let then = before.into_iter().flat_map(|before| before.series);
    let mut then: HashMap<u32, Vec<f64>> = then.map(|found| (found.series.id, found.mean)).collect();
    let keys: Vec<String> = answer
        .series
        .iter()
        .map(|found| found.series.spec.key())
        .collect();
    let shown = look.seen.shown(&keys);
    let series = answer
        .series
        .into_iter()
        .zip(keys.iter().zip(shown))
        .map(|(found, (key, shown))| {
            let mut spec = found.series.spec.clone();
            if !told_apart {
                spec.title.clone_from(key);
            }
            Series {
                spec,
                shown,
                then: then.remove(&found.series.id),
                min: found.min,
                max: found.max,
                mean: found.mean,
            }
        });
    Ok(Picture {
        title,
        unit: units.into_iter().next().unwrap_or_default(),
        from_ms: query.from_ms,
        to_ms: query.to_ms,
        step_ms: answer.grid.step_ms,
        times_ms,
        series: series.collect(),
        mode: look.seen.mode,
        log: look.seen.log,
        earlier,
        marks: Vec::new(),
        width: look.width,
        height: look.height,
        theme: look.theme,
    })
}

/// The chart or the name that all series share.
fn common(answer: &Answer) -> String {
    let mut specs = answer.series.iter().map(|found| &found.series.spec);
    let Some(first) = specs.next() else {
        return String::new();
    };
    match specs.all(|spec| spec.chart == first.chart) {
        true => first.chart.clone(),
        false => first.name.clone(),
    }
}

fn unit_word(unit: i32) -> String {
    let unit = Unit::try_from(unit).unwrap_or(Unit::None);
    let word = serde_json::to_value(unit).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}
