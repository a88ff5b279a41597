//! History over plain HTTP: which series there are, their past as JSON or CSV, how the store stands. The store decides what may be
//! asked; here is only what HTTP adds, and how many may ask at once.

use super::{problem::Problem, render};
use crate::{
    access::Identity,
    history::{
        Store, blocking,
        grid::Found,
        health::HistoryStatus,
        kept,
        query::{Answer, MAX_SELECTORS, Query, Step},
        registry::Series,
        selector::Selector,
    },
    time::now_ms,
};
use axum::{
    Extension, Json, Router,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
    routing::get,
};
use farol_model::{
    Fault, Permission,
    metric::{MetricSpec, Unit},
    sample::nullable,
};
use http::header;
use schemars::JsonSchema;
use serde::Serialize;
use std::{fmt::Write, sync::Arc};
use tokio::sync::Semaphore;

/// All of them.
pub const PATHS: [&str; 6] = [
    "/api/v1/history",
    "/api/v1/series",
    "/api/v1/query_range",
    "/api/v1/export.csv",
    "/api/v1/render.svg",
    "/api/v1/render.png",
];
/// Questions that are answered at once; one more is asked to come again.
const AT_ONCE: usize = 4;
/// Series that are listed when nobody says how many, and at most.
const LISTED: (usize, usize) = (100, 1000);
/// Points when nobody names a step.
const POINTS: usize = 600;

/// What the handlers share.
#[derive(Clone)]
pub struct Past {
    store: Option<Store>,
    seats: Arc<Semaphore>,
}

/// All addresses.
pub fn routes(store: Option<Store>) -> Router {
    let [history, list, range, csv, svg, png] = PATHS;
    Router::new()
        .route(history, get(status))
        .route(list, get(series))
        .route(range, get(query_range))
        .route(csv, get(export_csv))
        .route(svg, get(render::svg))
        .route(png, get(render::png))
        .with_state(Past {
            store,
            seats: Arc::new(Semaphore::new(AT_ONCE)),
        })
}

/// Series that were found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SeriesList {
    /// How many match in all.
    pub total: u64,
    pub series: Vec<SeriesRow>,
}

/// A series.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SeriesRow {
    /// Where its live values are: a channel of the live protocol.
    pub channel: String,
    #[serde(flatten)]
    pub spec: MetricSpec,
}

/// The past of some series on one grid.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Range {
    /// Milliseconds that each point stands for.
    pub step_ms: i64,
    /// Where each point begins, milliseconds since the epoch. A point stands for the time from there until the next.
    pub times_ms: Vec<i64>,
    pub series: Vec<RangeSeries>,
}

/// One series of it. Every list has one entry for each time; null is that there was no value.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RangeSeries {
    #[serde(flatten)]
    pub series: SeriesRow,
    #[serde(with = "nullable")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub min: Vec<f64>,
    #[serde(with = "nullable")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub max: Vec<f64>,
    #[serde(with = "nullable")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub mean: Vec<f64>,
    #[serde(with = "nullable")]
    #[schemars(with = "Vec<Option<f64>>")]
    pub last: Vec<f64>,
    /// Values that were read within each point.
    pub count: Vec<u64>,
}

impl SeriesRow {
    fn of(series: &Series) -> SeriesRow {
        SeriesRow {
            channel: series.channel.to_string(),
            spec: series.spec.clone(),
        }
    }
}

impl From<Answer> for Range {
    fn from(answer: Answer) -> Range {
        let series = |found: Found| RangeSeries {
            series: SeriesRow::of(&found.series),
            min: found.min,
            max: found.max,
            mean: found.mean,
            last: found.last,
            count: found.count,
        };
        Range {
            step_ms: answer.grid.step_ms,
            times_ms: answer.grid.times_ms(),
            series: answer.series.into_iter().map(series).collect(),
        }
    }
}

/// How history stands: whether it is written, how much there is, what is broken.
#[utoipa::path(
    get, path = "/api/v1/history", tag = "history", operation_id = "getHistory",
    responses((status = 200, description = "How it stands", body = ref("#/components/schemas/HistoryStatus")))
)]
pub async fn status(
    State(past): State<Past>,
    identity: Option<Extension<Identity>>,
) -> Result<Json<HistoryStatus>, Problem> {
    let store = past.store(identity)?;
    Ok(Json(blocking(move || Ok(store.status())).await?))
}

/// The series that history knows, in the order in which they were first seen.
#[utoipa::path(
    get, path = "/api/v1/series", tag = "history", operation_id = "listSeries",
    params(
        ("match" = Option<Vec<String>>, Query, description = "Selectors, any of which may match: \
            `cpu_usage_percent`, `{channel=\"metrics/local/disk\"}`, `disk_used_bytes{device=~\"sd.*\"}`"),
        ("q" = Option<String>, Query, description = "Words, all of which must be found in name, labels, title, chart, help or channel"),
        ("limit" = Option<u32>, Query, description = "How many at most", minimum = 1, maximum = 1000),
        ("offset" = Option<i64>, Query, description = "How many are passed over", minimum = 0),
    ),
    responses((status = 200, description = "They", body = ref("#/components/schemas/SeriesList")))
)]
pub async fn series(
    State(past): State<Past>,
    identity: Option<Extension<Identity>>,
    RawQuery(query): RawQuery,
) -> Result<Json<SeriesList>, Problem> {
    let store = past.store(identity)?;
    let asked = Asked::parse(query.as_deref(), &["match", "q", "limit", "offset"])?;
    let selectors = asked.selectors()?;
    let limit = asked.number("limit")?.unwrap_or(LISTED.0 as i64);
    if !(1..=LISTED.1 as i64).contains(&limit) {
        return Err(Fault::invalid("limit", format!("limit must be from 1 to {}.", LISTED.1)).into());
    }
    let offset = asked.number("offset")?.unwrap_or(0);
    let offset =
        usize::try_from(offset).map_err(|_| Fault::invalid("offset", "offset must be 0 or more."))?;
    let words = asked.one("q")?.unwrap_or_default().to_owned();
    let list = blocking(move || {
        let all = store.series(&selectors, &words);
        let page = all.iter().skip(offset).take(limit as usize);
        Ok(SeriesList {
            total: all.len() as u64,
            series: page.map(|series| SeriesRow::of(series)).collect(),
        })
    });
    Ok(Json(list.await?))
}

/// The past of some series: minimum, maximum, mean, last and count for each point.
#[utoipa::path(
    get, path = "/api/v1/query_range", tag = "history", operation_id = "queryRange",
    params(
        ("match" = Vec<String>, Query, description = "Selectors, any of which may match: \
            `cpu_usage_percent`, `{channel=\"metrics/local/disk\"}`, `disk_used_bytes{device=~\"sd.*\"}`; 1 to 32"),
        ("start" = String, Query, description = "Seconds since the epoch, with a fraction if need be, RFC 3339, or how long ago: -90s, -15m, -6h, -2d, -1w"),
        ("end" = Option<String>, Query, description = "The same, exclusive; now when left out"),
        ("step" = Option<String>, Query, description = "Seconds of each point, from 0.25; when left out the shortest good one \
            with 600 points at most. What is older than raw values are kept has 10 s or 2 min at best"),
    ),
    responses((status = 200, description = "On one grid, which begins at a whole multiple of the step", body = ref("#/components/schemas/Range")))
)]
pub async fn query_range(
    State(past): State<Past>,
    identity: Option<Extension<Identity>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let answer = past.answer(identity, query.as_deref(), |answer| {
        serde_json::to_vec(&Range::from(answer)).map_err(|error| {
            tracing::error!(%error, "an answer could not be written as JSON");
            Fault::internal()
        })
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], answer.await?).into_response())
}

/// The same as CSV: a row for each point and series that has values. RFC 4180; the first line names the columns.
#[utoipa::path(
    get, path = "/api/v1/export.csv", tag = "history", operation_id = "exportCsv",
    params(
        ("match" = Vec<String>, Query, description = "As with query_range"),
        ("start" = String, Query, description = "As with query_range"),
        ("end" = Option<String>, Query, description = "As with query_range"),
        ("step" = Option<String>, Query, description = "As with query_range"),
    ),
    responses((status = 200, description = "time,channel,series,unit,min,max,mean,last,count", body = String, content_type = "text/csv"))
)]
pub async fn export_csv(
    State(past): State<Past>,
    identity: Option<Extension<Identity>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let answer = past
        .answer(identity, query.as_deref(), |answer| Ok(csv(&answer)))
        .await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"farol.csv\""),
    ];
    Ok((headers, answer).into_response())
}

impl Past {
    pub(super) fn store(&self, identity: Option<Extension<Identity>>) -> Result<Store, Fault> {
        let Extension(identity) = identity.ok_or_else(Fault::unauthenticated)?;
        identity.viewer.require(Permission::ViewMetrics)?;
        kept(self.store.clone())
    }

    /// Reads what is asked and answers with what `write` makes of it.
    async fn answer<T: Send + 'static>(
        &self,
        identity: Option<Extension<Identity>>,
        query: Option<&str>,
        write: impl FnOnce(Answer) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let store = self.store(identity)?;
        let asked = Asked::parse(query, &["match", "start", "end", "step"])?;
        let query = asked.range(now_ms(), POINTS)?;
        self.seated(move || write(store.query(&query)?)).await
    }

    /// Does what reads files, where that may be done, when there is room for one more.
    pub(super) async fn seated<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let seat = self.seats.clone().try_acquire_owned().map_err(|_| {
            Fault::limited(
                format!("{AT_ONCE} questions are being answered already. Try again."),
                1,
            )
        })?;
        blocking(move || {
            let _seat = seat;
            work()
        })
        .await
    }
}

/// The parameters of a request. A name may come more than once, so this is not axum's `Query`.
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    pub(super) fn parse(query: Option<&str>, known: &[&str]) -> Result<Asked, Fault> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let pairs: Vec<(String, String)> = pairs
            // As some clients write lists.
            .map(|(name, value)| (name.trim_end_matches("[]").to_owned(), value.into_owned()))
            .collect();
        match pairs.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => {
                let name: String = name.chars().take(64).collect();
                let words = format!("There is no parameter `{name}`; there are {}.", known.join(", "));
                Err(Fault::invalid(name, words))
            }
            None => Ok(Asked(pairs)),
        }
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Fault> {
        let mut all = self.all(name);
        let first = all.next();
        match all.next() {
            Some(_) => Err(Fault::invalid(name, format!("{name} may be given once."))),
            None => Ok(first),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Fault> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Fault::invalid(name, format!("{name} must be a whole number.")))
        };
        self.one(name)?.map(parse).transpose()
    }

    fn selectors(&self) -> Result<Vec<Selector>, Fault> {
        if self.all("match").count() > MAX_SELECTORS {
            return Err(Fault::invalid(
                "match",
                format!("There may be {MAX_SELECTORS} selectors at most."),
            ));
        }
        self.all("match").map(Selector::parse).collect()
    }

    /// The question; `points` at most when no step is given.
    pub(super) fn range(&self, now_ms: i64, points: usize) -> Result<Query, Fault> {
        let start = self
            .one("start")?
            .ok_or_else(|| Fault::invalid("start", "start is missing: a time."))?;
        let end = self.one("end")?;
        let step = match self.one("step")? {
            None => Step::Points(points),
            Some(text) => Step::Of(millis(text).filter(|ms| *ms > 0).ok_or_else(|| {
                Fault::invalid("step", "step must be a number of seconds, for example 10 or 0.5.")
            })?),
        };
        Ok(Query {
            selectors: self.selectors()?,
            from_ms: time("start", start, now_ms)?,
            to_ms: end.map_or(Ok(now_ms), |end| time("end", end, now_ms))?,
            step,
        })
    }
}

/// Seconds as milliseconds.
fn millis(text: &str) -> Option<i64> {
    let ms = text.parse::<f64>().ok()? * 1000.0;
    // Above lies no time that anybody means.
    (ms.abs() <= 1e15).then_some(ms.round() as i64)
}

/// How long ago: `-90s`, `-15m`, `-6h`, `-2d`, `-1w`.
fn before(text: &str, now_ms: i64) -> Option<i64> {
    let rest = text.strip_prefix('-')?;
    let (count, unit) = rest.split_at_checked(rest.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return None,
    };
    let count: u32 = count.parse().ok()?;
    now_ms.checked_sub(i64::from(count).checked_mul(unit)?)
}

fn time(name: &str, text: &str, now_ms: i64) -> Result<i64, Fault> {
    use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
    let of_date = |text| OffsetDateTime::parse(text, &Rfc3339).ok();
    let found = millis(text)
        .or_else(|| before(text, now_ms))
        .or_else(|| i64::try_from(of_date(text)?.unix_timestamp_nanos().div_euclid(1_000_000)).ok());
    found.ok_or_else(|| {
        Fault::invalid(
            name,
            format!("{name} must be seconds since the epoch, a date as 2026-01-31T12:00:00Z, or a time before now as -6h."),
        )
    })
}

/// One line for each point and series that has values.
fn csv(answer: &Answer) -> String {
    let mut text = String::from("time,channel,series,unit,min,max,mean,last,count\r\n");
    let times: Vec<String> = answer.grid.times_ms().into_iter().map(written).collect();
    for found in &answer.series {
        let spec = &found.series.spec;
        let unit = Unit::try_from(spec.unit).unwrap_or(Unit::None);
        let unit = serde_json::to_value(unit).unwrap_or_default();
        let names = [
            found.series.channel.as_ref(),
            &spec.key(),
            unit.as_str().unwrap_or_default(),
        ]
        .map(quoted);
        let names = names.join(",");
        for (at, count) in found.count.iter().enumerate().filter(|(_, count)| **count > 0) {
            // Writing to a string does not fail.
            let _ = write!(
                text,
                "{},{names},{},{},{},{},{count}\r\n",
                times[at], found.min[at], found.max[at], found.mean[at], found.last[at]
            );
        }
    }
    text
}

fn written(t_ms: i64) -> String {
    use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
    let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(t_ms) * 1_000_000).ok();
    // A year that RFC 3339 cannot write.
    date.and_then(|date| date.format(&Rfc3339).ok())
        .unwrap_or_else(|| t_ms.to_string())
}

/// RFC 4180 section 2. A field that a spreadsheet would take for a formula is shown as text.
fn quoted(field: &str) -> String {
    let field = match field.starts_with(['=', '+', '-', '@']) {
        true => format!("'{field}"),
        false => field.to_owned(),
    };
    match field.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_dates() {
        assert_eq!(time("start", "1790000000.25", 0).unwrap(), 1_790_000_000_250);
        assert_eq!(
            time("start", "2026-09-21T14:13:20.5Z", 0).unwrap(),
            1_790_000_000_500
        );
        assert_eq!(
            time("start", "2026-09-21T16:13:20+02:00", 0).unwrap(),
            1_790_000_000_000
        );
        assert_eq!(time("start", "-6h", 30_000_000).unwrap(), 8_400_000);
        assert_eq!(time("end", "-90s", 0).unwrap(), -90_000);
        for wrong in [
            "-",
            "-h",
            "-6y",
            "-6é",
            "-99999999999d",
            "",
            "yesterday",
            "1e300",
            "NaN",
            "inf",
            "2026-13-01T00:00:00Z",
        ] {
            let fault = time("start", wrong, 0).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some("start"), "{wrong}");
        }
        assert_eq!(written(1_790_000_000_500), "2026-09-21T14:13:20.5Z");
    }

    #[test]
    fn parameters_that_nobody_knows_or_that_come_twice_are_refused() {
        let wrong = |query: &str| {
            let asked = Asked::parse(Some(query), &["match", "start", "end", "step"]);
            asked.and_then(|asked| asked.range(0, 600)).unwrap_err()
        };
        assert!(
            wrong("match=a&start=1&setp=3")
                .message
                .contains("no parameter `setp`")
        );
        assert!(wrong("match=a&start=1&start=2").message.contains("once"));
        assert!(wrong("match=a").message.contains("start is missing"));
        assert!(
            wrong("match=a&start=1&step=0")
                .message
                .contains("number of seconds")
        );
        assert!(
            wrong("match=a&start=1&step=-1")
                .message
                .contains("number of seconds")
        );
        assert!(
            wrong(&format!("start=1{}", "&match=a".repeat(33)))
                .message
                .contains("32 selectors")
        );
    }

    #[test]
    fn fields_of_csv_are_quoted_where_they_must_be() {
        assert_eq!(quoted("a{b=\"c\"}"), "\"a{b=\"\"c\"\"}\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("plain"), "plain");
    }
}
