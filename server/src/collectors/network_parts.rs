//! Network in detail: the rarer counters of `/proc/net/dev`, and per link its state, speed and changes from
//! `/sys/class/net` (Documentation/ABI/testing/sysfs-class-net). Some drivers ask the card for the speed, which takes its time:
//! hence a thread of its own.

use super::{
    CollectError, Collector, Reading,
    kernel::{Buffer, KernelFile, may_keep_many},
    metric::{Metric, gauge, metrics, rate},
    network::{PATH, interfaces},
};
use farol_model::metric::Unit;

metrics! {
    FIFO_IN = rate("network_receive_fifo_per_second", Unit::PerSecond, "Buffer overruns", "{} in", "Packets lost because the card's buffer was full.").labels(&["interface"]);
    FIFO_OUT = rate("network_transmit_fifo_per_second", Unit::PerSecond, "Buffer overruns", "{} out", "Packets not sent because the card's buffer failed.").labels(&["interface"]);
    FRAME = rate("network_frame_errors_per_second", Unit::PerSecond, "Errors by kind", "{} framing", "Packets that were badly framed.").labels(&["interface"]);
    COLLISIONS = rate("network_collisions_per_second", Unit::PerSecond, "Errors by kind", "{} collisions", "Collisions on the wire.").labels(&["interface"]);
    CARRIER_ERRORS = rate("network_carrier_errors_per_second", Unit::PerSecond, "Errors by kind", "{} carrier", "Packets not sent because the carrier was lost.").labels(&["interface"]);
    MULTICAST = rate("network_multicast_packets_per_second", Unit::PerSecond, "Multicast", "{} in", "Multicast packets that came.").labels(&["interface"]);
    COMPRESSED_IN = rate("network_received_compressed_per_second", Unit::PerSecond, "Compressed packets", "{} in", "Compressed packets that came.").labels(&["interface"]);
    COMPRESSED_OUT = rate("network_transmitted_compressed_per_second", Unit::PerSecond, "Compressed packets", "{} out", "Compressed packets that were sent.").labels(&["interface"]);
    DETAIL = rate("network_link_errors_per_second", Unit::PerSecond, "Errors of {}", "{1}", "Counter {1} of the interface {}.").labels(&["interface", "error"]);
    LINK = gauge("network_link_up", Unit::None, "Link", "{}", "1 when the link is there, 0 when it is not. No value while the interface is off.").labels(&["interface"]);
    SPEED = gauge("network_speed_bytes_per_second", Unit::BytesPerSecond, "Link speed", "{}", "Speed that the link was made with. No value where the driver tells none.").labels(&["interface"]).scale(125_000.0);
    CHANGES = rate("network_link_changes_per_second", Unit::PerSecond, "Link changes", "{}", "Times that the link came or went.").labels(&["interface"]);
    MTU = gauge("network_mtu_bytes", Unit::Bytes, "Largest packet", "{}", "Largest packet that the interface takes.").labels(&["interface"]);
}

/// Counters that only sysfs tells apart (Documentation/networking/statistics.rst).
const DETAILS: [&str; 9] = [
    "rx_length_errors",
    "rx_over_errors",
    "rx_crc_errors",
    "rx_frame_errors",
    "rx_missed_errors",
    "rx_nohandler",
    "tx_aborted_errors",
    "tx_heartbeat_errors",
    "tx_window_errors",
];

/// What sysfs has of an interface.
struct Link {
    interface: String,
    /// Whether there is a device behind it.
    is_hardware: bool,
    carrier: KernelFile,
    speed: KernelFile,
    changes: KernelFile,
    mtu: KernelFile,
    /// By the places of [`DETAILS`].
    details: [KernelFile; DETAILS.len()],
}

impl Link {
    fn new(interface: &str) -> Link {
        let kept = may_keep_many();
        let file = |name: &str| KernelFile::at(format!("/sys/class/net/{interface}/{name}")).kept(kept);
        Link {
            interface: interface.to_owned(),
            is_hardware: std::path::Path::new(&format!("/sys/class/net/{interface}/device")).exists(),
            carrier: file("carrier"),
            speed: file("speed"),
            changes: file("carrier_changes"),
            mtu: file("mtu"),
            details: DETAILS.map(|name| file(&format!("statistics/{name}"))),
        }
    }

    fn said(&mut self, reading: &mut Reading, buffer: &mut Buffer) {
        let label = [self.interface.as_str()];
        reading.count(&LINK, &label, self.carrier.number(buffer));
        // -1, and on some drivers 4294967295, where it is not known.
        let speed = self
            .speed
            .number(buffer)
            .filter(|mbit| *mbit < u64::from(u32::MAX));
        reading.count(&SPEED, &label, speed);
        reading.count(&CHANGES, &label, self.changes.number(buffer));
        reading.count(&MTU, &label, self.mtu.number(buffer));
        // Of an interface without hardware behind it they are always zero.
        if self.is_hardware {
            for (name, file) in DETAILS.iter().zip(&mut self.details) {
                reading.count(&DETAIL, &[label[0], name], file.number(buffer));
            }
        }
    }
}

/// See the module.
pub struct NetworkParts {
    file: KernelFile,
    buffer: Buffer,
    /// For the files of links, while `buffer` holds the counters.
    small: Buffer,
    links: Vec<Link>,
}

impl Default for NetworkParts {
    fn default() -> Self {
        NetworkParts {
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
            small: Buffer::default(),
            links: Vec::new(),
        }
    }
}

impl Collector for NetworkParts {
    fn name(&self) -> &'static str {
        "network-parts"
    }

    fn title(&self) -> &'static str {
        "Network in detail"
    }

    fn source(&self) -> &'static str {
        "`/proc/net/dev` (proc_net(5)); `/sys/class/net/*` (ABI/testing/sysfs-class-net)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let text = self.file.read(&mut self.buffer);
        let text = text.map_err(|error| CollectError::reading(PATH, &error))?;
        let mut at = 0;
        for (name, columns) in interfaces(text) {
            for (metric, column) in [
                (&FIFO_IN, 4),
                (&FIFO_OUT, 12),
                (&FRAME, 5),
                (&COLLISIONS, 13),
                (&CARRIER_ERRORS, 14),
                (&MULTICAST, 7),
                (&COMPRESSED_IN, 6),
                (&COMPRESSED_OUT, 15),
            ] {
                reading.count(metric, &[name], columns[column]);
            }
            if self.links.get(at).is_none_or(|link| link.interface != name) {
                self.links.truncate(at);
                self.links.push(Link::new(name));
            }
            self.links[at].said(reading, &mut self.small);
            at += 1;
        }
        self.links.truncate(at);
        match at {
            0 => Err(CollectError::Unavailable(
                "This machine shows no network interfaces.".into(),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::read;

    #[test]
    fn loopback_has_an_mtu_and_no_speed() {
        let reading = read(&mut NetworkParts::default());
        let at = |name: &str| {
            let mut all = reading.schema().iter().zip(reading.values());
            all.find(|(spec, _)| spec.name == name && spec.label_value("interface") == Some("lo"))
                .map(|(_, value)| *value)
        };
        assert!(at("network_mtu_bytes").unwrap() > 0.0);
        assert!(at("network_speed_bytes_per_second").unwrap().is_nan());
    }
}
