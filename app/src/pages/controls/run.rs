//! One run: outcome, duration, output as it comes, and the way to stop it.

use super::{
    api::CancelRun,
    words::{params_words, status_words, took},
};
use crate::{
    feed::{self, LiveRun},
    ui::{Badge, Moment, Notice, Tone},
};
use farol_model::action::{OutputStream, Run, RunView};
use leptos::{html, prelude::*};

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
            <Output live/>
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
                    })
            }}
        </section>
    }
    .into_any()
}

#[component]
fn RunHead(run: Memo<Run>, now_ms: i64) -> AnyView {
    let badge = move || {
        let (tone, glyph, word) = status_words(run.with(|run| run.status));
        view! { <Badge tone glyph word/> }
    };
    let duration = move || {
        run.with(|run| match run.ended_ms {
            Some(ended_ms) => format!("took {}", took(ended_ms - run.queued_ms)),
            None => format!("started {}", super::words::ago(run.queued_ms, now_ms)),
        })
    };
    let exit = move || run.with(|run| run.exit_code.map(|code| format!("exit code {code}")));
    view! {
        <div class="run-head">
            <span role="status">{badge}</span>
            <span class="muted">{duration}</span>
            <span class="muted">{exit}</span>
            {move || (!run.with(|run| run.status.ended())).then(|| view! { <CancelForm run/> })}
        </div>
        <p>{move || run.with(|run| run.detail.clone())}</p>
    }
    .into_any()
}

#[component]
fn CancelForm(run: Memo<Run>) -> AnyView {
    let action = ServerAction::<CancelRun>::new();
    let pending = action.pending();
    view! {
        <ActionForm action attr:class="button-row">
            <input type="hidden" name="run" value=run.with_untracked(|run| run.id.clone())/>
            <button class="button danger small" type="submit" aria-disabled=move || pending.get().then_some("true")>
                {move || if pending.get() { "Stopping" } else { "Stop this run" }}
            </button>
        </ActionForm>
        {move || {
            action
                .value()
                .get()
                .and_then(Result::err)
                .map(|error| view! { <span class="field-fault">{error.to_string()}</span> })
        }}
    }
    .into_any()
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
    .into_any()
}

/// Output in the order it came; error output is tinted and named in the key.
#[component]
fn Output(live: LiveRun) -> AnyView {
    let node = NodeRef::<html::Pre>::new();
    let follow = RwSignal::new(true);
    let length = Memo::new(move |_| live.with(|view| view.output.len()));
    Effect::new(move |_| {
        length.track();
        if let (Some(pre), true) = (node.get(), follow.get()) {
            pre.set_scroll_top(pre.scroll_height());
        }
    });
    let piece = move |index: usize| {
        let (stream, text) = live.with(|view| view.output.get(index).cloned())?;
        Some(match stream {
            OutputStream::Stdout => text.into_any(),
            OutputStream::Stderr => view! { <span class="stderr">{text}</span> }.into_any(),
        })
    };
    view! {
        <div class="output-head">
            <span class="output-key">"Output"</span>
            <span class="output-key err">"Error output (tinted)"</span>
            <label class="check js-only">
                <input
                    type="checkbox"
                    prop:checked=follow
                    on:change:target=move |event| follow.set(event.target().checked())
                />
                "Follow"
            </label>
        </div>
        <pre class="output" node_ref=node tabindex="0" role="log" aria-label="Output of the run">
            {move || (length.get() == 0).then_some("Nothing printed yet.")}
            <For each=move || 0..length.get() key=|index| *index let:index>
                {piece(index)}
            </For>
        </pre>
    }
    .into_any()
}
