//! Ends one live connection.

use super::{Action, Outcome, RunContext};
use farol_model::{
    Fault, Permission,
    action::{ActionSpec, ChoiceOption, Danger, ParamKind, ParamSpec, Params, Target},
};
use futures::future::BoxFuture;
use std::sync::Arc;

/// What this action asks of the live plane.
pub trait Connections: Send + Sync + 'static {
    /// Ends the connection of this id and says whose it was. The client is told a short form of the reason.
    fn disconnect(&self, id: &str, may_return: bool, reason: &str) -> Result<String, Fault>;
}

/// See the module.
pub struct Disconnect {
    spec: ActionSpec,
    connections: Arc<dyn Connections>,
}

impl Disconnect {
    pub fn new(connections: Arc<dyn Connections>) -> Self {
        let option = |value: &str, label: &str| ChoiceOption {
            value: value.to_owned(),
            label: label.to_owned(),
        };
        let param = |name: &str, label: &str, help: &str, kind, default: Option<&str>| ParamSpec {
            name: name.to_owned(),
            label: label.to_owned(),
            help: help.to_owned(),
            kind,
            default: default.map(str::to_owned),
        };
        let options = vec![
            option("return", "It may come back at once"),
            option("stay_away", "It stays away until its page is opened again"),
        ];
        let spec = ActionSpec {
            id: "live.disconnect".to_owned(),
            title: "Disconnect a client".to_owned(),
            summary: "Ends one live connection. Whoever is behind it stays signed in.".to_owned(),
            group: "Connections".to_owned(),
            permission: Permission::RunActions,
            danger: Danger::Dangerous,
            confirm: Some("Disconnect the client {connection}".to_owned()),
            time_limit_secs: 5,
            params: vec![
                param(
                    "connection",
                    "Connection",
                    "Its id, as the Connections page shows it.",
                    ParamKind::Text { max_chars: 32 },
                    None,
                ),
                param(
                    "then",
                    "Afterwards",
                    "What the client is told to do.",
                    ParamKind::Choice { options },
                    Some("return"),
                ),
                param(
                    "reason",
                    "Reason",
                    "Goes to the audit log. The client is told its first words.",
                    ParamKind::Text { max_chars: 200 },
                    None,
                ),
            ],
        };
        Disconnect { spec, connections }
    }
}

impl Action for Disconnect {
    fn spec(&self) -> &ActionSpec {
        &self.spec
    }

    fn target(&self) -> Option<Target> {
        Some(Target::Connection)
    }

    fn run<'a>(&'a self, _: RunContext, params: Params) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let value = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
            match self
                .connections
                .disconnect(value("connection"), value("then") == "return", value("reason"))
            {
                Ok(whose) => Outcome::succeeded(format!("The connection of {whose} was ended.")),
                Err(fault) => Outcome::failed(fault.message),
            }
        })
    }
}
