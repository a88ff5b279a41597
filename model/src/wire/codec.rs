//! Framing: how commands and replies are laid into messages of a carrier.
//!
//! JSON: objects joined by a newline. Protobuf: each message prefixed by its length as a varint (protobuf encoding guide,
//! "delimited"). A message of the carrier may hold several of them.

use super::envelope::{Command, Reply};
use bytes::{Buf, Bytes};
use prost::Message;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

/// How messages are written on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    Json,
    Protobuf,
}

/// The bytes are not what the protocol asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("not a JSON command: {0}")]
    Json(String),
    #[error("not a Protobuf command: {0}")]
    Protobuf(String),
    #[error("the length prefix claims {claimed} bytes but {left} are left")]
    Length { claimed: u64, left: usize },
    #[error("more than {0} commands in one message")]
    TooMany(usize),
}

/// Commands read from one carrier message at most; more is an error, before any is run.
pub const MAX_COMMANDS_PER_MESSAGE: usize = 256;

/// Reads all commands of one carrier message, or none.
pub fn decode_commands(encoding: Encoding, message: &[u8]) -> Result<Vec<Command>, CodecError> {
    match encoding {
        Encoding::Json => decode_json(message, MAX_COMMANDS_PER_MESSAGE),
        Encoding::Protobuf => decode_delimited(message, MAX_COMMANDS_PER_MESSAGE),
    }
}

/// Reads all replies of one Protobuf message. What the browser does: it brings no JSON reader of the envelope with it.
pub fn decode_protobuf_replies(message: &[u8]) -> Result<Vec<Reply>, CodecError> {
    decode_delimited(message, usize::MAX)
}

/// One command in Protobuf, framed. What the browser does.
pub fn encode_protobuf_command(command: &Command) -> Bytes {
    command.encode_length_delimited_to_vec().into()
}

/// Reads all replies of one carrier message, however many the server has joined. What a client does.
pub fn decode_replies(encoding: Encoding, message: &[u8]) -> Result<Vec<Reply>, CodecError> {
    match encoding {
        Encoding::Json => decode_json(message, usize::MAX),
        Encoding::Protobuf => decode_delimited(message, usize::MAX),
    }
}

/// One reply, framed so that frames can be joined by [`join`].
pub fn encode_reply(encoding: Encoding, reply: &Reply) -> Bytes {
    match encoding {
        // The types above have no map keys or values that JSON cannot hold; an empty object is a ping and does no harm.
        Encoding::Json => serde_json::to_vec(reply)
            .unwrap_or_else(|_| b"{}".to_vec())
            .into(),
        Encoding::Protobuf => reply.encode_length_delimited_to_vec().into(),
    }
}

/// One command, framed. What a client does.
pub fn encode_command(encoding: Encoding, command: &Command) -> Bytes {
    match encoding {
        Encoding::Json => serde_json::to_vec(command)
            .unwrap_or_else(|_| b"{}".to_vec())
            .into(),
        Encoding::Protobuf => encode_protobuf_command(command),
    }
}

/// Joins framed messages into one carrier message.
pub fn join(encoding: Encoding, frames: &[Bytes]) -> Bytes {
    if let [only] = frames {
        return only.clone();
    }
    let size: usize = frames.iter().map(|frame| frame.len() + 1).sum();
    let mut joined = Vec::with_capacity(size);
    for frame in frames {
        if encoding == Encoding::Json && !joined.is_empty() {
            joined.push(b'\n');
        }
        joined.extend_from_slice(frame);
    }
    joined.into()
}

fn decode_json<T: serde::de::DeserializeOwned>(message: &[u8], most: usize) -> Result<Vec<T>, CodecError> {
    let mut decoded = Vec::new();
    for line in message
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        if decoded.len() == most {
            return Err(CodecError::TooMany(most));
        }
        // serde would also take an array for a struct.
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err(CodecError::Json("expected an object".to_owned()));
        }
        decoded.push(serde_json::from_slice(line).map_err(|error| CodecError::Json(error.to_string()))?);
    }
    Ok(decoded)
}

fn decode_delimited<T: Message + Default>(mut message: &[u8], most: usize) -> Result<Vec<T>, CodecError> {
    let mut decoded = Vec::new();
    while message.has_remaining() {
        if decoded.len() == most {
            return Err(CodecError::TooMany(most));
        }
        let claimed =
            prost::encoding::decode_varint(&mut message).map_err(|e| CodecError::Protobuf(e.to_string()))?;
        // Checked before anything is allocated for it.
        let length = usize::try_from(claimed)
            .ok()
            .filter(|length| *length <= message.len())
            .ok_or(CodecError::Length {
                claimed,
                left: message.len(),
            })?;
        let (head, rest) = message.split_at(length);
        decoded.push(T::decode(head).map_err(|e| CodecError::Protobuf(e.to_string()))?);
        message = rest;
    }
    Ok(decoded)
}

/// Serde helper: bytes that hold JSON text are embedded as that value; no bytes are `null`.
pub struct RawJson;

impl RawJson {
    pub fn serialize<S: Serializer>(data: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        if data.is_empty() {
            return serializer.serialize_none();
        }
        let raw: &RawValue = serde_json::from_slice(data).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
        Ok(raw.map_or_else(Bytes::new, |raw| Bytes::from(String::from(Box::<str>::from(raw)))))
    }
}

/// Serde helper: bytes that hold text are a string.
pub struct Text;

impl Text {
    pub fn serialize<S: Serializer>(data: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        std::str::from_utf8(data)
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        String::deserialize(deserializer).map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ConnectRequest, Publication, Push, RpcRequest};

    fn rpc(data: &[u8]) -> Command {
        Command {
            id: 7,
            rpc: Some(RpcRequest {
                data: Bytes::copy_from_slice(data),
                method: "run".into(),
            }),
            ..Default::default()
        }
    }

    #[test]
    fn commands_round_trip_in_both_encodings() {
        for (encoding, data) in [
            (Encoding::Json, &br#"{"key":"k"}"#[..]),
            (Encoding::Protobuf, &b"\x00\xff"[..]),
        ] {
            let commands = [
                rpc(data),
                Command {
                    id: 8,
                    connect: Some(ConnectRequest::default()),
                    ..Default::default()
                },
            ];
            let frames: Vec<Bytes> = commands
                .iter()
                .map(|command| encode_command(encoding, command))
                .collect();
            assert_eq!(
                decode_commands(encoding, &join(encoding, &frames)).unwrap(),
                commands,
                "{encoding:?}"
            );
        }
    }

    #[test]
    fn data_is_a_value_in_json_and_not_a_string() {
        let push = Push {
            channel: "runs/1".into(),
            publication: Some(Publication {
                data: Bytes::from_static(b"{\"a\":1}"),
                offset: 3,
                ..Default::default()
            }),
            ..Default::default()
        };
        let text = encode_reply(
            Encoding::Json,
            &Reply {
                push: Some(push),
                ..Default::default()
            },
        );
        assert_eq!(
            text,
            r#"{"push":{"channel":"runs/1","pub":{"data":{"a":1},"offset":3}}}"#.as_bytes()
        );
    }

    #[test]
    fn an_empty_reply_is_a_ping() {
        assert_eq!(encode_reply(Encoding::Json, &Reply::default()), "{}".as_bytes());
        assert_eq!(encode_reply(Encoding::Protobuf, &Reply::default()), &[0u8][..]);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic() {
        for garbage in [
            &b"{"[..],
            b"[]",
            b"nonsense",
            b"{\"id\":\"x\"}",
            b"\xff\xfe",
            b"{\"id\":-1}",
            b"{\"connect\":7}",
        ] {
            assert!(decode_commands(Encoding::Json, garbage).is_err(), "{garbage:?}");
        }
        for garbage in [
            &b"\xff"[..],
            b"\x05ab",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x02\x0f\xff",
        ] {
            assert!(
                decode_commands(Encoding::Protobuf, garbage).is_err(),
                "{garbage:?}"
            );
        }
    }

    #[test]
    fn a_message_of_too_many_commands_is_refused_whole() {
        let many = "{}\n".repeat(MAX_COMMANDS_PER_MESSAGE + 1);
        assert_eq!(
            decode_commands(Encoding::Json, many.as_bytes()),
            Err(CodecError::TooMany(256))
        );
    }

    #[test]
    fn replies_are_read_however_many_were_joined() {
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            let ping = encode_reply(encoding, &Reply::default());
            let joined = join(encoding, &vec![ping; 2000]);
            assert_eq!(decode_replies(encoding, &joined).map(|all| all.len()), Ok(2000));
        }
    }
}
