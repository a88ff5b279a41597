use super::{
    api::{OverviewView, get_overview},
    status::{Sign, status},
    tile::Tile,
    top::TopProcesses,
    vital::{TREND_SAMPLES, Trend, Vital, main_charts, trend, vitals},
};
use crate::prelude::*;
use crate::{
    browser,
    feed::{self, Channel},
    live_charts::{LiveGroup, cards},
    page_data::{load, page_data},
    pages::host::CollectorList,
    past::{
        gesture::{has_time, timeless},
        scope::{Ask, Scope},
    },
    ui::{Card, Glyph, Icon, Tone},
};
use farol_model::{
    health::{CollectorState, CollectorStatus},
    metric::Unit,
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use std::sync::Arc;

#[component]
pub fn OverviewPage() -> AnyView {
    let query = use_query_map();
    let asked = Memo::new(move |was: Option<&String>| {
        let query = query.get().to_query_string();
        match was.is_some_and(String::is_empty) {
            true => subject(&query),
            false => apart(&query),
        }
    });
    let resource = page_data(
        move || asked.get(),
        move |_| get_overview(query.get_untracked().to_query_string(), false, false),
    );
    view! {
        <Title text="Overview"/>
        {load(resource, |view| view! { <Overview view/> })}
    }
}

/// How live charts are drawn. Another time, and another look at the past, is drawn into the page that stands.
fn subject(query: &str) -> String {
    match has_time(query) {
        true => String::new(),
        // Which says no more than that it is this page.
        false => timeless(query).replace("overview=", ""),
    }
}

/// The same for a page that was read for a time that is past and knows nothing of live charts: for them it is read again.
fn apart(query: &str) -> String {
    match has_time(query) {
        true => "past".to_owned(),
        false => subject(query),
    }
}

#[component]
fn Overview(view: OverviewView) -> AnyView {
    let no_live = view.live.is_empty() && !view.channels.is_empty();
    let subject = if no_live { apart } else { subject };
    effect(browser::local_times);
    feed::marks(view.marks);
    let signs = vitals(&view.channels);
    let charts = main_charts(&view.channels);
    let names: Vec<String> = view.channels.iter().map(|view| view.channel.clone()).collect();
    let channels: Vec<Channel> = view.channels.into_iter().map(feed::channel).collect();
    let followed: Vec<(Channel, String, LiveGroup)> = charts
        .iter()
        .zip(view.live)
        .map(|((at, _), group)| (channels[*at], names[*at].clone(), group))
        .collect();
    let collectors = feed::collectors(view.collectors);
    let watched: Vec<(Vital, Channel)> = signs
        .into_iter()
        .map(|sign| (sign.clone(), channels[sign.channel]))
        .collect();
    let tiles = watched
        .iter()
        .map(|(vital, channel)| view! { <Tile vital=vital.clone() channel=*channel/> })
        .collect::<Vec<_>>();
    // Below charts of the past they are not seen.
    let live = live(followed);
    let ask: Ask = Arc::new(|query, by_itself| {
        Box::pin(async move {
            let answer = get_overview(query, true, by_itself)
                .await
                .and_then(|data| data.read::<OverviewView>());
            Some(answer.ok()?.charts)
        })
    });
    let runs = view.runs.map(|runs| {
        view! {
            <Card title="Recent runs" class="half" flush=true more=("/runs", "All runs")>
                <div inner_html=runs></div>
            </Card>
        }
    });
    view! {
        <div class="page">
            <div class="drawn" inner_html=view.notice></div>
            <StatusLine collectors watched host=view.host/>
            <div class="tiles">{tiles}</div>
            <section class="section" aria-label="Charts">
                <h2 class="visually-hidden">"Charts"</h2>
                <Scope html=view.charts subject ask>
                    {live}
                </Scope>
            </section>
            <div class="grid stretch">
                <TopProcesses first=view.processes t_ms=view.now_ms memory_bytes=view.memory_bytes/>
            </div>
            <div class="grid stretch">
                <Failing collectors now_ms=view.now_ms/>
                {runs}
            </div>
        </div>
    }
}

/// The chart of each of these channels.
fn live(of: Vec<(Channel, String, LiveGroup)>) -> AnyView {
    let alone = of
        .iter()
        .flat_map(|(.., group)| &group.charts)
        .any(|chart| chart.alone);
    let class = if alone { "card" } else { "card half" };
    let mut all = Vec::new();
    for (channel, name, group) in of {
        all.extend(cards(channel, name, group, class));
    }
    view! { <div class="grid stretch">{all}</div> }
}

/// Percentages in use as the status line sees them now.
fn signs_now(watched: &[(Vital, Channel)]) -> Vec<Sign> {
    watched
        .iter()
        .filter(|(vital, _)| vital.spec.unit == Unit::Percent as i32)
        .map(|(vital, channel)| {
            let values = channel.recent(&vital.spec.key(), TREND_SAMPLES);
            Sign {
                name: match &vital.about {
                    Some(about) => format!("{} {about}", vital.label),
                    None => vital.label.to_owned(),
                },
                percent: values.last().copied().unwrap_or(f64::NAN),
                rising: trend(vital.spec.unit, &values) == Trend::Rising,
            }
        })
        .collect()
}

#[component]
fn StatusLine(
    collectors: Signal<Vec<CollectorStatus>>,
    watched: Vec<(Vital, Channel)>,
    host: String,
) -> AnyView {
    let line = Signal::derive(move || collectors.with(|collectors| status(collectors, &signs_now(&watched))));
    let alarm = Memo::new(move |_| matches!(line.get().tone, Tone::Warn | Tone::Crit));
    let glyph = reactive(move || match alarm.get() {
        true => view! { <Icon glyph=Glyph::Alert/> },
        false => view! { <Icon glyph=Glyph::Check/> },
    });
    view! {
        <section class=move || format!("status {}", line.with(|line| line.tone.class())) aria-label="Health">
            {glyph}
            <div class="status-words">
                <h1>
                    <span class="visually-hidden">{host} ": "</span>
                    {move || line.with(|line| line.title.clone())}
                </h1>
                <p>{move || line.with(|line| line.detail.clone())}</p>
            </div>
        </section>
    }
}

/// Collectors that do not measure, or the word that all do.
#[component]
fn Failing(collectors: Signal<Vec<CollectorStatus>>, now_ms: i64) -> AnyView {
    let troubled = Signal::derive(move || {
        collectors.with(|all| {
            all.iter()
                .filter(|one| !matches!(one.state, CollectorState::Live))
                .cloned()
                .collect::<Vec<_>>()
        })
    });
    view! {
        <Card title="Not being measured" class="half" flush=true more=("/host", "Host")>
            <CollectorList collectors=troubled now_ms/>
        </Card>
    }
}
