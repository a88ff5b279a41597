//! The parts of the engine's answers that are read. Everything may be missing: engines differ, and what is not told is not
//! known. Source: Docker Engine API 1.41 to 1.51; Podman's answers under the same addresses were compared with 4.3.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// `GET /version`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Version {
    pub version: String,
    #[serde(deserialize_with = "or_default")]
    pub components: Vec<Component>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Component {
    pub name: String,
}

/// One of `GET /containers/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Summary {
    pub id: String,
    #[serde(deserialize_with = "or_default")]
    pub names: Vec<String>,
    pub image: String,
    #[serde(deserialize_with = "or_default")]
    pub command: String,
    /// Seconds since the epoch.
    pub created: i64,
    pub state: String,
    pub status: String,
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<Port>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Port {
    #[serde(rename = "IP", deserialize_with = "or_default")]
    pub ip: String,
    pub private_port: u16,
    #[serde(deserialize_with = "or_default")]
    pub public_port: u16,
    #[serde(rename = "Type")]
    pub protocol: String,
}

/// One line of `GET /events`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Event {
    #[serde(rename = "Type")]
    pub kind: String,
    pub action: String,
}

/// `GET /containers/ID/stats?stream=false&one-shot=true`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Stats {
    pub cpu_stats: CpuStats,
    pub memory_stats: MemoryStats,
    /// Missing in a container that shares the network of the machine.
    pub networks: Option<BTreeMap<String, NetworkStats>>,
    pub blkio_stats: BlockStats,
    pub pids_stats: PidStats,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CpuStats {
    pub cpu_usage: CpuUsage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CpuUsage {
    /// Nanoseconds on all cores. Zero in a container that does not run.
    pub total_usage: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemoryStats {
    pub usage: Option<u64>,
    pub limit: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    pub stats: MemoryParts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MemoryParts {
    /// Page cache that can be given back: cgroup v2, then v1.
    pub inactive_file: Option<u64>,
    pub total_inactive_file: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetworkStats {
    pub rx_bytes: u64,
    pub tx_bytes: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BlockStats {
    pub io_service_bytes_recursive: Option<Vec<BlockEntry>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BlockEntry {
    /// `read` or `Read`, `write` or `Write`, and others.
    pub op: String,
    pub value: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PidStats {
    pub current: Option<u64>,
}

/// `GET /containers/ID/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Inspect {
    pub id: String,
    pub name: String,
    /// When it was made, RFC 3339.
    pub created: String,
    pub path: String,
    #[serde(deserialize_with = "or_default")]
    pub args: Vec<String>,
    pub state: InspectState,
    /// Id of the image.
    pub image: String,
    pub restart_count: i64,
    pub config: InspectConfig,
    pub host_config: HostConfig,
    #[serde(deserialize_with = "or_default")]
    pub mounts: Vec<Mount>,
    pub network_settings: NetworkSettings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct InspectState {
    pub status: String,
    pub running: bool,
    #[serde(rename = "OOMKilled")]
    pub oom_killed: bool,
    pub pid: i64,
    pub exit_code: i64,
    #[serde(deserialize_with = "or_default")]
    pub error: String,
    /// RFC 3339; the year 1 before the first start.
    pub started_at: String,
    pub finished_at: String,
    #[serde(deserialize_with = "or_default")]
    pub health: Health,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Health {
    pub status: String,
    pub failing_streak: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct InspectConfig {
    pub user: String,
    pub tty: bool,
    /// `NAME=value`; only names leave this process.
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<String>,
    pub image: String,
    pub working_dir: String,
    /// Only keys leave this process.
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HostConfig {
    pub network_mode: String,
    pub restart_policy: RestartPolicy,
    pub privileged: bool,
    #[serde(deserialize_with = "or_default")]
    pub memory: i64,
    #[serde(deserialize_with = "or_default")]
    pub nano_cpus: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RestartPolicy {
    pub name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Mount {
    #[serde(rename = "Type")]
    pub kind: String,
    pub source: String,
    pub destination: String,
    #[serde(rename = "RW")]
    pub writable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkSettings {
    #[serde(deserialize_with = "or_default")]
    pub networks: BTreeMap<String, Endpoint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Endpoint {
    #[serde(rename = "IPAddress", deserialize_with = "or_default")]
    pub address: String,
}

/// `null` is how Go writes an empty list.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
