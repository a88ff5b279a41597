use super::{
    api::{ProcessesView, get_processes},
    details::Details,
    grid::Grid,
    state::TableState,
    table::{Column, Sort},
};
use crate::prelude::*;
use crate::{
    feed,
    page_data::{load, page_data},
    pages::controls::CameBack,
    ui::{Empty, Glyph, Icon},
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn ProcessesPage() -> AnyView {
    // Read once: with scripts the table sorts and filters itself.
    let query = use_query_map().get_untracked();
    let word = |name: &str| query.get_str(name).unwrap_or_default().to_owned();
    // `sort` is the head that was pressed, `order` what was in force before.
    let sort = [word("sort"), word("order")]
        .into_iter()
        .find(|word| !word.is_empty())
        .unwrap_or_default();
    let (text, pid) = (word("q"), word("pid").parse::<u32>().ok());
    let asked = (sort.clone(), text.clone());
    let resource = page_data(String::new, move |_| {
        get_processes(sort.clone(), text.clone(), pid)
    });
    view! {
        <Title text="Processes"/>
        <div class="page">
            <CameBack/>
            {load(
                resource,
                move |view| {
                    let (sort, text) = asked.clone();
                    view! { <Processes view sort=Sort::parse(&sort) text/> }
                },
            )}
        </div>
    }
}

#[component]
fn Processes(view: ProcessesView, sort: Sort, text: String) -> impl IntoView {
    let query = use_query_map();
    let selected = Memo::new(move |_| {
        let query = query.get();
        let pid = query.get_str("pid")?.parse().ok()?;
        let start = query.get_str("start")?.parse().ok()?;
        Some((pid, start))
    });
    let state = TableState::new(feed::processes(view.t_ms, view.rows), sort, text, selected);
    let total = view.total as usize;
    let count = reactive(move || {
        let known = state.rows.with(<[_]>::len);
        let shown = state.order.with(Vec::len);
        match (known < total, state.text.with(String::is_empty)) {
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
                    <Toolbar state/>
                </div>
                <Grid state/>
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

#[component]
fn Toolbar(state: TableState) -> impl IntoView {
    view! {
        <div class="page-head-end">
            <input type="hidden" name="order" value=move || state.sort.get().to_word()/>
            <div class="search-input">
                <Icon glyph=Glyph::Search/>
                <input
                    class="input"
                    type="search"
                    name="q"
                    maxlength="200"
                    aria-label="Filter by name, user, command or number"
                    placeholder="Filter"
                    autocomplete="off"
                    value=state.text.get_untracked()
                    on:input:target=move |event| state.text.set(event.target().value())
                />
            </div>
            <button class="button no-js-only" type="submit">
                "Filter"
            </button>
            <details class="drop js-only">
                <summary class="button">
                    <Icon glyph=Glyph::Columns/>
                    "Columns"
                </summary>
                <div class="drop-body">
                    <ColumnChoice state/>
                </div>
            </details>
        </div>
    }
}

#[component]
fn ColumnChoice(state: TableState) -> AnyView {
    // The name leads to the details, so it always stays.
    let choices = Column::ALL
        .into_iter()
        .filter(|column| *column != Column::Name)
        .map(|column| {
            view! {
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=move || state.columns.with(|columns| columns.contains(&column))
                        on:change:target=move |event| {
                            let wanted = event.target().checked();
                            state
                                .columns
                                .update(|columns| {
                                    *columns = Column::ALL
                                        .into_iter()
                                        .filter(|one| if *one == column { wanted } else { columns.contains(one) })
                                        .collect();
                                });
                        }
                    />
                    {column.title()}
                </label>
            }
        })
        .collect::<Vec<_>>();
    view! { <div class="columns-list">{choices}</div> }
}
