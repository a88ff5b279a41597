//! Health of collectors as a list.

use crate::prelude::*;
use crate::{
    pages::controls::words::ago,
    ui::{Badge, Empty, Glyph, Tone},
};
use farol_model::health::{CollectorState, CollectorStatus};

/// How a state is shown, and the reason in words.
pub fn state_words(state: &CollectorState) -> (Tone, Glyph, &'static str, String) {
    match state {
        CollectorState::Starting => (
            Tone::Info,
            Glyph::Clock,
            "Starting",
            "Has not answered yet.".to_owned(),
        ),
        CollectorState::Live => (Tone::Ok, Glyph::Check, "Live", String::new()),
        CollectorState::Paused => (
            Tone::Warn,
            Glyph::Pause,
            "Paused",
            "Stopped by an operator.".to_owned(),
        ),
        CollectorState::Unavailable { reason } => {
            (Tone::Neutral, Glyph::Eye, "Not available here", reason.clone())
        }
        CollectorState::Failed { reason, failures, .. } => (
            Tone::Crit,
            Glyph::Alert,
            "Failing",
            match failures {
                0 | 1 => reason.clone(),
                more => format!("{reason} Failed {more} times in a row."),
            },
        ),
    }
}

#[component]
pub fn CollectorList(collectors: Signal<Vec<CollectorStatus>>, now_ms: i64) -> AnyView {
    let rows = reactive(move || {
        let all = collectors.get();
        if all.is_empty() {
            return view! {
                <Empty glyph=Glyph::Check title="Everything is measured" text="All collectors answer. One that does not is listed here with its reason."/>
            };
        }
        let rows = all
            .into_iter()
            .map(|one| {
                let (tone, glyph, word, reason) = state_words(&one.state);
                let since = one
                    .last_ok_ms
                    .map(|at_ms| format!("last answer {}", ago(at_ms, now_ms)));
                view! {
                    <li>
                        <div class="list-main">
                            <span>{one.title}</span>
                            <small title=reason.clone()>{reason.clone()}</small>
                        </div>
                        <span class="list-end">{since}</span>
                        <Badge tone glyph word/>
                    </li>
                }
            })
            .collect::<Vec<_>>();
        view! { <ul class="list">{rows}</ul> }
    });
    rows.into_any()
}
