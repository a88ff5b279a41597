use super::{
    api::{HostView, get_host},
    collectors::{CollectorList, state_words},
};
use crate::prelude::*;
use crate::{
    browser,
    feed::{self, ChannelChart},
    page_data::{load, page_data},
    pages::overview::vital::charts_of,
    ui::{Card, Glyph, Icon, tabs::Tabs},
};
use farol_model::{
    health::{CollectorState, CollectorStatus},
    sample::ChannelView,
};
use leptos_meta::Title;

#[component]
pub fn HostPage() -> AnyView {
    let resource = page_data(String::new, |_| get_host());
    view! {
        <Title text="Host"/>
        {load(resource, |view| view! { <Host view/> })}
    }
}

/// One group of the page: a channel, or a collector that has none.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    id: String,
    title: String,
    status: Option<CollectorStatus>,
    channel: Option<ChannelView>,
}

/// Collectors with their channels in the order of the server, then channels that no collector claims.
fn groups(collectors: &[CollectorStatus], channels: Vec<ChannelView>) -> Vec<Group> {
    let name_of = |view: &ChannelView| view.channel.rsplit('/').next().unwrap_or_default().to_owned();
    let mut channels: Vec<Option<ChannelView>> = channels.into_iter().map(Some).collect();
    let mut groups: Vec<Group> = collectors
        .iter()
        .map(|status| Group {
            id: status.name.clone(),
            title: status.title.clone(),
            status: Some(status.clone()),
            channel: channels
                .iter_mut()
                .find(|slot| slot.as_ref().is_some_and(|view| name_of(view) == status.name))
                .and_then(Option::take),
        })
        // A collector of a table has no charts; it is shown only when it does not work.
        .filter(|group| group.channel.is_some() || troubled(group))
        .collect();
    groups.extend(channels.into_iter().flatten().map(|view| Group {
        id: name_of(&view),
        title: name_of(&view),
        status: None,
        channel: Some(view),
    }));
    groups
}

fn troubled(group: &Group) -> bool {
    group
        .status
        .as_ref()
        .is_some_and(|status| !matches!(status.state, CollectorState::Live))
}

#[component]
fn Host(view: HostView) -> AnyView {
    feed::marks(view.marks);
    effect(browser::local_times);
    let groups = groups(&view.collectors, view.channels);
    let mut items = vec![("facts".to_owned(), "Facts".to_owned())];
    items.extend(
        groups
            .iter()
            .map(|group| (format!("group-{}", group.id), group.title.clone())),
    );
    items.push(("collectors".to_owned(), "Collectors".to_owned()));
    let collectors = feed::collectors(view.collectors);
    let sections = groups
        .into_iter()
        .map(|group| view! { <GroupSection group/> })
        .collect::<Vec<_>>();
    view! {
        <div class="page">
            <div class="page-head">
                <div class="page-head-words">
                    <h1>{view.name}</h1>
                    <p>{view.os}</p>
                </div>
            </div>
            <Tabs label="Groups on this page" items/>
            <div id="facts">
                <Card title="Facts">
                    <div inner_html=view.facts></div>
                </Card>
            </div>
            {sections}
            <div id="collectors">
                <Card title="Collectors" flush=true>
                    <CollectorList collectors now_ms=view.now_ms/>
                </Card>
            </div>
        </div>
    }
}

#[component]
fn GroupSection(group: Group) -> AnyView {
    let id = format!("group-{}", group.id);
    let trouble = group
        .status
        .as_ref()
        .filter(|_| troubled(&group))
        .map(|status| view! { <NotMeasured status=status.clone()/> });
    let charts = group.channel.map(|first| {
        let charts = charts_of(&first.schema);
        let channel = feed::channel_on_screen(first);
        let wide = charts.len() == 1;
        charts
            .into_iter()
            .map(|chart| {
                view! {
                    <div class=if wide { "card" } else { "card half wide-third" }>
                        <div class="card-body">
                            <ChannelChart channel chart/>
                        </div>
                    </div>
                }
            })
            .collect::<Vec<_>>()
    });
    view! {
        <section class="section" id=id aria-label=group.title.clone()>
            <div class="section-head">
                <h2>{group.title.clone()}</h2>
            </div>
            {trouble}
            <div class="grid stretch">{charts}</div>
        </section>
    }
}

/// Why there is nothing, or nothing new, to draw.
#[component]
fn NotMeasured(status: CollectorStatus) -> AnyView {
    let (_, glyph, word, reason) = state_words(&status.state);
    let glyph = if glyph == Glyph::Check { Glyph::Info } else { glyph };
    view! {
        <div class="unavailable">
            <Icon glyph/>
            <p>{format!("{word}: {}", reason.trim_end_matches('.'))} "."</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::sample::Snapshot;

    fn collector(name: &str, state: CollectorState) -> CollectorStatus {
        CollectorStatus {
            name: name.into(),
            title: name.to_uppercase(),
            state,
            interval_ms: 1000,
            last_ok_ms: None,
            last_duration_us: None,
            series: 0,
        }
    }

    fn channel(group: &str) -> ChannelView {
        ChannelView {
            channel: format!("metrics/local/{group}"),
            schema: vec![],
            snapshot: Snapshot::default(),
            epoch: String::new(),
            offset: 0,
        }
    }

    #[test]
    fn a_collector_without_a_channel_shows_only_when_it_does_not_work() {
        let collectors = [
            collector("cpu", CollectorState::Live),
            collector("process", CollectorState::Live),
            collector(
                "temperature",
                CollectorState::Unavailable {
                    reason: "none".into(),
                },
            ),
        ];
        let ids: Vec<String> = groups(&collectors, vec![channel("extra"), channel("cpu")])
            .into_iter()
            .map(|group| group.id)
            .collect();
        assert_eq!(ids, ["cpu", "temperature", "extra"]);
    }
}
