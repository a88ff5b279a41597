//! Pauses, resumes and paces collectors. These change Farol itself and want an administrator.

use super::{Action, Outcome, RunContext};
use farol_model::{
    Fault, Permission,
    action::{ActionSpec, ChoiceOption, Danger, ParamKind, ParamSpec, Params},
};
use futures::future::BoxFuture;
use std::sync::Arc;

/// What these actions ask of the collectors.
pub trait CollectorSwitch: Send + Sync + 'static {
    /// Name and title of each.
    fn names(&self) -> Vec<(String, String)>;
    fn pause(&self, name: &str) -> Result<(), Fault>;
    fn resume(&self, name: &str) -> Result<(), Fault>;
    /// The bounds of an interval, milliseconds.
    fn interval_bounds_ms(&self) -> (u32, u32);
    fn set_interval(&self, name: &str, interval_ms: u32) -> Result<(), Fault>;
}

/// Stops one collector.
pub struct Pause(Switch);
/// Lets one collector read again.
pub struct Resume(Switch);
/// Sets how often one collector reads.
pub struct SetInterval(Switch);

struct Switch {
    spec: ActionSpec,
    collectors: Arc<dyn CollectorSwitch>,
}

impl Pause {
    pub fn new(collectors: Arc<dyn CollectorSwitch>) -> Self {
        let summary = "Its charts stop until it is resumed. What was measured stays.";
        Pause(Switch::new(
            collectors,
            "collector.pause",
            "Pause a collector",
            summary,
            Vec::new(),
        ))
    }
}

impl Resume {
    pub fn new(collectors: Arc<dyn CollectorSwitch>) -> Self {
        let summary = "Lets a paused collector read again, or tries a failed one at once.";
        Resume(Switch::new(
            collectors,
            "collector.resume",
            "Resume a collector",
            summary,
            Vec::new(),
        ))
    }
}

impl SetInterval {
    pub fn new(collectors: Arc<dyn CollectorSwitch>) -> Self {
        let (min, max) = collectors.interval_bounds_ms();
        let interval = ParamSpec {
            name: "interval_ms".to_owned(),
            label: "Interval in milliseconds".to_owned(),
            help: format!("Time between readings, {min} to {max}. Lasts until Farol restarts."),
            kind: ParamKind::Integer {
                min: min.into(),
                max: max.into(),
            },
            default: Some("1000".to_owned()),
        };
        let summary = "Reads more often or more seldom. A longer interval costs less and shows less.";
        SetInterval(Switch::new(
            collectors,
            "collector.interval",
            "Set a collector's interval",
            summary,
            vec![interval],
        ))
    }
}

impl Switch {
    fn new(
        collectors: Arc<dyn CollectorSwitch>,
        id: &str,
        title: &str,
        summary: &str,
        more: Vec<ParamSpec>,
    ) -> Self {
        let options = collectors
            .names()
            .into_iter()
            .map(|(value, label)| ChoiceOption { value, label })
            .collect();
        let mut params = vec![ParamSpec {
            name: "collector".to_owned(),
            label: "Collector".to_owned(),
            help: "Which one.".to_owned(),
            kind: ParamKind::Choice { options },
            default: None,
        }];
        params.extend(more);
        let spec = ActionSpec {
            id: id.to_owned(),
            title: title.to_owned(),
            summary: summary.to_owned(),
            group: "Collectors".to_owned(),
            permission: Permission::Administer,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 5,
            params,
        };
        Switch { spec, collectors }
    }

    fn done(
        &self,
        params: &Params,
        said: &str,
        act: impl FnOnce(&dyn CollectorSwitch, &str) -> Result<(), Fault>,
    ) -> Outcome {
        let name = params.get("collector").map(String::as_str).unwrap_or_default();
        match act(self.collectors.as_ref(), name) {
            Ok(()) => Outcome::succeeded(format!("Collector {name} {said}.")),
            Err(fault) => Outcome::failed(fault.message),
        }
    }
}

impl Action for Pause {
    fn spec(&self) -> &ActionSpec {
        &self.0.spec
    }

    fn run<'a>(&'a self, _: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.0.done(&params, "is paused", |all, name| all.pause(name)) })
    }
}

impl Action for Resume {
    fn spec(&self) -> &ActionSpec {
        &self.0.spec
    }

    fn run<'a>(&'a self, _: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { self.0.done(&params, "reads again", |all, name| all.resume(name)) })
    }
}

impl Action for SetInterval {
    fn spec(&self) -> &ActionSpec {
        &self.0.spec
    }

    fn run<'a>(&'a self, _: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let interval_ms = params
                .get("interval_ms")
                .and_then(|text| text.parse().ok())
                .unwrap_or_default();
            let said = format!("reads every {interval_ms} ms");
            self.0
                .done(&params, &said, |all, name| all.set_interval(name, interval_ms))
        })
    }
}
