//! Temperatures of whatever the machine has sensors for, from `/sys/class/hwmon` (Documentation/hwmon/sysfs-interface.rst), and
//! from `/sys/class/thermal` where there are no such sensors. Sensors may be slow, hence a thread of its own.

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, KernelFile},
    metric::{Metric, gauge, metrics},
    sysfs::{LOOK_EVERY, line, names},
};
use farol_model::metric::Unit;
use std::path::{Path, PathBuf};

const HWMON: &str = "/sys/class/hwmon";
const THERMAL: &str = "/sys/class/thermal";
/// Sensors that are told.
const MAX_SENSORS: usize = 256;

metrics! {
    CELSIUS = gauge("temperature_celsius", Unit::Celsius, "Temperature", "{}", "Temperature that the sensor reports.").labels(&["sensor"]);
}

/// One input of a chip.
pub(super) struct Sensor {
    /// Unique among those of its kind.
    pub name: String,
    pub file: KernelFile,
}

/// Inputs of all chips whose file begins with `kind` and ends with `_input` or `_average`, by their names.
pub(super) fn inputs(hwmon: &Path, kind: &str) -> Vec<Sensor> {
    let mut found = Vec::new();
    for chip in names(hwmon) {
        let folder = hwmon.join(&chip);
        let chip_name = line(folder.join("name")).unwrap_or(chip);
        for file in names(&folder) {
            let Some(number) = file.strip_prefix(kind) else {
                continue;
            };
            let Some(number) = number
                .strip_suffix("_input")
                .or_else(|| number.strip_suffix("_average"))
            else {
                continue;
            };
            if !number.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let label = line(folder.join(format!("{kind}{number}_label")));
            let name = match label {
                Some(label) => format!("{chip_name} {label}"),
                None => format!("{chip_name} {kind}{number}"),
            };
            found.push((name, folder.join(&file)));
        }
    }
    sensors(found)
}

/// Two sensors may have one name: the second is given a number.
fn sensors(found: Vec<(String, PathBuf)>) -> Vec<Sensor> {
    let mut count: std::collections::HashMap<String, u32> = std::collections::HashMap::new();
    let named = found.into_iter().take(MAX_SENSORS).map(|(name, path)| {
        let number = count.entry(name.clone()).or_default();
        *number += 1;
        Sensor {
            name: if *number == 1 {
                name
            } else {
                format!("{name} {number}")
            },
            file: KernelFile::at(path.display().to_string()),
        }
    });
    named.collect()
}

fn zones(thermal: &Path) -> Vec<Sensor> {
    let found = names(thermal)
        .into_iter()
        .filter(|zone| zone.starts_with("thermal_zone"))
        .map(|zone| {
            let name = line(thermal.join(&zone).join("type")).unwrap_or_else(|| zone.clone());
            (name, thermal.join(&zone).join("temp"))
        });
    sensors(found.collect())
}

/// See the module.
#[derive(Default)]
pub struct Temperature {
    sensors: Vec<Sensor>,
    readings: u32,
    buffer: Buffer,
}

impl Collector for Temperature {
    fn name(&self) -> &'static str {
        "temperature"
    }

    fn title(&self) -> &'static str {
        "Temperatures"
    }

    fn source(&self) -> &'static str {
        "`/sys/class/hwmon` (hwmon/sysfs-interface.rst), else `/sys/class/thermal` (driver-api/thermal/sysfs-api.rst)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        if self.readings.is_multiple_of(LOOK_EVERY) || self.sensors.is_empty() {
            self.sensors = inputs(Path::new(HWMON), "temp");
            if self.sensors.is_empty() {
                self.sensors = zones(Path::new(THERMAL));
            }
        }
        self.readings = self.readings.wrapping_add(1);
        if self.sensors.is_empty() {
            return Err(CollectError::Unavailable(
                "This machine shows no temperature sensors.".into(),
            ));
        }
        for sensor in &mut self.sensors {
            let told = sensor.file.signed(&mut self.buffer);
            // A sensor of something that is switched off does not answer.
            reading.value(
                &CELSIUS,
                &[&sensor.name],
                told.map_or(f64::NAN, |milli| milli as f64 / 1000.0),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    #[test]
    fn sensors_are_named_after_chip_and_label_and_two_of_one_name_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        for (chip, name) in [("hwmon0", "coretemp"), ("hwmon1", "coretemp")] {
            let folder = dir.path().join(chip);
            create_dir_all(&folder).unwrap();
            write(folder.join("name"), name).unwrap();
            write(folder.join("temp1_input"), "45500\n").unwrap();
            write(folder.join("temp1_label"), "Package\n").unwrap();
            write(folder.join("temp1_crit"), "100000\n").unwrap();
            write(folder.join("temp2_input"), "-3000\n").unwrap();
        }
        let mut found = inputs(dir.path(), "temp");
        let told: Vec<_> = found
            .iter_mut()
            .map(|sensor| (sensor.name.clone(), sensor.file.signed(&mut Buffer::default())))
            .collect();
        assert_eq!(told[0], ("coretemp Package".to_owned(), Some(45_500)));
        assert_eq!(told[1], ("coretemp temp2".to_owned(), Some(-3000)));
        assert_eq!(told[2].0, "coretemp Package 2");
        assert_eq!(told.len(), 4);
        assert!(inputs(&dir.path().join("none"), "temp").is_empty());
    }

    #[test]
    fn zones_are_used_where_there_are_no_sensors() {
        let dir = tempfile::tempdir().unwrap();
        let zone = dir.path().join("thermal_zone0");
        create_dir_all(&zone).unwrap();
        write(zone.join("type"), "acpitz\n").unwrap();
        write(zone.join("temp"), "27800\n").unwrap();
        let mut found = zones(dir.path());
        assert_eq!(found[0].file.number(&mut Buffer::default()), Some(27_800));
        assert_eq!(found[0].name, "acpitz");
    }
}
