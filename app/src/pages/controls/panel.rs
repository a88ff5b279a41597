//! One panel: an action's spec as a form. Without scripts it is a plain form with a required tick for what cannot be undone;
//! with them values are checked as you type, the confirm step repeats what will happen, and the run shows up below.

use super::{
    api::{RunAction, get_run},
    param::{ParamField, fault_of, first_value},
    run::RunOutcome,
    words::{confirm_button, confirm_words, run_key},
};
use crate::{
    error::AppError,
    session::Session,
    ui::{Badge, Glyph, Notice, Tone, dialog::Dialog},
};
use farol_model::action::{ActionSpec, Danger, Params, Run};
use leptos::{ev::SubmitEvent, prelude::*, server_fn::ServerFn};

/// What a panel is made of; every part of it is cheap to copy.
#[derive(Clone, Copy)]
struct Panel {
    spec: StoredValue<ActionSpec>,
    seed: StoredValue<String>,
    host: StoredValue<String>,
    values: RwSignal<Params>,
    touched: RwSignal<bool>,
    confirming: RwSignal<bool>,
    count: RwSignal<u32>,
    action: ServerAction<RunAction>,
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

    fn submit(&self, confirm: bool) {
        let action = self.spec.with_value(|spec| spec.id.clone());
        let key = self
            .seed
            .with_value(|seed| run_key(seed, &action, self.count.get_untracked()));
        self.count.update(|count| *count += 1);
        self.confirming.set(false);
        self.action.dispatch(RunAction {
            action,
            key,
            params: self.values.get_untracked(),
            confirm,
        });
    }

    fn on_submit(&self, event: &SubmitEvent) {
        event.prevent_default();
        self.touched.set(true);
        if self.action.pending().get_untracked() || !untrack(|| self.faultless()) {
            return;
        }
        if self.dangerous() {
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
    /// From the server, see [`run_key`].
    key_seed: String,
) -> AnyView {
    let host = use_context::<Session>().map_or_else(|| "this host".to_owned(), |session| session.host);
    let first: Params = spec
        .params
        .iter()
        .map(|param| (param.name.clone(), first_value(param, &prefill)))
        .collect();
    let panel = Panel {
        spec: StoredValue::new(spec.clone()),
        seed: StoredValue::new(key_seed),
        host: StoredValue::new(host),
        values: RwSignal::new(first),
        touched: RwSignal::new(false),
        confirming: RwSignal::new(false),
        count: RwSignal::new(0),
        action: ServerAction::new(),
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
        .collect_view();
    let asks = !open.is_empty();
    let fields = open
        .into_iter()
        .map(|param| {
            view! {
                <ParamField param=param.clone() prefix=prefix.clone() values=panel.values touched=panel.touched/>
            }
        })
        .collect_view();
    let badge = panel
        .dangerous()
        .then(|| view! { <Badge tone=Tone::Crit glyph=Glyph::Alert word="Cannot be undone"/> });
    view! {
        <article class="panel" aria-labelledby=title_id.clone()>
            <div class="panel-head">
                <div class="panel-title">
                    <h3 id=title_id.clone()>{spec.title.clone()}</h3>
                    {badge}
                </div>
                <p>{spec.summary.clone()}</p>
            </div>
            <form class="section" method="post" action=RunAction::url() on:submit=move |event| panel.on_submit(&event)>
                <input type="hidden" name="action" value=spec.id.clone()/>
                <input type="hidden" name="key" value=panel.seed.with_value(|seed| run_key(seed, &spec.id, 0))/>
                {decided}
                {asks.then(|| view! { <div class="panel-fields">{fields}</div> })}
                <PanelFoot panel prefix=prefix.clone()/>
            </form>
            <Confirm panel prefix/>
            <Outcome panel/>
        </article>
    }
    .into_any()
}

#[component]
fn PanelFoot(panel: Panel, prefix: String) -> AnyView {
    let spec = panel.spec.get_value();
    let scripts = RwSignal::new(false);
    Effect::new(move |_| scripts.set(true));
    let dangerous = panel.dangerous();
    let tick = move || {
        (dangerous && !scripts.get()).then(|| {
            view! {
                <label class="check confirm-box">
                    <input type="checkbox" name="confirm" value="true" required id=format!("{prefix}-confirm")/>
                    <span>"I mean it: this cannot be undone on " {panel.host.get_value()} "."</span>
                </label>
            }
        })
    };
    let pending = panel.action.pending();
    let title = spec.title.clone();
    view! {
        <div class="panel-foot">
            {tick}
            <div class="button-row">
                <button
                    class=if dangerous { "button danger" } else { "button primary" }
                    type="submit"
                    aria-disabled=move || pending.get().then_some("true")
                >
                    {move || if pending.get() { "Starting".to_owned() } else { title.clone() }}
                </button>
                <small>"Time limit " {super::words::took(i64::from(spec.time_limit_secs) * 1000)}</small>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Confirm(panel: Panel, prefix: String) -> impl IntoView {
    if !panel.dangerous() {
        return ().into_any();
    }
    let asked = move || {
        panel.spec.with_value(|spec| {
            panel
                .host
                .with_value(|host| panel.values.with(|values| confirm_words(spec, values, host)))
        })
    };
    let verb = move || {
        panel
            .spec
            .with_value(|spec| panel.values.with(|values| confirm_button(spec, values)))
    };
    view! {
        <Dialog id=format!("{prefix}-dialog") title=panel.spec.with_value(|spec| spec.title.clone()) open=panel.confirming>
            <p class="dialog-text">
                <strong>{asked}</strong>
            </p>
            <p class="dialog-text">"This cannot be undone. It will be written to the audit log."</p>
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| panel.confirming.set(false)>
                    "Keep as it is"
                </button>
                <button class="button danger armed" type="button" on:click=move |_| panel.submit(true)>
                    {verb}
                </button>
            </div>
        </Dialog>
    }
    .into_any()
}

/// The run that this panel started last, or why there is none.
#[component]
fn Outcome(panel: Panel) -> impl IntoView {
    let value = panel.action.value();
    move || match value.get() {
        // The error of a plain form comes back in the address and belongs to the page, not to every panel on it.
        Some(Err(error)) if panel.count.get_untracked() > 0 => Some(view! { <Refusal error/> }.into_any()),
        Some(Ok(run)) => Some(view! { <Started run/> }.into_any()),
        _ => None,
    }
}

/// The error of a plain form that was sent back to its page: it travels in the address, and this action finds it there.
#[component]
pub fn CameBack() -> AnyView {
    let action = ServerAction::<RunAction>::new();
    let notice = move || {
        action
            .value()
            .get()
            .and_then(Result::err)
            .map(|error| view! { <Refusal error/> })
    };
    notice.into_any()
}

/// Why an action did not start.
#[component]
pub fn Refusal(error: AppError) -> impl IntoView {
    view! { <Notice tone=Tone::Crit title="It was not done" text=error.to_string() urgent=true/> }
}

#[component]
fn Started(run: Run) -> impl IntoView {
    let id = run.id.clone();
    let view = LocalResource::new(move || get_run(id.clone()));
    let href = format!("/controls/runs/{}", run.id);
    view! {
        {move || match view.get() {
            Some(Ok((view, now_ms))) => view! { <RunOutcome view now_ms/> }.into_any(),
            Some(Err(error)) => view! { <Notice tone=Tone::Warn title="It was started" text=error.to_string()/> }.into_any(),
            None => {
                view! {
                    <p class="muted" role="status">
                        "Started"
                    </p>
                }
                    .into_any()
            }
        }}
        <p>
            <a class="link" href=href>
                "Open this run"
            </a>
        </p>
    }
}
