//! One run: outcome, duration, output as it comes, and the way to stop it.

use super::{
    ansi,
    api::{CancelRun, cancel_run},
    words::{params_words, status_words, took},
};
use crate::prelude::*;
use crate::{
    call::Call,
    feed::{self, LiveRun},
    ui::{Badge, Moment, Notice, Rows, Tone},
};
use farol_model::action::{OutputStream, Run, RunStatus, RunView};
use leptos::{ev::SubmitEvent, html, server_fn::ServerFn};

/// Finds words in output. Not in the bundle: highlights of a page are the browser's business.
const FIND: &str = "/run/find.js";

/// Shows a run and follows it while it is on screen.
#[component]
pub fn RunOutcome(
    view: RunView,
    /// The server's clock when `view` was read.
    now_ms: i64,
    /// What else the server has to say, as HTML.
    more: String,
) -> AnyView {
    let first = view.run.clone();
    // Several panels may each show a run.
    let label = format!("Run: {}", first.title);
    let live = feed::run(view);
    let run = Memo::new(move |_| live.run().unwrap_or_else(|| first.clone()));
    view! {
        <section class="run" aria-label=label data-status=move || run.with(|run| run.status.as_str())>
            <RunHead run now_ms/>
            <RunFacts run/>
            <div class="run-more" inner_html=more></div>
            <Output live label="Output of the run"/>
            {move || {
                live.with(|view| view.truncated)
                    .then(|| {
                        view! {
                            <Notice
                                tone=Tone::Warn
                                title="Not all output is shown"
                                text="It printed more than is shown here at once, or more than Farol keeps for one run. What was kept can be downloaded."
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
            None => {
                let word = match run.status {
                    RunStatus::Awaiting | RunStatus::Queued => "asked for",
                    _ => "started",
                };
                format!("{word} {}", super::words::ago(run.queued_ms, now_ms))
            }
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
    let paused = RwSignal::new(false);
    // What fell off the beginning of a long log keeps its number.
    let first = move || live.dropped();
    let end = Memo::new(move |before: Option<&usize>| match before {
        Some(before) if paused.get() => *before,
        _ => first() + live.with(|view| view.output.len()),
    });
    effect(|| crate::browser::load_script(FIND));
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
        let parts = ansi::parts(&text)
            .into_iter()
            .map(|(class, words)| match class.is_empty() {
                true => words.into_any(),
                false => view! { <span class=class>{words}</span> },
            })
            .collect::<Vec<_>>();
        match stream {
            OutputStream::Stdout => parts.into_any(),
            OutputStream::Stderr => view! { <span class="stderr">{parts}</span> },
        }
    };
    let silent = Memo::new(move |_| end.get() == 0 && live.with(|view| view.run.status.ended()));
    view! {
        <div class="output-box" class:silent=move || silent.get()>
            <p class="muted">{move || if silent.get() { "It printed nothing.".to_owned() } else { String::new() }}</p>
            <div class="output-head">
                <span class="output-key">"Output"</span>
                <span class="output-key err">"Error output (tinted)"</span>
                <input class="input js-only" type="search" placeholder="Find in output" aria-label="Find in output" data-find=""/>
                <label class="check js-only">
                    <input
                        type="checkbox"
                        prop:checked=move || paused.get()
                        on:change:target=move |event| paused.set(event.target().checked())
                    />
                    "Pause"
                </label>
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
        </div>
    }
}
