//! Processor: busy time in all and per core, and clock. Shares come from two readings of `/proc/stat`; the first reading
//! therefore has none. What the time went to is [`super::cpu_time`]'s.
//!
//! The clock is what the frequency driver says. Where there is none, a virtual machine as a rule, `/proc/cpuinfo` is asked, and
//! seldom: the kernel interrupts every core to answer.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, cut, decimal, lines},
    metric::{Metric, gauge, metrics},
    stat::{Cores, MAX_CORES},
};
use farol_model::metric::Unit;

const STAT: &str = "/proc/stat";
const CPUINFO: &str = "/proc/cpuinfo";
/// Readings between two looks into `/proc/cpuinfo`.
const CPUINFO_EVERY: u32 = 30;

metrics! {
    BUSY = gauge("cpu_usage_percent", Unit::Percent, "Processor", "all cores", "Share of time that the processor was busy, over all cores.");
    CORE = gauge("cpu_core_usage_percent", Unit::Percent, "Per core", "core {}", "Share of time that this core was busy.").labels(&["core"]);
    MEAN_CLOCK = gauge("cpu_frequency_hertz", Unit::Hertz, "Clock", "mean", "Mean clock over all cores.");
    MAX_CLOCK = gauge("cpu_frequency_max_hertz", Unit::Hertz, "Clock", "fastest core", "Clock of the fastest core.");
}

/// See the module.
pub struct Cpu {
    stat: KernelFile,
    cpuinfo: KernelFile,
    buffer: Buffer,
    cores: Cores,
    /// One per core with a frequency driver. None until they have been looked for.
    clocks: Option<Vec<KernelFile>>,
    /// What `/proc/cpuinfo` said last: mean and fastest, hertz.
    told: Option<(f64, f64)>,
    readings: u32,
}

impl Default for Cpu {
    fn default() -> Self {
        Cpu {
            stat: KernelFile::new(STAT),
            cpuinfo: KernelFile::new(CPUINFO),
            buffer: Buffer::default(),
            cores: Cores::default(),
            clocks: None,
            told: None,
            readings: 0,
        }
    }
}

impl Collector for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn title(&self) -> &'static str {
        "Processor"
    }

    fn source(&self) -> &'static str {
        "`/proc/stat` (proc_stat(5)); `/sys/devices/system/cpu/cpu*/cpufreq` (admin-guide/pm/cpufreq), else `/proc/cpuinfo`"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let stat = self.stat.read(&mut self.buffer);
        let cores = self
            .cores
            .read(stat.map_err(|error| CollectError::reading(STAT, &error))?);
        let Some((all, cores)) = cores.split_first() else {
            return Err(CollectError::Failed(format!(
                "{STAT} tells nothing of the processor."
            )));
        };
        reading.value(&BUSY, &[], all.busy());
        for core in cores {
            reading.value(&CORE, &[&core.name], core.busy());
        }
        if let Some((mean, fastest)) = self.clock() {
            reading.value(&MEAN_CLOCK, &[], mean);
            reading.value(&MAX_CLOCK, &[], fastest);
        }
        Ok(())
    }
}

impl Cpu {
    /// Mean and fastest clock, hertz.
    fn clock(&mut self) -> Option<(f64, f64)> {
        let clocks = self.clocks.get_or_insert_with(|| {
            let path = |core| format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq");
            let there = |path: &String| std::path::Path::new(path).exists();
            (0..MAX_CORES)
                .map(path)
                .filter(there)
                .map(KernelFile::at)
                .collect()
        });
        let buffer = &mut self.buffer;
        if !clocks.is_empty() {
            let hertz = clocks
                .iter_mut()
                .filter_map(|clock| Some(clock.number(buffer)? as f64 * 1000.0));
            return mean_and_most(hertz);
        }
        if self.readings.is_multiple_of(CPUINFO_EVERY) {
            self.told = self
                .cpuinfo
                .read(buffer)
                .ok()
                .and_then(|text| mean_and_most(told_hertz(text)));
        }
        self.readings = self.readings.wrapping_add(1);
        self.told
    }
}

fn told_hertz(cpuinfo: &[u8]) -> impl Iterator<Item = f64> {
    let mhz = lines(cpuinfo).filter(|line| line.starts_with(b"cpu MHz"));
    mhz.filter_map(|line| Some(decimal(Words(cut(line, b':')?.1).next()?)? * 1e6))
}

fn mean_and_most(hertz: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (count, sum, most) = hertz
        .filter(|hertz| *hertz > 0.0)
        .fold((0_u32, 0.0, 0.0), |(count, sum, most), hertz| {
            (count + 1, sum + hertz, f64::max(most, hertz))
        });
    (count > 0).then(|| (sum / f64::from(count), most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::read;

    #[test]
    fn the_first_reading_has_no_share_and_there_is_one_series_per_core() {
        let reading = read(&mut Cpu::default());
        assert!(reading.value_of("cpu_usage_percent").unwrap().is_nan());
        let is_core = |spec: &&farol_model::metric::MetricSpec| spec.name == "cpu_core_usage_percent";
        let cores = reading.schema().iter().filter(is_core).count();
        assert_eq!(
            cores,
            std::thread::available_parallelism().unwrap().get().max(cores)
        );
        assert!(cores > 0);
    }

    #[test]
    fn clocks_are_read_where_they_are_told() {
        let text = b"processor : 0\ncpu MHz\t\t: 2000.0\nprocessor : 1\ncpu MHz\t\t: 3000.0\ncpu MHz : x\n";
        assert_eq!(mean_and_most(told_hertz(text)), Some((2.5e9, 3e9)));
        assert_eq!(mean_and_most(told_hertz(b"processor : 0\n")), None);
    }
}
