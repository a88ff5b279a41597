use super::api::get_audit;
use crate::pages::whole::{Whole, whole};
use crate::prelude::*;

static AUDIT: Whole = Whole {
    title: "Audit",
    script: "",
    list: "",
    charts: false,
    ask: |word| Box::pin(get_audit(word("text"), word("outcome"), word("before"))),
};

#[component]
pub fn AuditLogPage() -> AnyView {
    whole(&AUDIT)
}
