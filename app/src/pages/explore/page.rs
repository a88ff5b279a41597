use super::api::get_explore;
use crate::pages::whole::{ADDRESS, BY_ITSELF, Whole, whole};
use crate::prelude::*;

static EXPLORE: Whole = Whole {
    title: "Explore",
    // Finds while one types, and puts a file into the field for one.
    script: "/explore/page.js",
    list: "",
    charts: true,
    ask: |word| Box::pin(get_explore(word(ADDRESS), word(BY_ITSELF) == "true")),
};

static BOARDS: Whole = Whole {
    title: "Boards",
    ..EXPLORE
};

#[component]
pub fn ExplorePage() -> AnyView {
    whole(&EXPLORE)
}

/// All boards, or the one that the address names.
#[component]
pub fn BoardsPage() -> AnyView {
    whole(&BOARDS)
}
