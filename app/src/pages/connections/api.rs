use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// What is asked for. `by_itself`: the page asks again without anybody having done anything.
#[server(prefix = "/api/fn", endpoint = "connections", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_connections(
    #[server(default)] sort: String,
    #[server(default)] text: String,
    #[server(default)] from: u32,
    #[server(default)] count: u32,
    #[server(default)] id: String,
    #[server(default)] lines: bool,
    #[server(default)] by_itself: bool,
) -> Result<PageData, AppError> {
    use super::{table, words};
    use crate::{pages::watched::Watched, request::refuse, ui::grid::Sort};
    use farol_model::{Permission, action::Target, connection};
    let (ports, viewer) = crate::request::allowed(Permission::ViewConnections)?;
    let asked = format!("{sort} {from} {count} {text}");
    let sort = Sort::parse(&sort, &table::HEADS).unwrap_or(table::SUBJECT.usual);
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
    let seen = match (lines, &chosen) {
        (true, Some(row)) => ports.connections.frames(&viewer, &row.id).map_err(refuse)?,
        _ => Vec::new(),
    };
    let specs = match by_itself {
        true => Vec::new(),
        false => ports.control.specs_on(&viewer, Some(Target::Connection)),
    };
    PageData::of(Watched {
        head: words::head(&page),
        matching: page.matching,
        from,
        rows: page.rows.iter().map(|row| words::cells(row, page.t_ms)).collect(),
        asked,
        gone: !id.is_empty() && chosen.is_none(),
        id,
        facts: chosen.map_or_else(Vec::new, |row| words::facts(&row, page.t_ms)),
        lines: seen.into_iter().map(words::frame).collect(),
        actions: specs,
        key_seed: crate::request::key_seed(page.t_ms),
        ..Default::default()
    })
}
