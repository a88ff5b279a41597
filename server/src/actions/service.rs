//! Starts, stops, restarts and reloads services, and says whether they start with the machine.
//!
//! Six actions and not one with a verb as its parameter: who may restart may not always stop, and a panel per verb says what
//! its button does. A run ends when the job of the init system has ended; where that failed, it says the last lines that the
//! service wrote.

use super::{Action, Outcome, RunContext};
use farol_model::{
    Fault, Permission,
    action::{ActionSpec, Danger, OutputStream, ParamKind, ParamSpec, Params, Target},
    service::LogLine,
};
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Lines of the service's log that a failed run prints.
const LOG_LINES: usize = 10;
/// How long a service may take. systemd's own limit for a start or stop is 90 s, and a restart may need both.
const TIME_LIMIT_SECS: u32 = 200;
/// The parameter that names the service.
pub const SERVICE: &str = "service";

/// What is done to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Start,
    Stop,
    Restart,
    Reload,
    Enable,
    Disable,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// What the init system calls it: `done`, `failed`, `timeout`, `canceled`, `dependency`, ...
    pub end: String,
    /// What else was changed.
    pub notes: Vec<String>,
}

impl Done {
    pub fn of(end: &str) -> Self {
        Done {
            end: end.to_owned(),
            notes: Vec::new(),
        }
    }
}

/// What these actions ask of whatever knows the services.
pub trait ServiceManager: Send + Sync + 'static {
    /// The whole name.
    ///
    /// # Errors
    /// It is no name of a service.
    fn check(&self, service: &str) -> Result<String, Fault>;
    /// Why stopping this service takes more thought than others; None when it does not.
    fn vital(&self, service: &str) -> Option<String>;
    /// Does it and waits for its end, or takes it back when `stop` is cancelled.
    fn carry_out<'a>(
        &'a self,
        order: Order,
        service: &'a str,
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Done, Fault>>;
    /// The last lines that a service wrote, oldest first; none when they cannot be read.
    fn last_lines<'a>(&'a self, service: &'a str, count: usize) -> BoxFuture<'a, Vec<LogLine>>;
}

/// All of them, in display order.
pub fn all(services: &Arc<dyn ServiceManager>) -> Vec<Arc<dyn Action>> {
    let orders = [
        Order::Restart,
        Order::Start,
        Order::Stop,
        Order::Reload,
        Order::Enable,
        Order::Disable,
    ];
    let action = |order| Arc::new(OnService::new(order, services.clone())) as Arc<dyn Action>;
    orders.map(action).into()
}

/// One order. See the module.
pub struct OnService {
    order: Order,
    spec: ActionSpec,
    services: Arc<dyn ServiceManager>,
}

impl OnService {
    pub fn new(order: Order, services: Arc<dyn ServiceManager>) -> Self {
        let summary = match order {
            Order::Start => "Starts it now. It does not start with the machine for that.",
            Order::Stop => "Ends it now. Those who use it are cut off.",
            Order::Restart => "Ends it and starts it again. Those who use it are cut off for a moment.",
            Order::Reload => "Lets it read its configuration again without ending it, where it can.",
            Order::Enable => "From now on it starts with the machine. It is not started now.",
            Order::Disable => "From now on it does not start with the machine. It is not stopped now.",
        };
        let verb = order.verb();
        let spec = ActionSpec {
            id: format!("service.{}", verb.to_lowercase()),
            title: format!("{verb} a service"),
            summary: summary.to_owned(),
            group: "Services".to_owned(),
            permission: Permission::RunActions,
            danger: Danger::Safe,
            confirm: Some(format!("{verb} {{{SERVICE}}}")),
            time_limit_secs: TIME_LIMIT_SECS,
            params: vec![ParamSpec {
                name: SERVICE.to_owned(),
                label: "Service".to_owned(),
                help: "Its name, e.g. nginx.service.".to_owned(),
                kind: ParamKind::Text { max_chars: 255 },
                default: None,
            }],
        };
        OnService {
            order,
            spec,
            services,
        }
    }

    async fn carry_out(&self, context: &RunContext, params: &Params) -> Result<Outcome, Fault> {
        let service = self.services.check(named(params))?;
        let done = self
            .services
            .carry_out(self.order, &service, &context.stop)
            .await?;
        for note in &done.notes {
            context.output.write(OutputStream::Stdout, &format!("{note}\n"));
        }
        if done.end == "done" {
            return Ok(Outcome::succeeded(format!("{service} {}.", self.order.done())));
        }
        let why = because(&done.end);
        if done.end == "canceled" && context.stop.is_cancelled() {
            return Ok(Outcome {
                end: super::End::Stopped,
                ..Outcome::failed(format!("{service}: {why}"))
            });
        }
        let lines = match done.end.as_str() {
            "no-install" => Vec::new(),
            _ => self.services.last_lines(&service, LOG_LINES).await,
        };
        for line in &lines {
            context
                .output
                .write(OutputStream::Stderr, &format!("{}: {}\n", line.source, line.text));
        }
        let last = lines
            .last()
            .map(|line| format!(" Its last line: {}", line.text.lines().next().unwrap_or_default()));
        Ok(Outcome::failed(format!(
            "{service}: {why}{}",
            last.unwrap_or_default()
        )))
    }
}

impl Order {
    pub fn verb(self) -> &'static str {
        match self {
            Order::Start => "Start",
            Order::Stop => "Stop",
            Order::Restart => "Restart",
            Order::Reload => "Reload",
            Order::Enable => "Enable",
            Order::Disable => "Disable",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Order::Start => "was started",
            Order::Stop => "was stopped",
            Order::Restart => "was restarted",
            Order::Reload => "was reloaded",
            Order::Enable => "starts with the machine from now on",
            Order::Disable => "does not start with the machine any more",
        }
    }

    /// Whether it can take away what people stand on.
    fn can_cut_off(self) -> bool {
        matches!(self, Order::Stop | Order::Restart | Order::Disable)
    }
}

/// How systemd's word for the end of a job is said to people (org.freedesktop.systemd1(5), JobRemoved).
fn because(end: &str) -> String {
    match end {
        "failed" => "it failed.".to_owned(),
        "timeout" => "it did not get ready, or did not end, in its own time.".to_owned(),
        "canceled" => "the job was taken back before it was done.".to_owned(),
        "dependency" => "a service that it needs failed.".to_owned(),
        "skipped" => "there was nothing to do: it is not in a state for that.".to_owned(),
        "no-install" => "its file does not say what enabling means (there is no [Install] section). Other services start it.".to_owned(),
        other => format!("the job ended with `{other}`."),
    }
}

fn named(params: &Params) -> &str {
    params.get(SERVICE).map(String::as_str).unwrap_or_default()
}

impl Action for OnService {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn target(&self) -> Option<Target> {
        Some(Target::Service)
    }

    fn weigh(&self, params: &Params) -> Result<Danger, Fault> {
        let service = self.services.check(named(params))?;
        Ok(
            match self.order.can_cut_off() && self.services.vital(&service).is_some() {
                true => Danger::Dangerous,
                false => Danger::Safe,
            },
        )
    }

    fn run<'a>(&'a self, context: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let ended = self.carry_out(&context, &params).await;
            ended.unwrap_or_else(|fault| Outcome::failed(fault.message))
        })
    }
}
