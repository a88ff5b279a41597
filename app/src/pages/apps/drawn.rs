//! The page of all sources as the server draws it. `public/apps/page.js` asks for the same again, and keeps what is in use.

use super::receivers;
use super::words::{count, counted, kind_words, series_words, state_words};
use crate::{
    pages::controls::words::ago,
    prelude::*,
    ui::{Badge, Card, Empty, Glyph, Tone, moment::utc},
};
use farol_model::ingest::{Receiver, Source, SourceState};

/// All sources, and where samples are sent on.
pub fn sources(sources: &[Source], receivers: &[Receiver], now_ms: i64) -> String {
    let wrong = sources
        .iter()
        .filter(|source| source.state < SourceState::Waiting)
        .count();
    let limited = sources.iter().filter(|source| source.limited).count();
    let series: f64 = sources.iter().map(|source| f64::from(source.series)).sum();
    let words = match (sources.len(), wrong, limited) {
        (0, ..) => "Numbers of your own programs, beside those of the machine.".to_owned(),
        (all, 0, 0) => format!(
            "{}, all well, {} series.",
            counted(all, "source", "sources"),
            count(series)
        ),
        (all, wrong, limited) => format!(
            "{}, {}, {} series.",
            counted(all, "source", "sources"),
            [
                (wrong > 0).then(|| format!("{} not well", count(wrong as f64))),
                (limited > 0).then(|| format!("{} at the limit", count(limited as f64)))
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
            count(series)
        ),
    };
    let body = match sources.is_empty() {
        true => view! {
            <div class="card">
                <Empty
                    glyph=Glyph::Columns
                    title="Nothing is sent here yet"
                    text="Send something in one of the ways below. It appears within a second, with charts of its own."
                />
            </div>
        },
        false => view! { <Table sources=sources.to_vec() now_ms/> },
    };
    let page = view! {
        <div class="page-head">
            <div class="page-head-words">
                <h1>"Applications"</h1>
                <p>{words}</p>
            </div>
        </div>
        {body}
        {receivers::card(receivers, now_ms)}
        <HowTo/>
    };
    page.to_html()
}

#[component]
fn Table(sources: Vec<Source>, now_ms: i64) -> AnyView {
    let rows = sources
        .into_iter()
        .map(|source| view! { <Row source now_ms/> })
        .collect::<Vec<_>>();
    view! {
        <Card title="Sources" flush=true>
            <div class="table-wrap" tabindex="0" role="region" aria-label="Table of sources">
                <table class="table plain-head">
                    <thead>
                        <tr>
                            <th scope="col">"State"</th>
                            <th scope="col">"Name"</th>
                            <th scope="col">"How"</th>
                            <th scope="col">"Last heard of"</th>
                            <th scope="col" class="number">
                                "Series"
                            </th>
                            <th scope="col" class="number">
                                "Refused"
                            </th>
                            <th scope="col">"Last error"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Card>
    }
}

#[component]
fn Row(source: Source, now_ms: i64) -> AnyView {
    let (tone, glyph, word) = state_words(source.state);
    let limited = source
        .limited
        .then(|| view! { <Badge tone=Tone::Warn glyph=Glyph::Alert word="limit reached"/> });
    let series = series_words(&source);
    view! {
        <tr>
            <td>
                <Badge tone glyph word/>
            </td>
            <td>
                <a class="row-link" href=format!("/apps/{}", source.name)>
                    {source.name.clone()}
                </a>
            </td>
            <td title=source.at.clone()>
                {kind_words(source.kind)} <span class="sub">{source.at.clone()}</span>
            </td>
            <td>{heard(source.last_ms, now_ms)}</td>
            <td class="number">{series} " " {limited}</td>
            <td class="number">{count(source.refused as f64)}</td>
            <td class="wrap">{error(&source, now_ms)}</td>
        </tr>
    }
}
/// How long ago, with the exact time on hover.
pub fn when(at_ms: i64, now_ms: i64) -> AnyView {
    let exact = utc(at_ms);
    let machine = exact.replacen(' ', "T", 1).replace(" UTC", "Z");
    view! {
        <time class="nowrap" datetime=machine title=exact>
            {ago(at_ms, now_ms)}
        </time>
    }
}

/// When it was last heard of.
pub fn heard(last_ms: Option<i64>, now_ms: i64) -> AnyView {
    match last_ms {
        Some(at_ms) => when(at_ms, now_ms),
        None => view! { <span class="muted">"never"</span> },
    }
}

/// What went wrong last, and when.
pub fn error(source: &Source, now_ms: i64) -> AnyView {
    match (&source.error, source.error_ms) {
        (Some(error), Some(at_ms)) => {
            view! { <span>{error.clone()}</span> <span class="sub">{when(at_ms, now_ms)}</span> }
        }
        _ => view! { <span class="muted">"none"</span> },
    }
}

/// Ways to send, each with something to copy.
#[component]
fn HowTo() -> AnyView {
    let ways = [
        (
            "Scrape",
            "Farol asks whoever speaks Prometheus' text format or OpenMetrics. In farol.toml:",
            "[[scrape]]\nname = \"node\"\nurl = \"http://127.0.0.1:9100/metrics\"",
        ),
        (
            "OpenTelemetry",
            "Any OpenTelemetry SDK or collector, over HTTP. service.name becomes the name here.",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=https://farol.example.org/v1/metrics\nOTEL_EXPORTER_OTLP_HEADERS=\"authorization=Bearer farol_…\"",
        ),
        (
            "JSON",
            "From a script, with nothing but curl.",
            "curl https://farol.example.org/api/v1/push?source=shop \\\n  -H \"Authorization: Bearer farol_…\" -H \"Content-Type: application/json\" \\\n  -d '[{\"name\": \"queue_length\", \"labels\": {\"queue\": \"mail\"}, \"value\": 17}]'",
        ),
        (
            "StatsD",
            "Over UDP, with the tags of DogStatsD. It is off until farol.toml says where:",
            "[statsd]\nlisten = \"127.0.0.1:8125\"",
        ),
    ];
    let ways = ways
        .into_iter()
        .map(|(title, words, code)| {
            view! {
                <div>
                    <h3>{title}</h3>
                    <p>{words}</p>
                    <pre class="apps-code" tabindex="0" aria-label=format!("Example: {title}")>
                        <code>{code}</code>
                    </pre>
                </div>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <Card title="How to send">
            <p class="prose">
                <span>
                    "OpenTelemetry and JSON need an API token with the permission push_metrics: " <a href="/settings/tokens">
                        "make one"
                    </a> "."
                </span>
            </p>
            <div class="apps-ways">{ways}</div>
        </Card>
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use farol_model::ingest::SourceKind;

    pub fn one(state: SourceState) -> Source {
        Source {
            name: "shop".into(),
            kind: SourceKind::Push,
            state,
            at: "/api/v1/push".into(),
            last_ms: Some(1_000),
            series: 1_999,
            limit: 2_000,
            limited: true,
            refused_series: 7,
            refused: 12,
            error: Some("<b>wrong</b>".into()),
            error_ms: Some(1_000),
        }
    }

    pub fn drawn(draw: impl FnOnce() -> String) -> String {
        Owner::new().with(draw)
    }

    #[test]
    fn an_empty_page_says_how_to_send() {
        let html = drawn(|| sources(&[], &[], 0));
        assert!(html.contains("Nothing is sent here yet"));
        assert!(!html.contains("Remote write"), "none is configured");
        for way in ["[[scrape]]", "/v1/metrics", "/api/v1/push", "[statsd]"] {
            assert!(html.contains(way), "{way}");
        }
    }

    #[test]
    fn a_source_says_how_it_stands_in_words_and_escapes_what_it_was_sent() {
        let html = drawn(|| sources(&[one(SourceState::Silent)], &[], 5_000));
        assert!(html.contains("1 source, 1 not well, 1 at the limit"), "{html}");
        assert!(html.contains("limit reached") && html.contains("silent"));
        assert!(html.contains("&lt;b&gt;wrong") && !html.contains("<b>wrong"));
    }
}
