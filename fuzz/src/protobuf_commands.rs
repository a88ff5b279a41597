//! One carrier message in delimited Protobuf: commands as the server reads them, replies as the app does.
//!
//! Asserts: as many messages as prefixes, and no more than the limit; what was read survives; what is written back is not
//! much longer than what came, so no few bytes make a large message.

use super::{commands_survive, replies_survive};
use farol_model::wire::{Encoding, codec};

pub fn run(input: &[u8]) {
    if let Ok(commands) = codec::decode_commands(Encoding::Protobuf, input) {
        assert_eq!(Some(commands.len()), frames(input));
        assert!(commands.len() <= codec::MAX_COMMANDS_PER_MESSAGE);
        commands_survive(Encoding::Protobuf, &commands);
        let written: usize = commands
            .iter()
            .map(|command| codec::encode_protobuf_command(command).len())
            .sum();
        // A negative number may come cut to five bytes and is written with ten.
        assert!(written <= 3 * input.len(), "{written} from {}", input.len());
    }
    let replies = codec::decode_protobuf_replies(input);
    assert_eq!(replies, codec::decode_replies(Encoding::Protobuf, input));
    if let Ok(replies) = replies {
        assert_eq!(Some(replies.len()), frames(input));
        replies_survive(Encoding::Protobuf, &replies);
    }
}

/// How many length prefixes there are, read by the text of the encoding guide and not by a library; None when a length
/// is not whole or claims more than is there.
fn frames(mut input: &[u8]) -> Option<usize> {
    let mut count = 0;
    while !input.is_empty() {
        let mut length = 0u64;
        let mut shift = 0;
        loop {
            let (byte, rest) = input.split_first()?;
            input = rest;
            length |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        input = input.get(usize::try_from(length).ok()?..)?;
        count += 1;
    }
    Some(count)
}
