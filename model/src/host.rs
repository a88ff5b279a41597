//! What a machine is, as opposed to what it is doing.

use crate::fields;
use serde::Serialize;

/// The server's own machine, as a channel segment.
pub const LOCAL_HOST: &str = "local";

/// Facts that change seldom. A fact that this machine does not tell is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostInfo {
    /// Channel segment, e.g. `local`.
    pub id: String,
    /// Host name as the machine calls itself.
    pub name: String,
    /// E.g. `Debian GNU/Linux 12`.
    pub os: Option<String>,
    pub kernel: Option<String>,
    /// Instruction set, e.g. `x86_64`.
    pub arch: String,
    /// Marketing name of the processor.
    pub cpu_model: Option<String>,
    /// Logical processors.
    pub cpu_count: u32,
    pub memory_bytes: u64,
    /// Boot time, milliseconds since the epoch.
    pub boot_ms: Option<i64>,
}

fields!(HostInfo {
    id,
    name,
    os,
    kernel,
    arch,
    cpu_model,
    cpu_count,
    memory_bytes,
    boot_ms
});
