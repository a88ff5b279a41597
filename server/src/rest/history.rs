//! History over plain HTTP: which series there are, their past as JSON or as a file, how the store stands. The store decides what may
//! be asked; here is only what HTTP adds, and how many may ask at once.
//!
//! | file | owns |
//! |---|---|
//! | [`asked`] | the parameters of an address |
//! | [`mod@csv`], [`mod@parquet`] | the answer as a file |

pub mod asked;
pub mod csv;
pub mod parquet;

use super::{problem::Problem, render};
use crate::{
    access::Identity,
    actions::runner::Runner,
    annotations::Annotations,
    history::{Store, blocking, grid::Found, health::HistoryStatus, kept, query::Answer, registry::Series},
    time::now_ms,
};
use asked::Asked;
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

/// All of them.
pub const PATHS: [&str; 7] = [
    "/api/v1/history",
    "/api/v1/series",
    "/api/v1/query_range",
    "/api/v1/export.csv",
    "/api/v1/export.parquet",
    "/api/v1/render.svg",
    "/api/v1/render.png",
];
/// Series that are listed when nobody says how many, and at most.
const LISTED: (usize, usize) = (100, 1000);
/// Points when nobody names a step.
const POINTS: usize = 600;

/// What the handlers share.
#[derive(Clone)]
pub struct Past {
    store: Option<Store>,
    pub(super) annotations: Annotations,
    pub(super) runner: Runner,
}

/// All addresses.
pub fn routes(store: Option<Store>, annotations: Annotations, runner: Runner) -> Router {
    let [history, list, range, csv, parquet, svg, png] = PATHS;
    Router::new()
        .route(history, get(status))
        .route(list, get(series))
        .route(range, get(query_range))
        .route(csv, get(csv::export_csv))
        .route(parquet, get(parquet::export_parquet))
        .route(svg, get(render::svg))
        .route(png, get(render::png))
        .with_state(Past {
            store,
            annotations,
            runner,
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
    /// Where its live values are: a channel of the live protocol. Empty for what was calculated from several.
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

/// The unit of a series as a word.
fn unit_word(spec: &MetricSpec) -> String {
    let unit = Unit::try_from(spec.unit).unwrap_or(Unit::None);
    let word = serde_json::to_value(unit).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
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

/// The series that history knows, in the order in which they were first seen; with `q` the best first.
#[utoipa::path(
    get, path = "/api/v1/series", tag = "history", operation_id = "listSeries",
    params(
        ("match" = Option<Vec<String>>, Query, description = "Selectors, any of which may match: \
            `cpu_usage_percent`, `{channel=\"metrics/local/disk\"}`, `disk_used_bytes{device=~\"sd.*\"}`"),
        ("q" = Option<String>, Query, description = "Words, all of which must be found in name, labels, title, chart, help or channel; letters may be left out in names, and be wrong where nothing is found"),
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
        ("match" = Option<Vec<String>>, Query, description = "Selectors, any of which may match: \
            `cpu_usage_percent`, `{channel=\"metrics/local/disk\"}`, `disk_used_bytes{device=~\"sd.*\"}`; 1 to 32. This or expr"),
        ("expr" = Option<String>, Query, description = "An expression instead: a part of PromQL, as \
            `sum by (device) (rate(disk_read_bytes_per_second[1m]))`; docs/HISTORY.md says which. Series that were calculated have an \
            empty channel or the one that all they were made from share; minimum and maximum are bounds"),
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
        let asked = Asked::parse(query, &["match", "expr", "start", "end", "step"])?;
        let question = asked.range(now_ms(), POINTS)?;
        store.seated(move |store| write(question.answer(store)?)).await
    }
}
