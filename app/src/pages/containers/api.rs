use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// What is asked for. `wants` of the row `id`: `more` about how it is made, its `charts`, or both. `by_itself`: the page asks again
/// without anybody having done anything.
#[server(prefix = "/api/fn", endpoint = "containers", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_containers(
    #[server(default)] sort: String,
    #[server(default)] text: String,
    #[server(default)] from: u32,
    #[server(default)] count: u32,
    #[server(default)] id: String,
    #[server(default)] wants: String,
    #[server(default)] by_itself: bool,
) -> Result<PageData, AppError> {
    use super::{drawn, table, words};
    use crate::{pages::watched::Watched, request::refuse, ui::grid::Sort};
    use farol_model::{Permission, action::Target, container};
    /// How far back charts reach when the details open, milliseconds.
    const HISTORY_MS: u32 = 300_000;
    let (ports, viewer) = crate::request::allowed(Permission::ViewProcesses)?;
    let (more, charts) = (wants.contains("more"), wants.contains("charts"));
    let asked = format!("{sort} {from} {count} {text}");
    let sort = Sort::parse(&sort, &table::HEADS).unwrap_or(table::USUAL);
    let key = table::HEADS.get(sort.column).map_or("", |head| head.key);
    let query = container::ContainerQuery {
        text,
        sort: container::ContainerSort::parse(key).unwrap_or_default(),
        // An age is greater the earlier it began.
        descending: sort.descending != (key == "created"),
        offset: from,
        limit: count,
    };
    let page = ports.containers.page(&viewer, &query).map_err(refuse)?;
    let chosen = ports.containers.one(&viewer, &id).map_err(refuse)?;
    let seen = match (more, &chosen) {
        (true, Some(row)) => ports.containers.inspect(&viewer, &row.id).await.map_err(refuse)?,
        _ => container::ContainerDetails::default(),
    };
    let channel = chosen
        .as_ref()
        .and_then(|row| row.channel.clone())
        .filter(|_| charts);
    let panels = match by_itself {
        true => Vec::new(),
        false => ports.control.specs_on(&viewer, Some(Target::Container)),
    };
    PageData::of(Watched {
        head: words::head(&page),
        notice: drawn::notice(&page),
        matching: page.matching,
        from,
        rows: page.rows.iter().map(|row| words::cells(row, page.t_ms)).collect(),
        asked,
        gone: !id.is_empty() && chosen.is_none(),
        id,
        facts: chosen.map_or_else(Vec::new, |row| words::facts(&row, page.t_ms)),
        lines: drawn::made(seen),
        charts: channel
            .and_then(|channel| ports.metrics.view(&channel, HISTORY_MS))
            .into_iter()
            .collect(),
        actions: panels,
        key_seed: crate::request::key_seed(page.t_ms),
        ..Default::default()
    })
}
