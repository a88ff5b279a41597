//! Channel names and the permission each one asks for.

use crate::{Permission, host::LOCAL_HOST};

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
    /// `services/HOST`: how the services stand.
    Services { host: String },
    /// `runs/ID`: progress and output of one run.
    Run { id: String },
    /// `room/NAME`: what people say to each other, and who is there.
    Room { name: String },
}

/// Longest channel name that is looked at, bytes.
pub const MAX_CHANNEL_BYTES: usize = 255;

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
        match segments.as_slice() {
            ["metrics", host, group] => Some(Channel::Metrics {
                host: (*host).into(),
                group: (*group).into(),
            }),
            ["processes", host] => Some(Channel::Processes { host: (*host).into() }),
            ["apps", name] => Some(Channel::App { name: (*name).into() }),
            ["collectors", host] => Some(Channel::Collectors { host: (*host).into() }),
            ["services", host] => Some(Channel::Services { host: (*host).into() }),
            ["runs", id] => Some(Channel::Run { id: (*id).into() }),
            ["room", name] => Some(Channel::Room { name: (*name).into() }),
            _ => None,
        }
    }

    /// `metrics/local/GROUP`.
    pub fn local_metrics(group: &str) -> String {
        format!("metrics/{LOCAL_HOST}/{group}")
    }

    pub fn class(&self) -> Class {
        match self {
            Channel::Metrics { .. } | Channel::App { .. } => Class::Metrics,
            Channel::Processes { .. } => Class::Table,
            Channel::Collectors { .. } | Channel::Services { .. } => Class::Cache,
            Channel::Run { .. } | Channel::Room { .. } => Class::Stream,
        }
    }

    /// What somebody who publishes must be allowed to do; None where only the server does.
    pub fn publish_permission(&self) -> Option<Permission> {
        matches!(self, Channel::Room { .. }).then(|| self.permission())
    }

    /// What a subscriber must be allowed to do. The same is asked of whoever wants its history or its presence.
    pub fn permission(&self) -> Permission {
        match self {
            Channel::Metrics { .. }
            | Channel::App { .. }
            | Channel::Collectors { .. }
            | Channel::Room { .. } => Permission::ViewMetrics,
            Channel::Processes { .. } | Channel::Services { .. } => Permission::ViewProcesses,
            Channel::Run { .. } => Permission::ViewRuns,
        }
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
        assert_eq!(
            Channel::parse(&Channel::local_metrics("disk")).unwrap().class(),
            Class::Metrics
        );
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
