//! A table of any length: a sticky head that sorts, columns that can be left out, and in the document only the rows on screen
//! and a few around them. Knows nothing of what the rows are; rows have one fixed height. Without scripts it is a form whose
//! heads are buttons.
//!
//! A table whose rows stand under each other is a treegrid (WAI-ARIA Authoring Practices, "Treegrid Pattern"): its rows say how
//! deep they stand and whether they are open, and the page folds them.

mod layout;
mod state;
mod tools;

pub use layout::{FIRST_ROWS, Head, Sort};
pub use state::{Asked, Choice, GridState, Scroll};
pub use tools::GridTools;

use super::{
    icons::{Glyph, Icon},
    rows::Rows,
};
use crate::prelude::*;
use leptos::{attr::custom::custom_attribute, ev, html, wasm_bindgen::JsCast, web_sys};

/// One row as the page draws it.
pub struct RowParts {
    /// Its details are open.
    pub chosen: Box<dyn Fn() -> bool + Send>,
    /// The cell of a column.
    pub cell: Box<dyn Fn(usize) -> AnyView + Send>,
    /// Where it stands in a tree; None in a list.
    pub branch: Option<Branch>,
}

/// Where a row stands in a tree.
#[derive(Clone, Copy)]
pub struct Branch {
    /// Whether the table shows a tree at all.
    pub tree: Signal<bool>,
    /// 1 is the top.
    pub level: Signal<u32>,
    /// Whether the rows below it are shown; None where there are none.
    pub open: Signal<Option<bool>>,
}

#[component]
pub fn Grid(
    state: GridState,
    /// Sets widths per column.
    class: &'static str,
    label: &'static str,
    /// Whether its rows stand under each other.
    #[prop(optional)]
    tree: Signal<bool>,
    /// The row at a place of the display order.
    row: impl Fn(usize) -> RowParts + Send + Sync + 'static,
) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    let measure = move || {
        if let Some(scroller) = node.get_untracked() {
            state.scroll.update(|scroll| measured(&scroller, scroll));
        }
    };
    effect(move || {
        if node.get().is_some() {
            measure();
        }
        let handle = window_event_listener(ev::resize, move |_| measure());
        on_cleanup(move || handle.remove());
    });
    // The row that had the focus may leave with the last of them; then nothing has it, and the keys would lead nowhere.
    effect(move || {
        let total = state.total.get();
        let gone = |place: Option<usize>| place.is_some_and(|place| place >= total);
        if gone(state.wanted.get_untracked()) || gone(state.focused.get_value()) && nothing_has_focus() {
            state.go_to(total);
        }
    });
    let above = move || state.window.get().start;
    let below = move || state.total.get().saturating_sub(state.window.get().end);
    let held = state.choice.held;
    view! {
        <div
            class=format!("table-wrap long-table {class}")
            node_ref=node
            tabindex="0"
            role="region"
            aria-label=label
            on:scroll=move |_| measure()
        >
            <table class="table" role=move || tree.get().then(|| "treegrid".to_owned()) aria-rowcount=move || (state.total.get() + 1).to_string()>
                <caption class="visually-hidden">{label}</caption>
                <Heads state/>
                <tbody
                    on:pointerenter=move |_| held.set(true)
                    on:pointerleave=move |_| held.set(false)
                    on:focusin=move |event| {
                        held.set(true);
                        state.focused.set_value(row_of(&event));
                    }
                    on:focusout=move |event| {
                        held.set(false);
                        // Whoever leaves goes somewhere; a row that is taken away does not.
                        if event.related_target().is_some() {
                            state.focused.set_value(None);
                        }
                    }
                    on:keydown=move |event| step(state, &event)
                >
                    <Spacer rows=Signal::derive(above) state/>
                    <Rows range=move || state.window.get() draw=move |index| view! { <Row state index parts=row(index)/> }/>
                    <Spacer rows=Signal::derive(below) state/>
                </tbody>
            </table>
        </div>
    }
}

/// Takes the measures of what is on screen. Without a row the height of one stays as it was known.
fn measured(scroller: &web_sys::Element, scroll: &mut Scroll) {
    let row = scroller.query_selector("tbody tr.row").ok().flatten();
    let row = row.and_then(|row| row.dyn_into::<web_sys::HtmlElement>().ok());
    let row_height = row.map_or(0.0, |row| f64::from(row.offset_height()));
    scroll.top = f64::from(scroller.scroll_top());
    scroll.viewport = f64::from(scroller.client_height());
    if row_height > 0.0 {
        scroll.row_height = row_height;
    }
}

#[component]
fn Heads(state: GridState) -> AnyView {
    let sort = state.choice.sort;
    let heads = reactive(move || {
        let columns = state.columns.get().into_iter();
        columns
            .filter_map(|column| Some((column, state.heads.get(column)?)))
            .map(|(column, head)| {
                view! {
                    <th scope="col" class=head.class() aria-sort=move || sort.get().aria(column).map(str::to_owned)>
                        <button
                            class="sort"
                            type="submit"
                            name="sort"
                            value=move || sort.get().pressed(column, state.heads).to_word(state.heads)
                            on:click=move |event| {
                                event.prevent_default();
                                sort.update(|sort| *sort = sort.pressed(column, state.heads));
                            }
                        >
                            {head.title}
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
fn Row(state: GridState, index: usize, parts: RowParts) -> AnyView {
    let RowParts { chosen, cell, branch } = parts;
    effect(move || {
        if state.wanted.get() == Some(index) && focus_row(index) {
            state.wanted.set(None);
        }
    });
    let cells = reactive(move || {
        state
            .columns
            .get()
            .into_iter()
            .map(&cell)
            .collect::<Vec<_>>()
            .into_any()
    });
    let in_tree = move || branch.filter(|branch| branch.tree.get());
    let level = reactive(move || in_tree().map(|branch| branch.level.get().to_string()));
    view! {
        <tr
            class="row"
            class:selected=chosen
            aria-rowindex=(index + 2).to_string()
            {..custom_attribute("aria-level", level)}
            aria-expanded=move || in_tree().and_then(|branch| branch.open.get()).map(|open| open.to_string())
        >
            {cells}
        </tr>
    }
}

/// The link in a row that leads to its details. The arrow keys go from one to the next.
pub fn row_link(
    index: usize,
    href: SharedReactiveFunction<String>,
    words: SharedReactiveFunction<String>,
) -> AnyView {
    let title = words.clone();
    view! {
        <a class="row-link" href=href data-index=index.to_string() data-noscroll="true" title=title>
            {words}
        </a>
    }
}

/// Stands for rows that are not in the document. Its height is set by script on the element, not by an attribute.
#[component]
fn Spacer(rows: Signal<usize>, state: GridState) -> impl IntoView {
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
fn step(state: GridState, event: &web_sys::KeyboardEvent) {
    let Some(index) = row_of(event) else { return };
    let to = match event.key().as_str() {
        "ArrowDown" => index + 1,
        "ArrowUp" => index.saturating_sub(1),
        _ => return,
    };
    event.prevent_default();
    state.go_to(to);
}

/// The place of the row whose link has the focus.
pub fn row_of(event: &web_sys::Event) -> Option<usize> {
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    target.get_attribute("data-index")?.parse().ok()
}

/// Moves the focus to the row at a place; false when it is not in the document.
fn focus_row(index: usize) -> bool {
    let link = document()
        .query_selector(&format!(".row-link[data-index='{index}']"))
        .ok()
        .flatten()
        .and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    // An element of the document can always be asked to take the focus.
    link.is_some_and(|link| link.focus().is_ok())
}

/// Whether the keys go to no element of the page.
fn nothing_has_focus() -> bool {
    let active = document().active_element();
    active.is_none_or(|element| element.tag_name() == "BODY")
}

impl GridState {
    /// Moves the focus to the row at a place, or to the last, which may be far from what is on screen: a row that is not in the
    /// document takes the focus when it is drawn.
    pub fn go_to(&self, index: usize) {
        let Some(last) = self.total.get_untracked().checked_sub(1) else {
            return;
        };
        let index = index.min(last);
        self.wanted.set(Some(index));
        if self.window.with_untracked(|window| window.contains(&index)) {
            return;
        }
        let height = self.scroll.with_untracked(|scroll| scroll.row_height);
        if let Ok(Some(scroller)) = document().query_selector(".long-table") {
            // The table takes its measures again when it has scrolled.
            scroller.set_scroll_top((index as f64 * height) as i32);
        }
    }
}
