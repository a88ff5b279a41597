//! Collectors sample the machine. Each is one file with its specs, its reading and its tests, and one line in
//! [`registered`]; everything else follows from the specs.
//!
//! A collector reads and returns; it must not know who looks, keep history or wait for others. What the machine does not
//! tell is NaN, never zero; when it tells nothing at all the collector is [`CollectError::Unavailable`]. The
//! [`scheduler`] runs each collector on a thread of its own, so that one that hangs, errs or panics never delays another.
//!
//! You get it wrong when a rate is computed from the first reading (there is none yet), or when a device that went away
//! keeps its series.

pub mod cpu;
pub mod disk;
pub mod farol;
pub mod host;
pub mod load;
pub mod memory;
pub mod network;
pub mod processes;
pub mod rate;
pub mod scheduler;
pub mod temperature;

use farol_model::{channel::Channel, health::CollectorStatus, metric::MetricSpec, process::ProcessRow};
use std::{sync::Arc, time::Duration};

/// Every collector there is, in display order. To add one: its file and a line here.
pub fn registered() -> Vec<Box<dyn Collector>> {
    vec![
        Box::new(cpu::Cpu::default()),
        Box::new(load::Load),
        Box::new(memory::Memory),
        Box::new(disk::Disk::default()),
        Box::new(network::Network::default()),
        Box::new(temperature::Temperature::default()),
        Box::new(host::Host),
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

/// Reads one group of metrics. Called on a thread where blocking is allowed.
pub trait Collector: Send {
    /// One word; also the last segment of its channel.
    fn name(&self) -> &'static str;
    /// For people.
    fn title(&self) -> &'static str;
    /// Reads now. The first call may lack rates.
    fn collect(&mut self) -> Result<Sample, CollectError>;

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

/// What a collector returns.
#[derive(Debug)]
pub enum Sample {
    Frame(Reading),
    Processes(Vec<ProcessRow>),
}

/// Specs and values, which cannot get out of step.
#[derive(Debug, Default)]
pub struct Reading {
    schema: Vec<MetricSpec>,
    values: Vec<f64>,
}

impl Reading {
    /// Adds a series. NaN is "no value".
    pub fn push(&mut self, spec: MetricSpec, value: f64) {
        self.schema.push(spec);
        self.values.push(value);
    }

    pub fn schema(&self) -> &[MetricSpec] {
        &self.schema
    }

    /// The values, by the places of their specs.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value of the first series of this name.
    pub fn value(&self, name: &str) -> Option<f64> {
        let at = self.schema.iter().position(|spec| spec.name == name)?;
        self.values.get(at).copied()
    }

    fn into_parts(self) -> (Vec<MetricSpec>, Vec<f64>) {
        (self.schema, self.values)
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
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_collector_reads_this_machine_or_says_why_not() {
        for mut collector in registered() {
            match collector.collect() {
                Ok(Sample::Frame(reading)) => {
                    assert_eq!(reading.schema.len(), reading.values.len());
                    assert!(
                        reading.values.iter().all(|value| value.is_nan() || *value >= 0.0),
                        "{}",
                        collector.name()
                    );
                }
                Ok(Sample::Processes(rows)) => assert!(!rows.is_empty()),
                Err(CollectError::Unavailable(reason)) => assert!(reason.ends_with('.'), "{reason}"),
                Err(error) => panic!("{}: {error}", collector.name()),
            }
        }
    }

    #[test]
    fn series_are_unique_and_keep_their_place_from_reading_to_reading() {
        for mut collector in registered() {
            let (Ok(Sample::Frame(first)), Ok(Sample::Frame(second))) =
                (collector.collect(), collector.collect())
            else {
                continue;
            };
            let keys: HashSet<String> = first.schema.iter().map(MetricSpec::key).collect();
            assert_eq!(
                keys.len(),
                first.schema.len(),
                "{} has a series twice",
                collector.name()
            );
            assert_eq!(first.schema, second.schema, "{}", collector.name());
        }
    }

    #[test]
    fn names_are_segments_of_a_channel() {
        for collector in registered() {
            assert!(
                Channel::parse(&collector.channel()).is_some(),
                "{}",
                collector.channel()
            );
        }
    }
}
