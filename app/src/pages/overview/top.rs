//! The busiest and the largest processes.

use crate::prelude::*;
use crate::{
    feed::{self, bytes},
    pages::processes::{Bar, Column, key, order},
    ui::{Card, grid::Sort},
};
use farol_model::process::ProcessRow;

/// The first rows of one order.
pub fn top(rows: &[ProcessRow], column: Column, count: usize) -> Vec<ProcessRow> {
    order(
        rows,
        Sort {
            column: column as usize,
            descending: true,
        },
        "",
    )
    .into_iter()
    .take(count)
    .map(|at| rows[at].clone())
    .collect()
}

/// The first rows of both orders, each row once.
pub fn both(rows: &[ProcessRow], count: usize) -> Vec<ProcessRow> {
    let mut found = top(rows, Column::Cpu, count);
    for row in top(rows, Column::Memory, count) {
        if !found.iter().any(|other| key(other) == key(&row)) {
            found.push(row);
        }
    }
    found
}

/// Both lists side by side, live.
#[component]
pub fn TopProcesses(first: Vec<ProcessRow>, t_ms: i64, memory_bytes: u64) -> AnyView {
    let rows = feed::processes(t_ms, first);
    view! {
        <TopList title="Busiest processes" rows column=Column::Cpu memory_bytes/>
        <TopList title="Largest processes" rows column=Column::Memory memory_bytes/>
    }
}

#[component]
fn TopList(title: &'static str, rows: feed::Processes, column: Column, memory_bytes: u64) -> AnyView {
    let shown = Memo::new(move |_| rows.with(|rows| top(rows, column, super::api::LIST_ROWS)));
    let lines = (0..super::api::LIST_ROWS)
        .map(|at| {
            let row = Memo::new(move |_| shown.with(|rows| rows.get(at).cloned()));
            view! { <Line row column memory_bytes/> }
        })
        .collect::<Vec<_>>();
    view! {
        <Card title class="half" flush=true more=("/processes", "All processes")>
            <table class="table top-list plain-head">
                <caption class="visually-hidden">{title}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col" class="bar-cell">
                            <span class="visually-hidden">"Share"</span>
                        </th>
                        <th scope="col" class="number">
                            {column.title()}
                        </th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </table>
        </Card>
    }
}

#[component]
fn Line(row: Memo<Option<ProcessRow>>, column: Column, memory_bytes: u64) -> AnyView {
    let read = move |value: fn(&ProcessRow) -> String| {
        reactive(move || row.with(|row| row.as_ref().map(value).unwrap_or_default()))
    };
    let share = Signal::derive(move || {
        row.with(|row| match (row, column) {
            (Some(row), Column::Memory) => row.memory_bytes as f64 / memory_bytes.max(1) as f64 * 100.0,
            (Some(row), _) => f64::from(row.cpu_percent),
            (None, _) => 0.0,
        })
    });
    let value = reactive(move || {
        row.with(|row| {
            row.as_ref().map_or_else(String::new, |row| match column {
                Column::Memory => bytes(row.memory_bytes as f64),
                _ => format!("{:.1} %", f64::from(row.cpu_percent)),
            })
        })
    });
    view! {
        <tr hidden=move || row.with(Option::is_none)>
            <td>
                <a
                    class="row-link"
                    href=read(|row| format!("/processes?pid={}&start={}", row.pid, row.start_ms))
                    title=read(|row| row.command.clone())
                >
                    {read(|row| row.name.clone())}
                </a>
            </td>
            <td class="bar-cell">
                <Bar percent=share/>
            </td>
            <td class="number">{value}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_busy_and_large_is_sent_once() {
        let row = |pid: u32, cpu_percent: f32, memory_bytes: u64| ProcessRow {
            pid,
            cpu_percent,
            memory_bytes,
            ..Default::default()
        };
        let rows = [row(1, 90.0, 900), row(2, 10.0, 100), row(3, 0.0, 800)];
        let pids: Vec<u32> = both(&rows, 2).iter().map(|row| row.pid).collect();
        assert_eq!(pids, [1, 2, 3]);
        assert_eq!(top(&rows, Column::Memory, 1)[0].pid, 1);
    }
}
