//! The table itself. Only the rows on screen, and a few around them, are in the document.

use super::{
    cells::cell,
    state::{Scroll, TableState},
    table::{Column, key},
};
use crate::prelude::*;
use crate::ui::{Glyph, Icon, Rows};
use leptos::{ev, html, wasm_bindgen::JsCast, web_sys};

#[component]
pub fn Grid(state: TableState) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    let measure = move || {
        let Some(scroller) = node.get_untracked() else {
            return;
        };
        let row_height = scroller
            .query_selector("tbody tr.row")
            .ok()
            .flatten()
            .and_then(|row| row.dyn_into::<web_sys::HtmlElement>().ok())
            .map_or(0.0, |row| f64::from(row.offset_height()));
        state.scroll.set(Scroll {
            top: f64::from(scroller.scroll_top()),
            viewport: f64::from(scroller.client_height()),
            row_height: if row_height > 0.0 {
                row_height
            } else {
                state.scroll.get_untracked().row_height
            },
        });
    };
    effect(move || {
        if node.get().is_some() {
            measure();
        }
        let handle = window_event_listener(ev::resize, move |_| measure());
        on_cleanup(move || handle.remove());
    });
    let above = move || state.window.get().start;
    let below = move || state.order.with(Vec::len).saturating_sub(state.window.get().end);
    let class = reactive(move || {
        if state.columns.with(|columns| columns.contains(&Column::Command)) {
            "table has-command".to_owned()
        } else {
            "table".to_owned()
        }
    });
    view! {
        <div
            class="table-wrap process-table"
            node_ref=node
            tabindex="0"
            role="region"
            aria-label="Process table"
            on:scroll=move |_| measure()
        >
            <table class=class aria-rowcount=move || (state.order.with(Vec::len) + 1).to_string()>
                <caption class="visually-hidden">"Processes"</caption>
                <Head state/>
                <tbody
                    on:pointerenter=move |_| state.held.set(true)
                    on:pointerleave=move |_| state.held.set(false)
                    on:focusin=move |_| state.held.set(true)
                    on:focusout=move |_| state.held.set(false)
                    on:keydown=move |event| step(&event)
                >
                    <Spacer rows=Signal::derive(above) state/>
                    <Rows range=move || state.window.get() draw=move |index| view! { <Row state index/> }/>
                    <Spacer rows=Signal::derive(below) state/>
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn Head(state: TableState) -> AnyView {
    let heads = reactive(move || {
        state
            .columns
            .get()
            .into_iter()
            .map(|column| {
                let class = if column.numeric() {
                    format!("number col-{}", column.key())
                } else {
                    format!("col-{}", column.key())
                };
                view! {
                    <th scope="col" class=class aria-sort=move || state.sort.get().aria(column).map(str::to_owned)>
                        <button
                            class="sort"
                            type="submit"
                            name="sort"
                            value=move || state.sort.get().pressed(column).to_word()
                            on:click=move |event| {
                                event.prevent_default();
                                state.sort.update(|sort| *sort = sort.pressed(column));
                            }
                        >
                            {column.title()}
                            <Icon glyph=Glyph::Arrow small=true/>
                        </button>
                    </th>
                }
            })
            .collect::<Vec<_>>().into_any()
    });
    view! {
        <thead>
            <tr aria-rowindex="1">{heads}</tr>
        </thead>
    }
}

#[component]
fn Row(state: TableState, index: usize) -> AnyView {
    let row = Memo::new(move |_| state.row_at(index));
    let chosen = Memo::new(move |_| {
        row.with(|row| {
            row.as_ref()
                .is_some_and(|row| state.selected.get() == Some(key(row)))
        })
    });
    let cells = reactive(move || {
        state
            .columns
            .get()
            .into_iter()
            .map(|column| cell(column, row, state, index))
            .collect::<Vec<_>>()
            .into_any()
    });
    view! {
        <tr class="row" class:selected=move || chosen.get() aria-rowindex=(index + 2).to_string()>
            {cells}
        </tr>
    }
}

/// Stands for rows that are not in the document. Its height is set by script on the element, not by an attribute.
#[component]
fn Spacer(rows: Signal<usize>, state: TableState) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    effect(move || {
        let height = rows.get() as f64 * state.scroll.get().row_height;
        if let Some(space) = node.get() {
            // Only an unknown property could be refused.
            drop(web_sys::HtmlElement::style(&space).set_property("height", &format!("{height}px")));
        }
    });
    view! {
        <tr class="spacer" aria-hidden="true">
            <td>
                <div node_ref=node></div>
            </td>
        </tr>
    }
}

/// Up and down move the focus from row to row.
fn step(event: &web_sys::KeyboardEvent) {
    let by: i64 = match event.key().as_str() {
        "ArrowDown" => 1,
        "ArrowUp" => -1,
        _ => return,
    };
    let index = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| element.get_attribute("data-index"))
        .and_then(|index| index.parse::<i64>().ok());
    let Some(index) = index else { return };
    event.prevent_default();
    let next = document()
        .query_selector(&format!(".row-link[data-index='{}']", index + by))
        .ok()
        .flatten()
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(next) = next {
        // An element of the document can always be asked to take the focus.
        drop(next.focus());
    }
}
