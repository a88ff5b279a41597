//! Conformance of our WebSocket, through `GET /live/echo`: frames by hand, because no client library would send most of
//! them. The cases follow the sections of RFC 6455.

use crate::plane::Plane;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CONTINUATION: u8 = 0x0;
pub const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
pub const FIN: u8 = 0x80;
/// As the limits of the live plane have it.
const LIMIT: usize = 32 * 1024;

/// A WebSocket by hand.
pub struct Raw(pub TcpStream);

impl Raw {
    async fn open(plane: &Plane) -> Raw {
        let stream = TcpStream::connect(plane.address).await.unwrap();
        Raw::over(stream, "/live/echo").await
    }

    pub async fn over(mut stream: TcpStream, path: &str) -> Raw {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n\
             authorization: Bearer good-token\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        // The example of section 1.3.
        assert!(head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        // Offered as browsers do, and not taken: docs/adr/0011.
        assert!(!head.contains("sec-websocket-extensions"), "{head}");
        Raw(stream)
    }

    /// Sends a masked frame.
    pub async fn send(&mut self, first: u8, payload: &[u8]) {
        let _ = self.0.write_all(&frame(first, payload)).await;
    }

    /// The next frame: its first byte and its payload. None at the end.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let first = self.0.read_u8().await.ok()?;
            let length = match self.0.read_u8().await.ok()? {
                126 => usize::from(self.0.read_u16().await.ok()?),
                127 => usize::try_from(self.0.read_u64().await.ok()?).unwrap(),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.ok()?;
            Some((first, payload))
        };
        timeout(Duration::from_secs(20), read)
            .await
            .expect("nothing came")
    }

    /// Waits for the close frame and says its code.
    pub async fn closed(&mut self) -> u16 {
        loop {
            let (first, payload) = self.next().await.expect("it ended without a close frame");
            if first == FIN | CLOSE {
                return u16::from_be_bytes(payload[..2].try_into().unwrap());
            }
        }
    }
}

pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..65536 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

#[tokio::test]
async fn messages_of_every_length_come_back_as_they_went() {
    let plane = Plane::start().await;
    let mut raw = Raw::open(&plane).await;
    for length in [0, 1, 125, 126, 127, 128, 4096, LIMIT - 1, LIMIT] {
        let payload: Vec<u8> = (0..length)
            .map(|index| u8::try_from(index % 251).unwrap())
            .collect();
        raw.send(FIN | BINARY, &payload).await;
        assert_eq!(raw.next().await, Some((FIN | BINARY, payload)), "{length} bytes");
    }
    let words = "κόσμε 😀".repeat(40);
    raw.send(FIN | TEXT, words.as_bytes()).await;
    assert_eq!(raw.next().await, Some((FIN | TEXT, words.into_bytes())));
}

#[tokio::test]
async fn fragments_are_one_message_and_control_frames_come_between_them() {
    let plane = Plane::start().await;
    let mut raw = Raw::open(&plane).await;
    // The cut lies inside of a character.
    let words = "é".as_bytes();
    raw.send(TEXT, &words[..1]).await;
    raw.send(FIN | PING, b"are you there").await;
    raw.send(CONTINUATION, b"").await;
    raw.send(FIN | CONTINUATION, &words[1..]).await;
    assert_eq!(raw.next().await, Some((FIN | PONG, b"are you there".to_vec())));
    assert_eq!(raw.next().await, Some((FIN | TEXT, words.to_vec())));
    // A pong that nobody asked for is nothing.
    raw.send(FIN | PONG, b"unasked").await;
    raw.send(FIN | TEXT, b"still here").await;
    assert_eq!(raw.next().await, Some((FIN | TEXT, b"still here".to_vec())));
    // A frame that arrives byte by byte.
    for byte in frame(FIN | TEXT, b"slowly") {
        raw.0.write_all(&[byte]).await.unwrap();
        raw.0.flush().await.unwrap();
    }
    assert_eq!(raw.next().await, Some((FIN | TEXT, b"slowly".to_vec())));
}

#[tokio::test]
async fn a_close_is_answered_with_its_code() {
    let plane = Plane::start().await;
    for code in [1000_u16, 1001, 1011, 3000, 4999] {
        let mut raw = Raw::open(&plane).await;
        raw.send(FIN | CLOSE, &[&code.to_be_bytes()[..], b"bye"].concat())
            .await;
        assert_eq!(raw.closed().await, code);
    }
    let mut raw = Raw::open(&plane).await;
    raw.send(FIN | CLOSE, b"").await;
    assert_eq!(raw.next().await, Some((FIN | CLOSE, Vec::new())));
}

#[tokio::test]
async fn what_breaks_the_rules_ends_with_the_code_of_the_rule() {
    let plane = Plane::start().await;
    let unmasked = vec![FIN | TEXT, 2, b'h', b'i'];
    let claimed = [&[FIN | BINARY, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let long_ping = frame(FIN | PING, &[0; 126]);
    let cases: [(&str, Vec<u8>, u16); 17] = [
        ("5.1 unmasked", unmasked, 1002),
        ("5.2 RSV1", frame(FIN | 0x40 | TEXT, b"x"), 1002),
        ("5.2 RSV2", frame(FIN | 0x20 | TEXT, b"x"), 1002),
        ("5.2 RSV3", frame(FIN | 0x10 | TEXT, b"x"), 1002),
        ("5.2 reserved opcode 3", frame(FIN | 0x3, b"x"), 1002),
        ("5.2 reserved opcode 11", frame(FIN | 0xB, b""), 1002),
        ("5.4 nothing to continue", frame(FIN | CONTINUATION, b"x"), 1002),
        (
            "5.4 a new message inside of one",
            [frame(TEXT, b"a"), frame(FIN | TEXT, b"b")].concat(),
            1002,
        ),
        ("5.5 a fragmented ping", frame(PING, b"x"), 1002),
        ("5.5 a ping of 126 bytes", long_ping, 1002),
        ("5.5.1 a close of one byte", frame(FIN | CLOSE, &[3]), 1002),
        (
            "7.4.2 a close with code 1005",
            frame(FIN | CLOSE, &1005_u16.to_be_bytes()),
            1002,
        ),
        (
            "7.4.2 a close with code 999",
            frame(FIN | CLOSE, &999_u16.to_be_bytes()),
            1002,
        ),
        (
            "8.1 text that is not UTF-8",
            frame(FIN | TEXT, b"\xce\xba\xff"),
            1007,
        ),
        (
            "8.1 fragments that are not UTF-8 together",
            [frame(TEXT, b"\xce"), frame(FIN | CONTINUATION, b"a")].concat(),
            1007,
        ),
        ("10.4 a claimed length of 2^64 - 1", claimed, 1009),
        (
            "10.4 fragments that are too large together",
            [frame(BINARY, &[0; LIMIT]), frame(FIN | CONTINUATION, b"x")].concat(),
            1009,
        ),
    ];
    for (rule, bytes, code) in cases {
        let mut raw = Raw::open(&plane).await;
        let _ = raw.0.write_all(&bytes).await;
        let seen = raw.closed().await;
        // A length with its highest bit set is no length at all (5.2).
        assert!(
            seen == code || (rule.contains("2^64") && seen == 1002),
            "{rule}: {seen}"
        );
    }
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_as_it_is_read_and_holds_no_memory() {
    let plane = Plane::start().await;
    let mut raw = Raw::open(&plane).await;
    let flood = frame(FIN | PING, b"x").repeat(20_000);
    let (mut reading, mut writing) = raw.0.split();
    let write = async {
        writing.write_all(&flood).await.unwrap();
        writing.write_all(&frame(FIN | TEXT, b"done")).await.unwrap();
    };
    let read = async {
        let mut seen = Vec::new();
        while !seen.ends_with(&[FIN | TEXT, 4, b'd', b'o', b'n', b'e']) {
            let mut chunk = [0; 4096];
            let count = reading.read(&mut chunk).await.unwrap();
            assert!(count > 0, "it went away");
            seen.extend_from_slice(&chunk[..count]);
        }
        seen.len()
    };
    let ((), seen) = tokio::join!(write, read);
    // Each pong has three bytes; those that could not be sent in time gave way to later ones (5.5.3).
    assert!((6..=20_000 * 3 + 6).contains(&seen), "{seen}");
}

#[tokio::test]
async fn strangers_get_no_echo_and_a_stopping_server_goes_away() {
    let plane = Plane::start().await;
    let url = format!("ws://{}/live/echo", plane.address);
    let refused = tokio_tungstenite::connect_async(url).await.unwrap_err();
    assert!(refused.to_string().contains("401"), "{refused}");
    let mut raw = Raw::open(&plane).await;
    plane.live.shutdown.cancel();
    assert_eq!(raw.closed().await, 1001);
}
