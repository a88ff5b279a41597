use super::*;
use std::{
    fs::{create_dir_all, write},
    time::{Duration, Instant},
};

fn put(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    create_dir_all(path.parent().unwrap()).unwrap();
    write(path, text).unwrap();
}

/// Two readings a second apart, with `change` in between; every series by name and card.
fn told(drm: &Path, nvidia: &Path, change: impl FnOnce()) -> Result<Vec<(String, f64)>, CollectError> {
    let (mut gpu, mut reading, start) = (Gpu::default(), Reading::default(), Instant::now());
    reading.begin(start);
    gpu.read(drm, nvidia, &mut reading)?;
    reading.end();
    change();
    reading.begin(start + Duration::from_secs(1));
    gpu.read(drm, nvidia, &mut reading)?;
    reading.end();
    let name = |spec: &farol_model::metric::MetricSpec| format!("{} {}", spec.name, spec.labels[0].value);
    Ok(reading
        .schema()
        .iter()
        .map(name)
        .zip(reading.values().iter().copied())
        .collect())
}

/// The files of a card of AMD as its driver's documentation shows them; a connector has none.
#[test]
fn cards_of_amd_tell_how_busy_they_are_and_their_memory() {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("card0/device/gpu_busy_percent", "42\n"),
        ("card0/device/mem_info_vram_used", "1073741824\n"),
        ("card0/device/mem_info_gtt_total", "8589934592\n"),
        ("card0/device/hwmon/hwmon3/freq1_input", "1200000000\n"),
        ("card0/device/hwmon/hwmon3/freq1_label", "sclk\n"),
        ("card0/device/hwmon/hwmon3/freq2_input", "96000000\n"),
        ("card0-DP-1/device/gpu_busy_percent", "1\n"),
    ] {
        put(dir.path(), file, text);
    }
    let told = told(dir.path(), &dir.path().join("none"), || ()).unwrap();
    let told: Vec<(&str, f64)> = told.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(
        told,
        [
            ("gpu_busy_percent card0", 42.0),
            ("gpu_memory_used_bytes card0", 1_073_741_824.0),
            ("gpu_shared_memory_total_bytes card0", 8_589_934_592.0),
            ("gpu_sensor_frequency_hertz card0 sclk", 1.2e9),
            ("gpu_sensor_frequency_hertz card0 clock 2", 9.6e7),
        ]
    );
}

#[test]
fn cards_of_intel_tell_their_clock_and_how_long_they_slept() {
    let dir = tempfile::tempdir().unwrap();
    for (file, text) in [
        // i915, with the file of before beside those of its parts.
        ("card0/gt_act_freq_mhz", "300\n"),
        ("card0/power/rc6_residency_ms", "1000\n"),
        ("card0/gt/gt0/rc6_residency_ms", "1000\n"),
        ("card0/gt/gt1/rc6_residency_ms", "5\n"),
        // An older kernel.
        ("card1/power/rc6_residency_ms", "7\n"),
        // xe.
        ("card2/device/tile0/gt0/gtidle/idle_residency_ms", "100\n"),
        ("card2/device/tile0/gt0/freq0/act_freq", "1550\n"),
    ] {
        put(dir.path(), file, text);
    }
    let change = || {
        put(dir.path(), "card0/gt/gt0/rc6_residency_ms", "1250\n");
        put(
            dir.path(),
            "card2/device/tile0/gt0/gtidle/idle_residency_ms",
            "1100\n",
        );
    };
    let told = told(dir.path(), &dir.path().join("none"), change).unwrap();
    let told: Vec<(&str, f64)> = told.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    assert_eq!(
        told,
        [
            ("gpu_asleep_percent card0", 25.0),
            ("gpu_asleep_percent card0 gt1", 0.0),
            ("gpu_frequency_hertz card0", 3e8),
            ("gpu_asleep_percent card1", 0.0),
            ("gpu_asleep_percent card2", 100.0),
            ("gpu_frequency_hertz card2", 1.55e9),
        ]
    );
}

#[test]
fn a_machine_without_graphics_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let none = told(dir.path(), dir.path(), || ());
    assert!(
        matches!(none, Err(CollectError::Unavailable(reason)) if reason.contains("no graphics processor"))
    );
}

/// Its program is not on this machine, and is not asked for a card that may sleep.
#[test]
fn a_card_of_nvidia_that_may_sleep_is_not_woken() {
    let dir = tempfile::tempdir().unwrap();
    let cards = dir.path().join("gpus");
    put(
        &cards,
        "0000:01:00.0/power",
        "Runtime D3 status:          Enabled (fine-grained)\nVideo Memory:               Off\n",
    );
    let told = told(dir.path(), &cards, || ()).unwrap();
    assert_eq!(told, [("nvidia_memory_powered 0000:01:00.0".to_owned(), 0.0)]);
}
