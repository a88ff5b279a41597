//! Sockets: how many there are and what memory they hold, TCP connections by state, and connections that the firewall follows.
//!
//! States are counted by the kernel's own list (sock_diag(7), NETLINK_INET_DIAG). It walks its whole hash table for that, half a
//! millisecond even when there are no sockets, and about a microsecond more for each. So it is asked once in [`OFTEN`] readings, and
//! above [`MANY`] sockets once in [`SELDOM`]; between two looks the states keep their numbers.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile},
    metric::{Metric, gauge, metrics},
    protocols::named,
    tcp_states::{STATES, States},
};
use farol_model::metric::Unit;

const SOCKSTAT: &str = "/proc/net/sockstat";
const SOCKSTAT6: &str = "/proc/net/sockstat6";
const CONNTRACK: &str = "/proc/sys/net/netfilter/nf_conntrack_count";
const CONNTRACK_MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";
/// Sockets from which on the list is asked for seldom.
const MANY: u64 = 2000;
/// Readings from one look to the next below that, and above.
const OFTEN: u32 = 5;
const SELDOM: u32 = 30;

metrics! {
    USED = gauge("sockets_used", Unit::Count, "Sockets", "all", "Sockets of all kinds that are open in this network namespace.");
    TCP_INUSE = gauge("sockets_tcp", Unit::Count, "Sockets by protocol", "TCP", "TCP sockets over IPv4, without those in the state time-wait.");
    TCP_ORPHANS = gauge("sockets_tcp_orphans", Unit::Count, "TCP without a program", "orphans", "TCP connections that no program holds any more and that have not ended.");
    TCP_WAITING = gauge("sockets_tcp_time_wait", Unit::Count, "TCP without a program", "time-wait", "Connections that have ended and wait for late segments.");
    TCP_ALLOCATED = gauge("sockets_tcp_allocated", Unit::Count, "Sockets by protocol", "TCP, allocated", "TCP sockets that have memory, of both versions of IP.");
    TCP_PAGES = gauge("sockets_tcp_pages", Unit::Count, "Memory of sockets, pages", "TCP", "Pages of memory in buffers of TCP.");
    UDP_INUSE = gauge("sockets_udp", Unit::Count, "Sockets by protocol", "UDP", "UDP sockets over IPv4.");
    UDP_PAGES = gauge("sockets_udp_pages", Unit::Count, "Memory of sockets, pages", "UDP", "Pages of memory in buffers of UDP.");
    UDPLITE_INUSE = gauge("sockets_udplite", Unit::Count, "Sockets by protocol", "UDP-Lite", "UDP-Lite sockets over IPv4.");
    RAW_INUSE = gauge("sockets_raw", Unit::Count, "Sockets by protocol", "raw", "Raw sockets over IPv4.");
    FRAGMENTS = gauge("sockets_fragments", Unit::Count, "Fragments", "IPv4", "Packets that wait for the rest of their fragments.");
    FRAGMENT_BYTES = gauge("sockets_fragments_bytes", Unit::Bytes, "Fragments, memory", "IPv4", "Memory of packets that wait for the rest of their fragments.");
    TCP6_INUSE = gauge("sockets_tcp6", Unit::Count, "Sockets by protocol", "TCP over IPv6", "TCP sockets over IPv6.");
    UDP6_INUSE = gauge("sockets_udp6", Unit::Count, "Sockets by protocol", "UDP over IPv6", "UDP sockets over IPv6.");
    UDPLITE6_INUSE = gauge("sockets_udplite6", Unit::Count, "Sockets by protocol", "UDP-Lite over IPv6", "UDP-Lite sockets over IPv6.");
    RAW6_INUSE = gauge("sockets_raw6", Unit::Count, "Sockets by protocol", "raw over IPv6", "Raw sockets over IPv6.");
    FRAGMENTS6 = gauge("sockets_fragments6", Unit::Count, "Fragments", "IPv6", "Packets of IPv6 that wait for the rest of their fragments.");
    FRAGMENT6_BYTES = gauge("sockets_fragments6_bytes", Unit::Bytes, "Fragments, memory", "IPv6", "Memory of packets of IPv6 that wait for the rest of their fragments.");
    STATE = gauge("tcp_connections", Unit::Count, "TCP by state", "{}", "TCP sockets of both versions of IP in the state {}.").labels(&["state"]);
    FOLLOWED = gauge("conntrack_connections", Unit::Count, "Connections followed", "now", "Connections that the firewall follows.");
    FOLLOWED_MAX = gauge("conntrack_limit", Unit::Count, "Connections followed", "limit", "Connections that it may follow; above it new ones are dropped.");
    FOLLOWED_PERCENT = gauge("conntrack_used_percent", Unit::Percent, "Connections followed, share", "used", "Connections followed as share of the limit.");
}

/// Protocol and word of the files, and what they are.
static WORDS: [(&str, &str, &Metric); 18] = [
    ("sockets", "used", &USED),
    ("TCP", "inuse", &TCP_INUSE),
    ("TCP", "orphan", &TCP_ORPHANS),
    ("TCP", "tw", &TCP_WAITING),
    ("TCP", "alloc", &TCP_ALLOCATED),
    ("TCP", "mem", &TCP_PAGES),
    ("UDP", "inuse", &UDP_INUSE),
    ("UDP", "mem", &UDP_PAGES),
    ("UDPLITE", "inuse", &UDPLITE_INUSE),
    ("RAW", "inuse", &RAW_INUSE),
    ("FRAG", "inuse", &FRAGMENTS),
    ("FRAG", "memory", &FRAGMENT_BYTES),
    ("TCP6", "inuse", &TCP6_INUSE),
    ("UDP6", "inuse", &UDP6_INUSE),
    ("UDPLITE6", "inuse", &UDPLITE6_INUSE),
    ("RAW6", "inuse", &RAW6_INUSE),
    ("FRAG6", "inuse", &FRAGMENTS6),
    ("FRAG6", "memory", &FRAGMENT6_BYTES),
];

/// See the module.
pub struct Sockets {
    sockstat: KernelFile,
    sockstat6: KernelFile,
    conntrack: KernelFile,
    conntrack_max: KernelFile,
    buffer: Buffer,
    states: States,
    readings: u32,
}

impl Default for Sockets {
    fn default() -> Self {
        Sockets {
            sockstat: KernelFile::new(SOCKSTAT),
            sockstat6: KernelFile::new(SOCKSTAT6),
            conntrack: KernelFile::new(CONNTRACK),
            conntrack_max: KernelFile::new(CONNTRACK_MAX),
            buffer: Buffer::default(),
            states: States::default(),
            readings: 0,
        }
    }
}

impl Collector for Sockets {
    fn name(&self) -> &'static str {
        "sockets"
    }

    fn title(&self) -> &'static str {
        "Sockets"
    }

    fn source(&self) -> &'static str {
        "`/proc/net/sockstat`, `/proc/net/sockstat6` (proc_net(5)); sock_diag(7); `/proc/sys/net/netfilter` (networking/nf_conntrack-sysctl.rst)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        let text = self.sockstat.read(&mut self.buffer);
        let sockets = said(
            text.map_err(|error| CollectError::reading(SOCKSTAT, &error))?,
            reading,
        );
        if let Ok(text) = self.sockstat6.read(&mut self.buffer) {
            said(text, reading);
        }
        if self
            .readings
            .is_multiple_of(if sockets < MANY { OFTEN } else { SELDOM })
        {
            self.states.look();
        }
        self.readings = self.readings.wrapping_add(1);
        if let Some(counts) = self.states.counts() {
            for (state, count) in STATES.iter().zip(counts) {
                reading.value(&STATE, &[state], f64::from(*count));
            }
        }
        // Without a firewall that follows connections there is nothing to tell.
        if let Some(now) = self.conntrack.number(&mut self.buffer) {
            let most = self.conntrack_max.number(&mut self.buffer);
            reading.count(&FOLLOWED, &[], Some(now));
            reading.count(&FOLLOWED_MAX, &[], most);
            let share = most
                .filter(|most| *most > 0)
                .map(|most| 100.0 * now as f64 / most as f64);
            reading.value(&FOLLOWED_PERCENT, &[], share.unwrap_or(f64::NAN));
        }
        Ok(())
    }
}

/// What either file says; answers how many TCP sockets there are about.
pub fn said(text: &[u8], reading: &mut Reading) -> u64 {
    let mut sockets = 0;
    named(text, |protocol, name, count| {
        let found = WORDS
            .iter()
            .find(|(of, word, _)| *of == protocol && *word == name);
        if let Some((_, _, metric)) = found {
            reading.count(metric, &[], count);
        }
        if protocol == "TCP" && matches!(name, "alloc" | "tw") {
            sockets += count.unwrap_or(0);
        }
    });
    sockets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::{between, read};

    #[test]
    fn words_are_told_by_their_protocol_and_new_ones_are_left_out() {
        let text = b"sockets: used 14\nTCP: inuse 1 orphan 0 tw 2 alloc 3 mem 4 new 5\nUDP: inuse 9 mem\n";
        let reading = between(text, text, |text, reading| assert_eq!(said(text, reading), 5));
        assert_eq!(reading.value_of("sockets_used"), Some(14.0));
        assert_eq!(reading.value_of("sockets_udp"), Some(9.0));
        assert!(reading.value_of("sockets_udp_pages").unwrap().is_nan());
        assert_eq!(reading.schema().len(), 8);
    }

    #[test]
    fn a_listener_of_this_test_is_counted_by_its_state() {
        let _listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let reading = read(&mut Sockets::default());
        let mut all = reading.schema().iter().zip(reading.values());
        let listening = all
            .find(|(spec, _)| spec.label_value("state") == Some("listen"))
            .unwrap();
        assert!(*listening.1 >= 1.0);
    }
}
