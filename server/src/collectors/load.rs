//! Load averages: how many tasks ran or waited, smoothed over 1, 5 and 15 minutes (proc_loadavg(5)).

use super::{CollectError, Collector, Reading, Sample};
use farol_model::metric::{MetricSpec, Unit};
use sysinfo::System;

/// See the module.
pub struct Load;

impl Collector for Load {
    fn name(&self) -> &'static str {
        "load"
    }

    fn title(&self) -> &'static str {
        "Load"
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let load = System::load_average().map_err(|error| {
            CollectError::Unavailable(format!("This machine tells no load average: {error}."))
        })?;
        let mut reading = Reading::default();
        for (name, title, value) in [
            ("load1", "1 min", load.one),
            ("load5", "5 min", load.five),
            ("load15", "15 min", load.fifteen),
        ] {
            let help = "Tasks that ran or waited for processor or disk, smoothed.";
            reading.push(MetricSpec::gauge(name, Unit::None, "Load", title, help), value);
        }
        Ok(Sample::Frame(reading))
    }
}
