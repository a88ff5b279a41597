use super::{
    api::{ConnectionsView, get_connections},
    details::Details,
    state::TableState,
    table::{COUNT, FIRST_TOTAL, HEADS, LOOKED, TOTALS, USER, USUAL},
};
use crate::prelude::*;
use crate::{
    page_data::{load, page_data},
    pages::controls::CameBack,
    ui::{
        Empty, Glyph, Notice, Tone,
        grid::{Asked, FIRST_ROWS, Grid, GridTools},
    },
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ConnectionsPage() -> AnyView {
    let asked = Asked::read("/connections", &HEADS, USUAL);
    let query = use_query_map().get_untracked();
    let word = |name: &str| query.get_str(name).unwrap_or_default().to_owned();
    let (id, frames) = (word("id"), !word("frames").is_empty());
    let (sort, text) = (asked.sort.to_word(&HEADS), asked.text.clone());
    let resource = page_data(String::new, move |_| {
        let count = FIRST_ROWS as u32;
        get_connections(sort.clone(), text.clone(), 0, count, id.clone(), frames, false)
    });
    view! {
        <Title text="Connections"/>
        <div class="page">
            <CameBack/>
            {load(resource, move |view| view! { <Connections view asked=asked.clone()/> })}
        </div>
    }
}

#[component]
fn Connections(view: ConnectionsView, asked: Asked) -> AnyView {
    let disconnect = view.disconnect.clone();
    let cut = view.matching as usize > view.rows.len();
    let state = TableState::new(view, asked);
    state.keep_fresh();
    let grid = state.grid;
    view! {
        <form
            class="section"
            class:stale=move || !state.trouble.with(String::is_empty)
            method="get"
            action="/connections"
            on:submit=|event| event.prevent_default()
        >
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Connections"</h1>
                    <p role="status">{head(state, COUNT)}</p>
                </div>
                <GridTools state=grid label="Filter by user, address, client, carrier, channel or id" fixed=USER/>
            </div>
            {move || trouble(state)}
            <Totals state/>
            <Grid state=grid class="connection-table" label="Connections" row=move |index| state.row(index)/>
            {cut.then(|| view! { <p class="no-js-only">"These are the first ones. Filter to see others."</p> })}
            {move || nobody(state)}
        </form>
        <Details state disconnect/>
    }
}

/// A word of the head. Tracks.
fn head(state: TableState, at: usize) -> AnyView {
    let word = move || {
        state
            .view
            .with(|view| view.head.get(at).cloned().unwrap_or_default())
    };
    reactive(word).into_any()
}

/// Why the numbers are old, and since when.
fn trouble(state: TableState) -> AnyView {
    let why = state.trouble.get();
    if why.is_empty() {
        return ().into_any();
    }
    let seen = state
        .view
        .with(|view| view.head.get(LOOKED).cloned().unwrap_or_default());
    let text = format!("{why} What is shown is of {seen}. Trying again each second.");
    view! { <Notice tone=Tone::Warn title="These numbers are old" text/> }
}

fn nobody(state: TableState) -> AnyView {
    if state.grid.total.get() > 0 {
        return ().into_any();
    }
    let (title, text) = match state.grid.choice.text.with(String::is_empty) {
        true => (
            "Nobody is connected",
            "Whoever opens a page of Farol, or connects a program to it, is listed here.",
        ),
        false => (
            "No connection matches",
            "Try a part of a user's name, an address, a program, a carrier or a channel.",
        ),
    };
    view! { <Empty glyph=Glyph::Connections title text/> }
}

#[component]
fn Totals(state: TableState) -> AnyView {
    let totals = TOTALS.into_iter().enumerate().map(|(at, title)| {
        view! {
            <div>
                <dt>{title}</dt>
                <dd>{head(state, FIRST_TOTAL + at)}</dd>
            </div>
        }
    });
    view! { <dl class="totals">{totals.collect::<Vec<_>>()}</dl> }
}
