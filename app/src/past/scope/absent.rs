//! The scope where there is no browser: what the server drew is all there is.

use super::Ask;
use leptos::{html, prelude::*};

pub(super) fn mount(root: NodeRef<html::Div>, query: Memo<String>, subject: fn(&str) -> String, ask: Ask) {
    let _ = (root, query, subject, ask);
}
