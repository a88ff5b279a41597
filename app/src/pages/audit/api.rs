use crate::{error::AppError, page_data::PageData};
use leptos::prelude::*;

/// One page of the log as HTML.
#[server(prefix = "/api/fn", endpoint = "audit", output = crate::json::Json, input = server_fn::codec::GetUrl)]
pub async fn get_audit(
    #[server(default)] text: String,
    #[server(default)] outcome: String,
    #[server(default)] before: String,
) -> Result<PageData, AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewAudit)?;
    let query = farol_model::audit::AuditQuery {
        text,
        outcome,
        before: before.parse().unwrap_or_default(),
    };
    let page = ports.audit.page(&viewer, query.clone()).await;
    PageData::drawn(super::drawn::audit(
        &page.map_err(crate::request::refuse)?,
        &query,
    ))
}
