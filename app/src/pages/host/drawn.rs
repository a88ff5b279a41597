//! What the server draws of the page of the host: facts, the list of groups, and the head of the one that is open.

use super::{api::HISTORY_MS, collectors::state_words};
use crate::{
    feed::bytes,
    live_charts::{LiveGroup, Wanted, live_charts},
    pages::{
        controls::words::took,
        drawn::{pairs, time},
        explore::build::explore,
    },
    past::{
        Look, Range, asked,
        bar::{self, Place},
        of_channel::of_channel,
    },
    ports::MetricsPort,
    prelude::*,
    ui::{Card, Glyph, Icon},
};
use farol_model::{
    action::Mark,
    health::{CollectorState, CollectorStatus},
    host::HostInfo,
    sample::ChannelView,
};

/// Values that a page carries at most: of a wide group it carries a shorter past, and the rest comes live.
const MAX_CELLS: usize = 30_000;

/// What an address asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The group, or empty.
    group: String,
    /// None is live. What cannot be read is told where the charts would be.
    time: asked::Asked,
}

impl Asked {
    /// Reads the query of an address.
    pub fn read(query: &str, now_ms: i64) -> Asked {
        let mut pairs = pairs(query).into_iter();
        let group = pairs.find(|(name, _)| name == "group");
        Asked {
            group: group.map(|(_, group)| group).unwrap_or_default(),
            time: asked::asked(query, now_ms),
        }
    }

    /// The time that is past, if there is one.
    pub fn range(&self) -> Option<&Range> {
        self.time.as_ref().ok()?.0.as_ref()
    }
}

/// One group: a channel, or a collector that has none.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    id: String,
    title: String,
    status: Option<CollectorStatus>,
    channel: Option<String>,
}

/// Collectors with their channels in the order of the server, then channels that no collector claims.
fn groups(collectors: &[CollectorStatus], channels: Vec<String>) -> Vec<Group> {
    let name_of = |channel: &str| channel.rsplit('/').next().unwrap_or_default().to_owned();
    let mut channels = channels;
    let mut groups: Vec<Group> = collectors
        .iter()
        .map(|status| {
            let place = channels
                .iter()
                .position(|channel| name_of(channel) == status.name);
            Group {
                id: status.name.clone(),
                title: status.title.clone(),
                status: Some(status.clone()),
                channel: place.map(|place| channels.remove(place)),
            }
        })
        .collect();
    groups.extend(channels.into_iter().map(|channel| {
        let id = name_of(&channel);
        let mut title = id.clone();
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Group {
            id,
            title,
            status: None,
            channel: Some(channel),
        }
    }));
    groups
}

/// The state of a group that is not being measured.
fn trouble(group: &Group) -> Option<&CollectorStatus> {
    let status = group.status.as_ref()?;
    (!matches!(status.state, CollectorState::Live)).then_some(status)
}

/// What is drawn of the page.
pub struct Drawn {
    /// Above the charts and below them, as HTML.
    pub before: String,
    pub after: String,
    /// The group that is open and its charts; nothing where a range was asked for.
    pub channel: Option<ChannelView>,
    pub live: LiveGroup,
}

/// Draws the page. No word is the first group; a word that is no group is said to be none. Where a range is asked for the charts are
/// drawn too, and no channel is followed.
pub async fn host(metrics: &dyn MetricsPort, asked: &Asked, marks: &[Mark]) -> Drawn {
    let mut channels = metrics.channels();
    // Applications have pages of their own, but for Farol itself, which is a collector here.
    channels.retain(|name| !name.starts_with("apps/") || name == "apps/farol");
    let groups = groups(&metrics.collectors(), channels);
    let open = match asked.group.as_str() {
        "" => groups.first(),
        wanted => groups.iter().find(|group| group.id == wanted),
    };
    let name = open.and_then(|group| group.channel.as_deref());
    let (range, look, refused) = match &asked.time {
        Ok((range, look)) => (range.as_ref(), look.clone(), None),
        Err(fault) => (None, Look::default(), Some(bar::refused(fault))),
    };
    let group = [("group", open.map_or("", |group| group.id.as_str()))];
    let place = Place {
        path: "/host",
        query: &group,
    };
    let still = match (range, name) {
        (Some(range), Some(name)) => {
            let past = (range.clone(), look.clone());
            Some(of_channel(metrics, name, place, &past, marks, |_| true).await)
        }
        _ => None,
    };
    let channel = open
        .filter(|_| still.is_none() && refused.is_none())
        .and_then(|group| {
            let name = group.channel.as_ref()?;
            let series = metrics.view(name, 1)?.schema.len();
            let rows = u32::try_from(MAX_CELLS / series.max(1)).unwrap_or(u32::MAX);
            metrics.view(name, HISTORY_MS.min(rows.saturating_mul(1000)))
        });
    let facts = facts(metrics.host(), metrics.now_ms());
    let host = metrics.host();
    // Other times are looked at in the same way.
    let query = [&group[..], &look.query()].concat();
    let looked = Place {
        query: &query,
        ..place
    };
    let head = head(open, channel.as_ref(), &asked.group);
    let (looks, live) = match &channel {
        Some(channel) => {
            let (look, keep) = (&look, &|_: &str| true);
            let (looks, live) = live_charts(metrics, channel, &Wanted { place, look, keep }).await;
            (Some(looks), live)
        }
        None => (None, LiveGroup::default()),
    };
    let before = view! {
        <div class="page-head">
            <div class="page-head-words">
                <h1>{host.name}</h1>
                <p>{host.os}</p>
            </div>
        </div>
        {list(&groups, open)}
        {head}
        {refused}
        {name.map(|_| bar::bar(looked, range, metrics.now_ms()))}
        {looks}
        {still}
    };
    Drawn {
        before: before.to_html(),
        after: facts.to_html(),
        channel,
        live,
    }
}

/// Every group as a link, those that this machine does not have last and by their reason.
fn list(groups: &[Group], open: Option<&Group>) -> AnyView {
    let link = |group: &Group| {
        let current = open.is_some_and(|open| open.id == group.id).then_some("page");
        let series = group
            .status
            .as_ref()
            .map(|status| status.series)
            .filter(|series| *series > 0);
        let (about, class) = match trouble(group).map(|status| state_words(&status.state)) {
            Some((_, _, word, _)) => (Some(word.to_owned()), Some("off")),
            None => (series.map(|series| series.to_string()), None),
        };
        let title = series
            .filter(|_| class.is_none())
            .map(|series| format!("{series} series"));
        view! {
            <li>
                <a href=format!("/host?group={}", group.id) aria-current=current class=class title=title>
                    {group.title.clone()} " " <small>{about}</small>
                </a>
            </li>
        }
    };
    let absent = |group: &&Group| {
        let state = group.status.as_ref().map(|status| &status.state);
        matches!(state, Some(CollectorState::Unavailable { .. }))
    };
    let there = groups
        .iter()
        .filter(|group| !absent(group))
        .map(link)
        .collect::<Vec<_>>();
    let not_there = groups.iter().filter(absent).map(link).collect::<Vec<_>>();
    view! {
        <nav class="host-groups" aria-label="Groups of metrics">
            <ul>{there} {not_there}</ul>
        </nav>
    }
}

/// The title of the group that is open, and why there is nothing, or nothing new, to draw.
fn head(open: Option<&Group>, channel: Option<&ChannelView>, wanted: &str) -> AnyView {
    let note = |glyph, text: String| {
        view! {
            <div class="unavailable">
                <Icon glyph/>
                <p>{text}</p>
            </div>
        }
    };
    let Some(group) = open else {
        let text = match wanted {
            "" => "Nothing has been measured yet. Load the page again in a second.".to_owned(),
            wanted => format!("There is no group \u{201c}{wanted}\u{201d}. Choose one of those above."),
        };
        return note(Glyph::Info, text);
    };
    let trouble = trouble(group).map(|status| {
        let (_, glyph, word, reason) = state_words(&status.state);
        let glyph = if glyph == Glyph::Check { Glyph::Info } else { glyph };
        note(glyph, format!("{word}: {}.", reason.trim_end_matches('.')))
    });
    let count = channel.map(|channel| {
        let charts = crate::pages::overview::vital::charts_of(&channel.schema).len();
        let word =
            |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        format!(
            "{} in {}",
            word(channel.schema.len(), "series", "series"),
            word(charts, "chart", "charts")
        )
    });
    view! {
        <div class="section-head">
            <h2>{group.title.clone()}</h2>
            <p>{count}</p>
            {group.channel.as_ref().map(|channel| {
                view! {
                    <a class="link" href=explore(channel, &[], None)>
                        "Explore"
                    </a>
                }
            })}
        </div>
        {trouble}
    }
}

fn facts(host: HostInfo, now_ms: i64) -> AnyView {
    view! {
        <Card title="Facts">
            <Facts host now_ms/>
        </Card>
    }
}

#[component]
fn Facts(host: HostInfo, now_ms: i64) -> AnyView {
    let fact = |title: &'static str, value: Option<String>| {
        let value = value.unwrap_or_else(|| "not available here".to_owned());
        view! {
            <div>
                <dt>{title}</dt>
                <dd>{value}</dd>
            </div>
        }
    };
    let up = host.boot_ms.map(|boot_ms| {
        view! {
            <div>
                <dt>"Up since"</dt>
                <dd>
                    {time(boot_ms)}
                    " "
                    <span class="muted nowrap">"(" {days(now_ms - boot_ms)} ")"</span>
                </dd>
            </div>
        }
    });
    view! {
        <dl class="facts">
            {fact("System", host.os)} {fact("Kernel", host.kernel)} {fact("Processor", host.cpu_model)}
            {fact("Logical processors", Some(host.cpu_count.to_string()))} {fact("Instruction set", Some(host.arch))}
            {fact("Memory", Some(bytes(host.memory_bytes as f64)))} {up}
        </dl>
    }
}

/// A long duration: `12 d 3 h`, or finer when it is short.
fn days(duration_ms: i64) -> String {
    let hours = duration_ms / 3_600_000;
    if hours < 24 {
        took(duration_ms)
    } else {
        format!("{} d {} h", hours / 24, hours % 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collector(name: &str, state: CollectorState) -> CollectorStatus {
        CollectorStatus {
            name: name.into(),
            title: name.to_uppercase(),
            state,
            interval_ms: 1000,
            last_ok_ms: None,
            last_duration_us: None,
            series: 7,
        }
    }

    fn all() -> Vec<Group> {
        let collectors = [
            collector(
                "temperature",
                CollectorState::Unavailable {
                    reason: "none".into(),
                },
            ),
            collector("cpu", CollectorState::Live),
        ];
        groups(
            &collectors,
            vec!["metrics/local/extra".into(), "metrics/local/cpu".into()],
        )
    }

    #[test]
    fn every_collector_and_every_channel_is_a_group() {
        let groups = all();
        let told: Vec<_> = groups
            .iter()
            .map(|group| (group.id.as_str(), group.channel.is_some()))
            .collect();
        assert_eq!(told, [("temperature", false), ("cpu", true), ("extra", true)]);
        assert_eq!(groups[2].title, "Extra");
    }

    #[test]
    fn the_list_says_which_is_open_how_many_series_there_are_and_what_is_missing() {
        let groups = all();
        let html = list(&groups, groups.get(1)).to_html();
        assert!(
            html.contains("aria-current=\"page\"") && html.contains("7 series"),
            "{html}"
        );
        assert!(
            html.contains("Not available here") && html.find("CPU") < html.find("TEMPERATURE"),
            "{html}"
        );
    }

    #[test]
    fn a_group_that_does_not_work_says_why_and_one_that_is_not_there_is_said_to_be_none() {
        let groups = all();
        let html = head(groups.first(), None, "temperature").to_html();
        assert!(html.contains("Not available here: none."), "{html}");
        assert!(head(None, None, "<x>").to_html().contains("&lt;x&gt;"));
        assert!(
            head(None, None, "")
                .to_html()
                .contains("Nothing has been measured yet")
        );
    }

    #[test]
    fn uptime_is_told_in_days_once_there_are_any() {
        assert_eq!(days(3_600_000 * 27), "1 d 3 h");
        assert_eq!(days(65_000), "1 min 5 s");
    }
}
