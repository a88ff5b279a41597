use crate::{error::AppError, page_data::PageData};
use farol_model::{action::ActionSpec, fields, packed, process::ProcessRow};
use leptos::prelude::*;
use serde::Serialize;

/// The table as it was when the page was drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessesView {
    /// Time of the table.
    pub t_ms: i64,
    /// The first rows of the order and filter that were asked for.
    #[serde(serialize_with = "packed::rows::serialize")]
    pub rows: Vec<ProcessRow>,
    /// How many there are in all.
    pub total: u32,
    /// The row whose details were asked for; none when it does not run any more.
    #[serde(serialize_with = "packed::rows::serialize")]
    pub selected: Vec<ProcessRow>,
    /// The action behind "Send a signal", when this viewer may run it.
    pub signal: Option<ActionSpec>,
    /// What keys of this page's forms start with.
    pub key_seed: String,
}

fields!(ProcessesView {
    t_ms,
    rows by packed::rows::from_json,
    total,
    selected by packed::rows::from_json,
    signal,
    key_seed,
});

/// Read once per page; after that the table is live.
#[server(prefix = "/api/fn", endpoint = "processes", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_processes(
    #[server(default)] sort: String,
    #[server(default)] text: String,
    #[server(default)] pid: Option<u32>,
) -> Result<PageData, AppError> {
    use super::table::{HEADS, USUAL, order};
    use crate::ui::grid::{FIRST_ROWS, Sort};
    /// The action that the panel beside the details draws.
    const SIGNAL_ACTION: &str = "process.signal";
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewProcesses)?;
    let (t_ms, rows) = ports.metrics.processes();
    let sort = Sort::parse(&sort, &HEADS).unwrap_or(USUAL);
    let first = order(&rows, sort, &text)
        .into_iter()
        .take(FIRST_ROWS)
        .map(|at| rows[at].clone())
        .collect();
    PageData::of(ProcessesView {
        t_ms,
        rows: first,
        total: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        selected: rows.iter().filter(|row| Some(row.pid) == pid).cloned().collect(),
        signal: ports
            .control
            .specs(&viewer)
            .into_iter()
            .find(|spec| spec.id == SIGNAL_ACTION),
        key_seed: crate::request::key_seed(ports.metrics.now_ms()),
    })
}
