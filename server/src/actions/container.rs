//! Starts, stops, restarts and kills one container.

use super::{Action, End, Outcome, RunContext};
use farol_model::{
    Fault, Permission,
    action::{ActionSpec, ChoiceOption, Danger, ParamKind, ParamSpec, Params, Target},
};
use futures::future::BoxFuture;
use std::sync::Arc;

/// Longest time that a container may be given to stop by itself, seconds.
const MAX_WAIT_SECS: u32 = 300;
/// Time limit of an order: the longest wait, and the engine's own time.
const TIME_LIMIT_SECS: u32 = MAX_WAIT_SECS + 30;

/// Signals, and what each does.
const SIGNALS: [(&str, &str); 6] = [
    ("KILL", "end it at once, without clean-up"),
    ("TERM", "ask it to end"),
    ("INT", "interrupt, as Ctrl-C would"),
    ("HUP", "hang up; many services reload"),
    ("USR1", "as the program defines"),
    ("USR2", "as the program defines"),
];

/// What is asked of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Start,
    /// Asks it to stop, and kills it when it has not after so many seconds.
    Stop {
        wait_secs: u32,
    },
    Restart {
        wait_secs: u32,
    },
    Kill {
        signal: &'static str,
    },
}

/// What these actions ask of the container engine. The answer is a sentence.
pub trait Engine: Send + Sync + 'static {
    fn act<'a>(&'a self, id: &'a str, name: &'a str, order: Order) -> BoxFuture<'a, Result<String, Fault>>;
}

/// The four of them, in display order.
pub fn all(engine: &Arc<dyn Engine>) -> Vec<Arc<dyn Action>> {
    let verbs = [Verb::Start, Verb::Stop, Verb::Restart, Verb::Kill];
    verbs
        .into_iter()
        .map(|verb| {
            Arc::new(OnContainer {
                verb,
                spec: spec(verb),
                engine: engine.clone(),
            }) as Arc<dyn Action>
        })
        .collect()
}

#[derive(Debug, Clone, Copy)]
enum Verb {
    Start,
    Stop,
    Restart,
    Kill,
}

struct OnContainer {
    verb: Verb,
    spec: ActionSpec,
    engine: Arc<dyn Engine>,
}

fn spec(verb: Verb) -> ActionSpec {
    let (id, title, summary, danger) = match verb {
        Verb::Start => (
            "start",
            "Start",
            "Starts the container as it was made.",
            Danger::Safe,
        ),
        Verb::Stop => (
            "stop",
            "Stop",
            "Asks the container to end, and kills it when it has not after the time that you give it.",
            Danger::Dangerous,
        ),
        Verb::Restart => (
            "restart",
            "Restart",
            "Stops the container and starts it again. What it serves is gone for a moment.",
            Danger::Dangerous,
        ),
        Verb::Kill => (
            "kill",
            "Kill",
            "Sends a signal to the container's first process.",
            Danger::Dangerous,
        ),
    };
    ActionSpec {
        id: format!("container.{id}"),
        title: format!("{title} a container"),
        summary: summary.to_owned(),
        group: "Containers".to_owned(),
        permission: Permission::RunActions,
        danger,
        confirm: match verb {
            Verb::Start => None,
            Verb::Kill => Some("Send {signal} to the container {name}".to_owned()),
            Verb::Stop | Verb::Restart => Some(format!("{title} the container {{name}}")),
        },
        time_limit_secs: TIME_LIMIT_SECS,
        params: params(verb),
    }
}

fn params(verb: Verb) -> Vec<ParamSpec> {
    let param = |name: &str, label: &str, help: &str, kind, default: Option<&str>| ParamSpec {
        name: name.to_owned(),
        label: label.to_owned(),
        help: help.to_owned(),
        kind,
        default: default.map(str::to_owned),
    };
    let mut params = vec![
        param(
            "id",
            "Container id",
            "Its whole id, 64 hexadecimal digits. Names can pass to another container.",
            ParamKind::Text { max_chars: 64 },
            None,
        ),
        param(
            "name",
            "Container name",
            "Its name as you know it; when it has another by now, nothing is done.",
            ParamKind::Text { max_chars: 128 },
            None,
        ),
    ];
    match verb {
        Verb::Start => {}
        Verb::Stop | Verb::Restart => params.push(param(
            "wait_secs",
            "Time to stop",
            "Seconds that it has to end by itself before it is killed.",
            ParamKind::Integer {
                min: 0,
                max: MAX_WAIT_SECS.into(),
            },
            Some("10"),
        )),
        Verb::Kill => {
            let options = SIGNALS.map(|(name, what)| ChoiceOption {
                value: name.to_owned(),
                label: format!("{name}: {what}"),
            });
            let kind = ParamKind::Choice {
                options: options.into(),
            };
            params.push(param("signal", "Signal", "What to send.", kind, Some("KILL")));
        }
    }
    params
}

impl OnContainer {
    fn order(&self, params: &Params) -> Order {
        let wait_secs = || {
            let given = params.get("wait_secs").and_then(|text| text.parse().ok());
            given.unwrap_or(10).min(MAX_WAIT_SECS)
        };
        let signal = || {
            let given = params.get("signal").map_or("", String::as_str);
            let known = SIGNALS.iter().find(|(name, _)| *name == given);
            known.map_or("KILL", |(name, _)| name)
        };
        match self.verb {
            Verb::Start => Order::Start,
            Verb::Stop => Order::Stop {
                wait_secs: wait_secs(),
            },
            Verb::Restart => Order::Restart {
                wait_secs: wait_secs(),
            },
            Verb::Kill => Order::Kill { signal: signal() },
        }
    }
}

impl Action for OnContainer {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn target(&self) -> Option<Target> {
        Some(Target::Container)
    }

    fn run<'a>(&'a self, context: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let value = |name: &str| params.get(name).map_or("", String::as_str);
            let doing = self.engine.act(value("id"), value("name"), self.order(&params));
            tokio::select! {
                done = doing => match done {
                    Ok(told) => Outcome::succeeded(told),
                    Err(fault) => Outcome::failed(fault.message),
                },
                () = context.stop.cancelled() => Outcome {
                    end: End::Stopped,
                    detail: "Farol waits no longer. The engine has been asked and may still do it.".to_owned(),
                    exit_code: None,
                },
            }
        })
    }
}
