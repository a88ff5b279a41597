use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// One page of the settings as HTML. `section` and `name` are of the address, the others of its query.
#[server(prefix = "/api/fn", endpoint = "settings", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_settings(
    #[server(default)] section: String,
    #[server(default)] name: String,
    #[server(default)] text: String,
    #[server(default)] page: String,
    #[server(default)] of: String,
    #[server(default)] said: String,
) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let ask = super::view::Ask {
        section,
        name,
        text,
        page: page.parse().unwrap_or_default(),
        everybody: of == "all",
        said,
    };
    let view = ports.settings.view(&viewer, ask).await;
    PageData::drawn(super::drawn::settings(&view.map_err(crate::request::refuse)?))
}
