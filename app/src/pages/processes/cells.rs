//! One cell per column. Each follows its own row and redraws nothing else.

use super::{
    state::TableState,
    table::{Column, HEADS, key},
};
use crate::prelude::*;
use crate::{
    feed::{bytes, bytes_per_second},
    ui::{
        Glyph, Icon, Moment,
        grid::{Branch, Head, RowParts, row_link},
    },
};
use farol_model::process::ProcessRow;

/// The row that stands at `index`.
pub fn row(state: TableState, index: usize) -> RowParts {
    let row = Memo::new(move |_| state.row_at(index));
    let chosen = Memo::new(move |_| {
        row.with(|row| {
            row.as_ref()
                .is_some_and(|row| state.selected.get() == Some(key(row)))
        })
    });
    RowParts {
        chosen: Box::new(move || chosen.get()),
        cell: Box::new(move |column| cell(column, row, state, index)),
        branch: Some(Branch {
            tree: state.tree,
            level: Signal::derive(move || state.place(index).level),
            open: Signal::derive(move || state.place(index).open),
        }),
    }
}

fn cell(column: usize, row: Memo<Option<ProcessRow>>, state: TableState, index: usize) -> AnyView {
    let class = HEADS.get(column).map_or_else(String::new, Head::class);
    let text = move |read: fn(&ProcessRow) -> String| {
        let value = Memo::new(move |_| row.with(|row| row.as_ref().map(read).unwrap_or_default()));
        reactive(move || value.get())
    };
    let content = match Column::at(column) {
        Column::Name => name(row, state, index),
        Column::Cpu => view! { <CpuCell row/> },
        Column::Start => {
            let at_ms = Signal::derive(move || row.with(|row| row.as_ref().map_or(0, |row| row.start_ms)));
            view! { <Moment at_ms/> }
        }
        Column::Pid => text(|row| row.pid.to_string()).into_any(),
        Column::User => text(|row| row.user.clone()).into_any(),
        Column::State => text(|row| row.state.clone()).into_any(),
        Column::Memory => text(|row| bytes(row.memory_bytes as f64)).into_any(),
        Column::Read => text(|row| rate(row.io_known, row.read_bytes_per_second)).into_any(),
        Column::Written => text(|row| rate(row.io_known, row.written_bytes_per_second)).into_any(),
        Column::Threads => text(|row| row.threads.to_string()).into_any(),
        Column::Parent => text(|row| row.parent.to_string()).into_any(),
        Column::Command => {
            let command = text(|row| row.command.clone());
            let shown = command.clone();
            return view! {
                <td class=format!("{class} mono") title=command>
                    {shown}
                </td>
            };
        }
    };
    view! { <td class=class>{content}</td> }
}

/// A rate, or a dash where the machine does not let us read it.
pub fn rate(known: bool, per_second: u64) -> String {
    if known {
        bytes_per_second(per_second as f64)
    } else {
        "–".to_owned()
    }
}

/// The name leads to the details.
fn name(row: Memo<Option<ProcessRow>>, state: TableState, index: usize) -> AnyView {
    let href = reactive(move || row.with(|row| row.as_ref().map_or_else(String::new, |row| state.href(row))));
    let name =
        reactive(move || row.with(|row| row.as_ref().map_or_else(String::new, |row| row.name.clone())));
    let twist = reactive(move || {
        let open = state.place(index).open.filter(|_| state.tree.get());
        match open {
            None => ().into_any(),
            // For the pointer: the keyboard folds from the link, and the row says whether it is open.
            Some(_) => view! {
                <span class="twist js-only" aria-hidden="true" on:click=move |_| state.fold(index)>
                    <Icon glyph=Glyph::Arrow small=true/>
                </span>
            },
        }
    });
    view! { <div class="tree-cell">{twist} {row_link(index, href, name)}</div> }
}

/// Percent of one core, with a bar behind it that is full at one core.
#[component]
fn CpuCell(row: Memo<Option<ProcessRow>>) -> impl IntoView {
    let percent =
        Signal::derive(move || row.with(|row| row.as_ref().map_or(0.0, |row| f64::from(row.cpu_percent))));
    view! {
        <div class="cpu-cell">
            <Bar percent/>
            <span>{move || format!("{:.1} %", percent.get())}</span>
        </div>
    }
}

/// A bar from 0 to 100, by SVG attributes: an inline style would be refused.
#[component]
pub fn Bar(percent: Signal<f64>) -> impl IntoView {
    view! {
        <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
            <rect class="bar-track" width="100" height="6" rx="3"></rect>
            <rect class="bar-fill" width=move || format!("{:.1}", percent.get().clamp(0.0, 100.0)) height="6" rx="3"></rect>
        </svg>
    }
}
