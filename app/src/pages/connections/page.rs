use super::{
    api::ask,
    details::Details,
    table::{COUNT, FIRST_TOTAL, HEADS, LOOKED, TOTALS, USER, USUAL},
};
use crate::prelude::*;
use crate::{
    page_data::{load, page_data},
    pages::controls::CameBack,
    ui::{
        Empty, Glyph,
        grid::{Asked, FIRST_ROWS, Grid, GridTools},
    },
    watched::{Kind, Question, TableState, TableView, head, totals, trouble},
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

const KIND: Kind = Kind {
    heads: &HEADS,
    main: USER,
    more: "frames",
    looked: LOOKED,
    ask,
};

#[component]
pub fn ConnectionsPage() -> AnyView {
    let asked = Asked::read("/connections", &HEADS, USUAL);
    let query = use_query_map().get_untracked();
    let word = |name: &str| query.get_str(name).unwrap_or_default().to_owned();
    let (id, frames) = (word("id"), !word("frames").is_empty());
    let (sort, text) = (asked.sort.to_word(&HEADS), asked.text.clone());
    let resource = page_data(String::new, move |_| {
        ask(Question {
            sort: sort.clone(),
            text: text.clone(),
            count: FIRST_ROWS as u32,
            id: id.clone(),
            more: frames,
            ..Default::default()
        })
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
fn Connections(view: TableView, asked: Asked) -> AnyView {
    let disconnect = view.panels.first().cloned();
    let cut = view.matching as usize > view.rows.len();
    let state = TableState::new(KIND, view, asked);
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
            {totals(state, &TOTALS, FIRST_TOTAL)}
            <Grid state=grid class="connection-table" label="Connections" row=move |index| state.row(index)/>
            {cut.then(|| view! { <p class="no-js-only">"These are the first ones. Filter to see others."</p> })}
            {move || nobody(state)}
        </form>
        <Details state disconnect/>
    }
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
