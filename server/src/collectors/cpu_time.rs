//! What the processor's time goes to, in all and per core, and how often the kernel switches, is interrupted and makes
//! processes, from `/proc/stat`.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, lines},
    metric::{Metric, gauge, metrics, rate},
    stat::{Cores, MODES},
};
use farol_model::metric::Unit;

const STAT: &str = "/proc/stat";

metrics! {
    MODE = gauge("cpu_mode_percent", Unit::Percent, "Time by mode", "{}", "Share of the time of all cores in the mode {}. Time of guests is part of user and nice.").labels(&["mode"]);
    CORE_MODE = gauge("cpu_core_mode_percent", Unit::Percent, "Time of core {}", "{1}", "Share of the time of core {} in the mode {1}.").labels(&["core", "mode"]);
    SWITCHES = rate("cpu_context_switches_per_second", Unit::PerSecond, "Context switches", "switches", "Changes from one task to another.");
    INTERRUPTS = rate("cpu_interrupts_per_second", Unit::PerSecond, "Interrupts and soft interrupts", "interrupts", "Interrupts served, of all lines.");
    SOFTIRQS = rate("cpu_softirqs_per_second", Unit::PerSecond, "Interrupts and soft interrupts", "soft interrupts", "Soft interrupts served, of all kinds.");
    FORKS = rate("cpu_forks_per_second", Unit::PerSecond, "Tasks made", "made", "Processes and threads made.");
    RUNNING = gauge("cpu_tasks_running", Unit::Count, "Run queue", "running", "Tasks that run or could run.");
    BLOCKED = gauge("cpu_tasks_blocked", Unit::Count, "Run queue", "blocked", "Tasks that wait for a disk.");
}

/// See the module.
pub struct CpuTime {
    stat: KernelFile,
    buffer: Buffer,
    cores: Cores,
}

impl Default for CpuTime {
    fn default() -> Self {
        CpuTime {
            stat: KernelFile::new(STAT),
            buffer: Buffer::default(),
            cores: Cores::default(),
        }
    }
}

impl Collector for CpuTime {
    fn name(&self) -> &'static str {
        "cpu-time"
    }

    fn title(&self) -> &'static str {
        "Processor time"
    }

    fn source(&self) -> &'static str {
        "`/proc/stat` (proc_stat(5))"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let stat = self.stat.read(&mut self.buffer);
        said(
            stat.map_err(|error| CollectError::reading(STAT, &error))?,
            &mut self.cores,
            reading,
        );
        Ok(())
    }
}

/// What the file says.
pub fn said(stat: &[u8], cores: &mut Cores, reading: &mut Reading) {
    for core in cores.read(stat) {
        for (mode, share) in MODES.iter().zip(core.shares) {
            match core.name.as_str() {
                "" => reading.value(&MODE, &[mode], share),
                name => reading.value(&CORE_MODE, &[name, mode], share),
            }
        }
    }
    for line in lines(stat) {
        let mut words = Words(line);
        let metric = match words.next() {
            Some(b"ctxt") => &SWITCHES,
            // The first number of these two lines is the sum of the others.
            Some(b"intr") => &INTERRUPTS,
            Some(b"softirq") => &SOFTIRQS,
            Some(b"processes") => &FORKS,
            Some(b"procs_running") => &RUNNING,
            Some(b"procs_blocked") => &BLOCKED,
            _ => continue,
        };
        reading.count(metric, &[], words.number());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn time_goes_to_modes_and_counters_become_rates() {
        let mut cores = Cores::default();
        let reading = between(
            b"cpu 0 0 0 0\ncpu0 0 0 0 0\nintr 10 9 1\nctxt 100\nprocs_running 3\n",
            b"cpu 1 0 0 3\ncpu0 1 0 0 3\nintr 30 9 1\nctxt 50\nprocs_running 4\n",
            |text, reading| said(text, &mut cores, reading),
        );
        assert_eq!(reading.value_of("cpu_mode_percent"), Some(25.0));
        assert_eq!(reading.value_of("cpu_interrupts_per_second"), Some(20.0));
        assert!(
            reading
                .value_of("cpu_context_switches_per_second")
                .unwrap()
                .is_nan(),
            "it was reset"
        );
        assert_eq!(reading.value_of("cpu_tasks_running"), Some(4.0));
    }
}
