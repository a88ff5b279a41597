use super::{
    api::{ProcessesView, get_processes},
    cells::row,
    details::{About, Details},
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

/// The word in the address that asks for a tree.
const TREE: &str = "tree";

#[component]
pub fn ProcessesPage() -> AnyView {
    let asked = Asked::read("/processes", &HEADS, USUAL);
    let query = use_query_map().get_untracked();
    let pid = query.get_str("pid").and_then(|pid| pid.parse::<u32>().ok());
    let tree = query.get_str(TREE).is_some();
    let more = query.get_str("more").is_some();
    let (sort, text) = (asked.sort.to_word(&HEADS), asked.text.clone());
    let resource = page_data(String::new, move |_| {
        get_processes(sort.clone(), text.clone(), pid, tree, more)
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
    let in_tree = Memo::new(move |_| query.get().get_str(TREE).is_some());
    let rows = feed::processes(view.t_ms, view.rows);
    let state = TableState::new(rows, asked, selected, in_tree.into());
    let about = About {
        first: view.selected.into_iter().next(),
        more: view.more,
        panels: view.panels,
        key_seed: view.key_seed,
    };
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
            <form class="section" method="get" action="/processes" on:submit=|event| event.prevent_default() on:keydown=move |event| state.keys(&event)>
                <div class="page-head">
                    <div class="page-head-words">
                        <h1>"Processes"</h1>
                        <p role="status">{count}</p>
                    </div>
                    {move || in_tree.get().then(|| view! { <input type="hidden" name=TREE value="true"/> }).into_any()}
                    <Shapes state/>
                    <GridTools
                        state=grid
                        label="Filter by name, user, command or number"
                        fixed=Column::Name as usize
                    />
                </div>
                <Grid state=grid class="process-table" label="Process table" tree=state.tree row=move |index| row(state, index)/>
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
            <Details state about/>
    }
}

/// List or tree: two addresses of this page.
#[component]
fn Shapes(state: TableState) -> AnyView {
    let link = move |word: &'static str, rest: &'static str, tree: bool| {
        view! {
            <a
                class="button"
                href=move || state.grid.href(rest)
                data-noscroll="true"
                aria-current=move || (state.tree.get() == tree).then(|| "true".to_owned())
            >
                {word}
            </a>
        }
    };
    view! {
        <div class="shapes" role="group" aria-label="Shape of the table">
            {link("List", "", false)} {link("Tree", "tree=true", true)}
        </div>
    }
}
