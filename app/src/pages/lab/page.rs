use super::api::get_lab;
use crate::pages::whole::{Whole, whole};
use crate::prelude::*;

static LAB: Whole = Whole {
    title: "Transport lab",
    // Fills the cells.
    script: "/lab/page.js",
    list: "",
    charts: false,
    ask: |_| Box::pin(get_lab()),
};

#[component]
pub fn LabPage() -> AnyView {
    whole(&LAB)
}
