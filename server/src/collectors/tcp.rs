//! TCP: segments, retransmissions, resets, how connections begin and end, queues of listeners, and all counters of
//! `/proc/net/snmp` and `/proc/net/netstat` (Documentation/networking/snmp_counter.rst). The important ones have names of their
//! own; the others are told by the kernel's word. Counters of Multipath TCP are told once it has been used.

use super::{
    CollectError, Collector, Place, Reading,
    metric::{Fields, Metric, gauge, metrics, rate},
    protocols::{Counters, SNMP, pairs},
};
use farol_model::metric::Unit;

metrics! {
    SEGMENTS_IN = rate("tcp_received_segments_per_second", Unit::PerSecond, "Segments", "in", "Segments that came, broken ones included.");
    SEGMENTS_OUT = rate("tcp_sent_segments_per_second", Unit::PerSecond, "Segments", "out", "Segments sent, without those sent again.");
    RETRANSMITTED = rate("tcp_retransmitted_segments_per_second", Unit::PerSecond, "Retransmissions", "sent again", "Segments sent again because no acknowledgement came.");
    BROKEN = rate("tcp_receive_errors_per_second", Unit::PerSecond, "Broken segments", "broken", "Segments that came broken.");
    ESTABLISHED = gauge("tcp_established", Unit::Count, "Connections", "established", "Connections that are established or wait for being closed.");
    ACTIVE = rate("tcp_active_opens_per_second", Unit::PerSecond, "Connections begun", "from here", "Connections that this machine began.");
    PASSIVE = rate("tcp_passive_opens_per_second", Unit::PerSecond, "Connections begun", "from elsewhere", "Connections that others began.");
    FAILED = rate("tcp_failed_attempts_per_second", Unit::PerSecond, "Connections failed", "attempts failed", "Connections that did not come about.");
    RESETS = rate("tcp_established_resets_per_second", Unit::PerSecond, "Connections failed", "reset", "Established connections that ended by a reset.");
    RESETS_SENT = rate("tcp_sent_resets_per_second", Unit::PerSecond, "Connections failed", "resets sent", "Segments sent with the reset flag.");
    LISTEN_OVERFLOWS = rate("tcp_listen_overflows_per_second", Unit::PerSecond, "Listeners", "queue full", "Connections refused because a listener's queue was full: the program accepts too slowly.");
    LISTEN_DROPS = rate("tcp_listen_drops_per_second", Unit::PerSecond, "Listeners", "dropped", "Connections to listeners dropped for any reason.");
    SYN_RETRANSMITTED = rate("tcp_syn_retransmissions_per_second", Unit::PerSecond, "Retransmissions", "openings", "Openings of connections sent again.");
    FAST = rate("tcp_fast_retransmissions_per_second", Unit::PerSecond, "Retransmissions", "fast", "Segments sent again at once, because of acknowledgements that told of a loss.");
    TIMEOUTS = rate("tcp_timeouts_per_second", Unit::PerSecond, "Retransmissions", "after a time-out", "Times that a connection waited in vain and began to send again.");
    LOST = rate("tcp_lost_retransmissions_per_second", Unit::PerSecond, "Retransmissions", "lost again", "Segments sent again that were lost once more.");
    MEMORY = rate("tcp_memory_pressures_per_second", Unit::PerSecond, "Lack of memory", "pressure", "Times that TCP began to be short of memory.");
    COOKIES = rate("tcp_syn_cookies_sent_per_second", Unit::PerSecond, "SYN cookies", "sent", "Openings answered without keeping state, because a queue was full.");
    OTHER = rate("tcp_events_per_second", Unit::PerSecond, "TCP, other events", "{}", "Counter {} of TcpExt.").labels(&["event"]);
    OTHER_BASE = rate("tcp_base_events_per_second", Unit::PerSecond, "Broken segments", "{}", "Counter {} of Tcp in /proc/net/snmp.").labels(&["event"]);
    MULTIPATH = rate("mptcp_events_per_second", Unit::PerSecond, "Multipath TCP", "{}", "Counter {} of MPTcpExt.").labels(&["event"]);
    MULTIPATH_NOW = gauge("mptcp_established", Unit::Count, "Multipath TCP, connections", "established", "Connections of Multipath TCP.");
}

static BASE: Fields = Fields {
    named: &[
        ("InSegs", &SEGMENTS_IN),
        ("OutSegs", &SEGMENTS_OUT),
        ("RetransSegs", &RETRANSMITTED),
        ("InErrs", &BROKEN),
        ("CurrEstab", &ESTABLISHED),
        ("ActiveOpens", &ACTIVE),
        ("PassiveOpens", &PASSIVE),
        ("AttemptFails", &FAILED),
        ("EstabResets", &RESETS),
        ("OutRsts", &RESETS_SENT),
    ],
    // Settings and not measurements.
    other: |word| (!word.starts_with("Rto") && word != "MaxConn").then_some((&OTHER_BASE, "Broken segments")),
};

static EXTENDED: Fields = Fields {
    named: &[
        ("ListenOverflows", &LISTEN_OVERFLOWS),
        ("ListenDrops", &LISTEN_DROPS),
        ("TCPSynRetrans", &SYN_RETRANSMITTED),
        ("TCPFastRetrans", &FAST),
        ("TCPTimeouts", &TIMEOUTS),
        ("TCPLostRetransmit", &LOST),
        ("TCPMemoryPressures", &MEMORY),
        ("SyncookiesSent", &COOKIES),
    ],
    other: |word| {
        let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
        Some((
            &OTHER,
            match word {
                _ if has(&["Syncookies", "ReqQFull"]) => "SYN cookies",
                _ if has(&["FastOpen"]) => "Fast open",
                _ if has(&["Abort"]) => "Connections given up",
                _ if has(&["DSACK"]) => "Segments that came twice",
                _ if has(&["Hystart"]) => "Slow start",
                _ if has(&[
                    "ACKSkipped",
                    "Challenge",
                    "MinTTL",
                    "PAWS",
                    "MD5",
                    "TCPAO",
                    "Filter",
                    "TSEcr",
                ]) =>
                {
                    "Segments refused"
                }
                _ if has(&[
                    "Prune",
                    "Collapse",
                    "OfoPruned",
                    "Drop",
                    "MemoryPress",
                    "QueueTooBig",
                    "Icmps",
                    "BeyondWindow",
                ]) =>
                {
                    "Dropped for lack of room"
                }
                _ if has(&["OFO", "Reorder"]) => "Out of order",
                _ if has(&[
                    "Sack", "SACK", "Reno", "Loss", "Retrans", "Undo", "Recovery", "Rtx", "Rehash", "RTO",
                ]) =>
                {
                    "Recovery from loss"
                }
                _ if has(&["TW", "TimeWait"]) => "Connections that have ended",
                _ if has(&[
                    "Ack",
                    "ACK",
                    "HPHits",
                    "HPAcks",
                    "Delivered",
                    "Coalesce",
                    "AutoCork",
                    "OrigData",
                ]) =>
                {
                    "Acknowledged and delivered"
                }
                _ if has(&["Window", "WinProbe", "KeepAlive", "MTU"]) => "Windows and probes",
                _ => "TCP, other events",
            },
        ))
    },
};

static MULTIPATH_WORDS: Fields = Fields {
    named: &[("MPCurrEstab", &MULTIPATH_NOW)],
    other: |_| Some((&MULTIPATH, "Multipath TCP")),
};

/// See the module.
#[derive(Default)]
pub struct Tcp {
    counters: Counters,
}

impl Tcp {
    /// One that shares its readings with others.
    pub fn sharing(counters: Counters) -> Self {
        Tcp { counters }
    }
}

impl Collector for Tcp {
    fn name(&self) -> &'static str {
        "tcp"
    }

    fn title(&self) -> &'static str {
        "TCP"
    }

    fn source(&self) -> &'static str {
        "`/proc/net/snmp`, `/proc/net/netstat` (networking/snmp_counter.rst)"
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
        Ok(())
    }
}

/// What either file says.
pub fn said(text: &[u8], reading: &mut Reading) {
    let mut multipath = false;
    pairs(text, |protocol, _, count| {
        multipath |= protocol == "MPTcpExt" && count.is_some_and(|count| count > 0)
    });
    pairs(text, |protocol, word, count| match protocol {
        "Tcp" => reading.field(&BASE, word, count),
        "TcpExt" => reading.field(&EXTENDED, word, count),
        "MPTcpExt" if multipath => reading.field(&MULTIPATH_WORDS, word, count),
        _ => {}
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn counters_are_rates_the_number_of_connections_is_not_and_settings_are_left_out() {
        let text = |segments: u64, drops: u64| {
            format!(
                "Tcp: RtoMin MaxConn CurrEstab InSegs InCsumErrors\nTcp: 200 -1 5 {segments} 0\n\
                 TcpExt: ListenDrops TCPNewThing\nTcpExt: {drops} 9\nMPTcpExt: A\nMPTcpExt: 0\n"
            )
        };
        let reading = between(text(10, 3).as_bytes(), text(40, 1).as_bytes(), said);
        assert_eq!(reading.value_of("tcp_received_segments_per_second"), Some(30.0));
        assert_eq!(reading.value_of("tcp_established"), Some(5.0));
        assert!(
            reading.value_of("tcp_listen_drops_per_second").unwrap().is_nan(),
            "it went back"
        );
        assert_eq!(reading.schema().len(), 5);
    }
}
