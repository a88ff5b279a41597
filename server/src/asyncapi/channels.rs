//! The channels that are subscribed to: names, classes, permissions, and what their `data` holds.

use super::{Parts, message, schemas::Schemas, sends, takes};
use farol_model::{
    action::{Mark, RunEvent},
    channel::{Channel, Class},
    health::CollectorStatus,
    process::ProcessUpdate,
    service::ServicesState,
    wire::payload::{MetricsPublication, MetricsSnapshot, SubscribeOptions},
};
use serde_json::{Value, json};

/// One channel of each kind; `X` stands for what differs.
fn kinds() -> [Channel; 11] {
    let x = || "X".to_owned();
    [
        Channel::Metrics {
            host: x(),
            group: x(),
        },
        Channel::Processes { host: x() },
        Channel::App { name: x() },
        Channel::Collectors { host: x() },
        Channel::Marks { host: x() },
        Channel::Annotations { host: x() },
        Channel::RunList { host: x() },
        Channel::Services { host: x() },
        Channel::Run { id: x() },
        Channel::Log { kind: x(), name: x() },
        Channel::Room { name: x() },
    ]
}

/// Key in the document, address, parameters with what they are, and what the channel is for.
type Named = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

fn named(channel: &Channel) -> Named {
    const HOST: (&str, &str) = ("host", "`local` is the server's own machine.");
    match channel {
        Channel::Metrics { .. } => (
            "metrics",
            "metrics/{host}/{group}",
            &[HOST, ("group", "Name of the collector, e.g. `cpu`.")],
            "Frames of numbers.",
        ),
        Channel::Processes { .. } => ("processes", "processes/{host}", &[HOST], "The process table."),
        Channel::App { .. } => (
            "apps",
            "apps/{name}",
            &[("name", "Name of the application; `farol` is Farol itself.")],
            "Application metrics.",
        ),
        Channel::Collectors { .. } => (
            "collectors",
            "collectors/{host}",
            &[HOST],
            "Health of the collectors.",
        ),
        Channel::Marks { .. } => (
            "marks",
            "marks/{host}",
            &[HOST],
            "When runs began and ended in the last ten minutes and what was annotated, for charts.",
        ),
        Channel::Annotations { .. } => (
            "annotations",
            "annotations/{host}",
            &[HOST],
            "What was annotated in the last ten minutes, for charts of those who may not see runs.",
        ),
        Channel::Services { .. } => (
            "services",
            "services/{host}",
            &[HOST],
            "How the services of the init system stand.",
        ),
        Channel::RunList { .. } => (
            "runlist",
            "runlist/{host}",
            &[HOST],
            "How often the list of runs has changed since Farol started: a new run, another state.",
        ),
        Channel::Run { .. } => (
            "runs",
            "runs/{id}",
            &[("id", "What the rpc method `run` answered.")],
            "State and output of one run.",
        ),
        Channel::Log { .. } => (
            "logs",
            "logs/{kind}/{name}",
            &[
                ("kind", "`container`."),
                ("name", "The first 12 digits of a container's id."),
            ],
            "What something prints, as events `output` of a run. There while somebody listens.",
        ),
        Channel::Room { .. } => (
            "room",
            "room/{name}",
            &[("name", "Any name; its first visitor makes the room.")],
            "What people say to each other.",
        ),
    }
}

fn class(class: Class) -> (&'static str, &'static str) {
    match class {
        Class::Stream => (
            "stream",
            "Recovery replays all that was missed, or says that it cannot.",
        ),
        Class::Cache => ("cache", "Only the latest counts."),
        Class::Metrics => ("metrics", "Missed frames while held, else a snapshot."),
        Class::Table => ("table", "Who missed a change starts from the whole table again."),
    }
}

/// `data` of the subscribe result, if there is some, and of publications.
fn payloads(channel: &Channel, schemas: &mut Schemas) -> (Option<Value>, Value) {
    match channel {
        Channel::Metrics { .. } | Channel::App { .. } => (
            Some(schemas.sent::<MetricsSnapshot>()),
            schemas.sent::<MetricsPublication>(),
        ),
        Channel::Processes { .. } => {
            let update = schemas.sent::<ProcessUpdate>();
            (Some(update.clone()), update)
        }
        Channel::Collectors { .. } => {
            let all = schemas.sent::<Vec<CollectorStatus>>();
            (Some(all.clone()), all)
        }
        Channel::RunList { .. } => {
            let count = schemas.sent::<u64>();
            (Some(count.clone()), count)
        }
        Channel::Marks { .. } | Channel::Annotations { .. } => {
            let all = schemas.sent::<Vec<Mark>>();
            (Some(all.clone()), all)
        }
        Channel::Services { .. } => {
            let state = schemas.sent::<ServicesState>();
            (Some(state.clone()), state)
        }
        Channel::Run { .. } | Channel::Log { .. } => {
            let event = schemas.sent::<RunEvent>();
            let state = json!({
                "type": "object",
                "required": ["events"],
                "properties": {
                    "events": {"type": "array", "items": event},
                    "dropped": {"type": "integer", "description": "Older events that are held no more."},
                },
            });
            (Some(state), event)
        }
        Channel::Room { .. } => (None, json!({"description": "Any JSON value, 4 KiB at most."})),
    }
}

/// Describes all of them.
pub fn describe(schemas: &mut Schemas, channels: &mut Parts, operations: &mut Parts) {
    for channel in kinds() {
        let (key, address, parameters, what) = named(&channel);
        let (class, recovery) = class(channel.class());
        let (state, publication) = payloads(&channel, schemas);
        let mut messages = Parts::new();
        messages.insert(
            "publication".to_owned(),
            message("`data` of a publication.", publication),
        );
        if let Some(state) = state {
            messages.insert(
                "state".to_owned(),
                message("`data` of the subscribe result.", state),
            );
        }
        let options = message(
            "`data` of the subscribe request.",
            schemas.taken::<SubscribeOptions>(),
        );
        messages.insert("options".to_owned(), options);
        let parameters: Parts = parameters
            .iter()
            .map(|(name, what)| ((*name).to_owned(), json!({"description": what})))
            .collect();
        let mut described = json!({
            "address": address,
            "description": format!("{what} {recovery}"),
            "parameters": parameters,
            "messages": messages,
            "x-farol-class": class,
            "x-farol-permission": channel.permission(),
        });
        operations.insert(format!("{key}.publication"), sends(key, "publication"));
        if let Some(permission) = channel.publish_permission() {
            described["x-farol-publish-permission"] = json!(permission);
            operations.insert(format!("{key}.publish"), takes(key, "publication", &[]));
        }
        channels.insert(key.to_owned(), described);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_one_that_the_server_reads_as_that_channel() {
        for channel in kinds() {
            let (_, address, parameters, _) = named(&channel);
            let name = parameters.iter().fold(address.to_owned(), |name, (key, _)| {
                name.replace(&format!("{{{key}}}"), "X")
            });
            assert_eq!(Channel::parse(&name), Some(channel), "{address}");
        }
    }
}
