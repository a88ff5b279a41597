//! Whole messages out of a stream of bytes, for carriers whose pieces end anywhere. Pure.

/// A longer message ends the connection. What is longest is the history of a channel: ten minutes of a hundred series at
/// 5 Hz are 2.4 MB.
pub const MAX_MESSAGE_BYTES: usize = 8 * 1024 * 1024;

/// The stream does not hold messages that can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Bytes of a message that is not whole yet. Holds one message and one piece at most.
#[derive(Debug, Default)]
pub struct Frames(Vec<u8>);

impl Frames {
    /// Takes a piece and gives all messages that are whole now, each still with its length before it.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, Unreadable> {
        self.0.extend_from_slice(piece);
        let mut end = 0;
        while let Some(length) = frame_bytes(&self.0[end..])? {
            if length > self.0.len() - end {
                break;
            }
            end += length;
        }
        let rest = self.0.split_off(end);
        Ok(std::mem::replace(&mut self.0, rest))
    }
}

/// Bytes of the first frame with its length; None while the length itself is not whole.
fn frame_bytes(bytes: &[u8]) -> Result<Option<usize>, Unreadable> {
    let mut length = 0;
    for (place, byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return match length <= MAX_MESSAGE_BYTES {
                true => Ok(Some(place + 1 + length)),
                false => Err(Unreadable),
            };
        }
    }
    // Four bytes of length hold 256 MiB.
    match bytes.len() < 4 {
        true => Ok(None),
        false => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::wire::{Push, Reply, codec};
    use prost::Message;

    fn reply(id: u32, text: &str) -> Vec<u8> {
        let push = Push {
            channel: text.into(),
            ..Default::default()
        };
        Reply {
            id,
            push: Some(push),
            ..Default::default()
        }
        .encode_length_delimited_to_vec()
    }

    #[test]
    fn messages_are_whole_wherever_the_pieces_end() {
        let long = "x".repeat(300);
        let stream = [
            reply(1, "a"),
            reply(2, &long),
            Reply::default().encode_length_delimited_to_vec(),
            reply(3, ""),
        ];
        let stream = stream.concat();
        for size in 1..=stream.len() {
            let mut frames = Frames::default();
            let mut ids = Vec::new();
            for piece in stream.chunks(size) {
                let whole = frames.push(piece).unwrap();
                ids.extend(
                    codec::decode_protobuf_replies(&whole)
                        .unwrap()
                        .iter()
                        .map(|reply| reply.id),
                );
            }
            assert_eq!(ids, [1, 2, 0, 3], "pieces of {size} bytes");
            assert!(frames.0.is_empty());
        }
    }

    #[test]
    fn the_longest_message_passes_and_a_longer_one_is_refused_by_its_length_alone() {
        let mut longest = vec![];
        prost::encoding::encode_varint(MAX_MESSAGE_BYTES as u64, &mut longest);
        let mut frames = Frames::default();
        assert_eq!(frames.push(&longest), Ok(vec![]));
        let whole = frames.push(&vec![0; MAX_MESSAGE_BYTES]).unwrap();
        assert_eq!(whole.len(), MAX_MESSAGE_BYTES + longest.len());
        for claimed in [MAX_MESSAGE_BYTES as u64 + 1, 1 << 28, u64::MAX] {
            let mut length = vec![];
            prost::encoding::encode_varint(claimed, &mut length);
            assert_eq!(Frames::default().push(&length), Err(Unreadable), "{claimed}");
        }
    }

    #[test]
    fn anything_at_all_is_taken_without_a_panic() {
        let mut seed = 7u32;
        for _ in 0..2000 {
            let piece: Vec<u8> = (0..9)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 24) as u8
                })
                .collect();
            let _ = Frames::default().push(&piece);
        }
    }
}
