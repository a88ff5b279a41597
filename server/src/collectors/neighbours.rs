//! Tables of the network: neighbours of both versions of IP (ARP and neighbour discovery), decisions about routes, and what went
//! wrong where the firewall follows connections. From `/proc/net/stat`: a line of names, then a line of hexadecimal counts for each
//! core, which are summed up here. A neighbour table that overflows cuts machines off, and nothing else tells it.

use super::{
    CollectError, Collector, Place, Reading,
    kernel::{Buffer, KernelFile, Words, hexadecimal, lines},
    metric::{Metric, gauge, metrics, rate},
};
use farol_model::metric::Unit;

const ARP: &str = "/proc/net/stat/arp_cache";
const NDISC: &str = "/proc/net/stat/ndisc_cache";
const ROUTES: &str = "/proc/net/stat/rt_cache";
const CONNTRACK: &str = "/proc/net/stat/nf_conntrack";
/// Names in a line that are looked at.
const MAX_NAMES: usize = 24;
/// Words of routes that the kernel still counts.
const ROUTE_WORDS: [&str; 9] = [
    "in_slow_tot",
    "in_slow_mc",
    "in_no_route",
    "in_brd",
    "in_martian_dst",
    "in_martian_src",
    "out_slow_tot",
    "out_slow_mc",
    "gc_dst_overflow",
];
/// Words of followed connections that mean trouble, and those found.
const TRACK_WORDS: [&str; 7] = [
    "found",
    "invalid",
    "insert_failed",
    "drop",
    "early_drop",
    "icmp_error",
    "search_restart",
];

metrics! {
    ENTRIES = gauge("neighbours", Unit::Count, "Neighbours", "{}", "Machines in the neighbour table of {}.").labels(&["version"]);
    EVENTS = rate("neighbour_events_per_second", Unit::PerSecond, "Neighbours of {}", "{1}", "Counter {1} of the neighbour table of {}.").labels(&["version", "event"]);
    ROUTE = rate("route_decisions_per_second", Unit::PerSecond, "Decisions about routes", "{}", "Counter {} of routes: packets whose way was decided anew, by how it went.").labels(&["event"]);
    TRACK = rate("conntrack_events_per_second", Unit::PerSecond, "Following connections", "{}", "Counter {} of the firewall's table of connections; drop and early_drop mean that it is full.").labels(&["event"]);
}

/// See the module.
pub struct Neighbours {
    arp: KernelFile,
    ndisc: KernelFile,
    routes: KernelFile,
    conntrack: KernelFile,
    buffer: Buffer,
}

impl Default for Neighbours {
    fn default() -> Self {
        Neighbours {
            arp: KernelFile::new(ARP),
            ndisc: KernelFile::new(NDISC),
            routes: KernelFile::new(ROUTES),
            conntrack: KernelFile::new(CONNTRACK),
            buffer: Buffer::default(),
        }
    }
}

impl Collector for Neighbours {
    fn name(&self) -> &'static str {
        "neighbours"
    }

    fn title(&self) -> &'static str {
        "Neighbours and routes"
    }

    fn source(&self) -> &'static str {
        "`/proc/net/stat/*` (net/core/neighbour.c, net/ipv4/route.c, net/netfilter/nf_conntrack_standalone.c)"
    }

    fn metrics(&self) -> &'static [&'static Metric] {
        METRICS
    }

    fn place(&self) -> Place {
        Place::Shared
    }

    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        for (file, version) in [(&mut self.arp, "IPv4"), (&mut self.ndisc, "IPv6")] {
            if let Ok(text) = file.read(&mut self.buffer) {
                neighbours(text, version, reading);
            }
        }
        for (file, metric, words) in [
            (&mut self.routes, &ROUTE, &ROUTE_WORDS[..]),
            (&mut self.conntrack, &TRACK, &TRACK_WORDS[..]),
        ] {
            if let Ok(text) = file.read(&mut self.buffer) {
                chosen(text, metric, words, reading);
            }
        }
        match reading.values().is_empty() {
            true => Err(CollectError::Unavailable(
                "This kernel tells nothing of neighbours and routes.".into(),
            )),
            false => Ok(()),
        }
    }
}

/// What the file of a neighbour table says.
pub fn neighbours(text: &[u8], version: &str, reading: &mut Reading) {
    table(text, |name, first, sum| match name {
        // The whole table's, on the line of each core.
        "entries" => reading.count(&ENTRIES, &[version], first),
        event => reading.count(&EVENTS, &[version, event], sum),
    });
}

/// Some words of a file.
fn chosen(text: &[u8], metric: &'static Metric, words: &[&str], reading: &mut Reading) {
    table(text, |name, _, sum| {
        if words.contains(&name) {
            reading.count(metric, &[name], sum);
        }
    });
}

/// Each name with the number of the first core and the sum of all.
fn table(text: &[u8], mut each: impl FnMut(&str, Option<u64>, Option<u64>)) {
    let mut all = lines(text);
    let names = all.next().unwrap_or_default();
    let mut first = [None; MAX_NAMES];
    let mut sums = [None; MAX_NAMES];
    for (core, line) in all.enumerate() {
        for (at, word) in Words(line).take(MAX_NAMES).enumerate() {
            let Some(count) = hexadecimal(word) else {
                continue;
            };
            if core == 0 {
                first[at] = Some(count);
            }
            sums[at] = Some(u64::saturating_add(sums[at].unwrap_or(0), count));
        }
    }
    for (at, name) in Words(names).take(MAX_NAMES).enumerate() {
        if let Ok(name) = std::str::from_utf8(name) {
            each(name, first[at], sums[at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::tests::between;

    #[test]
    fn cores_are_summed_up_but_not_what_each_tells_of_the_whole() {
        let reading = between(
            b"entries  lookups table_fulls\n0000000a 00000001 00000000\n0000000a 00000002 0000000f\n",
            b"entries  lookups table_fulls\n0000000b 00000002 00000000\n0000000b 00000010 xyz\n",
            |text, reading| neighbours(text, "IPv4", reading),
        );
        assert_eq!(reading.values()[..2], [11.0, 15.0]);
        assert!(
            reading.values()[2].is_nan(),
            "what it counted is not known any more"
        );
        let odd = between(b"", b"\xff\n", |text, reading| {
            chosen(text, &ROUTE, &ROUTE_WORDS, reading)
        });
        assert!(odd.schema().is_empty());
    }
}
