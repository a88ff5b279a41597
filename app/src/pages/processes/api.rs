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
    /// Its open files and so on as HTML, when that was asked for.
    pub more: String,
    /// What can be done to a process, as far as this viewer may.
    pub panels: Vec<ActionSpec>,
    /// What keys of this page's forms start with.
    pub key_seed: String,
}

fields!(ProcessesView {
    t_ms,
    rows by packed::rows::from_json,
    total,
    selected by packed::rows::from_json,
    more,
    panels,
    key_seed,
});

/// Read once per page; after that the table is live. `more` reads the open files and so on of `pid`, for those who may act; a page
/// asks for them anew with `text` set to the pid, so that few rows come with them.
#[server(prefix = "/api/fn", endpoint = "processes", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_processes(
    #[server(default)] sort: String,
    #[server(default)] text: String,
    #[server(default)] pid: Option<u32>,
    #[server(default)] in_tree: bool,
    #[server(default)] more: bool,
) -> Result<PageData, AppError> {
    use super::{
        table::{HEADS, USUAL, order},
        tree::{flat, tree},
    };
    use crate::ui::grid::{FIRST_ROWS, Sort};
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewProcesses)?;
    let (t_ms, rows) = ports.metrics.processes();
    let sort = Sort::parse(&sort, &HEADS).unwrap_or(USUAL);
    let ordered = order(&rows, sort, &text);
    let places = match in_tree {
        true => tree(&rows, &ordered, &[], !text.trim().is_empty()),
        false => flat(ordered),
    };
    let first = places
        .into_iter()
        .take(FIRST_ROWS)
        .map(|place| rows[place.at].clone())
        .collect();
    let selected: Vec<ProcessRow> = rows.iter().filter(|row| Some(row.pid) == pid).cloned().collect();
    let more = match (more, selected.first()) {
        (true, Some(row)) => match ports.metrics.process(&viewer, row.pid, row.start_ms).await {
            Ok(details) => super::drawn::details(details),
            Err(fault) => super::drawn::refusal(fault.message),
        },
        _ => String::new(),
    };
    PageData::of(ProcessesView {
        t_ms,
        rows: first,
        total: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        selected,
        more,
        panels: ports
            .control
            .specs_on(&viewer, Some(farol_model::action::Target::Process)),
        key_seed: crate::request::key_seed(ports.metrics.now_ms()),
    })
}
