//! The kernel's tables of sockets, as the process sees them: `/proc/PID/net/{tcp,tcp6,udp,udp6,unix}`. Read line by line, because
//! a busy machine has hundreds of thousands; only lines of the sockets that are asked for are taken apart.

use super::plain;
use farol_model::process::OpenSocket;
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufRead, BufReader},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Lines of one table that are looked at.
const MAX_LINES: usize = 1_000_000;

/// What the tables say of these inodes. A table that cannot be read tells nothing.
pub fn known(pid: u32, wanted: &HashSet<u64>) -> HashMap<u64, OpenSocket> {
    let mut found = HashMap::new();
    for kind in ["tcp", "tcp6", "udp", "udp6", "unix"] {
        let Ok(file) = File::open(format!("/proc/{pid}/net/{kind}")) else {
            continue;
        };
        let lines = BufReader::new(file).lines().map_while(Result::ok);
        for line in lines.skip(1).take(MAX_LINES) {
            let read = match kind {
                "unix" => unix(&line, wanted),
                _ => internet(kind, &line, wanted),
            };
            found.extend(read);
        }
    }
    found
}

/// proc_net_tcp: number, local, remote, state, four more fields, inode at place 9.
fn internet(kind: &'static str, line: &str, wanted: &HashSet<u64>) -> Option<(u64, OpenSocket)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().take(10).collect();
    let inode: u64 = fields.get(9)?.parse().ok()?;
    if !wanted.contains(&inode) {
        return None;
    }
    let state = match kind {
        "udp" | "udp6" => "",
        _ => state(fields.get(3)?),
    };
    let remote = address(fields.get(2)?).filter(|remote| remote.port() != 0);
    let socket = OpenSocket {
        fd: 0,
        kind,
        local: address(fields.get(1)?)?.to_string(),
        remote: remote.map_or_else(String::new, |remote| remote.to_string()),
        state,
    };
    Some((inode, socket))
}

/// proc_net_unix: number, count, protocol, flags, type, state, inode, path.
fn unix(line: &str, wanted: &HashSet<u64>) -> Option<(u64, OpenSocket)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let inode: u64 = fields.get(6)?.parse().ok()?;
    if !wanted.contains(&inode) {
        return None;
    }
    let socket = OpenSocket {
        fd: 0,
        kind: "unix",
        local: plain(&fields.get(7..).unwrap_or_default().join(" ")),
        remote: String::new(),
        // __SO_ACCEPTCON, include/uapi/linux/net.h.
        state: match u32::from_str_radix(fields.get(3)?, 16) {
            Ok(flags) if flags & 0x1_0000 != 0 => "listen",
            _ => "",
        },
    };
    Some((inode, socket))
}

/// `0100007F:1F90`: words of four bytes in the order of the machine, then the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let words: Option<Vec<[u8; 4]>> = (0..host.len() / 8)
        .map(|at| {
            let word = host.get(at * 8..at * 8 + 8)?;
            Some(u32::from_str_radix(word, 16).ok()?.to_ne_bytes())
        })
        .collect();
    let ip = match words?.as_slice() {
        [v4] => IpAddr::V4(Ipv4Addr::from(*v4)),
        four @ [_, _, _, _] => {
            let bytes: [u8; 16] = four.concat().try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// include/net/tcp_states.h.
fn state(code: &str) -> &'static str {
    match code {
        "01" => "established",
        "02" => "connecting",
        "03" => "being accepted",
        "04" | "05" => "closing",
        "06" => "waits after close",
        "07" => "closed",
        "08" => "closed by the other end",
        "09" | "0B" => "closing",
        "0A" => "listen",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_read_in_the_order_of_the_machine() {
        assert_eq!(address("0100007F:1F90").unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(
            address("00000000000000000000000001000000:0050")
                .unwrap()
                .to_string(),
            "[::1]:80"
        );
        for odd in ["", "0100007F", "01:zz", "0100007F00000000:0050", "é100007:0050"] {
            assert_eq!(address(odd), None, "{odd}");
        }
    }

    #[test]
    fn only_what_is_wanted_is_taken_apart() {
        let line = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 4711 1 0 100 0";
        let wanted = HashSet::from([4711]);
        let (inode, socket) = internet("tcp", line, &wanted).unwrap();
        assert_eq!(
            (inode, socket.state, socket.remote.as_str()),
            (4711, "listen", "")
        );
        assert_eq!(internet("tcp", line, &HashSet::new()), None);
        let line = "ffff: 00000002 00000000 00010000 0001 01 4711 /run/a b.sock";
        let (_, socket) = unix(line, &wanted).unwrap();
        assert_eq!((socket.local.as_str(), socket.state), ("/run/a b.sock", "listen"));
    }
}
