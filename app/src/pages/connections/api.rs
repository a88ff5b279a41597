use crate::{
    error::AppError,
    page_data::{Answer, PageData},
    watched::Question,
};
use leptos::prelude::*;
use std::{future::Future, pin::Pin};

/// Asks for a part of the table.
pub fn ask(question: Question) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
    let Question {
        sort,
        text,
        from,
        count,
        id,
        ..
    } = question;
    Box::pin(get_connections(
        sort,
        text,
        from,
        count,
        id,
        question.more,
        question.by_itself,
    ))
}

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
    use crate::{request::refuse, ui::grid::Sort, watched::TableView};
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
    PageData::of(TableView {
        head: words::head(&page),
        matching: page.matching,
        from,
        rows: page.rows.iter().map(|row| words::cells(row, page.t_ms)).collect(),
        asked,
        gone: !id.is_empty() && chosen.is_none(),
        id,
        facts: chosen.map_or_else(Vec::new, |row| words::facts(&row, page.t_ms)),
        more: seen.into_iter().map(words::frame).collect(),
        panels: specs
            .into_iter()
            .filter(|spec| spec.id == DISCONNECT_ACTION)
            .collect(),
        key_seed: crate::request::key_seed(page.t_ms),
        ..Default::default()
    })
}
