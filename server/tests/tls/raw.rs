//! TLS and HTTP/2 by hand: what no client library would send.

use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

/// As a failure only.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Types of frames, RFC 9113 section 6.
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;
/// Flags.
pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A TLS connection that trusts `pem` and offers these protocols.
pub async fn tls(address: SocketAddr, pem: &[u8], protocols: &[&str]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

/// One HTTP/2 frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Frame {
            kind,
            flags,
            stream,
            payload: payload.to_vec(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let size = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let head = [&size[1..], &[self.kind, self.flags], &self.stream.to_be_bytes()].concat();
        [head, self.payload.clone()].concat()
    }

    /// The code of a RST_STREAM or GOAWAY.
    pub fn error_code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// A field of a header that is not indexed, RFC 7541 section 6.2.2.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        // 7 bits of the length, the rest in sevens.
        let mut bytes = match text.len() {
            size @ 0..127 => vec![u8::try_from(size).unwrap()],
            size => {
                let mut left = size - 127;
                let mut bytes = vec![127];
                while left >= 128 {
                    bytes.push(u8::try_from(left % 128).unwrap() | 128);
                    left /= 128;
                }
                bytes.push(u8::try_from(left).unwrap());
                bytes
            }
        };
        bytes.extend(text.as_bytes());
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

/// The header of a request; `more` are further fields.
pub fn request(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = vec![
        (":method", method),
        (":scheme", "https"),
        (":path", path),
        (":authority", "localhost"),
    ];
    // Fields of the protocol come first.
    let at = fields.len();
    for pair in more {
        match pair.0.starts_with(':') {
            true => fields.insert(at, *pair),
            false => fields.push(*pair),
        }
    }
    fields
        .into_iter()
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

/// An HTTP/2 connection.
pub struct Http2(pub TlsStream<TcpStream>);

impl Http2 {
    /// Connected, with our preface and settings sent.
    pub async fn open(address: SocketAddr, pem: &[u8]) -> Http2 {
        let stream = tls(address, pem, &["h2"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut open = Http2(stream);
        open.0.write_all(PREFACE).await.unwrap();
        open.send(&Frame::new(SETTINGS, 0, 0, &[])).await;
        open
    }

    pub async fn send(&mut self, frame: &Frame) {
        self.0.write_all(&frame.bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next frame; None at the end.
    pub async fn next(&mut self) -> Option<Frame> {
        let read = async {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let size = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            let mut payload = vec![0; size];
            self.0.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
            Some(Frame::new(head[3], head[4], stream, &payload))
        };
        timeout(PATIENCE, read).await.expect("nothing came")
    }

    /// The next frame of this kind, that is no acknowledgement.
    pub async fn next_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.next().await.expect("the connection ended");
            if frame.kind == kind && (frame.flags & ACK == 0 || kind == HEADERS) {
                return frame;
            }
        }
    }

    /// All that comes until the end.
    pub async fn rest(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

/// What the server says before it closes, as text.
pub async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is as good an end as a close.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("it is not closed");
    bytes
}
