use super::api::{get_comparison, get_runs};
use crate::pages::whole::{Whole, whole};
use crate::prelude::*;

static RUNS: Whole = Whole {
    title: "Runs",
    // To compare trees is the browser's business.
    script: "/run/list.js",
    list: "runs",
    charts: false,
    ask: |word| {
        Box::pin(get_runs(
            word("action"),
            word("who"),
            word("status"),
            word("hours"),
            word("before"),
        ))
    },
};

static COMPARISON: Whole = Whole {
    title: "Compare runs",
    script: "",
    list: "",
    charts: false,
    ask: |word| Box::pin(get_comparison(word("first"), word("second"))),
};

#[component]
pub fn RunsPage() -> AnyView {
    whole(&RUNS)
}

#[component]
pub fn ComparePage() -> AnyView {
    whole(&COMPARISON)
}
