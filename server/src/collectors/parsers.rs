//! Every parser of a file of the kernel by the name of the file, for the tests that give them recorded and broken files and for
//! the fuzz target. A parser is made anew each time, because some keep what they read before.

use super::{
    Reading, cgroups, cpu_time, disk_io, interrupts, ip, kernel, memory, memory_parts, mounts, neighbours,
    network, pressure, processes, sockets, softirqs, stat, tcp, tcp_states, vmstat,
};
use crate::procstat::ProcStat;

/// Says what a text says.
pub type Parser = Box<dyn FnMut(&[u8], &mut Reading)>;

/// The name of a file, and what makes its parser.
pub type Named = (&'static str, fn() -> Parser);

/// See the module.
pub const ALL: [Named; 20] = [
    ("stat", || {
        let mut cores = stat::Cores::default();
        Box::new(move |text, reading| cpu_time::said(text, &mut cores, reading))
    }),
    ("pressure", || {
        Box::new(|text, reading| pressure::said(text, "memory", reading))
    }),
    ("interrupts", || Box::new(interrupts::said)),
    ("softirqs", || Box::new(softirqs::said)),
    ("softnet_stat", || Box::new(softirqs::softnet)),
    ("meminfo", || {
        Box::new(|text, reading| drop(memory::said(text, reading)))
    }),
    ("meminfo_parts", || Box::new(memory_parts::said)),
    ("buddyinfo", || Box::new(memory_parts::blocks)),
    ("vmstat", || Box::new(vmstat::said)),
    ("diskstats", || {
        let mut devices = disk_io::Devices::default();
        Box::new(move |text, reading| disk_io::said(text, &mut devices, reading))
    }),
    ("net_dev", || Box::new(network::said)),
    ("snmp", || {
        Box::new(|text, reading| {
            ip::said(text, reading);
            tcp::said(text, reading);
        })
    }),
    ("netstat", || {
        Box::new(|text, reading| {
            ip::said(text, reading);
            tcp::said(text, reading);
        })
    }),
    ("snmp6", || Box::new(ip::said6)),
    ("sockstat", || {
        Box::new(|text, reading| {
            sockets::said(text, reading);
        })
    }),
    ("mountinfo", || {
        Box::new(|text, _| {
            assert!(mounts::parse(text).len() <= kernel::lines(text).count());
        })
    }),
    ("pid_stat", || {
        Box::new(|text, _| {
            assert!(
                ProcStat::parse(text).is_none()
                    || ProcStat::name(text).is_none_or(|name| name.len() < text.len())
            );
        })
    }),
    ("cgroup", || {
        Box::new(|text, _| {
            let _ = (
                cgroups::value(text, "usage_usec"),
                cgroups::traffic(text),
                cgroups::transfers(text),
                cgroups::stalled(text),
                processes::traffic(text),
            );
        })
    }),
    ("arp_cache", || {
        Box::new(|text, reading| neighbours::neighbours(text, "IPv4", reading))
    }),
    ("sock_diag", || {
        Box::new(|bytes, _| {
            let (mut counts, mut messages) = ([0; tcp_states::STATES.len()], 0);
            let _ = tcp_states::tally(bytes, &mut counts, &mut messages);
            assert!(
                counts.iter().map(|count| *count as usize).sum::<usize>() <= messages
                    && messages <= bytes.len() / 16
            );
        })
    }),
];
