//! Graphics processors. What drivers tell in sysfs: amdgpu how busy it is and its memory (Documentation/gpu/amdgpu/thermal.rst and
//! driver-misc.rst), i915 and xe their clock and how long they slept (the
//! same files as intel_gpu_top and the kernel's tests of them read), and what else has such files. How busy each engine of Intel's
//! is, is told only to perf and in every open file of every process; that is not read. Cards of NVIDIA are [`nvidia`]'s.

mod nvidia;

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, KernelFile},
    metric::{Metric, gauge, metrics, rate},
    sysfs::{LOOK_EVERY, line, names},
    temperature::Sensor,
};
use farol_model::metric::Unit;
use nvidia::{Powered, Program};
use std::path::{Path, PathBuf};

const DRM: &str = "/sys/class/drm";

metrics! {
    BUSY = gauge("gpu_busy_percent", Unit::Percent, "Graphics", "{}", "Share of time that the graphics processor was busy.").labels(&["card"]);
    MEMORY_BUSY = gauge("gpu_memory_busy_percent", Unit::Percent, "Graphics", "{} memory", "Share of time that the memory of the graphics processor was busy.").labels(&["card"]);
    ASLEEP = rate("gpu_asleep_percent", Unit::Percent, "Graphics asleep", "{}", "Share of time in which the graphics processor had nothing to do and slept (RC6 of Intel).").labels(&["card"]).scale(0.1);
    MEMORY_USED = gauge("gpu_memory_used_bytes", Unit::Bytes, "Memory of graphics", "{} used", "Memory of the card in use.").labels(&["card"]);
    MEMORY_TOTAL = gauge("gpu_memory_total_bytes", Unit::Bytes, "Memory of graphics", "{} total", "Memory of the card.").labels(&["card"]);
    SHARED_USED = gauge("gpu_shared_memory_used_bytes", Unit::Bytes, "Main memory for graphics", "{} used", "Main memory that the card uses.").labels(&["card"]);
    SHARED_TOTAL = gauge("gpu_shared_memory_total_bytes", Unit::Bytes, "Main memory for graphics", "{} total", "Main memory that the card may use.").labels(&["card"]);
    CLOCK = gauge("gpu_frequency_hertz", Unit::Hertz, "Clock of graphics", "{}", "Clock of the graphics processor.").labels(&["card"]).scale(1e6);
    CLOCK_OF_SENSOR = gauge("gpu_sensor_frequency_hertz", Unit::Hertz, "Clock of graphics", "{}", "Clock that the driver's sensor reports, of the processor or of the memory.").labels(&["sensor"]);
}

/// Files of a card, and what they hold.
const FILES: [(&str, &Metric); 8] = [
    ("device/gpu_busy_percent", &BUSY),
    ("device/mem_busy_percent", &MEMORY_BUSY),
    ("device/mem_info_vram_used", &MEMORY_USED),
    ("device/mem_info_vram_total", &MEMORY_TOTAL),
    ("device/mem_info_gtt_used", &SHARED_USED),
    ("device/mem_info_gtt_total", &SHARED_TOTAL),
    ("gt_act_freq_mhz", &CLOCK),
    // Of i915 before it told each part (`gt`) of a card by itself.
    ("power/rc6_residency_ms", &ASLEEP),
];

/// Files of a part (`gt`) of Intel's cards, of i915 and of xe.
const FILES_OF_PART: [(&str, &Metric); 3] = [
    ("rc6_residency_ms", &ASLEEP),
    ("gtidle/idle_residency_ms", &ASLEEP),
    ("freq0/act_freq", &CLOCK),
];

/// All that can be measured, also of cards of NVIDIA.
static ALL: std::sync::LazyLock<Vec<&'static Metric>> =
    std::sync::LazyLock::new(|| METRICS.iter().chain(nvidia::METRICS).copied().collect());

/// See the module.
pub struct Gpu {
    found: Vec<(&'static Metric, Sensor)>,
    /// Cards of NVIDIA by their addresses.
    cards: Vec<(String, Powered)>,
    program: Program,
    /// Why the program is not there; it is tried again with the next look.
    trouble: Option<CollectError>,
    readings: u32,
    buffer: Buffer,
}

impl Default for Gpu {
    fn default() -> Self {
        Gpu {
            found: Vec::new(),
            cards: Vec::new(),
            program: Program::at(nvidia::PROGRAM),
            trouble: None,
            readings: 0,
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Gpu {
    fn name(&self) -> &'static str {
        "gpu"
    }

    fn title(&self) -> &'static str {
        "Graphics"
    }

    fn source(&self) -> &'static str {
        "`/sys/class/drm/card*` (gpu/amdgpu/driver-misc.rst), `/proc/driver/nvidia/gpus` and `nvidia-smi` where NVIDIA's driver is loaded"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        &ALL
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        self.read(Path::new(DRM), Path::new(nvidia::CARDS), reading)
    }
}

impl Gpu {
    fn read(&mut self, drm: &Path, nvidia: &Path, reading: &mut Reading) -> Result<(), CollectError> {
        if self.readings.is_multiple_of(LOOK_EVERY) {
            self.found = found(drm);
            self.cards = nvidia::cards(nvidia);
            self.trouble = None;
        }
        self.readings = self.readings.wrapping_add(1);
        for (metric, sensor) in &mut self.found {
            reading.count(metric, &[&sensor.name], sensor.file.number(&mut self.buffer));
        }
        for (address, powered) in &self.cards {
            if let Some(awake) = powered.awake {
                reading.value(&nvidia::AWAKE, &[address], f64::from(u8::from(awake)));
            }
        }
        // A card that may sleep would be kept awake.
        let asks = !self.cards.is_empty() && self.cards.iter().all(|(_, powered)| !powered.may_sleep);
        if asks && self.trouble.is_none() {
            self.trouble = self.program.said(reading).err();
        }
        if reading.values().is_empty() && !asks {
            self.readings = 0;
            return Err(CollectError::Unavailable(
                "This machine has no graphics processor that tells how busy it is.".into(),
            ));
        }
        match (&self.trouble, reading.values().is_empty()) {
            (Some(trouble), true) => {
                let trouble = trouble.clone();
                self.readings = 0;
                Err(trouble)
            }
            _ => Ok(()),
        }
    }
}

fn found(drm: &Path) -> Vec<(&'static Metric, Sensor)> {
    let mut all = Vec::new();
    let mut add = |name: &str, path: PathBuf, metric: &'static Metric| {
        let told = path.is_file();
        if told {
            all.push((
                metric,
                Sensor {
                    name: name.to_owned(),
                    file: KernelFile::at(path.display().to_string()),
                },
            ));
        }
        told
    };
    // `card0-HDMI-A-1` is a connector.
    for card in names(drm)
        .into_iter()
        .filter(|name| name.starts_with("card") && !name.contains('-'))
    {
        let folder = drm.join(&card);
        let mut sleep_is_told = false;
        for (part, place) in parts(&folder) {
            let name = if part == 0 {
                card.clone()
            } else {
                format!("{card} gt{part}")
            };
            for (file, metric) in FILES_OF_PART {
                sleep_is_told |= add(&name, place.join(file), metric) && std::ptr::eq(metric, &ASLEEP);
            }
        }
        for (file, metric) in FILES {
            if !(sleep_is_told && std::ptr::eq(metric, &ASLEEP)) {
                add(&card, folder.join(file), metric);
            }
        }
        for hwmon in names(folder.join("device/hwmon")) {
            let place = folder.join("device/hwmon").join(hwmon);
            for file in names(&place) {
                let clock = file
                    .strip_prefix("freq")
                    .and_then(|file| file.strip_suffix("_input"));
                if let Some(number) = clock {
                    let label = line(place.join(format!("freq{number}_label")));
                    let label = label.unwrap_or_else(|| format!("clock {number}"));
                    add(&format!("{card} {label}"), place.join(&file), &CLOCK_OF_SENSOR);
                }
            }
        }
    }
    all
}

/// Parts of a card of Intel's and their numbers: `gt/gt0` of i915, `device/tile0/gt0` of xe.
fn parts(card: &Path) -> Vec<(u32, PathBuf)> {
    let tiles = names(card.join("device")).into_iter();
    let tiles = tiles
        .filter(|name| name.starts_with("tile"))
        .map(|tile| card.join("device").join(tile));
    std::iter::once(card.join("gt"))
        .chain(tiles)
        .flat_map(|folder| {
            let parts = names(&folder).into_iter();
            parts.filter_map(move |name| Some((name.strip_prefix("gt")?.parse().ok()?, folder.join(&name))))
        })
        .collect()
}

#[cfg(test)]
#[path = "gpu/tests.rs"]
mod tests;
