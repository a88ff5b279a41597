use crate::error::AppError;
use farol_model::audit::AuditPage;

use leptos::prelude::*;

/// One page of the log.
#[server(prefix = "/api/fn", endpoint = "audit", input = server_fn::codec::GetUrl)]
pub async fn get_audit(
    #[server(default)] text: String,
    #[server(default)] outcome: String,
    #[server(default)] before: i64,
) -> Result<AuditPage, AppError> {
    let (ports, viewer) = crate::request::allowed(farol_model::Permission::ViewAudit)?;
    let query = farol_model::audit::AuditQuery {
        text,
        outcome,
        before,
    };
    ports
        .audit
        .page(&viewer, query)
        .await
        .map_err(crate::request::refuse)
}
