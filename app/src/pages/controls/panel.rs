//! One panel: an action's spec as a form. Without scripts it is a plain form with a required tick for what cannot be undone;
//! with them values are checked as you type, the confirm step repeats what will happen, and the run shows up below.

use super::{
    api::{RunAction, preview_action, run_action},
    param::{ParamField, fault_of, first_value},
    run::RunOutcome,
    words::{confirm_button, confirm_words, run_key},
};
use crate::prelude::*;
use crate::{
    browser,
    call::Call,
    error::AppError,
    page_data::Answer,
    session::{Session, came_back},
    ui::{Badge, Glyph, Moment, Notice, TimeStyle, Tone, dialog::Dialog},
};
use farol_model::{
    FaultCode,
    action::{ActionSpec, Danger, PanelNotes, Params, RunView},
};
use leptos::{
    ev::{MouseEvent, SubmitEvent},
    server_fn::ServerFn,
};
use leptos_router::{hooks::use_location, location::Url};

/// What a panel is made of; every part of it is cheap to copy.
#[derive(Clone, Copy)]
struct Panel {
    spec: StoredValue<ActionSpec>,
    notes: StoredValue<PanelNotes>,
    seed: StoredValue<String>,
    host: StoredValue<String>,
    values: RwSignal<Params>,
    touched: RwSignal<bool>,
    confirming: RwSignal<bool>,
    /// What was typed to confirm.
    typed: RwSignal<String>,
    count: StoredValue<u64>,
    /// What was asked for last: action and values.
    asked: StoredValue<(String, Params)>,
    call: Call,
    preview: Call,
}

impl Panel {
    fn faultless(&self) -> bool {
        self.spec.with_value(|spec| {
            self.values.with(|values| {
                spec.params.iter().all(|param| {
                    fault_of(param, values.get(&param.name).map_or("", String::as_str)).is_none()
                })
            })
        })
    }

    fn dangerous(&self) -> bool {
        self.spec.with_value(|spec| spec.danger == Danger::Dangerous)
    }

    /// Whether what must be typed has been typed. Tracks.
    fn typed_right(&self) -> bool {
        self.notes
            .with_value(|notes| self.typed.with(|typed| *typed == notes.typed))
    }

    fn submit(&self, confirm: bool) {
        if confirm && !untrack(|| self.typed_right()) {
            return;
        }
        self.start(self.spec.with_value(|spec| spec.id.clone()), confirm);
    }

    /// Shows what would run, and runs the dry run where there is one.
    fn show(&self) {
        self.touched.set(true);
        if !untrack(|| self.faultless()) {
            return;
        }
        self.ask_preview();
        let dry = self.notes.with_value(|notes| notes.dry_run.clone());
        if !dry.is_empty() {
            self.start(dry, false);
        }
    }

    fn ask_preview(&self) {
        if self.notes.with_value(|notes| notes.previews) {
            let action = self.spec.with_value(|spec| spec.id.clone());
            self.preview
                .start(preview_action(action, self.values.get_untracked()));
        }
    }

    fn start(&self, action: String, confirm: bool) {
        if untrack(|| self.call.pending()) {
            return;
        }
        let params = self.values.get_untracked();
        // When the answer was lost it is not known whether the request came through. The same key finds the run, if it did.
        let lost = untrack(|| matches!(self.call.error(), Some(AppError::Transport(_))));
        let asked = (action.clone(), params.clone());
        if !lost || self.asked.with_value(|before| *before != asked) {
            self.count.update_value(|count| *count += 1);
        }
        self.asked.set_value(asked);
        let key = self
            .seed
            .with_value(|seed| run_key(seed, &action, self.count.get_value()));
        self.confirming.set(false);
        self.call
            .start(run_action(action, key, params, confirm, String::new()));
    }

    fn on_submit(&self, event: &SubmitEvent) {
        event.prevent_default();
        self.touched.set(true);
        if !untrack(|| self.faultless()) {
            return;
        }
        if self.dangerous() {
            self.typed.set(String::new());
            self.ask_preview();
            self.confirming.set(true)
        } else {
            self.submit(false)
        }
    }
}

/// Draws the panel of one action.
#[component]
pub fn ActionPanel(
    spec: ActionSpec,
    /// Values that are decided already, e.g. the process at hand.
    #[prop(optional)]
    prefill: Params,
    /// Values that the fields begin with.
    #[prop(optional)]
    first: Params,
    #[prop(optional)] notes: PanelNotes,
    /// From the server, see [`run_key`].
    key_seed: String,
) -> AnyView {
    let host = use_context::<Session>().map_or_else(|| "this host".to_owned(), |session| session.host);
    let values: Params = spec
        .params
        .iter()
        .map(|param| {
            let given = if prefill.contains_key(&param.name) {
                &prefill
            } else {
                &first
            };
            (param.name.clone(), first_value(param, given))
        })
        .collect();
    let about = notes.html.clone();
    let panel = Panel {
        spec: StoredValue::new(spec.clone()),
        notes: StoredValue::new(notes),
        seed: StoredValue::new(key_seed),
        host: StoredValue::new(host),
        values: RwSignal::new(values),
        touched: RwSignal::new(false),
        confirming: RwSignal::new(false),
        typed: RwSignal::new(String::new()),
        count: StoredValue::new(0),
        asked: StoredValue::new(Default::default()),
        call: Call::new(),
        preview: Call::new(),
    };
    let prefix = format!("p-{}", spec.id.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let title_id = format!("{prefix}-title");
    // What is already decided is sent along, not asked again.
    let (decided, open): (Vec<_>, Vec<_>) = spec
        .params
        .iter()
        .partition(|param| prefill.contains_key(&param.name));
    let decided = decided
        .into_iter()
        .map(|param| {
            view! {
                <input type="hidden" name=format!("params[{}]", param.name) value=first_value(param, &prefill)/>
            }
        })
        .collect::<Vec<_>>();
    let asks = !open.is_empty();
    let fields = open
        .into_iter()
        .map(|param| {
            view! {
                <ParamField param=param.clone() prefix=prefix.clone() values=panel.values touched=panel.touched/>
            }
        })
        .collect::<Vec<_>>();
    // The address may name this panel: whoever comes for it begins here.
    let (named, anchor) = (use_location().hash, title_id.clone());
    effect(move || {
        if named.get().trim_start_matches('#') == anchor {
            browser::focus(anchor.clone());
        }
    });
    let badge = panel
        .dangerous()
        .then(|| view! { <Badge tone=Tone::Crit glyph=Glyph::Alert word="Cannot be undone"/> });
    view! {
        <article class="panel" aria-labelledby=title_id.clone()>
            <div class="panel-head">
                <div class="panel-title">
                    <h3 id=title_id.clone() tabindex="-1">
                        {spec.title.clone()}
                    </h3>
                    {badge}
                </div>
                <p>{spec.summary.clone()}</p>
                <div class="prose" inner_html=about></div>
            </div>
            <form class="section" method="post" action=RunAction::url() on:submit=move |event| panel.on_submit(&event)>
                <input type="hidden" name="action" value=spec.id.clone()/>
                <input type="hidden" name="key" value=panel.seed.with_value(|seed| run_key(seed, &spec.id, 0))/>
                {decided}
                {asks.then(|| view! { <div class="panel-fields">{fields}</div> })}
                <PanelFoot panel prefix=prefix.clone()/>
            </form>
            <Confirm panel prefix/>
            {preview_of(panel)}
            <Outcome panel/>
        </article>
    }
}

#[component]
fn PanelFoot(panel: Panel, prefix: String) -> AnyView {
    let spec = panel.spec.get_value();
    let scripts = RwSignal::new(false);
    effect(move || scripts.set(true));
    let dangerous = panel.dangerous();
    let tick = reactive(move || {
        let typed = panel.notes.with_value(|notes| notes.typed.clone());
        (dangerous && !scripts.get()).then(|| if !typed.is_empty() {
            view! {
                <label class="confirm-box">
                    <span>"Type " <code>{typed.clone()}</code> " to confirm. This cannot be undone."</span>
                    <input class="input" name="typed" required autocomplete="off" pattern=typed/>
                </label>
            }
        } else {
            view! {
                <label class="check confirm-box">
                    <input type="checkbox" name="confirm" value="true" required id=format!("{prefix}-confirm")/>
                    <span>"I mean it: this cannot be undone on " {panel.host.get_value()} "."</span>
                </label>
            }
        }).into_any()
    });
    let call = panel.call;
    let title = spec.title.clone();
    view! {
        <div class="panel-foot">
            {tick}
            <div class="button-row">
                <button
                    class=if dangerous { "button danger" } else { "button primary" }
                    type="submit"
                    on:click=once
                    aria-disabled=move || call.pending().then(|| "true".to_owned())
                >
                    {move || if call.pending() { "Starting".to_owned() } else { title.clone() }}
                </button>
                {panel.notes.with_value(|notes| notes.previews).then(|| view! {
                    <button class="button js-only" type="button" on:click=move |_| panel.show()>
                        "Dry run"
                    </button>
                })}
                <small>"Time limit " {crate::format::duration(i64::from(spec.time_limit_secs) * 1000)}</small>
            </div>
        </div>
    }
}

/// The second click of a double click is no second wish, however soon the first was answered.
fn once(event: MouseEvent) {
    if event.detail() > 1 {
        event.prevent_default();
    }
}

#[component]
fn Confirm(panel: Panel, prefix: String) -> impl IntoView {
    if !panel.dangerous() {
        return ().into_any();
    }
    let asked = reactive(move || {
        panel.spec.with_value(|spec| {
            panel
                .host
                .with_value(|host| panel.values.with(|values| confirm_words(spec, values, host)))
        })
    });
    let verb = reactive(move || {
        panel
            .spec
            .with_value(|spec| panel.values.with(|values| confirm_button(spec, values)))
    });
    view! {
        <Dialog id=format!("{prefix}-dialog") title=panel.spec.with_value(|spec| spec.title.clone()) open=panel.confirming>
            <p class="dialog-text strong">{asked}</p>
            {preview_of(panel)}
            <p class="dialog-text">"This cannot be undone. It will be written to the audit log."</p>
            {typing(panel)}
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| panel.confirming.set(false)>
                    "Keep as it is"
                </button>
                <button
                    class="button danger armed"
                    type="button"
                    aria-disabled=move || (!panel.typed_right()).then(|| "true".to_owned())
                    on:click=move |_| panel.submit(true)
                >
                    {verb}
                </button>
            </div>
        </Dialog>
    }
}

/// What must be typed before the button does anything.
fn typing(panel: Panel) -> AnyView {
    let name = panel.notes.with_value(|notes| notes.typed.clone());
    if name.is_empty() {
        return ().into_any();
    }
    view! {
        <label class="confirm-box">
            <span>"Type " <code>{name}</code> " to confirm"</span>
            <input
                class="input"
                autocomplete="off"
                spellcheck="false"
                prop:value=move || panel.typed.get()
                on:input:target=move |event| panel.typed.set(event.target().value())
            />
        </label>
    }
}

/// What would run, once it has been asked for.
fn preview_of(panel: Panel) -> AnyView {
    let drawn = reactive(move || {
        let answer = panel.preview.answer();
        let drawn = answer.map(|answer| match answer.and_then(|data| data.read::<String>()) {
            Ok(html) => view! { <div inner_html=html></div> },
            Err(error) => refusal(&error),
        });
        drawn.into_any()
    });
    drawn.into_any()
}

/// Runs before the last one that a panel still leads to.
const EARLIER: usize = 5;

/// The run that this panel started last, or why there is none; and the way to those before it.
#[component]
fn Outcome(panel: Panel) -> AnyView {
    // Id, and when it was asked for.
    let started = StoredValue::new(Vec::<(String, i64)>::new());
    let outcome = reactive(move || {
        let answer = panel.call.answer();
        answer.map(|answer| drawn(answer, started)).into_any()
    });
    outcome.into_any()
}

fn drawn(answer: Answer, started: StoredValue<Vec<(String, i64)>>) -> AnyView {
    let mut earlier = started.get_value();
    let last = match answer.and_then(|data| data.read::<(RunView, (i64, String))>()) {
        Ok((view, (now_ms, more))) => {
            let run = (view.run.id.clone(), view.run.queued_ms);
            earlier.retain(|before| before.0 != run.0);
            earlier.truncate(EARLIER);
            started.update_value(|started| {
                *started = earlier.clone();
                started.insert(0, run);
            });
            view! { <Started view now_ms more/> }
        }
        Err(error) => refusal(&error),
    };
    let links = earlier
        .into_iter()
        .map(|(id, at_ms)| {
            view! {
                " "
                <a class="link" href=format!("/controls/runs/{id}")>
                    <Moment at_ms style=TimeStyle::Time/>
                </a>
            }
        })
        .collect::<Vec<_>>();
    let links = (!links.is_empty()).then(|| view! { <p class="muted">"Runs before it:" {links}</p> });
    view! { {last} {links} }.into_any()
}

/// The error of a plain form that was sent back to its page.
#[component]
pub fn CameBack() -> AnyView {
    match came_back() {
        Some(error) => refusal(&error),
        None => ().into_any(),
    }
}

/// Why an action did not start; and where to prove who one is, when that is what it wants.
fn refusal(error: &AppError) -> AnyView {
    let prove = matches!(error, AppError::Fault(fault) if fault.code == FaultCode::ProofNeeded).then(|| {
        let (path, search) = {
            let place = use_location();
            (place.pathname.get_untracked(), place.search.get_untracked())
        };
        // A plain form that was refused has the refusal in the address of its page.
        let here = match search.is_empty() || search.contains("__err") {
            true => path,
            false => format!("{path}?{search}"),
        };
        let href = format!("/prove?next={}", Url::escape(&here));
        view! {
            <a class="button" href=href rel="external">
                "Prove that it is you"
            </a>
        }
    });
    view! {
        <Notice tone=Tone::Crit title="It was not done" text=error.to_string() urgent=true/>
        {prove}
    }
}

#[component]
fn Started(view: RunView, now_ms: i64, more: String) -> AnyView {
    let href = format!("/controls/runs/{}", view.run.id);
    view! {
        <RunOutcome view now_ms more/>
        <p>
            <a class="link" href=href>
                "Open this run"
            </a>
        </p>
    }
}
