use super::table::Row;
use crate::{error::AppError, page_data::PageData};
use farol_model::{action::ActionSpec, fields};
use leptos::prelude::*;
use serde::Serialize;

/// A part of the table, with what stands around it. Numbers are in words already: the browser only places them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ConnectionsView {
    /// How many there are or match, when it was looked, then one value per title of the head line.
    pub head: Vec<String>,
    /// Rows that the filter lets through.
    pub matching: u32,
    /// Place of the first of `rows` among them.
    pub from: u32,
    pub rows: Vec<Row>,
    /// Order, filter and place that were asked for.
    pub asked: String,
    /// The connection whose details were asked for.
    pub id: String,
    /// It is not there now.
    pub gone: bool,
    /// Its details, in the order of their titles.
    pub facts: Vec<String>,
    /// Its last frames, if they were asked for: milliseconds since the epoch, which way and how large, what.
    pub frames: Vec<Row>,
    /// The action that ends a connection, when this viewer may run it. Comes with the page only.
    pub disconnect: Option<ActionSpec>,
    /// What keys of this page's forms start with; another in each answer.
    pub key_seed: String,
}

fields!(ConnectionsView {
    head,
    matching,
    from,
    rows,
    asked,
    id,
    gone,
    facts,
    frames,
    disconnect,
    key_seed
});

/// What is asked for. `by_itself`: the page asks again without anybody having done anything.
#[server(prefix = "/api/fn", endpoint = "connections", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_connections(
    #[server(default)] sort: String,
    #[server(default)] text: String,
    #[server(default)] from: u32,
    #[server(default)] count: u32,
    #[server(default)] id: String,
    #[server(default)] frames: bool,
    #[server(default)] by_itself: bool,
) -> Result<PageData, AppError> {
    use super::{table, words};
    use crate::{request::refuse, ui::grid::Sort};
    use farol_model::{Permission, connection};
    /// The action that the panel in the details draws.
    const DISCONNECT_ACTION: &str = "live.disconnect";
    let (ports, viewer) = crate::request::allowed(Permission::ViewConnections)?;
    let asked = format!("{sort} {from} {count} {text}");
    let sort = Sort::parse(&sort, &table::HEADS).unwrap_or(table::USUAL);
    let key = table::HEADS.get(sort.column).map_or("", |head| head.key);
    let query = connection::ConnectionQuery {
        text,
        sort: connection::ConnectionSort::parse(key).unwrap_or_default(),
        descending: sort.descending,
        offset: from,
        limit: count,
    };
    let page = ports.connections.page(&viewer, &query).map_err(refuse)?;
    let chosen = ports.connections.one(&viewer, &id).map_err(refuse)?;
    let seen = match (frames, &chosen) {
        (true, Some(row)) => ports.connections.frames(&viewer, &row.id).map_err(refuse)?,
        _ => Vec::new(),
    };
    let specs = match by_itself {
        true => Vec::new(),
        false => ports.control.specs(&viewer),
    };
    PageData::of(ConnectionsView {
        head: words::head(&page),
        matching: page.matching,
        from,
        rows: page.rows.iter().map(|row| words::cells(row, page.t_ms)).collect(),
        asked,
        gone: !id.is_empty() && chosen.is_none(),
        id,
        facts: chosen.map_or_else(Vec::new, |row| words::facts(&row, page.t_ms)),
        frames: seen.into_iter().map(words::frame).collect(),
        disconnect: specs.into_iter().find(|spec| spec.id == DISCONNECT_ACTION),
        key_seed: crate::request::key_seed(page.t_ms),
    })
}
