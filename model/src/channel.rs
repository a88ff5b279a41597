//! Channel names and the permission each one asks for.

use crate::{Permission, host::LOCAL_HOST, words};

/// How a channel recovers, see docs/PROTOCOL.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Recovery replays all that was missed, or says that it cannot.
    Stream,
    /// Only the latest publication counts.
    Cache,
    /// Frames of numbers: missed frames while held, else a snapshot.
    Metrics,
    /// A table and its changes: a subscriber who missed one starts from the whole table again.
    Table,
}

/// What a channel is about: the first segment of its name. A name of no kind is no channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Metrics,
    Processes,
    App,
    Collectors,
    Marks,
    Annotations,
    Services,
    RunList,
    Run,
    Log,
    Room,
}

words!(Kind {
    Metrics = "metrics",
    Processes = "processes",
    App = "apps",
    Collectors = "collectors",
    Marks = "marks",
    Annotations = "annotations",
    Services = "services",
    RunList = "runlist",
    Run = "runs",
    Log = "logs",
    Room = "room",
});

impl Kind {
    /// What a subscriber must be allowed to do. The same is asked of whoever wants its history or its presence.
    pub fn permission(self) -> Permission {
        match self {
            Kind::Metrics | Kind::App | Kind::Collectors | Kind::Annotations | Kind::Room => {
                Permission::ViewMetrics
            }
            Kind::Processes | Kind::Services => Permission::ViewProcesses,
            Kind::Run | Kind::RunList | Kind::Marks => Permission::ViewRuns,
            Kind::Log => Permission::ViewLogs,
        }
    }
}

/// A parsed channel name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    /// `metrics/HOST/GROUP`
    Metrics { host: String, group: String },
    /// `processes/HOST`
    Processes { host: String },
    /// `apps/NAME`: application metrics.
    App { name: String },
    /// `collectors/HOST`: health of the collectors.
    Collectors { host: String },
    /// `marks/HOST`: when runs began and ended on a host and what was annotated, for its charts.
    Marks { host: String },
    /// `annotations/HOST`: of these what was annotated, for those who may not see runs.
    Annotations { host: String },
    /// `services/HOST`: how the services stand.
    Services { host: String },
    /// `runlist/HOST`: how often the list of runs has changed.
    RunList { host: String },
    /// `runs/ID`: progress and output of one run.
    Run { id: String },
    /// `logs/KIND/NAME`: what something prints, e.g. `logs/container/4f1e…`. It is there while somebody listens.
    Log { kind: String, name: String },
    /// `room/NAME`: what people say to each other, and who is there.
    Room { name: String },
}

/// Longest channel name that is looked at, bytes.
pub const MAX_CHANNEL_BYTES: usize = 255;

/// What is shown of a container's id, and what channels are named after.
pub const CONTAINER_ID_CHARS: usize = 12;

impl Channel {
    /// None when the name has no such form. Segments are 1 to 64 of `A-Za-z0-9._-`.
    pub fn parse(name: &str) -> Option<Channel> {
        if name.len() > MAX_CHANNEL_BYTES {
            return None;
        }
        let segment_ok = |segment: &&str| {
            (1..=64).contains(&segment.len())
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let segments: Vec<&str> = name.split('/').collect();
        if !segments.iter().all(segment_ok) {
            return None;
        }
        let (kind, rest) = segments.split_first()?;
        match (Kind::parse(kind)?, rest) {
            (Kind::Metrics, [host, group]) => Some(Channel::Metrics {
                host: (*host).into(),
                group: (*group).into(),
            }),
            (Kind::Processes, [host]) => Some(Channel::Processes { host: (*host).into() }),
            (Kind::App, [name]) => Some(Channel::App { name: (*name).into() }),
            (Kind::Collectors, [host]) => Some(Channel::Collectors { host: (*host).into() }),
            (Kind::Marks, [host]) => Some(Channel::Marks { host: (*host).into() }),
            (Kind::Annotations, [host]) => Some(Channel::Annotations { host: (*host).into() }),
            (Kind::Services, [host]) => Some(Channel::Services { host: (*host).into() }),
            (Kind::RunList, [host]) => Some(Channel::RunList { host: (*host).into() }),
            (Kind::Run, [id]) => Some(Channel::Run { id: (*id).into() }),
            (Kind::Log, [kind, name]) => Some(Channel::Log {
                kind: (*kind).into(),
                name: (*name).into(),
            }),
            (Kind::Room, [name]) => Some(Channel::Room { name: (*name).into() }),
            _ => None,
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Channel::Metrics { .. } => Kind::Metrics,
            Channel::Processes { .. } => Kind::Processes,
            Channel::App { .. } => Kind::App,
            Channel::Collectors { .. } => Kind::Collectors,
            Channel::Marks { .. } => Kind::Marks,
            Channel::Annotations { .. } => Kind::Annotations,
            Channel::Services { .. } => Kind::Services,
            Channel::RunList { .. } => Kind::RunList,
            Channel::Run { .. } => Kind::Run,
            Channel::Log { .. } => Kind::Log,
            Channel::Room { .. } => Kind::Room,
        }
    }

    /// `metrics/local/GROUP`.
    pub fn local_metrics(group: &str) -> String {
        format!("metrics/{LOCAL_HOST}/{group}")
    }

    /// Begins the group of the metrics of one container; its id, cut to [`CONTAINER_ID_CHARS`], follows.
    pub const CONTAINER_GROUP: &'static str = "container.";

    /// Whether a name is of the metrics of one container. There may be many of them, so lists of channels leave them out.
    pub fn is_of_container(name: &str) -> bool {
        let group = name
            .strip_prefix("metrics/")
            .and_then(|rest| rest.split_once('/'));
        group.is_some_and(|(_, group)| group.starts_with(Self::CONTAINER_GROUP))
    }

    pub fn class(&self) -> Class {
        match self {
            Channel::Metrics { .. } | Channel::App { .. } => Class::Metrics,
            Channel::Processes { .. } => Class::Table,
            Channel::Collectors { .. }
            | Channel::Marks { .. }
            | Channel::Annotations { .. }
            | Channel::Services { .. }
            | Channel::RunList { .. } => Class::Cache,
            Channel::Run { .. } | Channel::Log { .. } | Channel::Room { .. } => Class::Stream,
        }
    }

    /// What somebody who publishes must be allowed to do; None where only the server does.
    pub fn publish_permission(&self) -> Option<Permission> {
        matches!(self, Channel::Room { .. }).then(|| self.permission())
    }

    /// What a subscriber must be allowed to do; see [`Kind::permission`].
    pub fn permission(&self) -> Permission {
        self.kind().permission()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_into_their_class() {
        assert_eq!(
            Channel::parse("metrics/local/cpu").unwrap().class(),
            Class::Metrics
        );
        assert_eq!(
            Channel::parse("runs/01J").unwrap().permission(),
            Permission::ViewRuns
        );
        let room = Channel::parse("room/overview").unwrap();
        assert_eq!(
            (room.class(), room.publish_permission()),
            (Class::Stream, Some(Permission::ViewMetrics))
        );
        assert_eq!(Channel::parse("runs/01J").unwrap().publish_permission(), None);
        let log = Channel::parse("logs/container/4f1e").unwrap();
        assert_eq!(
            (log.class(), log.permission()),
            (Class::Stream, Permission::ViewLogs)
        );
        assert!(Channel::is_of_container("metrics/local/container.4f1e"));
        assert!(!Channel::is_of_container("metrics/local/containers"));
        assert_eq!(
            Channel::parse(&Channel::local_metrics("disk")).unwrap().class(),
            Class::Metrics
        );
    }

    #[test]
    fn every_kind_has_a_name_that_parses() {
        for kind in Kind::ALL {
            let names = [format!("{}/x", kind.as_str()), format!("{}/x/x", kind.as_str())];
            let parsed = names.iter().find_map(|name| Channel::parse(name));
            assert_eq!(parsed.map(|channel| channel.kind()), Some(kind));
        }
    }

    #[test]
    fn anything_else_is_no_channel() {
        let long = format!("runs/{}", "a".repeat(300));
        for name in [
            "",
            "metrics",
            "metrics/local",
            "metrics//cpu",
            "metrics/local/cpu/x",
            "runs/../x",
            "runs/a b",
            "Metrics/local/cpu",
            &long,
        ] {
            assert!(Channel::parse(name).is_none(), "{name}");
        }
    }
}
