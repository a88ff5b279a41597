//! Services of an init system, as people see them. The rows stay with the server, which sorts and cuts them; what travels is
//! [`ServicesState`].

use crate::{fields, words};
use serde::Serialize;

/// One service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceRow {
    /// Its whole name, e.g. `nginx.service`.
    pub name: String,
    pub description: String,
    pub state: ServiceState,
    /// What systemd calls the state below it, e.g. `running`, `exited`, `auto-restart`.
    pub sub: String,
    /// Whether its unit file could be read: `loaded`, `not-found`, `masked`, `error`, ...
    pub load: String,
    /// Whether it starts with the machine: `enabled`, `disabled`, `static`, `masked`, ...; empty when nobody said.
    pub enabled: String,
    /// When it came into its state, milliseconds since the epoch.
    pub since_ms: Option<i64>,
    pub pid: Option<u32>,
    pub memory_bytes: Option<u64>,
    /// Of one processor, over the last seconds.
    pub cpu_percent: Option<f64>,
    /// Processor time in all, nanoseconds.
    pub cpu_ns: Option<u64>,
    pub tasks: Option<u64>,
    /// Why it failed, e.g. `exit-code`; `success` when it did not.
    pub result: String,
    /// What its last main process ended with.
    pub exit_status: Option<i32>,
}

/// How a service stands; the order is by how much it wants to be looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceState {
    Failed,
    Starting,
    Stopping,
    Reloading,
    Maintenance,
    Active,
    #[default]
    Inactive,
}

words!(ServiceState {
    Failed = "failed",
    Starting = "activating",
    Stopping = "deactivating",
    Reloading = "reloading",
    Maintenance = "maintenance",
    Active = "active",
    Inactive = "inactive",
});

/// What services are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServiceSort {
    /// Those that failed first.
    #[default]
    State,
    Name,
    Description,
    Enabled,
    Since,
    Pid,
    Memory,
    Cpu,
    Tasks,
}

words!(ServiceSort {
    State = "state",
    Name = "name",
    Description = "description",
    Enabled = "enabled",
    Since = "since",
    Pid = "pid",
    Memory = "memory",
    Cpu = "cpu",
    Tasks = "tasks",
});

/// Which services to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceQuery {
    /// Part of the name, description, state or what it is called to the boot; empty matches all.
    pub text: String,
    pub sort: ServiceSort,
    pub descending: bool,
    /// Rows to leave out, then to give at most.
    pub offset: u32,
    pub limit: u32,
}

/// Rows of one query given at most.
pub const MAX_SERVICE_ROWS: u32 = 500;

/// Some services, and how all of them stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServicePage {
    pub state: ServicesState,
    /// Those that the text matches.
    pub matching: u32,
    /// Matching, sorted, from the offset on.
    pub rows: Vec<ServiceRow>,
}

/// How the services of a host stand. What the channel `services/HOST` carries.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServicesState {
    /// When it was looked, milliseconds since the epoch.
    pub t_ms: i64,
    /// Grows with each change of any service.
    pub revision: u64,
    /// Why nothing is known, and what to do; null while systemd answers.
    pub unavailable: Option<String>,
    pub total: u32,
    pub active: u32,
    pub failed: u32,
    /// Names of those that failed, 50 at most.
    pub failed_names: Vec<String>,
    /// There are more services than are looked at.
    pub cut: bool,
}

fields!(ServicesState {
    t_ms,
    revision,
    unavailable,
    total,
    active,
    failed,
    failed_names,
    cut
});

/// One line of a service's log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogLine {
    /// Milliseconds since the epoch.
    pub t_ms: i64,
    /// Severity of syslog, RFC 5424 section 6.2.1: 0 is an emergency, 7 is for debugging.
    pub priority: u8,
    /// Who says it, e.g. `nginx[812]`.
    pub source: String,
    pub text: String,
}

/// Everything about one service that is asked for when somebody looks at it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceDetails {
    pub row: ServiceRow,
    /// The file it is made from; empty when there is none.
    pub file: String,
    /// Why a mistake with it costs more than others, if it does.
    pub vital: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wants_to_be_looked_at_comes_first() {
        let mut states = ServiceState::ALL;
        states.reverse();
        states.sort();
        assert_eq!(states.first(), Some(&ServiceState::Failed));
        assert_eq!(states.last(), Some(&ServiceState::Inactive));
    }
}
