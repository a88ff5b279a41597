//! The page of one source as the server draws it: how it stands, and which of its charts follow.

use super::{
    drawn::{error, heard},
    words::{count, counted, kind_words, series_words, state_words},
};
use crate::{
    live_charts::{LiveGroup, Wanted, live_charts},
    pages::{explore::build::explore, overview::vital::charts_of},
    past::{
        Look, PastSeries, Range,
        asked::asked,
        bar::{self, Place},
        of_channel::of_channel,
    },
    ports::{MetricsPort, Ports},
    prelude::*,
    ui::{Badge, Card, Empty, Glyph, Notice, Tone},
};
use farol_model::{Viewer, ingest::Source, metric::MetricSpec, sample::ChannelView};
use leptos_router::{location::RequestUrl, params::ParamsMap};

/// How far back charts reach when a page opens, milliseconds.
const HISTORY_MS: u32 = 300_000;
/// Values that a page carries at most: a source of very many series begins with less of a past.
const MAX_CELLS: usize = 200_000;
/// Charts of one page.
const CHARTS: usize = 24;

/// The channel of a source, with as much of its past as a page can carry.
pub fn view_of(metrics: &dyn MetricsPort, name: &str) -> Option<ChannelView> {
    let channel = format!("apps/{name}");
    let view = metrics.view(&channel, HISTORY_MS)?;
    let cells = view.schema.len() * view.snapshot.times_ms.len();
    if cells <= MAX_CELLS {
        return Some(view);
    }
    let share = MAX_CELLS as f64 / cells as f64;
    metrics.view(&channel, (f64::from(HISTORY_MS) * share) as u32)
}

/// Which charts of a source are wanted.
#[derive(Debug, Default, PartialEq)]
pub struct Pick {
    /// Some of a name, a label or a help.
    text: String,
    /// From 0.
    page: usize,
}

/// The words of a query.
fn params(query: &str) -> ParamsMap {
    let url = RequestUrl::new(&format!("http://farol/?{}", query.trim_start_matches('?'))).parse();
    url.map(|url| url.search_params().clone()).unwrap_or_default()
}

/// Which are shown, of how many.
#[derive(Debug, Default, PartialEq)]
pub struct Chosen {
    pub charts: Vec<String>,
    /// Of the whole source.
    series: usize,
    found: usize,
    all: usize,
}

impl Pick {
    /// As a query has it.
    pub fn of(query: &str) -> Pick {
        let params = params(query);
        Pick {
            text: params
                .get_str("q")
                .unwrap_or_default()
                .trim()
                .chars()
                .take(100)
                .collect(),
            page: params
                .get_str("page")
                .and_then(|page| page.parse().ok())
                .unwrap_or(0),
        }
    }

    /// Charts that have a series which matches, in the order of the schema.
    pub fn choose(&self, schema: &[MetricSpec]) -> Chosen {
        let wanted = self.text.to_lowercase();
        let matches = |spec: &&MetricSpec| {
            let has = |text: &str| text.to_lowercase().contains(&wanted);
            wanted.is_empty() || has(&spec.chart) || has(&spec.title) || has(&spec.help)
        };
        let fitting: Vec<MetricSpec> = schema.iter().filter(matches).cloned().collect();
        let found = charts_of(&fitting);
        Chosen {
            series: schema.len(),
            found: found.len(),
            all: charts_of(schema).len(),
            charts: found
                .into_iter()
                .skip(self.page.saturating_mul(CHARTS))
                .take(CHARTS)
                .collect(),
        }
    }

    /// As a query has it.
    fn page_word(&self) -> String {
        match self.page {
            0 => String::new(),
            page => page.to_string(),
        }
    }

    fn href(&self, page: usize, time: &[(&'static str, String)]) -> String {
        let mut params = ParamsMap::new();
        for (name, value) in time {
            params.insert(*name, value.clone());
        }
        if !self.text.is_empty() {
            params.insert("q", self.text.clone());
        }
        if page > 0 {
            params.insert("page", page.to_string());
        }
        match params.to_query_string() {
            none if none.is_empty() => "?".to_owned(),
            query => query,
        }
    }
}

/// A time that is past: the range that was asked for, if it is one, and its charts.
#[derive(Default)]
pub struct Still {
    pub range: Option<Range>,
    pub look: Look,
    /// Drawn here; of charts that are live and follow, the ways to look at them.
    pub charts: Option<AnyView>,
}

/// Reads the time of a query and how it is looked at, and draws what was chosen over it.
pub async fn still(
    ports: &Ports,
    viewer: &Viewer,
    name: &str,
    query: &str,
    pick: &Pick,
    chosen: &Chosen,
) -> Still {
    let past = match asked(query, ports.metrics.now_ms()) {
        Ok((Some(range), look)) => (range, look),
        Ok((None, look)) => {
            return Still {
                look,
                ..Still::default()
            };
        }
        Err(fault) => {
            return Still {
                charts: Some(bar::refused(&fault)),
                ..Still::default()
            };
        }
    };
    let marks = crate::request::marks_over(ports, viewer, Some(&past.0)).await;
    let (path, page) = (format!("/apps/{name}"), pick.page_word());
    let query = [("q", pick.text.as_str()), ("page", page.as_str())];
    let place = Place {
        path: &path,
        query: &query,
    };
    let channel = format!("apps/{name}");
    let keep = |series: &PastSeries| chosen.charts.contains(&series.spec.chart);
    let charts = of_channel(&*ports.metrics, &channel, place, &past, &marks, keep).await;
    Still {
        range: Some(past.0),
        look: past.1,
        charts: Some(charts),
    }
}

/// The charts that follow where no time that is past was asked for. Puts the ways to look at them into `still`.
pub async fn live(
    metrics: &dyn MetricsPort,
    channel: &ChannelView,
    name: &str,
    pick: &Pick,
    chosen: &Chosen,
    still: &mut Still,
) -> LiveGroup {
    let (path, page) = (format!("/apps/{name}"), pick.page_word());
    let wanted = Wanted {
        place: Place {
            path: &path,
            query: &[("q", &pick.text), ("page", &page)],
        },
        look: &still.look,
        keep: &|chart: &str| chosen.charts.iter().any(|one| one == chart),
    };
    let (looks, group) = live_charts(metrics, channel, &wanted).await;
    still.charts = Some(looks);
    group
}

/// One source: its facts, and which of its charts follow.
pub fn source(
    name: &str,
    source: Option<&Source>,
    pick: &Pick,
    chosen: &Chosen,
    still: Still,
    now_ms: i64,
) -> String {
    let path = format!("/apps/{name}");
    let page = pick.page_word();
    let time = [("q", pick.text.as_str()), ("page", page.as_str())];
    let query = [&time[..], &still.look.query()].concat();
    let place = Place {
        path: &path,
        query: &query,
    };
    let facts = source.map(|source| view! { <Facts source=source.clone() now_ms/> });
    let about = match source {
        Some(source) => format!("{}, {}", kind_words(source.kind), source.at),
        None if name == "checks" => "Numbers of the health checks.".to_owned(),
        None => "Numbers of Farol itself.".to_owned(),
    };
    let limited = source.filter(|source| source.limited).map(|source| {
        let text = format!(
            "New series are refused, those before go on. {} that were new got no place. Send fewer labels, or raise the limit of {} (ingest.max_series).",
            counted(source.refused_series as usize, "series", "series"),
            count(source.limit)
        );
        view! { <Notice tone=Tone::Warn title="The limit of series is reached" text/> }
    });
    let page = view! {
        <div class="page-head">
            <div class="page-head-words">
                <h1>{name.to_owned()}</h1>
                <p>{about}</p>
            </div>
            <div class="page-head-end">
                <span class="button-row">
                    <a class="button" href=explore(&format!("apps/{name}"), &[], None)>
                        "Explore"
                    </a>
                    <a class="button" href="/apps">
                        "All sources"
                    </a>
                </span>
            </div>
        </div>
        {limited}
        {facts}
        <h2 class="visually-hidden">"Charts"</h2>
        {bar::bar(place, still.range.as_ref(), now_ms)}
        {charts(pick, chosen, still.range.as_ref())}
        {still.charts}
    };
    page.to_html()
}

#[component]
fn Facts(source: Source, now_ms: i64) -> AnyView {
    let (tone, glyph, word) = state_words(source.state);
    let series = series_words(&source);
    view! {
        <Card title="How it stands">
            <dl class="facts">
                <div>
                    <dt>"State"</dt>
                    <dd>
                        <Badge tone glyph word/>
                    </dd>
                </div>
                <div>
                    <dt>"Last heard of"</dt>
                    <dd>{heard(source.last_ms, now_ms)}</dd>
                </div>
                <div>
                    <dt>"Series"</dt>
                    <dd>{series}</dd>
                </div>
                <div>
                    <dt>"Values refused"</dt>
                    <dd>{count(source.refused as f64)}</dd>
                </div>
                <div>
                    <dt>"Last error"</dt>
                    <dd>{error(&source, now_ms)}</dd>
                </div>
            </dl>
        </Card>
    }
}

/// Which charts follow, and the way to the others.
fn charts(pick: &Pick, chosen: &Chosen, range: Option<&Range>) -> AnyView {
    if chosen.all == 0 {
        return view! {
            <div class="card" data-waiting="">
                <Empty
                    glyph=Glyph::Clock
                    title="No numbers yet"
                    text="Charts appear here with the first values. Of counters, which are shown per second, with the second ones."
                />
            </div>
        };
    }
    // The same time, whatever is looked for.
    let time = range.map(|range| match range.word {
        Some(word) => vec![("range", word.to_owned())],
        None => vec![
            ("from", (range.from_ms / 1000).to_string()),
            ("to", (range.to_ms / 1000).to_string()),
        ],
    });
    let time = time.unwrap_or_default();
    let kept = time
        .iter()
        .map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> });
    let kept = kept.collect::<Vec<_>>();
    let first = pick.page.saturating_mul(CHARTS);
    let words = match (chosen.found, chosen.charts.is_empty()) {
        (0, _) => "No chart matches. Take some of the words away.".to_owned(),
        (_, true) => "There is no such page of charts.".to_owned(),
        (found, false) => format!(
            "{} to {} of {}",
            count((first + 1) as f64),
            count((first + chosen.charts.len()) as f64),
            counted(found, "chart", "charts")
        ),
    };
    let before = (pick.page > 0).then(|| {
        view! {
            <a class="button small" href=pick.href(pick.page - 1, &time) rel="prev">
                "Back"
            </a>
        }
    });
    let after = (first + CHARTS < chosen.found).then(|| {
        view! {
            <a class="button small" href=pick.href(pick.page + 1, &time) rel="next">
                "Further"
            </a>
        }
    });
    view! {
        <form class="apps-find" method="get" role="search">
            {kept}
            <input
                class="input"
                id="apps-find"
                type="search"
                name="q"
                value=pick.text.clone()
                aria-label="Find charts by name, label or help"
                placeholder="Find by name, label or help"
                maxlength="100"
                autocomplete="off"
            />
            <button class="button" type="submit">
                "Find"
            </button>
            <span class="muted">{words}</span>
            <span class="button-row">{before} {after}</span>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::drawn::tests::{drawn, one},
        *,
    };
    use farol_model::{ingest::SourceState, metric::Unit};

    #[test]
    fn a_source_at_its_limit_says_so_and_what_to_do() {
        let html = drawn(|| {
            source(
                "shop",
                Some(&one(SourceState::Up)),
                &Pick::default(),
                &Chosen::default(),
                Still::default(),
                5_000,
            )
        });
        assert!(html.contains("The limit of series is reached") && html.contains("7 series"));
        assert!(html.contains("No numbers yet"));
    }

    #[test]
    fn charts_are_found_by_words_and_cut_into_pages() {
        let schema: Vec<MetricSpec> = (0..60)
            .map(|n| MetricSpec::gauge(&format!("m{n}"), Unit::None, &format!("m{n}"), "eth0", "Things."))
            .collect();
        let first = Pick::of("?").choose(&schema);
        assert_eq!((first.charts.len(), first.found), (CHARTS, 60));
        let last = Pick::of("page=2").choose(&schema);
        assert_eq!((last.charts.len(), last.charts[0].as_str()), (12, "m48"));
        assert_eq!(Pick::of("q=M5").choose(&schema).found, 11);
        assert_eq!(Pick::of("q=THING").choose(&schema).found, 60);
        assert_eq!(Pick::of("q=no+such").choose(&schema).found, 0);
        let pick = Pick::of("q=a%26b&page=1");
        assert_eq!(pick.text, "a&b");
        let html = drawn(|| source("shop", None, &pick, &first, Still::default(), 0));
        assert!(html.contains("q=a%26b"), "{html}");
    }
}
