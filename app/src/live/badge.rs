//! The connection's state for people: an icon and words.

use super::{LiveState, ladder::Rung, use_live};
use crate::prelude::*;
use leptos::leptos_dom::helpers::IntervalHandle;

/// A running interval, ended when dropped. Made by the carrier: the server has no clock that pages may read.
pub struct Clock(pub(super) Option<IntervalHandle>);

impl Drop for Clock {
    fn drop(&mut self) {
        if let Some(handle) = self.0.take() {
            handle.clear();
        }
    }
}

/// The connection's state. Counts down once a second only while there is something to count; a screen reader hears of a
/// change of state and not of each second.
#[component]
pub fn ConnectionBadge() -> impl IntoView {
    let live = use_live();
    let state = live.state;
    let now_ms = RwSignal::new(None);
    let clock = StoredValue::new(None::<Clock>);
    effect(move || live.start());
    effect(move || {
        now_ms.set(Some(Clock::now_ms()));
        let counts = state.with(LiveState::counts);
        clock.set_value(counts.then(|| {
            Clock::every_second(move || {
                let _ = now_ms.try_set(Some(Clock::now_ms()));
            })
        }));
    });
    let name = Memo::new(move |_| state.with(LiveState::name).to_owned());
    let spoken = Memo::new(move |_| {
        state.with(|state| match state {
            LiveState::Connecting | LiveState::Live(Rung::WebSocket) => String::new(),
            LiveState::Reconnecting { .. } => "Connection lost, reconnecting.".to_owned(),
            other => other.hint(),
        })
    });
    view! {
        <span class="connection" data-live=move || name.get() title=move || state.with(LiveState::hint)>
            <span class="connection-mark" aria-hidden="true"></span>
            <span class="connection-words">{move || state.with(|state| state.words(now_ms.get().unwrap_or_default()))}</span>
            <span class="visually-hidden" role="status">{move || spoken.get()}</span>
            {move || way_out(&name.get())}
        </span>
    }
}

/// What a person can do about a connection that does not come back by itself.
fn way_out(name: &str) -> AnyView {
    let (href, words) = match name {
        "signed-out" => ("/sign-in", "Sign in"),
        "failed" => ("", "Reload"),
        _ => return ().into_any(),
    };
    view! {
        <a class="link" href=href rel="external">
            {words}
        </a>
    }
}
