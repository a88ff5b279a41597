//! What a container prints, out of the engine's bytes. Without a terminal both streams come in frames: one byte which stream, three
//! of zero, four of length (big endian), then that many bytes; with a terminal there is only one stream and no frames.
//! Source: Docker Engine API, "Attach to a container", stream format.
//!
//! A frame may claim four gigabytes: its content is passed on as it comes and never waited for.

use farol_model::action::OutputStream;

const HEADER_BYTES: usize = 8;

/// Takes bytes as they come.
#[derive(Debug)]
pub struct Decoder {
    framed: bool,
    /// The beginning of a header.
    header: Vec<u8>,
    /// What is left of the frame at hand, bytes.
    left: usize,
    stream: OutputStream,
    /// Beginnings of characters that are not whole yet, per stream; at most three bytes each.
    rests: [Vec<u8>; 2],
    /// Whether an order to a terminal has begun, per stream: it may be cut in two as well.
    orders: [Order; 2],
}

/// How far an order to a terminal has come (ECMA-48 section 5.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    #[default]
    None,
    /// The escape.
    Begun,
    /// Escape and bracket: it goes on to its final character.
    Sequence,
}

/// The bytes are no frames.
#[derive(Debug, PartialEq, Eq)]
pub struct NoFrame;

impl Decoder {
    pub fn new(tty: bool) -> Self {
        Decoder {
            framed: !tty,
            header: Vec::new(),
            left: 0,
            stream: OutputStream::Stdout,
            rests: [Vec::new(), Vec::new()],
            orders: [Order::None; 2],
        }
    }

    /// The text in these bytes, in the order in which it came.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<(OutputStream, String)>, NoFrame> {
        let mut found: Vec<(OutputStream, String)> = Vec::new();
        while !bytes.is_empty() {
            if self.framed && self.left == 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.header.len()));
                self.header.extend_from_slice(head);
                bytes = rest;
                if self.header.len() == HEADER_BYTES {
                    self.begin()?;
                }
                continue;
            }
            let taken = match self.framed {
                true => bytes.len().min(self.left),
                false => bytes.len(),
            };
            let (content, rest) = bytes.split_at(taken);
            bytes = rest;
            self.left = self.left.saturating_sub(taken);
            let text = self.text(content);
            match found.last_mut() {
                Some((stream, before)) if *stream == self.stream => before.push_str(&text),
                _ => found.push((self.stream, text)),
            }
        }
        found.retain(|(_, text)| !text.is_empty());
        Ok(found)
    }

    /// Reads a whole header.
    fn begin(&mut self) -> Result<(), NoFrame> {
        let &[kind, 0, 0, 0, a, b, c, d] = self.header.as_slice() else {
            return Err(NoFrame);
        };
        self.stream = match kind {
            0 | 1 => OutputStream::Stdout,
            2 => OutputStream::Stderr,
            _ => return Err(NoFrame),
        };
        self.left = u32::from_be_bytes([a, b, c, d]) as usize;
        self.header.clear();
        Ok(())
    }

    /// A character that is cut in two is put together again; what is no UTF-8 becomes U+FFFD.
    fn text(&mut self, content: &[u8]) -> String {
        let of = usize::from(self.stream == OutputStream::Stderr);
        let rest = &mut self.rests[of];
        rest.extend_from_slice(content);
        let mut text = String::new();
        let mut bytes = rest.as_slice();
        loop {
            match std::str::from_utf8(bytes) {
                Ok(whole) => {
                    text.push_str(whole);
                    rest.clear();
                    break;
                }
                Err(error) => {
                    let (good, bad) = bytes.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(good));
                    let Some(odd) = error.error_len() else {
                        *rest = bad.to_vec();
                        break;
                    };
                    text.push('\u{fffd}');
                    bytes = &bad[odd..];
                }
            }
        }
        readable(&text, &mut self.orders[of])
    }
}

/// Without colours and other orders to a terminal (ECMA-48 control sequences), which a page does not obey.
fn readable(text: &str, order: &mut Order) -> String {
    let mut kept = String::with_capacity(text.len());
    for letter in text.chars() {
        let ends = ('\u{40}'..='\u{7e}').contains(&letter);
        match (*order, letter) {
            (_, '\u{1b}') => *order = Order::Begun,
            (Order::Begun, '[') => *order = Order::Sequence,
            (Order::Sequence, letter) if !letter.is_control() => {
                if ends {
                    *order = Order::None;
                }
            }
            // An order that was never ended does not take the lines after it with it.
            (_, letter) => {
                *order = Order::None;
                if matches!(letter, '\n' | '\t') || !letter.is_control() {
                    kept.push(letter);
                }
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use OutputStream::{Stderr, Stdout};

    /// As Podman 4.3 sent it.
    const PODMAN: &[u8] = include_bytes!("../../tests/containers/recorded/podman-logs.bin");

    fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut frame = vec![kind, 0, 0, 0];
        frame.extend((content.len() as u32).to_be_bytes());
        frame.extend(content);
        frame
    }

    #[test]
    fn what_podman_recorded_comes_apart_however_it_is_cut() {
        let whole = Decoder::new(false).push(PODMAN).unwrap();
        assert_eq!(whole.len(), 8);
        assert_eq!(whole[0].0, Stdout);
        assert!(whole[0].1.ends_with("line 16\n"), "{whole:?}");
        assert_eq!(whole[1].0, Stderr);
        let joined = |pieces: &[(OutputStream, String)], of: OutputStream| -> String {
            let of = pieces.iter().filter(|(stream, _)| *stream == of);
            of.map(|(_, text)| text.as_str()).collect()
        };
        for size in [1, 2, 7, 9, 64] {
            let mut decoder = Decoder::new(false);
            let pieces: Vec<_> = PODMAN
                .chunks(size)
                .flat_map(|c| decoder.push(c).unwrap())
                .collect();
            for stream in [Stdout, Stderr] {
                assert_eq!(joined(&pieces, stream), joined(&whole, stream), "{size}");
            }
        }
    }

    #[test]
    fn what_was_recorded_comes_apart_the_same_at_every_cut() {
        let joined = |pieces: Vec<(OutputStream, String)>| {
            let mut printed = [String::new(), String::new()];
            for (stream, text) in pieces {
                printed[usize::from(stream == Stderr)].push_str(&text);
            }
            printed
        };
        let mut coloured = frame(1, "\u{1b}[1;31mred\u{1b}[0m €\r\n".as_bytes());
        coloured.extend(frame(2, b"\x1b[2Kother\n"));
        for recorded in [PODMAN, &coloured] {
            let whole = joined(Decoder::new(false).push(recorded).unwrap());
            for cut in 0..=recorded.len() {
                let mut decoder = Decoder::new(false);
                let mut pieces = decoder.push(&recorded[..cut]).unwrap();
                pieces.extend(decoder.push(&recorded[cut..]).unwrap());
                assert_eq!(joined(pieces), whole, "cut at {cut}");
            }
        }
        let [stdout, stderr] = joined(Decoder::new(false).push(&coloured).unwrap());
        assert_eq!((stdout.as_str(), stderr.as_str()), ("red €\n", "other\n"));
    }

    #[test]
    fn an_order_that_never_ends_takes_no_line_with_it() {
        let mut decoder = Decoder::new(true);
        let printed = decoder.push(b"a\x1b[31\nb\x1b\nc").unwrap();
        assert_eq!(printed, [(Stdout, "a\nb\nc".into())]);
    }

    #[test]
    fn characters_cut_in_two_are_put_together_per_stream() {
        let euro = "€".as_bytes();
        let mut decoder = Decoder::new(false);
        assert_eq!(decoder.push(&frame(1, &euro[..1])).unwrap(), []);
        assert_eq!(decoder.push(&frame(2, b"x")).unwrap(), [(Stderr, "x".into())]);
        assert_eq!(
            decoder.push(&frame(1, &euro[1..])).unwrap(),
            [(Stdout, "€".into())]
        );
        assert_eq!(
            decoder.push(&frame(1, b"a\xffb")).unwrap(),
            [(Stdout, "a\u{fffd}b".into())]
        );
    }

    #[test]
    fn a_frame_that_claims_gigabytes_is_passed_on_as_it_comes() {
        let mut decoder = Decoder::new(false);
        let mut claim = vec![1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        claim.extend(b"hello");
        assert_eq!(decoder.push(&claim).unwrap(), [(Stdout, "hello".into())]);
        assert!(decoder.header.is_empty() && decoder.rests[0].is_empty());
    }

    #[test]
    fn what_is_no_frame_is_told() {
        assert_eq!(Decoder::new(false).push(b"plain text"), Err(NoFrame));
        assert_eq!(Decoder::new(false).push(&[7, 0, 0, 0, 0, 0, 0, 1]), Err(NoFrame));
    }

    #[test]
    fn a_terminals_colours_are_left_out() {
        let mut decoder = Decoder::new(true);
        assert_eq!(
            decoder.push(b"\x1b[1;31mred\x1b[0m\r\n\ttab\x07").unwrap(),
            [(Stdout, "red\n\ttab".into())]
        );
    }
}
