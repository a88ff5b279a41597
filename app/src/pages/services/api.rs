use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// What is asked for. `by_itself`: the page asks again without anybody having done anything.
#[server(prefix = "/api/fn", endpoint = "services", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_services(
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
    use farol_model::{Permission, action::Target, service};
    let (ports, viewer) = crate::request::allowed(Permission::ViewProcesses)?;
    let asked = format!("{sort} {from} {count} {text}");
    let sort = Sort::parse(&sort, &table::HEADS).unwrap_or(table::SUBJECT.usual);
    let key = table::HEADS.get(sort.column).map_or("", |head| head.key);
    let query = service::ServiceQuery {
        text,
        sort: service::ServiceSort::parse(key).unwrap_or_default(),
        descending: sort.descending,
        offset: from,
        limit: count,
    };
    let page = ports.services.page(&viewer, &query).map_err(refuse)?;
    let chosen = match id.is_empty() {
        true => None,
        false => ports.services.one(&viewer, &id).await.map_err(refuse)?,
    };
    let log = match &chosen {
        Some(chosen) if lines && viewer.may(Permission::ViewLogs) => {
            let lines = ports.services.log(&viewer, &chosen.row.name, by_itself).await;
            words::log(lines)
        }
        Some(_) if lines => (Vec::new(), "Your role may not read logs.".to_owned()),
        _ => Default::default(),
    };
    let specs = match by_itself {
        true => Vec::new(),
        false => ports.control.specs_on(&viewer, Some(Target::Service)),
    };
    let t_ms = page.state.t_ms;
    PageData::of(Watched {
        head: words::head(&page),
        absent: words::absent(&page.state),
        matching: page.matching,
        from,
        rows: page.rows.iter().map(|row| words::cells(row, t_ms)).collect(),
        asked,
        gone: !id.is_empty() && chosen.is_none(),
        id,
        facts: chosen
            .as_ref()
            .map_or_else(Vec::new, |chosen| words::facts(chosen, t_ms)),
        vital: chosen.and_then(|chosen| chosen.vital).unwrap_or_default(),
        lines: log.0,
        lines_why: log.1,
        actions: words::orders(specs),
        key_seed: crate::request::key_seed(t_ms),
        ..Default::default()
    })
}
