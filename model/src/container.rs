//! Containers, as the engine tells of them. What the pages ask for and get; nothing of it travels over the live protocol.

use crate::words;

/// Rows of one answer at most.
pub const MAX_CONTAINER_ROWS: u32 = 500;

/// One container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerRow {
    /// 64 hexadecimal digits. Names may pass to another container; ids never do.
    pub id: String,
    pub name: String,
    pub image: String,
    /// Words joined by spaces, cut at 512 characters.
    pub command: String,
    /// One word of the engine, e.g. `running`, `exited`, `created`, `paused`.
    pub state: String,
    /// The engine's sentence, e.g. `Up 3 hours (healthy)`.
    pub status: String,
    pub created_ms: i64,
    /// E.g. `0.0.0.0:8080→80/tcp`.
    pub ports: Vec<String>,
    /// The channel of its metrics; None while it is not measured.
    pub channel: Option<String>,
    /// It runs and is not measured, because as many are as may be.
    pub over_limit: bool,
    /// The newest reading; None while it does not run or was not read yet.
    pub usage: Option<ContainerUsage>,
}

impl ContainerRow {
    /// Whether its processes exist, be it that they are paused.
    pub fn is_up(&self) -> bool {
        matches!(self.state.as_str(), "running" | "paused" | "restarting")
    }
}

/// One reading. NaN where the engine does not tell, and for rates of the first reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContainerUsage {
    /// Of one core: a container with two busy threads shows 200.
    pub cpu_percent: f64,
    /// Without the page cache that can be given back.
    pub memory_bytes: f64,
    pub memory_limit_bytes: f64,
    pub received_bytes_per_second: f64,
    pub sent_bytes_per_second: f64,
    pub read_bytes_per_second: f64,
    pub written_bytes_per_second: f64,
    pub processes: f64,
}

/// What containers are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ContainerSort {
    #[default]
    Name,
    Image,
    State,
    Cpu,
    Memory,
    Received,
    Sent,
    Read,
    Written,
    Processes,
    Created,
    Status,
    Ports,
    Command,
    Id,
}

words!(ContainerSort {
    Name = "name",
    Image = "image",
    State = "state",
    Cpu = "cpu",
    Memory = "memory",
    Received = "received",
    Sent = "sent",
    Read = "read",
    Written = "written",
    Processes = "processes",
    Created = "created",
    Status = "status",
    Ports = "ports",
    Command = "command",
    Id = "id",
});

/// What a page asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContainerQuery {
    /// Part of a name, image, command, state or id; empty for all.
    pub text: String,
    pub sort: ContainerSort,
    pub descending: bool,
    pub offset: u32,
    /// At most [`MAX_CONTAINER_ROWS`].
    pub limit: u32,
}

/// What it gets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContainerPage {
    /// The server's clock.
    pub t_ms: i64,
    pub engine: EngineState,
    pub total: u32,
    pub running: u32,
    /// Sums over the measured ones.
    pub cpu_percent: f64,
    pub memory_bytes: f64,
    pub matching: u32,
    pub rows: Vec<ContainerRow>,
    /// Bounds that were met, as sentences.
    pub limits: Vec<String>,
}

/// Whether there is an engine to ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EngineState {
    /// Not looked yet.
    #[default]
    Looking,
    /// Switched off in the configuration.
    Off,
    /// It answers.
    Ready {
        /// E.g. `Podman Engine 4.3.1`.
        name: String,
        socket: String,
    },
    /// There is none, or it does not let us in: each place that was looked at, with what was found.
    Absent { places: Vec<(String, String)> },
    /// It was there and does not answer now.
    Lost { socket: String, reason: String },
}

/// One container in full, read when somebody asks. Values of variables and labels are never in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerDetails {
    /// Word and value, in display order.
    pub facts: Vec<(String, String)>,
}
