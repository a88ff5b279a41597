use super::*;
use crate::actions::{End, RunOutlet, output::OutputSink};
use farol_model::action::{OutputStream, RunEvent};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// How long an event may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

struct Ears(UnboundedSender<String>);

impl RunOutlet for Ears {
    fn event(&self, _: &str, event: &RunEvent) {
        if let RunEvent::Output { text, .. } = event {
            let _ = self.0.send(text.clone());
        }
    }
    fn closed(&self, _: &str) {}
}

fn context() -> (RunContext, UnboundedReceiver<String>) {
    let (sender, heard) = unbounded_channel();
    let output = OutputSink::new("run", Arc::new(Ears(sender)));
    (
        RunContext {
            output,
            stop: CancellationToken::new(),
        },
        heard,
    )
}

fn runbook(toml: &str) -> Runbook {
    let text = format!("name = \"t\"\ntitle = \"T\"\n{toml}");
    let config: RunbookConfig = figment::Figment::from(
        <figment::providers::Toml as figment::providers::Format>::string(&text),
    )
    .extract()
    .unwrap();
    assert_eq!(config::problems(std::slice::from_ref(&config)), []);
    Runbook::new(&config)
}

fn shell(script: &str) -> Runbook {
    runbook(&format!("argv = [\"/bin/sh\", \"-c\", '''{script}''']"))
}

fn params(pairs: &[(&str, &str)]) -> Params {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Waits until the run has printed this, and gives all that it has printed.
async fn until_printed(heard: &mut UnboundedReceiver<String>, text: &str) -> String {
    let mut all = String::new();
    while !all.contains(text) {
        all += &tokio::time::timeout(PATIENCE, heard.recv())
            .await
            .expect("output in time")
            .expect("output");
    }
    all
}

#[tokio::test]
async fn both_streams_and_the_exit_code_are_told() {
    let (context, _heard) = context();
    let outcome = shell("echo out; echo err >&2; exit 3")
        .run(context.clone(), Params::new())
        .await;
    assert_eq!((outcome.end, outcome.exit_code), (End::Failed, Some(3)));
    let printed = context.output.printed().pieces;
    assert!(printed.contains(&(OutputStream::Stdout, "out\n".to_owned())));
    assert!(printed.contains(&(OutputStream::Stderr, "err\n".to_owned())));
}

#[tokio::test]
async fn a_value_stays_one_argument_whatever_is_in_it() {
    let (context, mut heard) = context();
    let book = runbook(
        "argv = [\"/usr/bin/printf\", \"<%s>\", \"{x}\", \"a{x}b\"]\n\
         params = [{ name = \"x\", label = \"X\", kind = \"text\" }]",
    );
    book.run(context, params(&[("x", "1 2; $(id) {x} \"'")])).await;
    assert_eq!(
        until_printed(&mut heard, "b>").await,
        "<1 2; $(id) {x} \"'><a1 2; $(id) {x} \"'b>"
    );
}

#[tokio::test]
async fn a_value_cannot_become_an_option_unless_that_is_allowed() {
    let book = |allow: &str| {
        runbook(&format!(
            "argv = [\"/bin/echo\", \"{{x}}\"]\nparams = [{{ name = \"x\", label = \"X\", kind = \"text\"{allow} }}]"
        ))
    };
    let refused = book("").run(context().0, params(&[("x", "--help")])).await;
    assert!(refused.detail.contains("dash"), "{}", refused.detail);
    let allowed = book(", allow_dash = true")
        .run(context().0, params(&[("x", "--x")]))
        .await;
    assert_eq!(allowed.end, End::Succeeded);
}

#[tokio::test]
async fn the_environment_is_what_the_runbook_says_and_nothing_else() {
    let (context, mut heard) = context();
    let book = runbook(
        "argv = [\"/usr/bin/env\"]\nenv = { TOKEN = \"t-{key}\" }\n\
         params = [{ name = \"key\", label = \"Key\", kind = \"secret\" }]",
    );
    book.run(context, params(&[("key", "hunter2")])).await;
    let all = until_printed(&mut heard, "TOKEN").await;
    assert!(all.contains("TOKEN=t-hunter2"));
    assert!(!all.contains("CARGO") && !all.contains("HOME="), "{all}");
}

#[tokio::test]
async fn cancel_ends_the_whole_group_even_one_that_ignores_term() {
    let (context, mut heard) = context();
    let stop = context.stop.clone();
    let book = shell("trap '' TERM; sleep 600 & echo child $!; wait; sleep 600");
    let running = tokio::spawn(async move { book.run(context, Params::new()).await });
    let all = until_printed(&mut heard, "\n").await;
    let child: u32 = all.trim().strip_prefix("child ").unwrap().parse().unwrap();
    stop.cancel();
    let outcome = tokio::time::timeout(PATIENCE, running)
        .await
        .expect("ended in time")
        .unwrap();
    assert_eq!(outcome.end, End::Stopped);
    let state = crate::procstat::ProcStat::read(child).map(|stat| stat.state);
    assert!(
        state.is_err() || matches!(state, Ok('Z' | 'X')),
        "the child is {state:?}"
    );
}

#[tokio::test]
async fn a_child_left_behind_does_not_hold_the_run() {
    let (context, _heard) = context();
    let book = shell("sleep 30 & echo started");
    let outcome = tokio::time::timeout(PATIENCE, book.run(context, Params::new()))
        .await
        .expect("ended in time");
    assert_eq!(outcome.end, End::Succeeded);
    assert!(outcome.detail.contains("left running"), "{}", outcome.detail);
}

#[tokio::test]
async fn a_signal_from_outside_is_told_as_such() {
    let outcome = shell("kill -KILL $$").run(context().0, Params::new()).await;
    assert_eq!(
        (outcome.end, outcome.detail.as_str()),
        (End::Killed, "It was ended by signal KILL.")
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_clear_failure() {
    let outcome = runbook("argv = [\"/no/such/program\"]")
        .run(context().0, Params::new())
        .await;
    assert!(
        outcome.detail.contains("/no/such/program") && outcome.end == End::Failed,
        "{}",
        outcome.detail
    );
}

#[tokio::test]
async fn output_above_the_cap_is_dropped_and_the_run_goes_on() {
    let (context, _heard) = context();
    let book =
        runbook("output_limit_bytes = 1000\nargv = [\"/bin/sh\", \"-c\", \"yes | head -c 100000; exit 0\"]");
    assert_eq!(book.run(context.clone(), Params::new()).await.end, End::Succeeded);
    let printed = context.output.printed();
    assert!(printed.truncated && printed.bytes == 1000, "{}", printed.bytes);
}
