//! Counters of the network's protocols as the kernel writes them: pairs of lines, names and then numbers (`/proc/net/snmp`,
//! `/proc/net/netstat`), and lines of a name and a number (`/proc/net/snmp6`). RFC 4293, 4022 and 4113 say what most mean.

use super::kernel::{Words, cut, lines, number};

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
