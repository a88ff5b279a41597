//! Collectors sample the machine. Each is one file with its metrics, its reading and its tests, and one line in
//! [`registered`]; everything else follows from the specs.
//!
//! A collector reads and returns; it must not know who looks, keep history or wait for others. What the machine does not
//! tell is NaN, never zero; when it tells nothing at all the collector is [`CollectError::Unavailable`]. The
//! [`scheduler`] runs what only reads memory of the kernel on one thread, and each of the others on a thread of its own, so
//! that one that hangs never delays another; one that errs or panics never does.
//!
//! A second costs little when files stay open and are read into the same buffer ([`kernel`]), parsed without making anything,
//! and said to a [`Reading`] that keeps its schema while the layout stays ([`reading`]).
//!
//! You get it wrong when a rate is computed from the first reading (there is none yet), or when a device that went away
//! keeps its series.

pub mod cgroups;
pub mod clock;
pub mod cpu;
pub mod cpu_time;
pub mod disk;
pub mod disk_io;
pub mod farol;
pub mod filesystems;
pub mod gpu;
pub mod host;
pub mod interrupts;
pub mod ip;
pub mod kernel;
pub mod load;
pub mod memory;
pub mod memory_parts;
pub mod metric;
pub mod mounts;
pub mod neighbours;
pub mod network;
pub mod network_parts;
pub mod parsers;
pub mod power;
pub mod pressure;
pub mod processes;
pub mod protocols;
pub mod reading;
pub mod scheduler;
pub mod sockets;
pub mod softirqs;
pub mod stat;
pub mod sysfs;
pub mod tcp;
pub mod tcp_states;
pub mod temperature;
pub mod usage;
pub mod vmstat;

use farol_model::{channel::Channel, health::CollectorStatus, metric::MetricSpec, process::ProcessRow};
use metric::Metric;
pub use reading::Reading;
use std::{sync::Arc, time::Duration};

/// Every collector there is, in display order. To add one: its file and a line here.
pub fn registered() -> Vec<Box<dyn Collector>> {
    let counters = protocols::Counters::default();
    vec![
        Box::new(cpu::Cpu::default()),
        Box::new(cpu_time::CpuTime::default()),
        Box::new(load::Load::default()),
        Box::new(pressure::Pressure::default()),
        Box::new(interrupts::Interrupts::default()),
        Box::new(softirqs::Softirqs::default()),
        Box::new(memory::Memory::default()),
        Box::new(memory_parts::MemoryParts::default()),
        Box::new(vmstat::Vmstat::default()),
        Box::new(disk::Disk::default()),
        Box::new(disk_io::DiskIo::default()),
        Box::new(filesystems::Filesystems::default()),
        Box::new(network::Network::default()),
        Box::new(network_parts::NetworkParts::default()),
        Box::new(tcp::Tcp::sharing(counters.clone())),
        Box::new(ip::Ip::sharing(counters)),
        Box::new(sockets::Sockets::default()),
        Box::new(neighbours::Neighbours::default()),
        Box::new(temperature::Temperature::default()),
        Box::new(power::Power::default()),
        Box::new(gpu::Gpu::default()),
        Box::new(host::Host::default()),
        Box::new(clock::Clock),
        Box::new(cgroups::Cgroups::default()),
        Box::new(processes::Processes::default()),
        Box::new(farol::Farol::default()),
    ]
}

/// Their names.
pub fn registered_names() -> Vec<String> {
    registered()
        .iter()
        .map(|collector| collector.name().to_owned())
        .collect()
}

/// Where a collector runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On a thread of its own: it may have to wait for a device, a file system or another program.
    Own,
    /// With others: it reads what the kernel has in memory, and waits for nothing.
    Shared,
}

/// Reads one group of metrics. Called on a thread where blocking is allowed.
pub trait Collector: Send {
    /// One word; also the last segment of its channel.
    fn name(&self) -> &'static str;
    /// For people.
    fn title(&self) -> &'static str;
    /// Where its numbers come from, and what says what they mean.
    fn source(&self) -> &'static str;
    /// All that it can measure.
    fn metrics(&self) -> &'static [&'static Metric];
    /// Reads now. The first call may lack rates. After an error the reading starts anew.
    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError>;

    fn place(&self) -> Place {
        Place::Own
    }

    /// Time between readings when nobody says otherwise.
    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// After this long a reading counts as hung.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Where its frames go.
    fn channel(&self) -> String {
        Channel::local_metrics(self.name())
    }
}

/// Why there is no reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// This machine does not have it. Not a failure; looked for again once a minute.
    #[error("{0}")]
    Unavailable(String),
    /// It should be there and could not be read.
    #[error("{0}")]
    Failed(String),
}

impl CollectError {
    /// A failure to read a file of the kernel.
    fn reading(path: &str, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => CollectError::Unavailable(format!("This machine has no {path}.")),
            _ => CollectError::Failed(format!("{path} cannot be read: {error}")),
        }
    }
}

/// Where collectors put what they read. Implemented by the live hub; tests use one of their own. Never waits.
pub trait Outlet: Send + Sync + 'static {
    /// One frame of a metrics channel. `values` follow `schema` by position, NaN where there is none. A schema that
    /// differs from the one before (compare the `Arc` by pointer first) is announced before the frame.
    fn frame(&self, channel: &str, schema: &Arc<[MetricSpec]>, t_ms: i64, interval_ms: u32, values: Vec<f64>);
    /// The whole process table of the local machine; the outlet works out what changed.
    fn processes(&self, t_ms: i64, rows: Vec<ProcessRow>);
    /// Health of all collectors. Called when something in it changed, at most once per second.
    fn health(&self, statuses: &[CollectorStatus]);
}

#[cfg(test)]
#[path = "collectors/tests.rs"]
mod tests;

#[cfg(test)]
#[path = "collectors/recorded_tests.rs"]
mod recorded_tests;
