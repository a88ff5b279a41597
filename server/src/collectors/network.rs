//! Network: bytes, packets, errors and drops per interface and direction, from `/proc/net/dev` (proc_net(5)). Loopback comes
//! last. The rarer counters and the links are [`super::network_parts`]'s.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, cut, lines},
    metric::{Metric, gauge, metrics, rate},
};
use farol_model::metric::Unit;

pub(super) const PATH: &str = "/proc/net/dev";
/// Interfaces that are told; the others are counted.
pub(super) const MAX_INTERFACES: usize = 64;

metrics! {
    BYTES_IN = rate("network_received_bytes_per_second", Unit::BytesPerSecond, "Traffic", "{} in", "Traffic of the interface, ingoing.").labels(&["interface"]);
    BYTES_OUT = rate("network_transmitted_bytes_per_second", Unit::BytesPerSecond, "Traffic", "{} out", "Traffic of the interface, outgoing.").labels(&["interface"]);
    PACKETS_IN = rate("network_received_packets_per_second", Unit::PerSecond, "Packets", "{} in", "Packets of the interface, ingoing.").labels(&["interface"]);
    PACKETS_OUT = rate("network_transmitted_packets_per_second", Unit::PerSecond, "Packets", "{} out", "Packets of the interface, outgoing.").labels(&["interface"]);
    ERRORS_IN = rate("network_receive_errors_per_second", Unit::PerSecond, "Errors", "{} in", "Packets that came broken.").labels(&["interface"]);
    ERRORS_OUT = rate("network_transmit_errors_per_second", Unit::PerSecond, "Errors", "{} out", "Packets that could not be sent.").labels(&["interface"]);
    DROPS_IN = rate("network_receive_drops_per_second", Unit::PerSecond, "Drops", "{} in", "Packets that came and were dropped, for lack of room or because nobody wanted them.").labels(&["interface"]);
    DROPS_OUT = rate("network_transmit_drops_per_second", Unit::PerSecond, "Drops", "{} out", "Packets dropped before they were sent.").labels(&["interface"]);
    LEFT_OUT = gauge("network_interfaces_left_out", Unit::Count, "Interfaces left out", "left out", "Interfaces above the limit of 64, which are not told.");
}

/// Columns of a line.
pub(super) type Columns = [Option<u64>; 16];

/// A line, if it is of an interface.
fn one(line: &[u8]) -> Option<(&str, Columns)> {
    let (name, rest) = cut(line, b':')?;
    let mut words = Words(rest);
    let columns = std::array::from_fn(|_| words.number());
    Some((std::str::from_utf8(name.trim_ascii()).ok()?, columns))
}

/// Interfaces with their columns, loopback last.
pub(super) fn interfaces(text: &[u8]) -> impl Iterator<Item = (&str, Columns)> {
    let all = move || lines(text).filter_map(one);
    let others = all().filter(|(name, _)| *name != "lo");
    others
        .take(MAX_INTERFACES)
        .chain(all().filter(|(name, _)| *name == "lo"))
}

/// Interfaces that are not told.
fn left_out(text: &[u8]) -> usize {
    let others = lines(text).filter_map(one).filter(|(name, _)| *name != "lo");
    others.count().saturating_sub(MAX_INTERFACES)
}

/// See the module.
pub struct Network {
    file: KernelFile,
    buffer: Buffer,
}

impl Default for Network {
    fn default() -> Self {
        Network {
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Network {
    fn name(&self) -> &'static str {
        "network"
    }

    fn title(&self) -> &'static str {
        "Network"
    }

    fn source(&self) -> &'static str {
        "`/proc/net/dev` (proc_net(5))"
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
        match reading.values().is_empty() {
            true => Err(CollectError::Unavailable(
                "This machine shows no network interfaces.".into(),
            )),
            false => Ok(()),
        }
    }
}

/// What the file says.
pub fn said(text: &[u8], reading: &mut Reading) {
    for (name, columns) in interfaces(text) {
        for (metric, column) in [
            (&BYTES_IN, 0),
            (&BYTES_OUT, 8),
            (&PACKETS_IN, 1),
            (&PACKETS_OUT, 9),
            (&ERRORS_IN, 2),
            (&ERRORS_OUT, 10),
            (&DROPS_IN, 3),
            (&DROPS_OUT, 11),
        ] {
            reading.count(metric, &[name], columns[column]);
        }
    }
    match left_out(text) {
        0 => {}
        left_out => reading.value(&LEFT_OUT, &[], left_out as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    const HEAD: &str = "Inter-|   Receive   |  Transmit\n face |bytes packets errs drop|bytes packets\n";

    #[test]
    fn rates_are_per_interface_and_loopback_comes_last() {
        let text = |bytes: u64| {
            format!(
                "{HEAD}    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  eth0:{bytes} 0 0 1611 0 0 0 0 5 0 0 0 0 0 0 0\nodd\n"
            )
        };
        let reading = between(text(100).as_bytes(), text(400).as_bytes(), said);
        assert_eq!(reading.value_of("network_received_bytes_per_second"), Some(300.0));
        assert_eq!(
            reading.schema().last().unwrap().label_value("interface"),
            Some("lo")
        );
        assert_eq!(reading.schema().len(), 16);
    }

    #[test]
    fn above_the_limit_interfaces_are_counted() {
        let names = (0..MAX_INTERFACES + 3)
            .map(|number| format!("veth{number}: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"));
        let text = format!("{HEAD}{}lo: 1 2 3\n", names.collect::<String>());
        let reading = between(text.as_bytes(), text.as_bytes(), said);
        assert_eq!(reading.value_of("network_interfaces_left_out"), Some(3.0));
        assert!(
            reading
                .schema()
                .iter()
                .any(|spec| spec.label_value("interface") == Some("lo"))
        );
    }

    #[test]
    fn numbers_that_do_not_fit_are_no_value() {
        let text = b"eth0: 99999999999999999999 1\n\xff: 1 2\n";
        let reading = between(text, text, said);
        assert_eq!(reading.schema().len(), 8);
        assert!(reading.values()[0].is_nan() && reading.values()[1].is_nan());
        assert_eq!(reading.values()[2], 0.0);
    }
}
