//! The machine as a whole: facts, uptime, how many processes and threads there are.

use super::{CollectError, Collector, Reading, Sample};
use crate::procstat;
use farol_model::{
    host::{HostInfo, LOCAL_HOST},
    metric::{MetricSpec, Unit},
};
use sysinfo::System;

const LOADAVG: &str = "/proc/loadavg";

/// See the module.
pub struct Host;

impl Collector for Host {
    fn name(&self) -> &'static str {
        "host"
    }

    fn title(&self) -> &'static str {
        "Host"
    }

    fn collect(&mut self) -> Result<Sample, CollectError> {
        let mut reading = Reading::default();
        let text =
            std::fs::read_to_string(LOADAVG).map_err(|error| CollectError::reading(LOADAVG, &error))?;
        let (running, all) = tasks(&text).unwrap_or((f64::NAN, f64::NAN));
        let spec = |name: &str, unit, chart: &str, title: &str, help: &str| {
            MetricSpec::gauge(name, unit, chart, title, help)
        };
        reading.push(
            spec(
                "host_tasks_running",
                Unit::Count,
                "Runnable tasks",
                "running",
                "Tasks that run or could run.",
            ),
            running,
        );
        reading.push(
            spec(
                "host_tasks",
                Unit::Count,
                "Tasks",
                "all",
                "Tasks (threads of all processes) that exist.",
            ),
            all,
        );
        let uptime = System::uptime().map_or(f64::NAN, |secs| secs as f64);
        reading.push(
            spec(
                "host_uptime_seconds",
                Unit::Seconds,
                "Uptime",
                "uptime",
                "Time since the machine booted.",
            ),
            uptime,
        );
        Ok(Sample::Frame(reading))
    }
}

/// The fourth field, `running/all` (proc_loadavg(5)).
fn tasks(text: &str) -> Option<(f64, f64)> {
    let (running, all) = text.split_ascii_whitespace().nth(3)?.split_once('/')?;
    Some((running.parse().ok()?, all.parse().ok()?))
}

/// Facts about this machine.
pub fn host_info() -> HostInfo {
    let cpu = System::new_with_specifics(
        sysinfo::RefreshKind::nothing().with_cpu(sysinfo::CpuRefreshKind::nothing()),
    );
    let (cpu_model, cpu_count) = cpu.map_or((None, 0), |system| {
        let brand = system
            .cpus()
            .first()
            .map(|cpu| cpu.brand().trim().to_owned())
            .filter(|brand| !brand.is_empty());
        (brand, system.cpus().len())
    });
    let memory_bytes = System::new_with_specifics(
        sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram()),
    )
    .map_or(0, |system| system.total_memory());
    HostInfo {
        id: LOCAL_HOST.to_owned(),
        name: System::host_name().unwrap_or_else(|_| LOCAL_HOST.to_owned()),
        os: System::long_os_version().ok(),
        kernel: System::kernel_version().ok(),
        arch: System::cpu_arch(),
        cpu_model,
        cpu_count: u32::try_from(cpu_count).unwrap_or(u32::MAX),
        memory_bytes,
        boot_ms: procstat::boot_ms().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_read_from_their_field_or_not_at_all() {
        assert_eq!(tasks("0.1 0.2 0.3 2/345 6789\n"), Some((2.0, 345.0)));
        assert_eq!(tasks("0.1 0.2 0.3"), None);
        assert_eq!(tasks("0.1 0.2 0.3 x/y 1"), None);
    }

    #[test]
    fn this_machine_has_a_name_processors_and_memory() {
        let info = host_info();
        assert!(!info.name.is_empty() && info.cpu_count > 0 && info.memory_bytes > 0);
    }
}
