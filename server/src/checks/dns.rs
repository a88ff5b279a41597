//! One question to a name server over UDP, and its answer (RFC 1035, sections 4.1 and 3.4). Only addresses are asked for. The
//! machine's own way of finding names is not used, so that it is the server that is checked and not a cache.

use anyhow::{Context, bail};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};
use tokio::{net::UdpSocket, time::timeout};

/// Largest answer without EDNS, with room for those that send more anyway.
const MAX_ANSWER: usize = 4096;
/// Asked again after so long, in case the question was lost.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
const A: u16 = 1;
const AAAA: u16 = 28;

/// The addresses of a name. Waits for as long as the caller lets it.
pub async fn look_up(server: Option<&str>, name: &str, six: bool) -> anyhow::Result<Vec<IpAddr>> {
    let server = match server {
        Some(server) => server.to_owned(),
        None => first_server().await?,
    };
    // With or without a port.
    let server = match server.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]:53"),
        Ok(address) => format!("{address}:53"),
        Err(_) => server,
    };
    let id: u16 = rand::random();
    let question = question(name, six, id).map_err(anyhow::Error::msg)?;
    let at = tokio::net::lookup_host(&server).await;
    let at = at
        .with_context(|| format!("`{server}` is no name server"))?
        .next()
        .with_context(|| format!("`{server}` has no address"))?;
    let from: IpAddr = match at.is_ipv4() {
        true => Ipv4Addr::UNSPECIFIED.into(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((from, 0)).await?;
    // From here on only what comes from there is taken.
    socket.connect(at).await?;
    let mut answer = vec![0; MAX_ANSWER];
    loop {
        let told = || format!("{at} cannot be asked");
        socket.send(&question).await.with_context(told)?;
        let listening = async {
            loop {
                let size = socket
                    .recv(&mut answer)
                    .await
                    .with_context(|| format!("{at} does not answer"))?;
                // What answers another question is none of ours.
                if let Some(found) = addresses(answer.get(..size).unwrap_or_default(), id, six) {
                    return found.map_err(anyhow::Error::msg);
                }
            }
        };
        if let Ok(found) = timeout(AGAIN_AFTER, listening).await {
            return found;
        }
    }
}

/// The machine's.
async fn first_server() -> anyhow::Result<String> {
    let text = tokio::fs::read_to_string("/etc/resolv.conf")
        .await
        .context("/etc/resolv.conf cannot be read; name a server")?;
    let found = text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some("nameserver"))
            .then(|| words.next())
            .flatten()
    });
    match found {
        Some(server) => Ok(server.to_owned()),
        None => bail!("/etc/resolv.conf names no server; name one"),
    }
}

/// A question in bytes, or why the name is none.
pub fn question(name: &str, six: bool, id: u16) -> Result<Vec<u8>, String> {
    let wrong = || format!("`{name}` is no name that can be looked up");
    let plain = name.strip_suffix('.').unwrap_or(name);
    if plain.is_empty() || plain.len() > 253 {
        return Err(wrong());
    }
    // Recursion desired, one question.
    let mut bytes = Vec::with_capacity(plain.len() + 18);
    bytes.extend(id.to_be_bytes());
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in plain.split('.') {
        let fits = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let size = u8::try_from(label.len()).map_err(|_| wrong())?;
        if !fits || !(1..=63).contains(&size) {
            return Err(wrong());
        }
        bytes.push(size);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend((if six { AAAA } else { A }).to_be_bytes());
    bytes.extend([0, 1]);
    Ok(bytes)
}

/// The addresses of an answer. None: it answers another question. An error: it says that there is none, or is no answer.
pub fn addresses(answer: &[u8], id: u16, six: bool) -> Option<Result<Vec<IpAddr>, String>> {
    let word = |at: usize| Some(u16::from_be_bytes([*answer.get(at)?, *answer.get(at + 1)?]));
    let flags = word(2)?;
    if word(0)? != id || flags & 0x8000 == 0 {
        return None;
    }
    let code = flags & 0xf;
    if code != 0 {
        let words = match code {
            2 => "the server failed (SERVFAIL)".to_owned(),
            3 => "there is no such name (NXDOMAIN)".to_owned(),
            5 => "the server refuses to answer (REFUSED)".to_owned(),
            code => format!("the server answers with error {code}"),
        };
        return Some(Err(words));
    }
    Some(records(answer, six).ok_or_else(|| "the answer is cut off or none".to_owned()))
}

fn records(answer: &[u8], six: bool) -> Option<Vec<IpAddr>> {
    let word = |at: usize| Some(u16::from_be_bytes([*answer.get(at)?, *answer.get(at + 1)?]));
    let (questions, count) = (word(4)?, word(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = after_name(answer, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..count {
        at = after_name(answer, at)?;
        let (kind, size) = (word(at)?, usize::from(word(at + 8)?));
        let data = answer.get(at + 10..at + 10 + size)?;
        at += 10 + size;
        match (kind, six) {
            (A, false) => found.push(IpAddr::from(<[u8; 4]>::try_from(data).ok()?)),
            (AAAA, true) => found.push(IpAddr::from(<[u8; 16]>::try_from(data).ok()?)),
            // Names on the way (CNAME) and what else there is.
            _ => {}
        }
    }
    Some(found)
}

/// Where a name ends. One that goes on elsewhere ends here with two bytes.
fn after_name(answer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            size if size & 0xc0 == 0xc0 => return Some(at + 2),
            size if size & 0xc0 == 0 => at += 1 + usize::from(size),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name on the way and two addresses, with names that point back.
    fn answer(id: u16, code: u8) -> Vec<u8> {
        let mut bytes = question("www.example.org", false, id).unwrap();
        bytes[2] = 0x81;
        bytes[3] = 0x80 | code;
        bytes[7] = 3;
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'x', 0xc0, 16]);
        for last in [7, 8] {
            bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last]);
        }
        bytes
    }

    #[test]
    fn addresses_are_found_behind_names_that_point_back() {
        let found = addresses(&answer(7, 0), 7, false).unwrap().unwrap();
        assert_eq!(
            found,
            ["192.0.2.7", "192.0.2.8"].map(|ip| ip.parse::<IpAddr>().unwrap())
        );
        assert!(addresses(&answer(7, 0), 7, true).unwrap().unwrap().is_empty());
        assert_eq!(addresses(&answer(7, 0), 8, false), None, "another question");
        assert!(
            addresses(&answer(7, 3), 7, false)
                .unwrap()
                .unwrap_err()
                .contains("NXDOMAIN")
        );
    }

    #[test]
    fn an_answer_cut_off_anywhere_is_an_error_and_no_panic() {
        let whole = answer(7, 0);
        for end in 4..whole.len() {
            let told = addresses(&whole[..end], 7, false).unwrap();
            assert!(told.is_err(), "cut at {end}");
        }
        for end in 0..4 {
            assert_eq!(addresses(&whole[..end], 7, false), None);
        }
    }

    #[test]
    fn names_that_are_none_are_told() {
        for bad in ["", ".", "a..b", "a b", &"a".repeat(64), &["a"; 200].join(".")] {
            assert!(question(bad, false, 0).is_err(), "{bad}");
        }
        assert!(question("_dmarc.example.org.", true, 0).is_ok());
    }
}
