use super::api::get_account;
use crate::pages::whole::{Whole, whole};
use crate::prelude::*;

static ACCOUNT: Whole = Whole {
    title: "Your account",
    // Makes passkeys.
    script: "/account/passkey.js",
    list: "",
    charts: false,
    ask: |word| Box::pin(get_account(word("told"))),
};

#[component]
pub fn AccountPage() -> AnyView {
    whole(&ACCOUNT)
}
