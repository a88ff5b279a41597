//! What administrators do to Farol itself: how much it logs, its configuration read again, its end. Collectors and connections
//! have files of their own.

use super::{Action, Outcome, RunContext};
use farol_model::{
    Fault, Permission,
    action::{ActionSpec, Danger, OutputStream, ParamKind, ParamSpec, Params},
};
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};

/// What these actions ask of the process.
pub trait Own: Send + Sync + 'static {
    /// The machine as it calls itself.
    fn host(&self) -> &str;
    /// Logs by this filter for a while, then as before.
    fn log(&self, filter: &str, lasts: Duration) -> Result<(), Fault>;
    /// Reads the configuration again.
    fn reload<'a>(&'a self) -> BoxFuture<'a, Result<Reloaded, Fault>>;
    /// Takes no new work and ends when the open work has.
    fn drain(&self);
}

/// Dotted keys that are not as they were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// They hold now.
    pub applied: Vec<String>,
    /// They hold after a restart.
    pub waiting: Vec<String>,
}

impl Reloaded {
    /// What became of it, for people.
    pub fn words(&self) -> String {
        let list = |keys: &[String]| keys.join(", ");
        match (self.applied.as_slice(), self.waiting.as_slice()) {
            ([], []) => "Nothing in the configuration has changed.".to_owned(),
            (applied, []) => format!("In force now: {}.", list(applied)),
            ([], waiting) => format!("In force after a restart: {}.", list(waiting)),
            (applied, waiting) => {
                format!(
                    "In force now: {}. After a restart: {}.",
                    list(applied),
                    list(waiting)
                )
            }
        }
    }
}

/// All of them, in display order.
pub fn all(own: &Arc<dyn Own>) -> Vec<Arc<dyn Action>> {
    vec![
        Arc::new(LogLevel::new(own.clone())),
        Arc::new(Reload::new(own.clone())),
        Arc::new(Drain::new(own.clone())),
    ]
}

/// Logs more or less for a while.
pub struct LogLevel(Common);
/// Reads the configuration again.
pub struct Reload(Common);
/// Ends Farol.
pub struct Drain(Common);

struct Common {
    spec: ActionSpec,
    own: Arc<dyn Own>,
}

fn spec(id: &str, title: &str, summary: &str, params: Vec<ParamSpec>) -> ActionSpec {
    ActionSpec {
        id: id.to_owned(),
        title: title.to_owned(),
        summary: summary.to_owned(),
        group: "Farol itself".to_owned(),
        permission: Permission::Administer,
        danger: Danger::Safe,
        confirm: None,
        time_limit_secs: 10,
        params,
    }
}

fn param(name: &str, label: &str, help: String, kind: ParamKind, default: Option<&str>) -> ParamSpec {
    ParamSpec {
        name: name.to_owned(),
        label: label.to_owned(),
        help,
        kind,
        default: default.map(str::to_owned),
    }
}

fn value<'a>(params: &'a Params, name: &str) -> &'a str {
    params.get(name).map(String::as_str).unwrap_or_default()
}

impl LogLevel {
    pub fn new(own: Arc<dyn Own>) -> Self {
        let help = "A filter of tracing: info, debug, or farol=debug,warn.".to_owned();
        let spec = spec(
            "farol.log",
            "Set the log level",
            "Writes more or less to the log for a while, then as the configuration says again.",
            vec![
                param(
                    "filter",
                    "Filter",
                    help,
                    ParamKind::Text { max_chars: 200 },
                    Some("farol=debug,info"),
                ),
                param(
                    "minutes",
                    "For minutes",
                    "1 to 1440.".to_owned(),
                    ParamKind::Integer { min: 1, max: 1440 },
                    Some("15"),
                ),
            ],
        );
        LogLevel(Common { spec, own })
    }
}

impl Reload {
    pub fn new(own: Arc<dyn Own>) -> Self {
        let spec = spec(
            "farol.reload",
            "Read the configuration again",
            "What can change while Farol runs holds at once; the rest is named and waits for a restart. A wrong file changes nothing.",
            Vec::new(),
        );
        Reload(Common { spec, own })
    }
}

impl Drain {
    pub fn new(own: Arc<dyn Own>) -> Self {
        let help = format!("Type {} to say that you mean it.", own.host());
        let mut spec = spec(
            "farol.drain",
            "Drain and stop Farol",
            "Takes no new connections, lets open work end, and stops. Whoever started Farol must start it again.",
            vec![param(
                "host",
                "Name of this host",
                help,
                ParamKind::Text { max_chars: 255 },
                None,
            )],
        );
        spec.danger = Danger::Dangerous;
        spec.confirm = Some("Drain and stop Farol".to_owned());
        Drain(Common { spec, own })
    }
}

impl Action for LogLevel {
    fn spec(&self) -> &ActionSpec {
        &self.0.spec
    }

    fn run<'a>(&'a self, _: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let minutes: u64 = value(&params, "minutes").parse().unwrap_or(1);
            let filter = value(&params, "filter");
            match self.0.own.log(filter, Duration::from_secs(minutes * 60)) {
                Ok(()) => Outcome::succeeded(format!("The log is written by `{filter}` for {minutes} min.")),
                Err(fault) => Outcome::failed(fault.message),
            }
        })
    }
}

impl Action for Reload {
    fn spec(&self) -> &ActionSpec {
        &self.0.spec
    }

    fn one_at_a_time(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, context: RunContext, _: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.0.own.reload().await {
                Ok(reloaded) => Outcome::succeeded(reloaded.words()),
                Err(fault) => {
                    context
                        .output
                        .write(OutputStream::Stderr, &format!("{}\n", fault.message));
                    Outcome::failed("The configuration is wrong; all is as it was.")
                }
            }
        })
    }
}

impl Action for Drain {
    fn spec(&self) -> &ActionSpec {
        &self.0.spec
    }

    fn weigh(&self, params: &Params) -> Result<Danger, Fault> {
        match value(params, "host") == self.0.own.host() {
            true => Ok(Danger::Dangerous),
            false => Err(Fault::invalid(
                "host",
                format!("This is not the name of this host. It is {}.", self.0.own.host()),
            )),
        }
    }

    fn run<'a>(&'a self, _: RunContext, _: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.0.own.drain();
            Outcome::succeeded("Farol takes no new work and stops when the open work has ended.")
        })
    }
}
