//! Fans, voltages, currents and power from `/sys/class/hwmon` (Documentation/hwmon/sysfs-interface.rst), what processors draw from
//! `/sys/class/powercap` (RAPL, Documentation/power/powercap/powercap.rst; only root may read it since Linux 5.10), and batteries
//! from `/sys/class/power_supply` (Documentation/ABI/testing/sysfs-class-power).

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, KernelFile},
    metric::{Metric, gauge, metrics, rate},
    sysfs::{LOOK_EVERY, line, names},
    temperature::{Sensor, inputs},
};
use farol_model::metric::Unit;
use std::path::Path;

const HWMON: &str = "/sys/class/hwmon";
const POWERCAP: &str = "/sys/class/powercap";
const SUPPLIES: &str = "/sys/class/power_supply";

metrics! {
    FAN = gauge("fan_rpm", Unit::Rpm, "Fans", "{}", "Turns of the fan per minute.").labels(&["sensor"]);
    VOLTS = gauge("sensor_volts", Unit::Volts, "Voltages", "{}", "Voltage that the sensor reports.").labels(&["sensor"]).scale(1e-3);
    AMPERES = gauge("sensor_amperes", Unit::Amperes, "Currents", "{}", "Current that the sensor reports.").labels(&["sensor"]).scale(1e-3);
    WATTS = gauge("sensor_watts", Unit::Watts, "Power", "{}", "Power that the sensor reports.").labels(&["sensor"]).scale(1e-6);
    DRAWN = rate("rapl_watts", Unit::Watts, "Power of the processor", "{}", "Power drawn, from the energy counter of the processor.").labels(&["domain"]).scale(1e-6);
    CHARGE = gauge("battery_charge_percent", Unit::Percent, "Charge", "{}", "Charge of the battery as share of what it can hold.").labels(&["battery"]);
    BATTERY_WATTS = gauge("battery_watts", Unit::Watts, "Power of the battery", "{}", "Power that goes into or out of the battery.").labels(&["battery"]).scale(1e-6);
    BATTERY_VOLTS = gauge("battery_volts", Unit::Volts, "Voltage of the battery", "{}", "Voltage of the battery.").labels(&["battery"]).scale(1e-6);
    CYCLES = gauge("battery_cycles", Unit::Count, "Charges so far", "{}", "How often the battery was charged in full.").labels(&["battery"]);
    ONLINE = gauge("power_supply_online", Unit::None, "Mains", "{}", "1 when the supply gives power.").labels(&["supply"]);
}

/// A file and what its number is.
struct Source {
    metric: &'static Metric,
    sensor: Sensor,
}

/// See the module.
#[derive(Default)]
pub struct Power {
    sources: Vec<Source>,
    readings: u32,
    buffer: Buffer,
}

impl Collector for Power {
    fn name(&self) -> &'static str {
        "power"
    }

    fn title(&self) -> &'static str {
        "Fans, power and batteries"
    }

    fn source(&self) -> &'static str {
        "`/sys/class/hwmon` (hwmon/sysfs-interface.rst), `/sys/class/powercap` (power/powercap/powercap.rst), `/sys/class/power_supply` (ABI/testing/sysfs-class-power)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        if self.readings.is_multiple_of(LOOK_EVERY) || self.sources.is_empty() {
            self.sources = sources(Path::new(HWMON), Path::new(POWERCAP), Path::new(SUPPLIES));
        }
        self.readings = self.readings.wrapping_add(1);
        if self.sources.is_empty() {
            return Err(CollectError::Unavailable(
                "This machine shows no fans, power sensors or batteries.".into(),
            ));
        }
        for Source { metric, sensor } in &mut self.sources {
            reading.count(metric, &[&sensor.name], sensor.file.number(&mut self.buffer));
        }
        Ok(())
    }
}

fn sources(hwmon: &Path, powercap: &Path, supplies: &Path) -> Vec<Source> {
    let mut all = Vec::new();
    for (kind, metric) in [
        ("fan", &FAN),
        ("in", &VOLTS),
        ("curr", &AMPERES),
        ("power", &WATTS),
    ] {
        all.extend(
            inputs(hwmon, kind)
                .into_iter()
                .map(|sensor| Source { metric, sensor }),
        );
    }
    let mut one = |metric, name: &str, path: std::path::PathBuf| {
        if path.is_file() {
            let sensor = Sensor {
                name: name.to_owned(),
                file: KernelFile::at(path.display().to_string()),
            };
            all.push(Source { metric, sensor });
        }
    };
    // Domains are named `intel-rapl:0` and `intel-rapl:0:1`; others are controllers. Two sockets have domains of one name.
    for domain in names(powercap).iter().filter(|name| name.contains(':')) {
        let folder = powercap.join(domain);
        let zone = domain.split_once(':').map_or("", |(_, zone)| zone);
        let name = line(folder.join("name")).unwrap_or_default();
        one(&DRAWN, &format!("{name} {zone}"), folder.join("energy_uj"));
    }
    for supply in names(supplies) {
        let folder = supplies.join(&supply);
        match line(folder.join("type")).as_deref() {
            Some("Battery") => {
                one(&CHARGE, &supply, folder.join("capacity"));
                one(&BATTERY_WATTS, &supply, folder.join("power_now"));
                one(&BATTERY_VOLTS, &supply, folder.join("voltage_now"));
                one(&CYCLES, &supply, folder.join("cycle_count"));
            }
            _ => one(&ONLINE, &supply, folder.join("online")),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{create_dir_all, write},
        time::{Duration, Instant},
    };

    #[test]
    fn what_there_is_is_told_in_its_unit_and_an_energy_counter_as_power() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, text).unwrap();
        };
        put("hwmon/hwmon0/name", "nct6775\n");
        put("hwmon/hwmon0/fan1_input", "1200\n");
        put("hwmon/hwmon0/in0_input", "1056\n");
        put("hwmon/hwmon0/intrusion0_alarm", "0\n");
        put("powercap/intel-rapl/enabled", "1\n");
        put("powercap/intel-rapl:0/name", "package-0\n");
        put("powercap/intel-rapl:0/energy_uj", "5000000\n");
        put("supply/BAT0/type", "Battery\n");
        put("supply/BAT0/capacity", "83\n");
        put("supply/AC/type", "Mains\n");
        put("supply/AC/online", "1\n");
        let folder = |name: &str| dir.path().join(name);
        let mut power = Power {
            sources: sources(&folder("hwmon"), &folder("powercap"), &folder("supply")),
            readings: 1,
            ..Default::default()
        };
        let (mut reading, start) = (Reading::default(), Instant::now());
        for (secs, energy) in [(0, "5000000"), (2, "35000000")] {
            put("powercap/intel-rapl:0/energy_uj", energy);
            reading.begin(start + Duration::from_secs(secs));
            power.collect(&mut reading).unwrap();
            reading.end();
        }
        assert_eq!(reading.value_of("fan_rpm"), Some(1200.0));
        assert_eq!(reading.value_of("sensor_volts"), Some(1.056));
        assert_eq!(reading.value_of("rapl_watts"), Some(15.0));
        assert_eq!(reading.value_of("battery_charge_percent"), Some(83.0));
        assert_eq!(reading.value_of("power_supply_online"), Some(1.0));
        assert_eq!(reading.schema().len(), 5);
    }
}
