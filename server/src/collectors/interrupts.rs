//! Interrupts by line, and by line and core on machines of few cores, from `/proc/interrupts` (proc_interrupts(5)). A line that
//! never fired has no series.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, cut, lines},
    metric::{Metric, metrics, rate},
};
use farol_model::metric::Unit;

const PATH: &str = "/proc/interrupts";
/// Above it cores are not told apart.
const MAX_CORES: usize = 8;
/// Lines that are told; the others are left out.
const MAX_LINES: usize = 128;

metrics! {
    LINE = rate("interrupts_per_second", Unit::PerSecond, "Interrupts by line", "{} {1}", "Interrupts of the line {} ({1}), over all cores.").labels(&["irq", "device"]);
    CORE_LINE = rate("interrupts_core_per_second", Unit::PerSecond, "Interrupts of core {}", "{1}", "Interrupts of the line {1} that core {} served.").labels(&["core", "irq"]);
}

/// See the module.
pub struct Interrupts {
    file: KernelFile,
    buffer: Buffer,
}

impl Default for Interrupts {
    fn default() -> Self {
        Interrupts {
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Interrupts {
    fn name(&self) -> &'static str {
        "interrupts"
    }

    fn title(&self) -> &'static str {
        "Interrupts"
    }

    fn source(&self) -> &'static str {
        "`/proc/interrupts` (proc_interrupts(5))"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let text = self.file.read(&mut self.buffer);
        said(
            text.map_err(|error| CollectError::reading(PATH, &error))?,
            reading,
        );
        Ok(())
    }
}

/// What the file says.
pub fn said(text: &[u8], reading: &mut Reading) {
    let mut all = lines(text);
    let mut names = [""; MAX_CORES];
    let mut cores = 0;
    for word in Words(all.next().unwrap_or_default()) {
        if let (Some(place), Ok(word)) = (names.get_mut(cores), std::str::from_utf8(word)) {
            *place = word.strip_prefix("CPU").unwrap_or(word);
        }
        cores += 1;
    }
    let mut told = 0;
    for line in all {
        let Some((name, rest)) = cut(line, b':') else {
            continue;
        };
        let Ok(irq) = std::str::from_utf8(name.trim_ascii()) else {
            continue;
        };
        let mut words = Words(rest);
        let mut counts = [None; MAX_CORES];
        let mut sum = None;
        for core in 0..cores {
            let mut ahead = words;
            // Some lines have one number for all cores.
            let Some(count) = ahead.number() else {
                break;
            };
            words = ahead;
            sum = Some(u64::saturating_add(sum.unwrap_or(0), count));
            if let Some(place) = counts.get_mut(core) {
                *place = Some(count);
            }
        }
        if sum.is_none_or(|sum| sum == 0) || told == MAX_LINES {
            continue;
        }
        told += 1;
        reading.count(&LINE, &[irq, device(irq, words.rest())], sum);
        if cores > MAX_CORES {
            continue;
        }
        for (core, count) in names.iter().zip(counts).take(cores) {
            if count.is_some() {
                reading.count(&CORE_LINE, &[core, irq], count);
            }
        }
    }
}

/// What a line is for: the last word behind its controller, or the description of one that the kernel itself names.
fn device<'a>(irq: &str, rest: &'a [u8]) -> &'a str {
    let text = std::str::from_utf8(rest).unwrap_or_default();
    match irq.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.rsplit(' ').next().unwrap_or_default(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn lines_that_fired_are_told_with_their_device_in_all_and_per_core() {
        let first = b"           CPU0       CPU1       \n 36:          0        10 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\n 28:  0  0  X  y\nLOC:   5  6   Local timer interrupts\nERR:          0\nMIS:  3\n";
        let second = b"           CPU0       CPU1       \n 36:          4        20 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0\n 28:  0  0  X  y\nLOC:   6  6   Local timer interrupts\nERR:          0\nMIS:  5\n";
        let reading = between(first, second, said);
        let schema = reading.schema();
        let value = |key: &str| {
            let at = schema.iter().position(|spec| spec.key() == key).unwrap();
            reading.values()[at]
        };
        assert_eq!(
            value(r#"interrupts_per_second{irq="36",device="virtio1-req.0"}"#),
            14.0
        );
        assert_eq!(value(r#"interrupts_core_per_second{core="1",irq="36"}"#), 10.0);
        assert_eq!(
            value(r#"interrupts_per_second{irq="LOC",device="Local timer interrupts"}"#),
            1.0
        );
        assert_eq!(value(r#"interrupts_per_second{irq="MIS",device=""}"#), 2.0);
        assert!(!schema.iter().any(|spec| spec.label_value("irq") == Some("28")));
    }

    #[test]
    fn odd_text_has_no_series() {
        for text in [&b""[..], b"\n", b"CPU0\n", b"CPU0\n1: x\n", b"\xff\n\xff: 1\n"] {
            assert!(between(text, text, said).schema().is_empty());
        }
    }
}
