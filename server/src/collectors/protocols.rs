//! Counters of the network's protocols as the kernel writes them: pairs of lines, names and then numbers (`/proc/net/snmp`,
//! `/proc/net/netstat`), and lines of a name and a number (`/proc/net/snmp6`). RFC 4293, 4022 and 4113 say what most mean.

use super::kernel::{Buffer, KernelFile, Words, cut, lines, number};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The files of pairs. The first must be there; a kernel that is told to leave things out may lack the second.
pub const SNMP: &str = "/proc/net/snmp";
const NETSTAT: &str = "/proc/net/netstat";
/// What was read so long ago is still what there is: whoever is due at the same time asks within a few milliseconds.
const FRESH: Duration = Duration::from_millis(50);

/// Both files of pairs, which the kernel sums up over all cores when they are read: one reading serves all who ask at the same
/// time. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Counters(Arc<Mutex<Files>>);

#[derive(Debug)]
struct Files {
    snmp: (KernelFile, Buffer),
    netstat: (KernelFile, Buffer),
    /// When they were read, and how much of each buffer is theirs.
    read: Option<(Instant, [usize; 2])>,
}

impl Default for Files {
    fn default() -> Self {
        let file = |path| (KernelFile::new(path), Buffer::default());
        Files {
            snmp: file(SNMP),
            netstat: file(NETSTAT),
            read: None,
        }
    }
}

impl Counters {
    /// Hands over each of the texts, read now or a moment ago.
    pub fn read(&self, mut said: impl FnMut(&[u8])) -> io::Result<()> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for text in files.texts(Instant::now())? {
            said(text);
        }
        Ok(())
    }
}

impl Files {
    fn texts(&mut self, now: Instant) -> io::Result<[&[u8]; 2]> {
        let fresh = self
            .read
            .filter(|(at, _)| now.saturating_duration_since(*at) < FRESH);
        let (at, lengths) = match fresh {
            Some(read) => read,
            None => {
                self.read = None;
                let (file, buffer) = &mut self.snmp;
                let first = file.read(buffer)?.len();
                let (file, buffer) = &mut self.netstat;
                (now, [first, file.read(buffer).map_or(0, <[u8]>::len)])
            }
        };
        self.read = Some((at, lengths));
        Ok([self.snmp.1.text(lengths[0]), self.netstat.1.text(lengths[1])])
    }
}

/// Each counter with its protocol. None where it is no number, or -1 for "no limit".
pub fn pairs(text: &[u8], mut each: impl FnMut(&str, &str, Option<u64>)) {
    let mut all = lines(text);
    while let Some(names) = all.next() {
        let Some(numbers) = all.next() else {
            return;
        };
        let (Some((protocol, names)), Some((again, numbers))) = (cut(names, b':'), cut(numbers, b':')) else {
            continue;
        };
        let (Ok(protocol), true) = (std::str::from_utf8(protocol), protocol == again) else {
            continue;
        };
        for (name, count) in Words(names).zip(Words(numbers)) {
            if let Ok(name) = std::str::from_utf8(name) {
                each(protocol, name, number(count));
            }
        }
    }
}

/// Each counter by its name.
pub fn singles(text: &[u8], mut each: impl FnMut(&str, Option<u64>)) {
    for line in lines(text) {
        let mut words = Words(line);
        if let (Some(name), count) = (words.text(), words.number()) {
            each(name, count);
        }
    }
}

/// `TCP: inuse 1 orphan 0`: each number with its protocol and name.
pub fn named(text: &[u8], mut each: impl FnMut(&str, &str, Option<u64>)) {
    for line in lines(text) {
        let Some((Ok(protocol), rest)) =
            cut(line, b':').map(|(name, rest)| (std::str::from_utf8(name), rest))
        else {
            continue;
        };
        let mut words = Words(rest);
        while let Some(name) = words.text() {
            each(protocol, name, words.number());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_brought_together() {
        let mut seen = Vec::new();
        let text = b"Tcp: MaxConn InSegs More\nTcp: -1 7\nUdp: A\nIp: 5\nIp: A\nIp: 6\nlast: line\n";
        pairs(text, |protocol, name, count| {
            seen.push((protocol.to_owned(), name.to_owned(), count))
        });
        let seen: Vec<_> = seen
            .iter()
            .map(|(protocol, name, count)| (protocol.as_str(), name.as_str(), *count))
            .collect();
        assert_eq!(
            seen,
            [
                ("Tcp", "MaxConn", None),
                ("Tcp", "InSegs", Some(7)),
                ("Ip", "A", Some(6))
            ]
        );
    }

    #[test]
    fn one_reading_serves_those_who_ask_at_the_same_time_and_nobody_later() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            (
                KernelFile::at(dir.path().join(name).display().to_string()),
                Buffer::default(),
            )
        };
        let write = |text: &str| std::fs::write(dir.path().join("snmp"), text).unwrap();
        let mut files = Files {
            snmp: file("snmp"),
            netstat: file("netstat"),
            read: None,
        };
        let start = Instant::now();
        assert!(files.texts(start).is_err(), "it is not there");
        write("Tcp: 1\n");
        assert_eq!(files.texts(start).unwrap(), [&b"Tcp: 1\n"[..], b""]);
        write("Tcp: 12\n");
        let soon = start + FRESH / 2;
        assert_eq!(files.texts(soon).unwrap()[0], b"Tcp: 1\n");
        assert_eq!(files.texts(start + FRESH).unwrap()[0], b"Tcp: 12\n");
        assert_eq!(files.texts(start).unwrap()[0], b"Tcp: 12\n", "an earlier clock");
    }

    #[test]
    fn names_beside_their_numbers_are_read_too() {
        let mut seen = Vec::new();
        named(
            b"sockets: used 14\nTCP: inuse 1 orphan\nodd\n",
            |protocol, name, count| {
                seen.push(format!("{protocol} {name} {count:?}"));
            },
        );
        assert_eq!(
            seen,
            ["sockets used Some(14)", "TCP inuse Some(1)", "TCP orphan None"]
        );
        let mut count = 0;
        singles(b"Ip6InReceives   123\nx\n\xff 1\n", |_, _| count += 1);
        assert_eq!(count, 2);
    }
}
