//! Processor: busy time in all and per core, and clock. sysinfo computes shares from two readings of `/proc/stat`; the first
//! reading therefore has none.

use super::{CollectError, Collector, Reading, Sample};
use farol_model::metric::{MetricSpec, Unit};
use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// See the module.
#[derive(Default)]
pub struct Cpu {
    /// Made on the first reading. The flag tells whether it has read before.
    system: Option<(System, bool)>,
}

impl Collector for Cpu {
    fn name(&self) -> &'static str {
        "cpu"
    }

    fn title(&self) -> &'static str {
        "Processor"
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let what = CpuRefreshKind::nothing().with_usage().with_frequency();
        let (system, has_read) = match &mut self.system {
            Some(made) => made,
            None => {
                let system =
                    System::new_with_specifics(RefreshKind::nothing().with_cpu(what)).map_err(|error| {
                        CollectError::Unavailable(format!("The processor cannot be read: {error}."))
                    })?;
                self.system.insert((system, false))
            }
        };
        system.refresh_cpu_specifics(what);
        let share = |value: f32| {
            if *has_read {
                f64::from(value).clamp(0.0, 100.0)
            } else {
                f64::NAN
            }
        };
        let mut reading = Reading::default();
        let spec = |name: &str, chart: &str, title: &str, help: &str| {
            MetricSpec::gauge(
                name,
                if name.ends_with("hertz") {
                    Unit::Hertz
                } else {
                    Unit::Percent
                },
                chart,
                title,
                help,
            )
        };
        reading.push(
            spec(
                "cpu_usage_percent",
                "Processor",
                "all cores",
                "Share of time that the processor was busy, over all cores.",
            ),
            share(system.global_cpu_usage()),
        );
        for (index, cpu) in system.cpus().iter().enumerate() {
            let core = index.to_string();
            reading.push(
                spec(
                    "cpu_core_usage_percent",
                    "Per core",
                    &format!("core {core}"),
                    "Share of time that this core was busy.",
                )
                .label("core", &core),
                share(cpu.usage()),
            );
        }
        let clocks: Vec<f64> = system
            .cpus()
            .iter()
            .map(|cpu| cpu.frequency() as f64 * 1e6)
            .filter(|hertz| *hertz > 0.0)
            .collect();
        if !clocks.is_empty() {
            let mean = clocks.iter().sum::<f64>() / clocks.len() as f64;
            let fastest = clocks.iter().copied().fold(0.0, f64::max);
            reading.push(
                spec(
                    "cpu_frequency_hertz",
                    "Clock",
                    "mean",
                    "Mean clock over all cores.",
                ),
                mean,
            );
            reading.push(
                spec(
                    "cpu_frequency_max_hertz",
                    "Clock",
                    "fastest core",
                    "Clock of the fastest core.",
                ),
                fastest,
            );
        }
        *has_read = true;
        Ok(Sample::Frame(reading))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reading_has_no_share_and_there_is_one_series_per_core() {
        let Ok(Sample::Frame(reading)) = Cpu::default().collect() else {
            panic!("no reading")
        };
        assert!(reading.value("cpu_usage_percent").unwrap().is_nan());
        let cores = reading
            .schema()
            .iter()
            .filter(|spec| spec.name == "cpu_core_usage_percent")
            .count();
        assert_eq!(
            cores,
            std::thread::available_parallelism().unwrap().get().max(cores)
        );
        assert!(cores > 0);
    }
}
