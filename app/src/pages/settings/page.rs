use super::api::get_settings;
use crate::page_data::Answer;
use crate::pages::whole::{Whole, Word, whole};
use crate::prelude::*;
use std::{future::Future, pin::Pin};

static SETTINGS: Whole = Whole {
    title: "Settings",
    script: "",
    list: "",
    charts: false,
    ask: |word| ask(word("section"), word),
};

static USERS: Whole = Whole {
    ask: |word| ask("users".to_owned(), word),
    ..SETTINGS
};

fn ask(section: String, word: Word<'_>) -> Pin<Box<dyn Future<Output = Answer> + Send>> {
    Box::pin(get_settings(
        section,
        word("name"),
        word("text"),
        word("page"),
        word("of"),
        word("said"),
    ))
}

/// The section that the address names, or the first.
#[component]
pub fn SettingsPage() -> AnyView {
    whole(&SETTINGS)
}

/// All users, or the one that the address names.
#[component]
pub fn UsersPage() -> AnyView {
    whole(&USERS)
}
