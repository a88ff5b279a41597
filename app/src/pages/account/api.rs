use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// The page as HTML, for its owner only. `told` is what came of the last form.
#[server(prefix = "/api/fn", endpoint = "account", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_account(#[server(default)] told: String) -> Result<PageData, AppError> {
    let (ports, _) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let view = ports.account.view().await.map_err(crate::request::refuse)?;
    PageData::drawn(super::drawn::account(view, &told))
}
