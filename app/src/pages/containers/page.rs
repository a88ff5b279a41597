use super::{
    api::ask,
    details::Details,
    table::{COUNT, FIRST_TOTAL, HEADS, LOOKED, NAME, TOTALS, USUAL},
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
    main: NAME,
    more: "inspect",
    looked: LOOKED,
    ask,
};

#[component]
pub fn ContainersPage() -> AnyView {
    let asked = Asked::read("/containers", &HEADS, USUAL);
    let query = use_query_map().get_untracked();
    let word = |name: &str| query.get_str(name).unwrap_or_default().to_owned();
    let (id, more) = (word("id"), !word(KIND.more).is_empty());
    let (sort, text) = (asked.sort.to_word(&HEADS), asked.text.clone());
    let resource = page_data(String::new, move |_| {
        ask(Question {
            sort: sort.clone(),
            text: text.clone(),
            count: FIRST_ROWS as u32,
            id: id.clone(),
            more,
            charts: true,
            ..Default::default()
        })
    });
    view! {
        <Title text="Containers"/>
        <div class="page">
            <CameBack/>
            {load(resource, move |view| view! { <Containers view asked=asked.clone()/> })}
        </div>
    }
}

#[component]
fn Containers(view: TableView, asked: Asked) -> AnyView {
    let panels = view.panels.clone();
    let cut = view.matching as usize > view.rows.len();
    let state = TableState::new(KIND, view, asked);
    state.keep_fresh();
    let grid = state.grid;
    let notice = Memo::new(move |_| state.view.with(|view| view.notice.clone()));
    view! {
        <form
            class="section"
            class:stale=move || !state.trouble.with(String::is_empty)
            method="get"
            action="/containers"
            on:submit=|event| event.prevent_default()
        >
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Containers"</h1>
                    <p role="status">{head(state, COUNT)}</p>
                </div>
                <GridTools state=grid label="Filter by name, image, command, state or id" fixed=NAME/>
            </div>
            {move || trouble(state)}
            <div class="watched-notice" inner_html=move || notice.get()></div>
            {totals(state, &TOTALS, FIRST_TOTAL)}
            <Grid state=grid class="container-table" label="Containers" row=move |index| state.row(index)/>
            {cut.then(|| view! { <p class="no-js-only">"These are the first ones. Filter to see others."</p> })}
            {move || nothing(state)}
        </form>
        <Details state panels/>
    }
}

fn nothing(state: TableState) -> AnyView {
    if state.grid.total.get() > 0 {
        return ().into_any();
    }
    let (title, text) = match state.grid.choice.text.with(String::is_empty) {
        true => (
            "No containers",
            "What the engine runs, or has run and kept, is listed here.",
        ),
        false => (
            "No container matches",
            "Try a part of a name, an image, a command or a state, or what an id begins with.",
        ),
    };
    view! { <Empty glyph=Glyph::Containers title text/> }
}
