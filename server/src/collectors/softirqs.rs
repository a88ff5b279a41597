//! Soft interrupts by kind and core (proc_softirqs(5)), and what they did for the network (`/proc/net/softnet_stat`: counters per
//! core, hexadecimal, named in net/core/net-procfs.c of the kernel).

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, cut, hexadecimal, lines},
    metric::{Metric, gauge, metrics, rate},
};
use farol_model::metric::Unit;

const PATH: &str = "/proc/softirqs";
const SOFTNET: &str = "/proc/net/softnet_stat";
/// Above it cores are not told apart.
const MAX_CORES: usize = 64;

metrics! {
    KIND = rate("softirqs_per_second", Unit::PerSecond, "Soft interrupts", "{}", "Soft interrupts of the kind {}, over all cores.").labels(&["kind"]);
    CORE_KIND = rate("softirqs_core_per_second", Unit::PerSecond, "Soft interrupts of core {}", "{1}", "Soft interrupts of the kind {1} that core {} served.").labels(&["core", "kind"]);
    PACKETS = rate("softnet_packets_per_second", Unit::PerSecond, "Packets taken", "core {}", "Packets that core {} took from the network.").labels(&["core"]);
    DROPPED = rate("softnet_dropped_per_second", Unit::PerSecond, "Packets dropped", "core {}", "Packets that core {} dropped because its backlog was full.").labels(&["core"]);
    SQUEEZED = rate("softnet_squeezed_per_second", Unit::PerSecond, "Rounds cut short", "core {}", "Times that core {} had more packets than it may take in one round.").labels(&["core"]);
    STEERED = rate("softnet_steered_per_second", Unit::PerSecond, "Packets steered", "core {}", "Times that another core woke core {} to take packets (receive packet steering).").labels(&["core"]);
    BACKLOG = gauge("softnet_backlog", Unit::Count, "Backlog", "core {}", "Packets that wait for core {}.").labels(&["core"]);
}

/// See the module.
pub struct Softirqs {
    file: KernelFile,
    softnet: KernelFile,
    buffer: Buffer,
}

impl Default for Softirqs {
    fn default() -> Self {
        Softirqs {
            file: KernelFile::new(PATH),
            softnet: KernelFile::new(SOFTNET),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Softirqs {
    fn name(&self) -> &'static str {
        "softirqs"
    }

    fn title(&self) -> &'static str {
        "Soft interrupts"
    }

    fn source(&self) -> &'static str {
        "`/proc/softirqs` (proc_softirqs(5)); `/proc/net/softnet_stat` (net/core/net-procfs.c)"
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
        if let Ok(text) = self.softnet.read(&mut self.buffer) {
            softnet(text, reading);
        }
        Ok(())
    }
}

/// What the file of kinds says.
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
    for line in all {
        let Some((name, rest)) = cut(line, b':') else {
            continue;
        };
        let Ok(kind) = std::str::from_utf8(name.trim_ascii()) else {
            continue;
        };
        let mut sum = None;
        for count in Words(rest).map(super::kernel::number) {
            sum = Some(u64::saturating_add(sum.unwrap_or(0), count.unwrap_or(0)));
        }
        if sum.is_none() {
            continue;
        }
        reading.count(&KIND, &[kind], sum);
        if cores <= MAX_CORES {
            let mut words = Words(rest);
            for core in &names[..cores] {
                reading.count(&CORE_KIND, &[core, kind], words.number());
            }
        }
    }
}

/// What the file of the network says. The columns that matter: 0 packets, 1 dropped, 2 squeezed, 9 steered, 11 backlog, and 12 the
/// core, since Linux 5.10; before that a line is of the core of its number.
pub fn softnet(text: &[u8], reading: &mut Reading) {
    for (at, line) in lines(text).enumerate().take(MAX_CORES) {
        let mut columns = [None; 13];
        for (column, word) in columns.iter_mut().zip(Words(line)) {
            *column = hexadecimal(word);
        }
        let mut digits = [0; 20];
        let core = decimal_text(columns[12].unwrap_or(at as u64), &mut digits);
        for (metric, column) in [
            (&PACKETS, 0),
            (&DROPPED, 1),
            (&SQUEEZED, 2),
            (&STEERED, 9),
            (&BACKLOG, 11),
        ] {
            if columns[column].is_some() {
                reading.count(metric, &[core], columns[column]);
            }
        }
    }
}

/// A number as text.
fn decimal_text(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 || at == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn kinds_are_told_in_all_and_per_core() {
        let reading = between(
            b"     CPU0  CPU1\n  HI:  0  0\n TIMER: 10 20\n",
            b"     CPU0  CPU1\n  HI:  0  0\n TIMER: 11 22\nRCU: x 1\n",
            said,
        );
        assert_eq!(reading.values()[3..6], [3.0, 1.0, 2.0]);
        assert_eq!(
            reading.schema()[5].key(),
            r#"softirqs_core_per_second{core="1",kind="TIMER"}"#
        );
    }

    #[test]
    fn columns_of_the_network_are_hexadecimal_and_older_kernels_have_fewer() {
        let new =
            |packets: &str| format!("{packets} 00000001 00000002 0 0 0 0 0 0 00000003 0 00000004 00000007\n");
        let reading = between(new("0000000a").as_bytes(), new("0000001a").as_bytes(), softnet);
        assert_eq!(reading.value_of("softnet_packets_per_second"), Some(16.0));
        assert_eq!(reading.value_of("softnet_backlog"), Some(4.0));
        assert_eq!(reading.schema()[0].label_value("core"), Some("7"));
        let old = between(b"0a 1 2\n0b 1 2\n", b"0a 1 2\n0c 1 2\n", softnet);
        assert_eq!((old.schema().len(), old.values()[3]), (6, 1.0));
        assert!(between(b"xyz\n", b"\xff\n", softnet).schema().is_empty());
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, 128, u64::MAX] {
            assert_eq!(decimal_text(number, &mut [0; 20]), number.to_string());
        }
    }
}
