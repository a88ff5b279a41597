//! Load averages: how many tasks ran or waited, smoothed over 1, 5 and 15 minutes (proc_loadavg(5)).

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, decimal},
    metric::{Metric, gauge, metrics},
};
use farol_model::metric::Unit;

const PATH: &str = "/proc/loadavg";

metrics! {
    ONE = gauge("load1", Unit::None, "Load", "1 min", "Tasks that ran or waited for processor or disk, smoothed over a minute.");
    FIVE = gauge("load5", Unit::None, "Load", "5 min", "Tasks that ran or waited for processor or disk, smoothed over 5 minutes.");
    FIFTEEN = gauge("load15", Unit::None, "Load", "15 min", "Tasks that ran or waited for processor or disk, smoothed over 15 minutes.");
}

/// See the module.
pub struct Load {
    file: KernelFile,
    buffer: Buffer,
}

impl Default for Load {
    fn default() -> Self {
        Load {
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Load {
    fn name(&self) -> &'static str {
        "load"
    }

    fn title(&self) -> &'static str {
        "Load"
    }

    fn source(&self) -> &'static str {
        "`/proc/loadavg` (proc_loadavg(5))"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let text = self.file.read_record(&mut self.buffer);
        let mut words = Words(text.map_err(|error| CollectError::reading(PATH, &error))?);
        for metric in [&ONE, &FIVE, &FIFTEEN] {
            let load = words.next().and_then(decimal);
            reading.value(metric, &[], load.unwrap_or(f64::NAN));
        }
        Ok(())
    }
}
