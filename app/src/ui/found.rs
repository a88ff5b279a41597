use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// One thing that was found: kind, title, what it is, where it is, and the action that Enter starts with the key of its run, if
/// it starts one.
pub type Found = Vec<String>;

/// The text, and what was found for it ([`Found`]), the best first.
#[server(prefix = "/api/fn", endpoint = "find", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn find(#[server(default)] text: String) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::ports::signed_in().map_err(crate::request::refuse)?;
    let found = super::search::search(&ports, &viewer, &text);
    PageData::of((text, found))
}
