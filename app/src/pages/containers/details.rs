//! Everything about one container: facts, live charts, its log, how it is made on demand, and the panels that act on it.

use super::table::{FACT_NAME, FACT_STATE, fits};
use crate::prelude::*;
use crate::{
    feed::{self, ChannelChart},
    pages::{
        controls::{ActionPanel, Output},
        overview::vital::charts_of,
        watched::{TableState, facts, gone},
    },
    session::page_session,
    ui::drawer::Drawer,
};
use farol_model::{
    Permission,
    action::{ActionSpec, Params},
    channel::CONTAINER_ID_CHARS,
};

/// Open while the address names a container.
pub fn details(state: TableState, actions: Vec<ActionSpec>) -> AnyView {
    let viewer = page_session().ok().map(|session| session.viewer);
    let may_log = viewer.is_some_and(|viewer| viewer.may(Permission::ViewLogs));
    let drawn = reactive(move || {
        let id = state.chosen.get();
        if id.is_empty() {
            return ().into_any();
        }
        // Each answer brings another, so the panels of two containers never share a key.
        let seed = state.view.with_untracked(|view| view.key_seed.clone());
        let panels = actions
            .iter()
            .map(|spec| panel(state, spec.clone(), &id, &seed))
            .collect::<Vec<_>>();
        let log = may_log.then(|| view! { <Log id=id.clone()/> });
        let made = (!panels.is_empty()).then(|| view! { <Made state/> });
        let title = reactive(move || state.fact(FACT_NAME)).into_any();
        view! {
            <Drawer title close=state.grid.href("")>
                {move || gone(state)}
                {facts(state)}
                <Charts state/>
                {log}
                {panels}
                {made}
            </Drawer>
        }
    });
    drawn.into_any()
}

/// Drawn once it fits the container's state. It stays then, so that what it said can be read.
fn panel(state: TableState, spec: ActionSpec, id: &str, seed: &str) -> AnyView {
    let (id, seed, action) = (id.to_owned(), seed.to_owned(), spec.id.clone());
    let shown = Memo::new(move |before: Option<&bool>| {
        before == Some(&true) || fits(&action, &state.fact(FACT_STATE))
    });
    let drawn = reactive(move || {
        if !shown.get() {
            return ().into_any();
        }
        let name = untrack(|| state.fact(FACT_NAME));
        let prefill = Params::from([("id".to_owned(), id.clone()), ("name".to_owned(), name)]);
        view! { <ActionPanel spec=spec.clone() prefill key_seed=seed.clone()/> }
    });
    drawn.into_any()
}

/// Its metrics, as soon as there are some.
#[component]
fn Charts(state: TableState) -> AnyView {
    let there = Memo::new(move |_| {
        state
            .view
            .with(|view| view.id == state.chosen.get() && !view.charts.is_empty())
    });
    let drawn = reactive(move || {
        let first = match there.get() {
            true => state.view.with_untracked(|view| view.charts.first().cloned()),
            false => None,
        };
        let Some(first) = first else {
            return ().into_any();
        };
        let charts = charts_of(&first.schema);
        // The channel tells them as soon as it is there.
        feed::marks(Some(Vec::new()));
        let channel = feed::channel_on_screen(first);
        let charts = charts
            .into_iter()
            .map(|chart| view! { <ChannelChart channel chart/> })
            .collect::<Vec<_>>();
        view! { <div class="drawer-charts">{charts}</div> }
    });
    drawn.into_any()
}

#[component]
fn Log(id: String) -> AnyView {
    let short = id.get(..CONTAINER_ID_CHARS).unwrap_or(&id);
    let log = feed::log(format!("logs/container/{short}"));
    let file = format!("/containers/{id}/log.txt");
    view! {
        <section class="field" aria-label="Log">
            <div class="section-head">
                <h3>"Log"</h3>
                <a class="button small" rel="external" href=file download="">
                    "Download log"
                </a>
            </div>
            <Output live=log label="Log of the container"/>
        </section>
    }
}

/// How it is made, read when somebody asks: each press is another address.
#[component]
fn Made(state: TableState) -> AnyView {
    let html = Memo::new(move |_| {
        state
            .view
            .with(|view| view.lines.first().map(|row| row.concat()).unwrap_or_default())
    });
    let [title, help] = state.subject.lines;
    view! {
        <div class="field">
            <h3>{title}</h3>
            <p class="field-help">{help}</p>
            <div>
                <a class="button small" href=move || state.ask_again() data-noscroll="true">
                    {state.subject.read}
                </a>
            </div>
            <div inner_html=move || html.get()></div>
        </div>
    }
}
