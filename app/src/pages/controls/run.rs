//! One run: outcome, duration, output as it comes, and the way to stop it.

use super::{
    api::{CancelRun, cancel_run},
    words::{params_words, status_words, took},
};
use crate::prelude::*;
use crate::{
    call::Call,
    feed::{self, LiveRun},
    ui::{Badge, Moment, Notice, Rows, Tone},
};
use farol_model::action::{OutputStream, Run, RunView};
use leptos::{ev::SubmitEvent, html, server_fn::ServerFn};

/// Shows a run and follows it while it is on screen.
#[component]
pub fn RunOutcome(
    view: RunView,
    /// The server's clock when `view` was read.
    now_ms: i64,
) -> AnyView {
    let first = view.run.clone();
    let live = feed::run(view);
    let run = Memo::new(move |_| live.run().unwrap_or_else(|| first.clone()));
    view! {
        <section class="run" aria-label="Run">
            <RunHead run now_ms/>
            <RunFacts run/>
            <Output live label="Output of the run"/>
            {move || {
                live.with(|view| view.truncated)
                    .then(|| {
                        view! {
                            <Notice
                                tone=Tone::Warn
                                title="Output was cut"
                                text="It printed more than Farol keeps for one run. The rest was dropped; the run itself was not touched."
                            />
                        }
                    }).into_any()
            }}
        </section>
    }
}

#[component]
fn RunHead(run: Memo<Run>, now_ms: i64) -> AnyView {
    let badge = reactive(move || {
        let (tone, glyph, word) = status_words(run.with(|run| run.status));
        view! { <Badge tone glyph word/> }
    });
    let duration = reactive(move || {
        run.with(|run| match run.ended_ms {
            Some(ended_ms) => format!("took {}", took(ended_ms - run.queued_ms)),
            None => format!("started {}", super::words::ago(run.queued_ms, now_ms)),
        })
    });
    let exit = reactive(move || {
        run.with(|run| {
            run.exit_code
                .map_or_else(String::new, |code| format!("exit code {code}"))
        })
    });
    view! {
        <div class="run-head">
            <span role="status">{badge}</span>
            <span class="muted">{duration}</span>
            <span class="muted">{exit}</span>
            {move || (!run.with(|run| run.status.ended())).then(|| view! { <CancelForm run/> }).into_any()}
        </div>
        <p>{move || run.with(|run| run.detail.clone())}</p>
    }
}

#[component]
fn CancelForm(run: Memo<Run>) -> AnyView {
    let call = Call::new();
    let id = run.with_untracked(|run| run.id.clone());
    let stop = {
        let id = id.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            call.start(cancel_run(id.clone()));
        }
    };
    view! {
        <form class="button-row" method="post" action=CancelRun::url() on:submit=stop>
            <input type="hidden" name="run" value=id/>
            <button class="button danger small" type="submit" aria-disabled=move || call.pending().then(|| "true".to_owned())>
                {move || if call.pending() { "Stopping".to_owned() } else { "Stop this run".to_owned() }}
            </button>
        </form>
        <span class="field-fault">{move || call.error().map_or_else(String::new, |error| error.to_string())}</span>
    }
}

#[component]
fn RunFacts(run: Memo<Run>) -> AnyView {
    let first = run.get_untracked();
    let params = params_words(&first.params);
    view! {
        <dl class="facts">
            <div>
                <dt>"Action"</dt>
                <dd>{first.title}</dd>
            </div>
            <div>
                <dt>"Started by"</dt>
                <dd>{first.who}</dd>
            </div>
            <div>
                <dt>"Started"</dt>
                <dd>
                    <Moment at_ms=first.queued_ms/>
                </dd>
            </div>
            {(!params.is_empty())
                .then(|| {
                    view! {
                        <div>
                            <dt>"With"</dt>
                            <dd>{params}</dd>
                        </div>
                    }
                })}
        </dl>
    }
}

/// Output in the order it came; error output is tinted and named in the key.
#[component]
pub fn Output(
    live: LiveRun,
    /// What a screen reader calls it.
    label: &'static str,
) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    let follow = RwSignal::new(true);
    // What fell off the beginning of a long log keeps its number.
    let first = move || live.dropped();
    let end = Memo::new(move |_| first() + live.with(|view| view.output.len()));
    effect(move || {
        end.track();
        if let (Some(output), true) = (node.get(), follow.get()) {
            output.set_scroll_top(output.scroll_height());
        }
    });
    let piece = move |index: usize| {
        let at = index.wrapping_sub(untrack(first));
        let Some((stream, text)) = live.with(|view| view.output.get(at).cloned()) else {
            return ().into_any();
        };
        match stream {
            OutputStream::Stdout => text.into_any(),
            OutputStream::Stderr => view! { <span class="stderr">{text}</span> },
        }
    };
    view! {
        <div class="output-head">
            <span class="output-key">"Output"</span>
            <span class="output-key err">"Error output (tinted)"</span>
            <label class="check js-only">
                <input
                    type="checkbox"
                    prop:checked=move || follow.get()
                    on:change:target=move |event| follow.set(event.target().checked())
                />
                "Follow"
            </label>
        </div>
        <div class="output" node_ref=node tabindex="0" role="log" aria-label=label>
            {move || if end.get() == 0 { "Nothing printed yet.".to_owned() } else { String::new() }}
            <Rows range=move || first()..end.get() draw=piece/>
        </div>
    }
}
