//! One frame: its head (RFC 6455 section 5.2), its mask (5.3), and what breaks the protocol.

/// What a frame is (section 11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

impl Opcode {
    fn read(bits: u8) -> Option<Opcode> {
        [
            Opcode::Continuation,
            Opcode::Text,
            Opcode::Binary,
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ]
        .into_iter()
        .find(|opcode| *opcode as u8 == bits)
    }

    /// Control frames are short and never fragmented (5.5).
    pub fn is_control(self) -> bool {
        self as u8 >= 0x8
    }
}

/// What the peer did wrong, as the close frame says it (7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({code})")]
pub struct Violation {
    pub code: u16,
    pub reason: &'static str,
}

impl Violation {
    pub const fn protocol(reason: &'static str) -> Self {
        Violation { code: 1002, reason }
    }
    pub const NOT_UTF8: Self = Violation {
        code: 1007,
        reason: "text that is not UTF-8",
    };
    pub const TOO_BIG: Self = Violation {
        code: 1009,
        reason: "message too big",
    };
}

/// The head of a frame from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last of its message.
    pub fin: bool,
    pub opcode: Opcode,
    pub mask: [u8; 4],
    /// Bytes of payload that follow.
    pub payload: u64,
}

/// The longest head of a client's frame: 2 bytes, 8 of length, 4 of mask.
pub const MAX_CLIENT_HEAD: usize = 14;
/// The longest head of a server's frame.
pub const MAX_SERVER_HEAD: usize = 10;
/// Payload of a control frame at most (5.5).
pub const MAX_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

impl Head {
    /// Reads a head from the start of `bytes` and says how many it took; None when it is not whole yet. What is wrong is
    /// told at the first byte that shows it.
    pub fn read(bytes: &[u8]) -> Result<Option<(Head, usize)>, Violation> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        if first & RESERVED != 0 {
            return Err(Violation::protocol("a reserved bit is set"));
        }
        let opcode = Opcode::read(first & 0x0f).ok_or(Violation::protocol("an unknown opcode"))?;
        let fin = first & FIN != 0;
        if opcode.is_control() && !fin {
            return Err(Violation::protocol("a fragmented control frame"));
        }
        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        if second & MASKED == 0 {
            return Err(Violation::protocol("a client's frame must be masked"));
        }
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL {
            return Err(Violation::protocol("a control frame of more than 125 bytes"));
        }
        let Some((payload, length_bytes)) = read_length(short, rest)? else {
            return Ok(None);
        };
        let Some(mask) = rest[length_bytes..].first_chunk::<4>() else {
            return Ok(None);
        };
        let head = Head {
            fin,
            opcode,
            mask: *mask,
            payload,
        };
        Ok(Some((head, 2 + length_bytes + mask.len())))
    }
}

/// The length of the payload, and what of `rest` it took; None when it is not whole yet. The shortest form must be used (5.2).
fn read_length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    let long_form = Violation::protocol("a length in a longer form than it needs");
    match short {
        126 => {
            let Some(length) = rest.first_chunk::<2>() else {
                return Ok(None);
            };
            let length = u64::from(u16::from_be_bytes(*length));
            if length < 126 {
                return Err(long_form);
            }
            Ok(Some((length, 2)))
        }
        127 => {
            let Some(length) = rest.first_chunk::<8>() else {
                return Ok(None);
            };
            let length = u64::from_be_bytes(*length);
            if length >> 63 != 0 {
                return Err(Violation::protocol("a length with its highest bit set"));
            }
            if length <= u64::from(u16::MAX) {
                return Err(long_form);
            }
            Ok(Some((length, 8)))
        }
        length => Ok(Some((u64::from(length), 0))),
    }
}

/// The head of a whole message, or control frame, from the server: not masked (5.1), not fragmented. Returns the buffer
/// and how much of it counts.
pub fn server_head(opcode: Opcode, payload: usize) -> ([u8; MAX_SERVER_HEAD], usize) {
    let mut head = [0; MAX_SERVER_HEAD];
    head[0] = FIN | opcode as u8;
    let size = match payload {
        0..=125 => {
            head[1] = payload as u8;
            2
        }
        126..=0xffff => {
            head[1] = 126;
            head[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
            4
        }
        _ => {
            head[1] = 127;
            head[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
            10
        }
    };
    (head, size)
}

/// Takes the mask off `bytes`, of which the first is the `offset`-th of the payload (5.3). Eight bytes at a time.
pub fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut turned = mask;
    turned.rotate_left(offset % 4);
    let [a, b, c, d] = turned;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(turned.into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> u16 {
        Head::read(bytes).unwrap_err().code
    }

    #[test]
    fn the_example_of_the_rfc_reads_and_unmasks() {
        // Section 5.7: a single-frame masked text message, "Hello".
        let frame = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let (head, size) = Head::read(&frame).unwrap().unwrap();
        assert_eq!(
            (head.fin, head.opcode, head.payload, size),
            (true, Opcode::Text, 5, 6)
        );
        let mut payload = frame[size..].to_vec();
        unmask(&mut payload, head.mask, 0);
        assert_eq!(payload, b"Hello");
    }

    #[test]
    fn a_head_in_pieces_is_waited_for() {
        let whole = [0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4];
        for cut in 0..whole.len() {
            assert_eq!(Head::read(&whole[..cut]), Ok(None), "{cut}");
        }
        let (head, size) = Head::read(&whole).unwrap().unwrap();
        assert_eq!((head.payload, size), (65536, 14));
    }

    #[test]
    fn each_length_form_is_written_as_it_is_read() {
        for length in [0, 125, 126, 65535, 65536, 1 << 20] {
            let (mut head, size) = server_head(Opcode::Binary, length);
            head[1] |= MASKED;
            let mut bytes = head[..size].to_vec();
            bytes.extend([0; 4]);
            let (read, taken) = Head::read(&bytes).unwrap().unwrap();
            assert_eq!((read.payload, taken), (length as u64, size + 4));
        }
    }

    #[test]
    fn what_breaks_the_rules_is_1002_at_the_first_byte_that_shows_it() {
        for reserved in [0x40, 0x20, 0x10] {
            assert_eq!(code(&[0x81 | reserved]), 1002);
        }
        for unknown in [0x3, 0x7, 0xb, 0xf] {
            assert_eq!(code(&[0x80 | unknown]), 1002);
        }
        assert_eq!(code(&[0x09]), 1002, "a fragmented ping");
        assert_eq!(code(&[0x81, 0x05]), 1002, "not masked");
        assert_eq!(code(&[0x89, 0xfe]), 1002, "a ping of 126");
        assert_eq!(code(&[0x81, 0xfe, 0, 125]), 1002, "125 in the two-byte form");
        assert_eq!(code(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), 1002);
        assert_eq!(code(&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1002);
    }

    #[test]
    fn unmasking_in_pieces_is_unmasking() {
        let mask = [1, 2, 3, 4];
        let mut whole: Vec<u8> = (0..100).collect();
        let mut pieces = whole.clone();
        unmask(&mut whole, mask, 0);
        for cut in [0..3, 3..4, 4..41, 41..100] {
            unmask(&mut pieces[cut.clone()], mask, cut.start);
        }
        assert_eq!(whole, pieces);
        assert_eq!(whole[5], 5 ^ 2);
    }
}
