use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// The page as HTML.
#[server(prefix = "/api/fn", endpoint = "lab", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_lab() -> Result<PageData, AppError> {
    let (ports, _) = crate::request::allowed(farol_model::Permission::ViewMetrics)?;
    PageData::drawn(super::drawn::lab(ports.metrics.channels()))
}
