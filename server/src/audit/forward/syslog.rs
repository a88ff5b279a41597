//! RFC 5424 messages over UDP (RFC 5426), TCP (RFC 6587 octet counting) or a datagram socket of this machine. The facility is
//! 13, log audit; the message is the entry as the JSON of an export, in ASCII.
//!
//! Syslog has no answer: over UDP what is lost on the way is lost, and over TCP what was sent right before the other end
//! went. Who must have every entry takes the webhook, or looks for gaps in `seq`.

use super::Target;
use crate::audit::{
    config::SyslogAddress,
    entry::Entry,
    export::{Line, rfc3339},
};
use anyhow::Context;
use futures::future::BoxFuture;
use std::{io::ErrorKind, path::Path};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket, UnixDatagram},
};

/// Largest datagram, bytes. A larger entry is told without its parameters.
const MAX_DATAGRAM: usize = 60_000;

/// See the module.
pub struct Syslog {
    address: SyslogAddress,
    line: Option<Way>,
    hostname: String,
}

enum Way {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Unix(UnixDatagram),
}

impl Syslog {
    pub fn new(address: SyslogAddress) -> Self {
        let hostname = sysinfo::System::host_name().unwrap_or_default();
        Syslog {
            address,
            line: None,
            hostname: name(&hostname, 255),
        }
    }

    /// One message.
    fn message(&self, entry: &Entry) -> String {
        let whole = self.with_body(entry, &Line::from(entry));
        match self.address {
            SyslogAddress::Tcp(_) => whole,
            _ if whole.len() <= MAX_DATAGRAM => whole,
            _ => {
                let short = Entry {
                    params: "{\"left_out\":\"too large for a datagram\"}".to_owned(),
                    ..entry.clone()
                };
                self.with_body(entry, &Line::from(&short))
            }
        }
    }

    fn with_body(&self, entry: &Entry, line: &Line) -> String {
        let severity = match entry.outcome.as_str() {
            "started" | "succeeded" | "cancelled" => 6,
            "lost" | "failed" | "killed" | "timed_out" => 3,
            _ => 4,
        };
        let body = ascii(&serde_json::to_string(line).unwrap_or_default());
        format!(
            "<{priority}>1 {at} {host} farol {pid} {what} - {body}",
            priority = 13 * 8 + severity,
            at = rfc3339(entry.at_ms),
            host = self.hostname,
            pid = std::process::id(),
            what = name(&entry.what, 32),
        )
    }

    async fn send(&mut self, message: &str) -> anyhow::Result<()> {
        let way = match self.line.take() {
            Some(Way::Tcp(stream)) if !alive(&stream) => open(&self.address).await?,
            Some(way) => way,
            None => open(&self.address).await?,
        };
        // A way that fails is not kept.
        let way = match way {
            Way::Udp(socket) => {
                socket.send(message.as_bytes()).await?;
                Way::Udp(socket)
            }
            Way::Unix(socket) => {
                socket.send(message.as_bytes()).await?;
                Way::Unix(socket)
            }
            Way::Tcp(mut stream) => {
                let frame = format!("{} {message}", message.len());
                stream.write_all(frame.as_bytes()).await?;
                Way::Tcp(stream)
            }
        };
        self.line = Some(way);
        Ok(())
    }
}

impl Target for Syslog {
    fn name(&self) -> String {
        match &self.address {
            SyslogAddress::Udp(at) => format!("syslog udp://{at}"),
            SyslogAddress::Tcp(at) => format!("syslog tcp://{at}"),
            SyslogAddress::Unix(path) => format!("syslog unix:{}", path.display()),
        }
    }

    fn tell<'a>(&'a mut self, entries: &'a [Entry]) -> BoxFuture<'a, anyhow::Result<usize>> {
        Box::pin(async move {
            for (told, entry) in entries.iter().enumerate() {
                let message = self.message(entry);
                match self.send(&message).await {
                    Ok(()) => {}
                    Err(_) if told > 0 => return Ok(told),
                    Err(error) => return Err(error),
                }
            }
            Ok(entries.len())
        })
    }
}

async fn open(address: &SyslogAddress) -> anyhow::Result<Way> {
    let reach = || format!("cannot reach the syslog at {address:?}");
    Ok(match address {
        SyslogAddress::Udp(at) => {
            let to = tokio::net::lookup_host(at)
                .await
                .with_context(reach)?
                .next()
                .with_context(reach)?;
            let from = if to.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
            let socket = UdpSocket::bind(from).await?;
            socket.connect(to).await.with_context(reach)?;
            Way::Udp(socket)
        }
        SyslogAddress::Tcp(at) => Way::Tcp(TcpStream::connect(at).await.with_context(reach)?),
        SyslogAddress::Unix(path) => Way::Unix(datagram(path).with_context(reach)?),
    })
}

fn datagram(path: &Path) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    Ok(socket)
}

/// Whether the other end has not closed. A syslog says nothing, so there is nothing to read while it is open.
fn alive(stream: &TcpStream) -> bool {
    let mut byte = [0];
    matches!(stream.try_read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Printable ASCII without spaces, `-` when nothing is left (RFC 5424 section 6).
fn name(text: &str, max: usize) -> String {
    let name: String = text.chars().filter(char::is_ascii_graphic).take(max).collect();
    match name.is_empty() {
        true => "-".to_owned(),
        false => name,
    }
}

/// JSON in ASCII: other characters as `\u` (RFC 8259 section 7). So no byte order mark is asked for.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_ascii_is_the_same_json() {
        let text = r#"{"who":"é🦀"}"#;
        let ascii = ascii(text);
        assert!(ascii.is_ascii());
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&ascii), read(text));
    }

    #[test]
    fn names_in_the_header_have_neither_spaces_nor_anything_that_ends_a_line() {
        assert_eq!(name("run.a b\né", 32), "run.ab");
        assert_eq!(name("", 32), "-");
        assert_eq!(name(&"x".repeat(99), 32).len(), 32);
    }
}
