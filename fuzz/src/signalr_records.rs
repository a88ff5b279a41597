//! The SignalR hub: records of a client and replies of the session, in turns. The input is parts that a zero byte ends
//! (JSON has none); a part that begins with `<` is a message of replies, any other is records of the client.
//!
//! Asserts: records that come together mean what they mean one by one, and so do replies; every command that comes out
//! can be read and has an id of its own; the commands are not much longer than the records; what is told is JSON records.

use bytes::Bytes;
use farol::live::{carriers::signalr::hub::Hub, session::CarrierError};
use farol_model::wire::{Command, Encoding, codec};
use serde_json::value::RawValue;
use std::{collections::HashMap, sync::Arc};

const SEPARATOR: u8 = 0x1e;

pub fn run(input: &[u8]) {
    let (together, apart) = (Hub::new(), Hub::new());
    let mut last_id = 0;
    for part in input.split(|byte| *byte == 0) {
        let goes_on = match part.split_first() {
            Some((b'<', message)) => tell(&together, &apart, message, &mut last_id),
            _ => hear(&together, &apart, part, &mut last_id),
        };
        // A connection ends with its first error.
        if !goes_on {
            return;
        }
    }
}

fn hear(together: &Arc<Hub>, apart: &Arc<Hub>, records: &[u8], last_id: &mut u32) -> bool {
    let whole = together.hear(records);
    let mut one_by_one = Vec::new();
    for record in records.split(|byte| *byte == SEPARATOR) {
        match apart.hear(record) {
            Ok(commands) if commands.is_empty() => {}
            Ok(commands) => one_by_one.push(commands),
            Err(error) => {
                assert_eq!(whole, Err(error));
                return false;
            }
        }
    }
    let commands = whole.expect("each record was taken by itself");
    assert_eq!(commands, codec::join(Encoding::Json, &one_by_one));
    let count = records.split(|byte| *byte == SEPARATOR).count();
    assert!(
        commands.len() <= 3 * records.len() + 512 * count,
        "{} bytes from {}",
        commands.len(),
        records.len()
    );
    for line in commands.split(|byte| *byte == b'\n') {
        if !line.is_empty() {
            numbered(&command(line), last_id);
        }
    }
    true
}

fn tell(together: &Arc<Hub>, apart: &Arc<Hub>, message: &[u8], last_id: &mut u32) -> bool {
    let whole = together.tell(&Bytes::copy_from_slice(message));
    let (mut records, mut commands) = (Vec::new(), Vec::new());
    for line in message.split(|byte| *byte == b'\n') {
        match apart.tell(&Bytes::copy_from_slice(line)) {
            Ok((more, own)) => {
                records.extend_from_slice(&more);
                commands.extend(own);
            }
            Err(error) => {
                assert_eq!(error, CarrierError::Broken);
                assert_eq!(whole, Err(error));
                return false;
            }
        }
    }
    assert_eq!(whole, Ok((Bytes::from(records.clone()), commands.clone())));
    assert!(records.is_empty() || records.ends_with(&[SEPARATOR]));
    for record in records.split(|byte| *byte == SEPARATOR) {
        if !record.is_empty() {
            // What others said is passed on as it is, whether or not a number of it can be held.
            let read = serde_json::from_slice::<HashMap<String, &RawValue>>(record);
            assert!(read.is_ok(), "{}", String::from_utf8_lossy(record));
        }
    }
    for own in &commands {
        let own = command(own);
        // Other than these it says only that it is there.
        if own != Command::default() {
            numbered(&own, last_id);
        }
    }
    true
}

fn command(line: &[u8]) -> Command {
    let mut commands = codec::decode_commands(Encoding::Json, line).expect("our own command can be read");
    assert_eq!(commands.len(), 1);
    commands.remove(0)
}

fn numbered(command: &Command, last_id: &mut u32) {
    assert_eq!(command.id, *last_id + 1);
    *last_id = command.id;
}
