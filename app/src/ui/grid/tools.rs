//! What stands above a table: filter and choice of columns.

use super::GridState;
use crate::prelude::*;
use crate::ui::{Glyph, Icon};

/// Stands in the form that holds the table.
#[component]
pub fn GridTools(
    state: GridState,
    /// What the filter looks at.
    label: &'static str,
    /// The column that leads to the details; it always stays.
    fixed: usize,
) -> AnyView {
    let text = state.choice.text;
    view! {
        <div class="page-head-end">
            <input type="hidden" name="order" value=move || state.word()/>
            <div class="search-input">
                <Icon glyph=Glyph::Search/>
                <input
                    class="input"
                    type="search"
                    name="q"
                    maxlength="200"
                    aria-label=label
                    placeholder="Filter"
                    autocomplete="off"
                    value=text.get_untracked()
                    on:input:target=move |event| text.set(event.target().value())
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
                    <ColumnChoice state fixed/>
                </div>
            </details>
        </div>
    }
}

#[component]
fn ColumnChoice(state: GridState, fixed: usize) -> AnyView {
    let columns = state.columns;
    let heads = state
        .heads
        .iter()
        .enumerate()
        .filter(|(column, _)| *column != fixed);
    let choices = heads
        .map(|(column, head)| {
            view! {
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=move || columns.with(|columns| columns.contains(&column))
                        on:change:target=move |event| {
                            let wanted = event.target().checked();
                            columns
                                .update(|columns| {
                                    *columns = (0..state.heads.len())
                                        .filter(|one| if *one == column { wanted } else { columns.contains(one) })
                                        .collect();
                                });
                        }
                    />
                    {head.title}
                </label>
            }
        })
        .collect::<Vec<_>>();
    view! { <div class="columns-list">{choices}</div> }
}
