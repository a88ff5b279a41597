//! Finds whatever there is and starts actions (Ctrl or Cmd K), and the list of keys (`?`).
//!
//! A combobox after the ARIA Authoring Practices: the focus stays in the field, arrows choose, Enter goes. The server
//! searches, one question at a time, so that the browser carries nothing to search in.

use super::{
    dialog::Dialog,
    found::{Found, find},
    icons::{Glyph, Icon},
};
use crate::prelude::*;
use crate::{browser, call::Call, pages::controls::run_action};
use farol_model::action::RunView;
use leptos::{ev::keydown, web_sys::KeyboardEvent};
use leptos_router::hooks::use_navigate;

/// What the keys do: words that never change need no code that makes them.
const KEYS: &str = "<dt><kbd>Ctrl</kbd> <kbd>K</kbd></dt><dd>Find anything, start an action</dd>\
<dt><kbd>↑</kbd> <kbd>↓</kbd></dt><dd>Move through a table</dd>\
<dt><kbd>Enter</kbd></dt><dd>Open the details of a row</dd>\
<dt><kbd>Esc</kbd></dt><dd>Close details or a dialog</dd>\
<dt><kbd>?</kbd></dt><dd>This list</dd>\
<dt>On a chart</dt><dd>Drag to zoom, Shift and drag to pan, double-click to go back; Ctrl and the wheel zoom</dd>\
<dt><kbd>←</kbd> <kbd>→</kbd></dt><dd>Read values</dd>\
<dt><kbd>Shift</kbd> <kbd>←</kbd> <kbd>→</kbd></dt><dd>Pan</dd>\
<dt><kbd>+</kbd> <kbd>-</kbd></dt><dd>Zoom</dd>\
<dt><kbd>Backspace</kbd></dt><dd>Back to the time before</dd>\
<dt><kbd>F</kbd></dt><dd>Charts on the whole screen</dd>";

/// Both dialogs and the keys that open them.
#[component]
pub fn Palette(palette_open: RwSignal<bool>, help_open: RwSignal<bool>) -> AnyView {
    effect(move || {
        let handle = window_event_listener(keydown, move |event| {
            let command = event.ctrl_key() || event.meta_key();
            match event.key().as_str() {
                "k" | "K" if command => {
                    event.prevent_default();
                    palette_open.set(true);
                }
                "?" if !command && !browser::typing() => help_open.set(true),
                _ => {}
            }
        });
        on_cleanup(move || handle.remove());
    });
    view! {
        <Search open=palette_open/>
        <Dialog id="keys" title="Keyboard shortcuts" open=help_open>
            <dl class="keys" inner_html=KEYS></dl>
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| help_open.set(false)>
                    "Close"
                </button>
            </div>
        </Dialog>
    }
}

/// What the parts of the search share.
#[derive(Clone, Copy)]
struct State {
    open: RwSignal<bool>,
    text: RwSignal<String>,
    /// The text that was answered, and what was found.
    found: RwSignal<(String, Vec<Found>)>,
    /// Which of them is chosen.
    at: RwSignal<usize>,
    /// Enter was pressed before the answer came.
    entered: RwSignal<bool>,
    /// Enter was pressed once on what runs at once.
    armed: RwSignal<bool>,
    /// What went wrong, or what is to be done next.
    said: RwSignal<String>,
    asking: Call,
    running: Call,
}

impl State {
    fn new(open: RwSignal<bool>) -> Self {
        State {
            open,
            text: RwSignal::new(String::new()),
            found: RwSignal::default(),
            at: RwSignal::new(0),
            entered: RwSignal::new(false),
            armed: RwSignal::new(false),
            said: RwSignal::new(String::new()),
            asking: Call::new(),
            running: Call::new(),
        }
    }

    /// Asks the server, and again when the text has changed meanwhile.
    fn keep_asking(self) {
        let sent = StoredValue::new(None);
        effect(move || {
            let (text, open) = (self.text.get(), self.open.get());
            if !open {
                sent.set_value(None);
                if !text.is_empty() {
                    self.text.set(String::new());
                }
            } else if !self.asking.pending() && sent.get_value().as_ref() != Some(&text) {
                sent.set_value(Some(text.clone()));
                self.asking.start(find(text));
            }
        });
        effect(move || {
            let Some(answer) = self.asking.answer() else {
                return;
            };
            match answer.and_then(|data| data.read::<(String, Vec<Found>)>()) {
                Ok(found) => {
                    self.said.set(String::new());
                    self.found.set(found);
                }
                Err(error) => self.said.set(error.to_string()),
            }
            self.choose(0);
        });
    }

    fn choose(self, at: usize) {
        self.armed.set(false);
        self.at.set(at);
    }

    fn step(self, by: isize) {
        let count = self.found.with_untracked(|found| found.1.len() as isize);
        if count > 0 {
            let at = (self.at.get_untracked() as isize + by).rem_euclid(count) as usize;
            self.choose(at);
            if let Some(row) = document().get_element_by_id(&format!("found-{at}")) {
                row.scroll_into_view_with_bool(by < 0);
            }
        }
    }

    /// The address to go to for the chosen one; what runs at once is armed first.
    fn enter(self) -> Option<String> {
        let found = self
            .found
            .with(|found| found.1.get(self.at.get_untracked()).cloned())?;
        let [_, title, _, href, run, key] = <[String; 6]>::try_from(found).ok()?;
        if run.is_empty() {
            return Some(href);
        }
        if self.armed.get_untracked() {
            self.running
                .start(run_action(run, key, Default::default(), false, String::new()));
        } else {
            self.armed.set(true);
            self.said.set(format!("Press Enter again: {title}"));
        }
        None
    }
}

#[component]
fn Search(open: RwSignal<bool>) -> AnyView {
    let state = State::new(open);
    state.keep_asking();
    let navigate = use_navigate();
    let go: SharedReactiveFunction<()> = reactive(move || {
        // Tracks what it waits for: an Enter that came before its answer is carried out after it.
        let fresh = state.found.with(|found| found.0 == state.text.get());
        if !(state.entered.get() && fresh) {
            return;
        }
        state.entered.set(false);
        if let Some(href) = untrack(|| state.enter()) {
            state.open.set(false);
            navigate(&href, Default::default());
            // Also when the page stands there already.
            if let Some((_, part)) = href.split_once('#') {
                browser::focus(part.to_owned());
            }
        }
    });
    effect(move || {
        if let Ok(mut go) = go.lock() {
            go();
        }
    });
    let navigate = use_navigate();
    effect(move || {
        let Some(answer) = state.running.answer() else {
            return;
        };
        match answer.and_then(|data| data.read::<(RunView, i64)>()) {
            Ok((view, _)) => {
                state.open.set(false);
                navigate(&format!("/controls/runs/{}", view.run.id), Default::default());
            }
            Err(error) => state.said.set(error.to_string()),
        }
    });
    let pressed = move |event: KeyboardEvent| {
        match event.key().as_str() {
            "ArrowDown" => state.step(1),
            "ArrowUp" => state.step(-1),
            "Enter" => state.entered.set(true),
            _ => return,
        }
        event.prevent_default();
    };
    let told = move || {
        let (fresh, count) = state
            .found
            .with(|found| (found.0 == state.text.get(), found.1.len()));
        let said = state.said.get();
        match (said.is_empty(), count) {
            (false, _) => said,
            _ if !fresh => "Searching".to_owned(),
            (_, 0) => "Nothing has that in its name. Try a shorter word.".to_owned(),
            (_, 1) => "1 result".to_owned(),
            _ => format!("{count} results"),
        }
    };
    view! {
        <Dialog id="palette" title="Find or do" open>
            <div class="search-input">
                <Icon glyph=Glyph::Search/>
                <input
                    class="input"
                    type="text"
                    role="combobox"
                    aria-label="Search pages, services, processes and actions"
                    aria-expanded="true"
                    aria-controls="found"
                    aria-autocomplete="list"
                    aria-activedescendant=move || {
                        let any = state.found.with(|found| !found.1.is_empty());
                        any.then(|| format!("found-{}", state.at.get()))
                    }
                    placeholder="A page, service, process or action: restart nginx"
                    autocomplete="off"
                    spellcheck="false"
                    maxlength="100"
                    prop:value=move || state.text.get()
                    on:input:target=move |event| state.text.set(event.target().value())
                    on:keydown=pressed
                />
            </div>
            <ul class="palette-list" role="listbox" id="found" aria-label="Results">
                {move || {
                    let rows = state.found.with(|found| found.1.clone()).into_iter().enumerate();
                    rows.map(|(at, found)| row(state, at, found)).collect::<Vec<_>>().into_any()
                }}
            </ul>
            <p class="muted" role="status">
                {told}
            </p>
        </Dialog>
    }
}

fn row(state: State, at: usize, found: Found) -> AnyView {
    let mut words = found.into_iter();
    let mut word = move || words.next().unwrap_or_default();
    let (kind, title, about) = (word(), word(), word());
    view! {
        <li
            role="option"
            id=format!("found-{at}")
            aria-selected=move || (state.at.get() == at).to_string()
            on:click=move |_| {
                if state.at.get_untracked() != at {
                    state.choose(at);
                }
                state.entered.set(true);
            }
        >
            <span class="palette-kind">{kind}</span>
            <span class="palette-title">{title}</span>
            <small>{about}</small>
        </li>
    }
}
