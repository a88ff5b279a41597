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

#[tokio::test]
async fn steps_run_one_after_the_other_and_the_first_that_fails_ends_it() {
    let (context, _heard) = context();
    let book = runbook(
        "steps = [[\"/bin/echo\", \"one\"], [\"/bin/sh\", \"-c\", \"echo bad >&2; exit 7\"], [\"/bin/echo\", \"three\"]]",
    );
    let outcome = book.run(context.clone(), Params::new()).await;
    assert_eq!((outcome.end, outcome.exit_code), (End::Failed, Some(7)));
    assert!(
        outcome.detail.starts_with("Step 2 of 3 (`/bin/sh -c "),
        "{}",
        outcome.detail
    );
    let all: String = context
        .output
        .printed()
        .pieces
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert!(all.contains("Step 1 of 3: /bin/echo one") && all.contains("one\n") && all.contains("bad\n"));
    assert!(!all.contains("three"), "{all}");
    assert_eq!(context.output.first_fault().as_deref(), Some("bad"));
}

#[tokio::test]
async fn a_success_is_what_the_runbook_says() {
    let with = |success: &str, script: &str| {
        runbook(&format!(
            "success = {success}\nargv = [\"/bin/sh\", \"-c\", \"\"\"{script}\"\"\"]"
        ))
    };
    for (success, script, end) in [
        ("{ exit_codes = [0, 3] }", "exit 3", End::Succeeded),
        ("{ exit_codes = [3] }", "exit 0", End::Failed),
        (
            "{ pattern = \"^done: [0-9]+$\" }",
            "echo done: 12",
            End::Succeeded,
        ),
        (
            "{ pattern = \"^done: [0-9]+$\" }",
            "printf 'done: 7'",
            End::Succeeded,
        ),
        ("{ pattern = \"^done: [0-9]+$\" }", "echo undone: 12", End::Failed),
        ("{ pattern = \"done\" }", "echo done; exit 1", End::Failed),
    ] {
        let outcome = with(success, script).run(context().0, Params::new()).await;
        assert_eq!(outcome.end, end, "{success}, {script}: {}", outcome.detail);
    }
}

#[tokio::test]
async fn a_value_must_have_the_form_that_the_runbook_asks_for() {
    let book = runbook(
        "argv = [\"/bin/echo\", \"{x}\"]\n\
         params = [{ name = \"x\", kind = \"string\", pattern = \"[a-z]+-[0-9]+\", help = \"As in web-1\" }]",
    );
    assert!(book.check(&params(&[("x", "web-1")])).is_ok());
    let fault = book.check(&params(&[("x", "web-1; id")])).unwrap_err();
    assert_eq!(fault.field.as_deref(), Some("x"));
    assert!(fault.message.contains("As in web-1"), "{fault}");
}

#[test]
fn a_preview_shows_what_would_run_and_no_secret() {
    let book = runbook(
        "argv = [\"/bin/echo\", \"a b\", \"{x}\"]\nenv = { TOKEN = \"t-{key}\" }\n\
         params = [{ name = \"x\", kind = \"text\" }, { name = \"key\", kind = \"secret\" }]",
    );
    let given = params(&[("x", "it's"), ("key", "hunter2")]);
    assert_eq!(
        book.preview(&given).unwrap(),
        [
            "TOKEN='t-[redacted]'",
            "/bin/echo 'a b' 'it'\\''s'",
            "# in /, for 300 s at most"
        ]
    );
    assert!(book.preview(&params(&[("x", "--help"), ("key", "k")])).is_err());
}

#[tokio::test]
async fn a_dry_run_is_an_action_of_its_own_that_need_not_be_confirmed_or_approved() {
    let text = "name = \"t\"\ntitle = \"T\"\ndangerous = true\napproval = true\nargv = [\"/bin/rm\", \"{x}\"]\n\
                dry_run = [\"/bin/echo\", \"would remove\", \"{x}\"]\nparams = [{ name = \"x\", kind = \"text\" }]";
    let config: RunbookConfig = toml::from_str(text).unwrap();
    assert_eq!(config.wrong(), []);
    let book = Runbook::new(&config);
    assert!(book.approval().is_some() && !book.hidden());
    assert_eq!(book.notes().typed, "t");
    let dry = Runbook::dry_run(&config).unwrap();
    assert_eq!(dry.spec().id, book.notes().dry_run);
    assert!(dry.approval().is_none() && dry.hidden() && dry.spec().danger == Danger::Safe);
    let (context, mut heard) = context();
    dry.run(context, params(&[("x", "/tmp/y")])).await;
    assert_eq!(until_printed(&mut heard, "\n").await, "would remove /tmp/y\n");
}

#[tokio::test]
async fn what_prints_without_end_is_held_back_and_not_in_memory() {
    let (context, _heard) = context();
    context.output.keep();
    let stop = context.stop.clone();
    let sink = context.output.clone();
    let book = runbook("output_limit_bytes = 16777216\nargv = [\"/usr/bin/yes\"]");
    let running = tokio::spawn(async move { book.run(context, Params::new()).await });
    // Filled up to the bound, then nothing more is read until something has been stored.
    sink.full().await;
    let most = crate::actions::output::UNSAVED_BYTES + 64 * 1024;
    for _ in 0..200 {
        tokio::task::yield_now().await;
        let held: usize = sink.printed().pieces.iter().map(|(_, text)| text.len()).sum();
        assert!(held <= most, "{held}");
    }
    stop.cancel();
    sink.stored(usize::MAX);
    let outcome = tokio::time::timeout(PATIENCE, running)
        .await
        .expect("ended in time")
        .unwrap();
    assert_eq!(outcome.end, End::Stopped);
}
