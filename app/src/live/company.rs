//! Who else looks at this page, for the top bar: marks for the eye, one sentence for the pointer and for screen readers.

use super::{
    handles::use_people,
    people::{marks, room_of, told},
};
use crate::pages;
use crate::prelude::*;
use leptos_router::hooks::use_location;

/// Nothing while nobody else is here.
#[component]
pub fn Company(
    /// The viewer's own user id.
    me: i64,
) -> AnyView {
    let path = use_location().pathname;
    let drawn = reactive(move || {
        let path = path.get();
        match pages::page_of(&path) {
            Some(_) => view! { <Room room=room_of(&path) me/> },
            None => ().into_any(),
        }
    });
    drawn.into_any()
}

#[component]
fn Room(room: String, me: i64) -> AnyView {
    let people = use_people(&room);
    let me = me.to_string();
    // Read with each change of who is there, which is rare.
    let others = move || people.with(|people| people.others(&me));
    let words = {
        let others = others.clone();
        reactive(move || told(&others()))
    };
    let title = words.clone();
    let drawn = reactive(move || {
        marks(&others())
            .into_iter()
            .map(mark)
            .collect::<Vec<_>>()
            .into_any()
    });
    view! {
        <span class="company" title=title>
            <span class="visually-hidden" role="status">{words}</span>
            <span class="company-marks" aria-hidden="true">{drawn}</span>
        </span>
    }
}

fn mark(word: String) -> AnyView {
    view! { <span class="company-mark">{word}</span> }
}
