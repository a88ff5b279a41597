use super::{
    api::{ProcessesView, get_processes},
    cells::row,
    details::Details,
    state::TableState,
    table::{Column, HEADS, USUAL},
};
use crate::prelude::*;
use crate::{
    feed,
    page_data::{load, page_data},
    pages::controls::CameBack,
    ui::{
        Empty, Glyph,
        grid::{Asked, Grid, GridTools},
    },
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ProcessesPage() -> AnyView {
    let asked = Asked::read("/processes", &HEADS, USUAL);
    let pid = use_query_map()
        .get_untracked()
        .get_str("pid")
        .and_then(|pid| pid.parse::<u32>().ok());
    let (sort, text) = (asked.sort.to_word(&HEADS), asked.text.clone());
    let resource = page_data(String::new, move |_| {
        get_processes(sort.clone(), text.clone(), pid)
    });
    view! {
        <Title text="Processes"/>
        <div class="page">
            <CameBack/>
            {load(
                resource,
                move |view| view! { <Processes view asked=asked.clone()/> },
            )}
        </div>
    }
}

#[component]
fn Processes(view: ProcessesView, asked: Asked) -> impl IntoView {
    let query = use_query_map();
    let selected = Memo::new(move |_| {
        let query = query.get();
        let pid = query.get_str("pid")?.parse().ok()?;
        let start = query.get_str("start")?.parse().ok()?;
        Some((pid, start))
    });
    let state = TableState::new(feed::processes(view.t_ms, view.rows), asked, selected);
    let grid = state.grid;
    let total = view.total as usize;
    let count = reactive(move || {
        let known = state.rows.with(<[_]>::len);
        let shown = state.order.with(Vec::len);
        match (known < total, grid.choice.text.with(String::is_empty)) {
            (true, true) => format!("The first {shown} of {total} processes"),
            (_, true) => format!("{shown} processes"),
            (_, false) => format!("{shown} of {} processes match", known.max(total)),
        }
    });
    let empty = move || state.order.with(Vec::is_empty);
    view! {
            <form class="section" method="get" action="/processes" on:submit=|event| event.prevent_default()>
                <div class="page-head">
                    <div class="page-head-words">
                        <h1>"Processes"</h1>
                        <p role="status">{count}</p>
                    </div>
                    <GridTools
                        state=grid
                        label="Filter by name, user, command or number"
                        fixed=Column::Name as usize
                    />
                </div>
                <Grid state=grid class="process-table" label="Process table" row=move |index| row(state, index)/>
                {move || {
                    empty()
                        .then(|| {
                            view! {
                                <Empty
                                    glyph=Glyph::Search
                                    title="No process matches"
                                    text="Try a part of its name, user or command line, or its whole number."
                                />
                            }
                        }).into_any()
                }}
            </form>
            <Details state first=view.selected.into_iter().next() signal=view.signal key_seed=view.key_seed/>
    }
}
