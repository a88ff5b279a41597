//! Cards of NVIDIA. Their driver tells next to nothing in files: which cards there are and whether their memory is powered
//! (`/proc/driver/nvidia/gpus/*/power`, see the driver's README). All else is asked of the program that comes with the driver: one
//! `nvidia-smi` that writes a line per card and second for as long as we read, because starting it takes a second of a core.
//!
//! A card that may power itself off is not asked, since asking keeps it awake. No card was at hand when this was made: the tests
//! play lines that the program is documented to write.

use crate::collectors::{
    CollectError, Reading,
    kernel::decimal,
    metric::{Metric, gauge, metrics},
    sysfs::names,
};
use farol_model::metric::Unit;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::{
    io::{ErrorKind, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// Where the driver lists its cards.
pub(super) const CARDS: &str = "/proc/driver/nvidia/gpus";
pub(super) const PROGRAM: &str = "nvidia-smi";
/// Cards that are told.
const MAX_CARDS: usize = 64;
/// What the program may have written since it was read last: minutes of it.
const MAX_UNREAD: usize = 256 * 1024;

metrics! {
    BUSY = gauge("nvidia_busy_percent", Unit::Percent, "NVIDIA", "{}", "Share of time in which a program ran on the card.").labels(&["card"]);
    MEMORY_BUSY = gauge("nvidia_memory_busy_percent", Unit::Percent, "NVIDIA", "{} memory", "Share of time in which the memory of the card was read or written.").labels(&["card"]);
    MEMORY_USED = gauge("nvidia_memory_used_bytes", Unit::Bytes, "Memory of NVIDIA", "{} used", "Memory of the card in use.").labels(&["card"]).scale(1_048_576.0);
    MEMORY_TOTAL = gauge("nvidia_memory_total_bytes", Unit::Bytes, "Memory of NVIDIA", "{} total", "Memory of the card.").labels(&["card"]).scale(1_048_576.0);
    TEMPERATURE = gauge("nvidia_temperature_celsius", Unit::Celsius, "Temperature of NVIDIA", "{}", "Temperature of the graphics processor.").labels(&["card"]);
    POWER = gauge("nvidia_watts", Unit::Watts, "Power of NVIDIA", "{}", "Power that the card draws.").labels(&["card"]);
    CLOCK = gauge("nvidia_frequency_hertz", Unit::Hertz, "Clock of NVIDIA", "{}", "Clock of the processors of the card.").labels(&["card"]).scale(1e6);
    MEMORY_CLOCK = gauge("nvidia_memory_frequency_hertz", Unit::Hertz, "Clock of NVIDIA", "{} memory", "Clock of the memory of the card.").labels(&["card"]).scale(1e6);
    FAN = gauge("nvidia_fan_percent", Unit::Percent, "Fan of NVIDIA", "{}", "Speed of the fan as share of its most, as the driver wants it.").labels(&["card"]);
    AWAKE = gauge("nvidia_memory_powered", Unit::None, "NVIDIA, powered", "{}", "1 when the memory of the card is powered, 0 when the card sleeps.").labels(&["card"]);
}

/// What is asked after the number of the card, in this order. Each is known to every version of the program since 2012.
static ASKED: [(&str, &Metric); 9] = [
    ("utilization.gpu", &BUSY),
    ("utilization.memory", &MEMORY_BUSY),
    ("memory.used", &MEMORY_USED),
    ("memory.total", &MEMORY_TOTAL),
    ("temperature.gpu", &TEMPERATURE),
    ("power.draw", &POWER),
    ("clocks.sm", &CLOCK),
    ("clocks.mem", &MEMORY_CLOCK),
    ("fan.speed", &FAN),
];

/// The newest line of each card.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// What is not a whole line yet.
    rest: Vec<u8>,
    /// By the number of the card; NaN is what it does not tell.
    cards: Vec<(u32, [f64; ASKED.len()])>,
}

impl Lines {
    /// Takes what the program has written. What is no line of a card is passed over, as are warnings of the driver.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            // No line of a card is as long as this.
            if self.rest.len() > MAX_UNREAD {
                self.rest.clear();
            }
            return;
        };
        let later = self.rest.split_off(end + 1);
        let whole = std::mem::replace(&mut self.rest, later);
        for (number, values) in whole.split(|byte| *byte == b'\n').filter_map(line) {
            match self.cards.iter().position(|(known, _)| *known == number) {
                Some(at) => self.cards[at].1 = values,
                None if self.cards.len() < MAX_CARDS => {
                    self.cards.push((number, values));
                    self.cards.sort_by_key(|(number, _)| *number);
                }
                None => {}
            }
        }
    }

    pub(super) fn said(&self, reading: &mut Reading) {
        for (number, values) in &self.cards {
            let card = format!("nvidia{number}");
            for ((_, metric), value) in ASKED.iter().zip(values) {
                reading.value(metric, &[&card], value * metric.scale);
            }
        }
    }
}

/// `0, 35, 12, 1024, 24576, 54, 120.53, 1710, 9501, 30`; what a card does not tell is `[N/A]` or `[Not Supported]`.
fn line(text: &[u8]) -> Option<(u32, [f64; ASKED.len()])> {
    let mut words = text.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let number = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let mut values = [f64::NAN; ASKED.len()];
    for value in &mut values {
        let told = decimal(words.next()?);
        *value = told.filter(|told| *told >= 0.0).unwrap_or(f64::NAN);
    }
    // A line of something else may begin with a number.
    words.next().is_none().then_some((number, values))
}

/// The program and what it has said.
pub(super) struct Program {
    program: String,
    running: Option<(Child, ChildStdout)>,
    lines: Lines,
}

impl Program {
    pub(super) fn at(program: &str) -> Self {
        Program {
            program: program.to_owned(),
            running: None,
            lines: Lines::default(),
        }
    }

    /// Says what was told last. It is started when it does not run; an error is why it cannot be, or that it has ended.
    pub(super) fn said(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        if self.running.is_none() {
            self.running = Some(start(&self.program)?);
            self.lines = Lines::default();
        }
        let Some((child, output)) = &mut self.running else {
            return Ok(());
        };
        let program = &self.program;
        let mut bytes = [0; 4096];
        for _ in 0..MAX_UNREAD / bytes.len() {
            match output.read(&mut bytes) {
                Ok(0) => {
                    let status = child.wait();
                    self.running = None;
                    return Err(CollectError::Failed(match status {
                        Ok(status) => format!("{program} has ended: {status}. Run it by hand to see why."),
                        Err(error) => format!("{program} has ended: {error}."),
                    }));
                }
                Ok(length) => self.lines.take(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.running = None;
                    return Err(CollectError::Failed(format!(
                        "{program} cannot be read: {error}."
                    )));
                }
            }
        }
        self.lines.said(reading);
        Ok(())
    }
}

/// It ends when nobody reads any more, also when Farol was killed: its next line finds a closed pipe.
impl Drop for Program {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            // One that has ended already needs no end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(program: &str) -> Result<(Child, ChildStdout), CollectError> {
    let asked = ASKED.map(|(word, _)| word).join(",");
    let started = Command::new(program)
        .arg(format!("--query-gpu=index,{asked}"))
        .args(["--format=csv,noheader,nounits", "--loop=1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = started.map_err(|error| match error.kind() {
        ErrorKind::NotFound => CollectError::Unavailable(format!(
            "The driver of NVIDIA is loaded, but its program {program} is not there to be asked."
        )),
        _ => CollectError::Failed(format!("{program} cannot be started: {error}.")),
    })?;
    let failed = |error: std::io::Error| CollectError::Failed(format!("{program} cannot be read: {error}."));
    let output = child
        .stdout
        .take()
        .ok_or_else(|| failed(ErrorKind::BrokenPipe.into()))?;
    // Nothing here waits for it.
    let flags = fcntl_getfl(&output).map_err(|error| failed(error.into()))?;
    fcntl_setfl(&output, flags | OFlags::NONBLOCK).map_err(|error| failed(error.into()))?;
    Ok((child, output))
}

/// Whether the memory of a card is powered, and whether the card may power itself off.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Powered {
    pub awake: Option<bool>,
    pub may_sleep: bool,
}

/// The cards of the driver, by the addresses that it lists.
pub(super) fn cards(folder: &Path) -> Vec<(String, Powered)> {
    let one = |address: String| {
        let text = std::fs::read_to_string(folder.join(&address).join("power")).unwrap_or_default();
        (address, powered(&text))
    };
    names(folder).into_iter().take(MAX_CARDS).map(one).collect()
}

/// `Runtime D3 status: Enabled (fine-grained)` and `Video Memory: Off`.
fn powered(text: &str) -> Powered {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name))?;
        Some(line.trim_start_matches(':').trim())
    };
    Powered {
        awake: match value("Video Memory") {
            Some("Active") => Some(true),
            Some("Off") => Some(false),
            _ => None,
        },
        may_sleep: value("Runtime D3 status").is_some_and(|status| status.starts_with("Enabled")),
    }
}

#[cfg(test)]
#[path = "nvidia_tests.rs"]
mod tests;
