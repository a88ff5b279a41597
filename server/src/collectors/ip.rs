//! IP, ICMP and UDP of both versions: all counters of `/proc/net/snmp`, `/proc/net/netstat` (IpExt) and `/proc/net/snmp6`
//! (Documentation/networking/snmp_counter.rst; RFC 4293 and 4113 say what they mean). The important ones have names of their own.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile},
    metric::{Fields, Metric, metrics, rate},
    protocols::{Counters, SNMP, pairs, singles},
};
use farol_model::metric::Unit;

const SNMP6: &str = "/proc/net/snmp6";

metrics! {
    IP_IN = rate("ip_received_packets_per_second", Unit::PerSecond, "IPv4 packets", "in", "Packets that came, broken ones included.");
    IP_OUT = rate("ip_sent_packets_per_second", Unit::PerSecond, "IPv4 packets", "out", "Packets that programs here sent.");
    IP_FORWARDED = rate("ip_forwarded_packets_per_second", Unit::PerSecond, "IPv4 packets", "forwarded", "Packets passed on to others.");
    IP_NO_ROUTE = rate("ip_no_route_per_second", Unit::PerSecond, "IPv4 dropped", "no route", "Packets dropped because there is no way to where they go.");
    IP_BYTES_IN = rate("ip_received_bytes_per_second", Unit::BytesPerSecond, "IPv4 traffic", "in", "Bytes of packets that came.");
    IP_BYTES_OUT = rate("ip_sent_bytes_per_second", Unit::BytesPerSecond, "IPv4 traffic", "out", "Bytes of packets sent.");
    UDP_IN = rate("udp_received_datagrams_per_second", Unit::PerSecond, "UDP datagrams", "in", "Datagrams delivered to programs.");
    UDP_OUT = rate("udp_sent_datagrams_per_second", Unit::PerSecond, "UDP datagrams", "out", "Datagrams sent.");
    UDP_NO_PORT = rate("udp_no_port_per_second", Unit::PerSecond, "UDP errors", "no listener", "Datagrams for a port where nobody listens.");
    UDP_RECEIVE_BUFFER = rate("udp_receive_buffer_errors_per_second", Unit::PerSecond, "UDP errors", "receive buffer full", "Datagrams dropped because a program reads too slowly.");
    UDP_SEND_BUFFER = rate("udp_send_buffer_errors_per_second", Unit::PerSecond, "UDP errors", "send buffer full", "Datagrams not sent because a buffer was full.");
    OTHER = rate("ip_events_per_second", Unit::PerSecond, "IPv4, other events", "{}", "Counter {} of Ip or IpExt.").labels(&["event"]);
    OTHER_BYTES = rate("ip_other_bytes_per_second", Unit::BytesPerSecond, "IPv4 traffic, other", "{}", "Bytes counted as {} of IpExt.").labels(&["event"]);
    ICMP = rate("icmp_messages_per_second", Unit::PerSecond, "ICMP", "{}", "Counter {} of Icmp.").labels(&["event"]);
    UDP_OTHER = rate("udp_events_per_second", Unit::PerSecond, "UDP errors", "{}", "Counter {} of Udp.").labels(&["event"]);
    UDPLITE = rate("udplite_events_per_second", Unit::PerSecond, "UDP-Lite", "{}", "Counter {} of UdpLite.").labels(&["event"]);
    VERSION6 = rate("ip6_events_per_second", Unit::PerSecond, "IPv6", "{}", "Counter {} of /proc/net/snmp6.").labels(&["event"]);
    VERSION6_BYTES = rate("ip6_bytes_per_second", Unit::BytesPerSecond, "IPv6 traffic", "{}", "Bytes counted as {} in /proc/net/snmp6.").labels(&["event"]);
}

static IP: Fields = Fields {
    named: &[
        ("InReceives", &IP_IN),
        ("OutRequests", &IP_OUT),
        ("ForwDatagrams", &IP_FORWARDED),
        ("OutNoRoutes", &IP_NO_ROUTE),
    ],
    other: |word| {
        let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
        // Settings and not measurements.
        if has(&["Forwarding", "DefaultTTL"]) {
            return None;
        }
        Some(match word {
            _ if has(&["Reasm", "Frag"]) => (&OTHER, "IPv4 fragments"),
            _ if has(&["Errors", "Discards", "Unknown"]) => (&OTHER, "IPv4 dropped"),
            _ => (&OTHER, "IPv4, other events"),
        })
    },
};

static IP_EXTENDED: Fields = Fields {
    named: &[("InOctets", &IP_BYTES_IN), ("OutOctets", &IP_BYTES_OUT)],
    other: |word| {
        let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
        Some(match word {
            _ if has(&["Octets"]) => (&OTHER_BYTES, "IPv4 traffic, other"),
            _ if has(&["ECT", "CEPkts"]) => (&OTHER, "IPv4 congestion marks"),
            _ if has(&["Mcast", "Bcast"]) => (&OTHER, "IPv4 to many"),
            _ => (&OTHER, "IPv4 dropped"),
        })
    },
};

static ICMP_WORDS: Fields = Fields {
    named: &[],
    other: |word| {
        Some((
            &ICMP,
            if word.starts_with("In") {
                "ICMP in"
            } else {
                "ICMP out"
            },
        ))
    },
};

static UDP: Fields = Fields {
    named: &[
        ("InDatagrams", &UDP_IN),
        ("OutDatagrams", &UDP_OUT),
        ("NoPorts", &UDP_NO_PORT),
        ("RcvbufErrors", &UDP_RECEIVE_BUFFER),
        ("SndbufErrors", &UDP_SEND_BUFFER),
    ],
    other: |_| Some((&UDP_OTHER, "UDP errors")),
};

static UDPLITE_WORDS: Fields = Fields {
    named: &[],
    other: |_| Some((&UDPLITE, "UDP-Lite")),
};

static VERSION6_WORDS: Fields = Fields {
    named: &[],
    other: |word| {
        let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
        Some(match word {
            _ if has(&["Octets"]) => (&VERSION6_BYTES, "IPv6 traffic"),
            _ if word.starts_with("Icmp6In") => (&VERSION6, "ICMPv6 in"),
            _ if word.starts_with("Icmp6") => (&VERSION6, "ICMPv6 out"),
            _ if word.starts_with("UdpLite6") => (&VERSION6, "UDP-Lite over IPv6"),
            _ if word.starts_with("Udp6") => (&VERSION6, "UDP over IPv6"),
            _ if has(&["Reasm", "Frag"]) => (&VERSION6, "IPv6 fragments"),
            _ if has(&["Err", "Discard", "Unknown", "NoRoute", "Truncated"]) => (&VERSION6, "IPv6 dropped"),
            _ if has(&["Mcast", "Bcast", "ECT", "CEPkts"]) => (&VERSION6, "IPv6, marks and to many"),
            _ => (&VERSION6, "IPv6 packets"),
        })
    },
};

/// See the module.
pub struct Ip {
    counters: Counters,
    snmp6: KernelFile,
    buffer: Buffer,
}

impl Ip {
    /// One that shares its readings with others.
    pub fn sharing(counters: Counters) -> Self {
        Ip {
            counters,
            snmp6: KernelFile::new(SNMP6),
            buffer: Buffer::default(),
        }
    }
}

impl Default for Ip {
    fn default() -> Self {
        Self::sharing(Counters::default())
    }
}

impl Collector for Ip {
    fn name(&self) -> &'static str {
        "ip"
    }

    fn title(&self) -> &'static str {
        "IP, ICMP and UDP"
    }

    fn source(&self) -> &'static str {
        "`/proc/net/snmp`, `/proc/net/netstat`, `/proc/net/snmp6` (networking/snmp_counter.rst)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        self.counters
            .read(|text| said(text, reading))
            .map_err(|error| CollectError::reading(SNMP, &error))?;
        // A kernel without IPv6 has no such file, and its series are not there.
        if let Ok(text) = self.snmp6.read(&mut self.buffer) {
            said6(text, reading);
        }
        Ok(())
    }
}

/// What either file of pairs says.
pub fn said(text: &[u8], reading: &mut Reading) {
    let mut used = false;
    pairs(text, |protocol, _, count| {
        used |= protocol == "UdpLite" && count.is_some_and(|count| count > 0)
    });
    pairs(text, |protocol, word, count| match protocol {
        "Ip" => reading.field(&IP, word, count),
        "IpExt" => reading.field(&IP_EXTENDED, word, count),
        "Icmp" => reading.field(&ICMP_WORDS, word, count),
        "Udp" => reading.field(&UDP, word, count),
        // Next to nobody uses it.
        "UdpLite" if used => reading.field(&UDPLITE_WORDS, word, count),
        _ => {}
    });
}

/// What the file of IPv6 says.
pub fn said6(text: &[u8], reading: &mut Reading) {
    let mut used = false;
    singles(text, |word, count| {
        used |= word.starts_with("UdpLite6") && count.is_some_and(|count| count > 0)
    });
    singles(text, |word, count| {
        if used || !word.starts_with("UdpLite6") {
            reading.field(&VERSION6_WORDS, word, count);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn protocols_are_told_apart_and_the_unused_is_left_out() {
        let text = |count: u64| {
            format!(
                "Ip: Forwarding InReceives NewWord\nIp: 2 {count} {count}\nUdp: NoPorts\nUdp: {count}\n\
                 UdpLite: NoPorts\nUdpLite: 0\nIpExt: InOctets\nIpExt: {count}\nTcp: InSegs\nTcp: 1\n"
            )
        };
        let reading = between(text(1).as_bytes(), text(3).as_bytes(), said);
        assert_eq!(reading.values(), [2.0; 4]);
        assert_eq!(reading.value_of("udp_no_port_per_second"), Some(2.0));
    }

    #[test]
    fn counters_of_version_6_have_charts() {
        let reading = between(
            b"Ip6InOctets 5\nUdpLite6InErrors 0\nIcmp6InMsgs 1\n",
            b"Ip6InOctets 9\nUdpLite6InErrors 0\nIcmp6InMsgs x\n",
            said6,
        );
        assert_eq!(reading.schema().len(), 2);
        assert_eq!(
            (reading.values()[0], reading.schema()[1].chart.as_str()),
            (4.0, "ICMPv6 in")
        );
        assert!(reading.values()[1].is_nan());
    }
}
