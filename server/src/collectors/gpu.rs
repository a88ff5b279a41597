//! Graphics processors whose driver tells in sysfs how busy they are: amdgpu (Documentation/gpu/amdgpu/thermal.rst and driver-misc.rst)
//! and what else has the same files. Intel's drivers tell a clock. NVIDIA's driver tells only its own library, which is not asked.

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, KernelFile},
    metric::{Metric, gauge, metrics},
    sysfs::{LOOK_EVERY, names},
    temperature::Sensor,
};
use farol_model::metric::Unit;
use std::path::Path;

const DRM: &str = "/sys/class/drm";

metrics! {
    BUSY = gauge("gpu_busy_percent", Unit::Percent, "Graphics", "{}", "Share of time that the graphics processor was busy.").labels(&["card"]);
    MEMORY_BUSY = gauge("gpu_memory_busy_percent", Unit::Percent, "Graphics", "{} memory", "Share of time that the memory of the graphics processor was busy.").labels(&["card"]);
    MEMORY_USED = gauge("gpu_memory_used_bytes", Unit::Bytes, "Memory of graphics", "{} used", "Memory of the card in use.").labels(&["card"]);
    MEMORY_TOTAL = gauge("gpu_memory_total_bytes", Unit::Bytes, "Memory of graphics", "{} total", "Memory of the card.").labels(&["card"]);
    SHARED_USED = gauge("gpu_shared_memory_used_bytes", Unit::Bytes, "Main memory for graphics", "{} used", "Main memory that the card uses.").labels(&["card"]);
    CLOCK = gauge("gpu_frequency_hertz", Unit::Hertz, "Clock of graphics", "{}", "Clock of the graphics processor.").labels(&["card"]).scale(1e6);
}

/// Files of a card, and what they hold.
const FILES: [(&str, &Metric); 6] = [
    ("device/gpu_busy_percent", &BUSY),
    ("device/mem_busy_percent", &MEMORY_BUSY),
    ("device/mem_info_vram_used", &MEMORY_USED),
    ("device/mem_info_vram_total", &MEMORY_TOTAL),
    ("device/mem_info_gtt_used", &SHARED_USED),
    ("gt_act_freq_mhz", &CLOCK),
];

/// See the module.
#[derive(Default)]
pub struct Gpu {
    found: Vec<(&'static Metric, Sensor)>,
    readings: u32,
    buffer: Buffer,
}

impl Collector for Gpu {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn title(&self) -> &'static str {
        "Graphics"
    }

    fn source(&self) -> &'static str {
        "`/sys/class/drm/card*` (gpu/amdgpu/driver-misc.rst)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        if self.readings.is_multiple_of(LOOK_EVERY) || self.found.is_empty() {
            self.found = found(Path::new(DRM));
        }
        self.readings = self.readings.wrapping_add(1);
        if self.found.is_empty() {
            return Err(CollectError::Unavailable(
                "This machine has no graphics processor that tells how busy it is.".into(),
            ));
        }
        for (metric, sensor) in &mut self.found {
            reading.count(metric, &[&sensor.name], sensor.file.number(&mut self.buffer));
        }
        Ok(())
    }
}

fn found(drm: &Path) -> Vec<(&'static Metric, Sensor)> {
    let mut all = Vec::new();
    // `card0-HDMI-A-1` is a connector.
    for card in names(drm)
        .into_iter()
        .filter(|name| name.starts_with("card") && !name.contains('-'))
    {
        for (file, metric) in FILES {
            let path = drm.join(&card).join(file);
            if path.is_file() {
                let file = KernelFile::at(path.display().to_string());
                all.push((
                    metric,
                    Sensor {
                        name: card.clone(),
                        file,
                    },
                ));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    #[test]
    fn files_of_cards_are_found_and_connectors_are_not() {
        let dir = tempfile::tempdir().unwrap();
        for card in ["card0", "card0-DP-1"] {
            create_dir_all(dir.path().join(card).join("device")).unwrap();
            write(dir.path().join(card).join("device/gpu_busy_percent"), "42\n").unwrap();
        }
        let mut all = found(dir.path());
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].1.file.number(&mut Buffer::default()), Some(42));
    }
}
