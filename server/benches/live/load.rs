//! The client: many sockets, one thread, epoll. It understands as much of WebSocket as it takes to count messages.

use crate::{figures::now_us, servers::MESSAGE_BYTES};
use rustix::event::{Timespec, epoll};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

/// How a server is greeted, and how the time of a message is found in it.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Path and query of the upgrade.
    pub path: &'static str,
    /// More header lines, each with CR LF.
    pub headers: &'static str,
    /// Messages to send once the socket stands, and how many messages to read after each.
    pub greetings: &'static [(Greeting, usize)],
    pub stamp: Stamp,
}

#[derive(Debug, Clone, Copy)]
pub enum Greeting {
    /// The server speaks first.
    None,
    Text(&'static str),
    Binary(&'static [u8]),
}

/// How the time of sending stands in a message.
#[derive(Debug, Clone, Copy)]
pub enum Stamp {
    /// `@@` and microseconds in decimal.
    Text,
    /// These eight bytes, and microseconds as a little-endian f64.
    Binary([u8; 8]),
}

/// So many sockets, or as many as a process may hold here (RLIMIT_NOFILE), less a hundred for everything else.
pub fn at_most(count: usize) -> usize {
    use rustix::process::{Resource, getrlimit};
    let files = getrlimit(Resource::Nofile)
        .current
        .map_or(count, |files| files as usize);
    count.min(files - 100)
}

/// One open socket.
pub struct Socket {
    stream: TcpStream,
    /// Bytes of a frame's payload still to come.
    left: usize,
    /// A head that is not whole.
    partial: Vec<u8>,
    pub messages: u64,
    /// Never read.
    pub stalled: bool,
}

/// The answer to a ping of Farol: an empty Protobuf command.
const SIGN_OF_LIFE: [u8; 7] = [0x82, 0x81, 0, 0, 0, 0, 0];

/// Receive buffer of a socket that never reads, so that what it does not read reaches the server soon, bytes.
const STALLED_BUFFER: usize = 4096;

impl Socket {
    /// Connects, upgrades, greets. Blocking.
    pub fn open(address: SocketAddr, dialect: &Dialect, stalled: bool) -> std::io::Result<Socket> {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
        if stalled {
            socket.set_recv_buffer_size(STALLED_BUFFER)?;
        }
        socket.connect(&address.into())?;
        let mut stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        let Dialect { path, headers, .. } = dialect;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        )?;
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            answer.push(byte[0]);
        }
        if !answer.starts_with(b"HTTP/1.1 101") {
            return Err(std::io::Error::other(
                String::from_utf8_lossy(&answer).into_owned(),
            ));
        }
        for (greeting, answers) in dialect.greetings {
            let (opcode, payload): (u8, &[u8]) = match greeting {
                Greeting::None => (0, &[]),
                Greeting::Text(text) => (0x81, text.as_bytes()),
                Greeting::Binary(bytes) => (0x82, bytes),
            };
            if opcode != 0 {
                let mut frame = vec![opcode, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
                frame.extend_from_slice(payload);
                stream.write_all(&frame)?;
            }
            for _ in 0..*answers {
                read_message(&mut stream)?;
            }
        }
        stream.set_nonblocking(true)?;
        Ok(Socket {
            stream,
            left: 0,
            partial: Vec::new(),
            messages: 0,
            stalled,
        })
    }
}

impl Socket {
    /// Says that somebody is there without having read that it was asked.
    pub fn sign_of_life(&mut self) {
        let _ = self.stream.write(&SIGN_OF_LIFE);
    }
}

fn read_message(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            usize::from(u16::from_be_bytes(length))
        }
        127 => {
            let mut length = [0; 8];
            stream.read_exact(&mut length)?;
            u64::from_be_bytes(length) as usize
        }
        short => usize::from(short),
    };
    if head[0] & 0x0f == 0x8 {
        return Err(ErrorKind::ConnectionAborted.into());
    }
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload)
}

/// Opens so many sockets, several at a time; the first `stalled` of them never read.
pub fn open(address: SocketAddr, dialect: Dialect, count: usize, stalled: usize) -> Vec<Socket> {
    let threads = 8.min(count.max(1));
    let handles: Vec<_> = (0..threads)
        .map(|thread| {
            std::thread::spawn(move || {
                (thread..count)
                    .step_by(threads)
                    .map(|number| Socket::open(address, &dialect, number < stalled).expect("a socket"))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    let mut sockets: Vec<Socket> = handles
        .into_iter()
        .flat_map(|handle| handle.join().unwrap())
        .collect();
    sockets.sort_by_key(|socket| !socket.stalled);
    sockets
}

/// What was received.
#[derive(Debug, Default)]
pub struct Received {
    pub messages: u64,
    pub bytes: u64,
    /// One per stamped message, microseconds.
    pub latencies_us: Vec<f64>,
    /// Sockets that the server closed.
    pub closed: usize,
}

/// Reads from all sockets for this long.
pub fn receive(sockets: &mut [Socket], stamp: Stamp, during: Duration) -> Received {
    let poll: OwnedFd = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    for (index, socket) in sockets.iter().enumerate().filter(|(_, socket)| !socket.stalled) {
        epoll::add(
            &poll,
            &socket.stream,
            epoll::EventData::new_u64(index as u64),
            epoll::EventFlags::IN,
        )
        .unwrap();
    }
    let mut received = Received::default();
    let mut buffer = vec![0; 64 * 1024];
    let mut events = Vec::with_capacity(1024);
    let end = Instant::now() + during;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        events.clear();
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(left.subsec_nanos().min(50_000_000)),
        };
        match epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&wait)) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => panic!("epoll: {error}"),
        }
        for event in &events {
            let socket = &mut sockets[event.data.u64() as usize];
            match socket.stream.read(&mut buffer) {
                Ok(0) => {
                    received.closed += 1;
                    epoll::delete(&poll, &socket.stream).unwrap();
                }
                Ok(size) => socket.count(&buffer[..size], stamp, &mut received),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    received.closed += 1;
                    epoll::delete(&poll, &socket.stream).unwrap();
                }
            }
        }
    }
    received
}

impl Socket {
    fn count(&mut self, read: &[u8], stamp: Stamp, received: &mut Received) {
        received.bytes += read.len() as u64;
        let mut joined = std::mem::take(&mut self.partial);
        let mut bytes = match joined.is_empty() {
            true => read,
            false => {
                joined.extend_from_slice(read);
                &joined
            }
        };
        loop {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = &bytes[skipped..];
            if self.left > 0 || bytes.is_empty() {
                return;
            }
            let (head, length) = match bytes {
                [_, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([*a, *b]))),
                [_, 127, rest @ ..] if rest.len() >= 8 => {
                    (10, u64::from_be_bytes(*rest.first_chunk().unwrap()) as usize)
                }
                [_, short @ 0..=125, ..] => (2, usize::from(*short)),
                _ => {
                    self.partial = bytes.to_vec();
                    return;
                }
            };
            let here = &bytes[head..bytes.len().min(head + length)];
            // A ping of Farol is an empty reply, and leads where publications share its message.
            if matches!(stamp, Stamp::Binary(_)) && here.first() == Some(&0) {
                let _ = self.stream.write(&SIGN_OF_LIFE);
            }
            // A stamp may be cut in two by a read; then the message counts and gives no latency.
            if length >= MESSAGE_BYTES / 2 {
                received
                    .latencies_us
                    .extend(stamp.find(here).map(|sent| now_us() - sent));
                received.messages += 1;
                self.messages += 1;
            }
            bytes = &bytes[head..];
            self.left = length;
        }
    }
}

impl Stamp {
    fn find(self, message: &[u8]) -> Option<f64> {
        let start = &message[..message.len().min(128)];
        match self {
            Stamp::Text => {
                let at = start.windows(2).position(|pair| pair == b"@@")? + 2;
                std::str::from_utf8(start.get(at..at + 16)?).ok()?.parse().ok()
            }
            Stamp::Binary(magic) => {
                let at = start.windows(8).position(|eight| eight == magic)? + 8;
                Some(f64::from_le_bytes(*message.get(at..)?.first_chunk()?))
            }
        }
    }
}
