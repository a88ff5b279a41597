//! Short news that nobody asked for: at most three at once, the oldest goes first, each after eight seconds.

use super::{badge::Tone, notice::Notice};
use crate::prelude::*;
use std::time::Duration;

/// How many are shown at once.
const MOST: usize = 3;
/// How long one stays.
const STAYS: Duration = Duration::from_secs(8);

#[derive(Debug, Clone)]
struct Toast {
    id: u64,
    tone: Tone,
    title: String,
    text: String,
}

/// The handle by which any component says something. Provided by the frame.
#[derive(Debug, Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next: StoredValue<u64>,
}

impl Toasts {
    /// Puts a fresh handle into context.
    pub fn provide() -> Self {
        let toasts = Toasts {
            shown: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
        };
        provide_context(toasts);
        toasts
    }

    pub fn say(&self, tone: Tone, title: impl Into<String>, text: impl Into<String>) {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        let toast = Toast {
            id,
            tone,
            title: title.into(),
            text: text.into(),
        };
        let shown = self.shown;
        shown.update(|all| {
            all.push(toast);
            if all.len() > MOST {
                all.remove(0);
            }
        });
        set_timeout(
            move || {
                // None when the frame is gone by then.
                let _ = shown.try_update(|all| all.retain(|toast| toast.id != id));
            },
            STAYS,
        );
    }
}

/// Where they appear.
#[component]
pub fn ToastArea(toasts: Toasts) -> AnyView {
    view! {
        <section class="toasts" aria-label="News" aria-live="polite">
            {move || {
                let shown = toasts.shown.get().into_iter();
                shown
                    .map(|toast| view! { <Notice tone=toast.tone title=toast.title text=toast.text/> })
                    .collect::<Vec<_>>().into_any()
            }}
        </section>
    }
}
