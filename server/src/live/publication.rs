//! A publication, encoded at most once per form and shared by all who receive it.

use super::framed::Framed;
use bytes::Bytes;
use farol_model::{
    process::ProcessUpdate,
    wire::{
        ClientInfo, Encoding, Presence, Publication as WirePublication, Push, Reply, codec,
        payload::MetricsPublication,
    },
};
use prost::Message;
use std::sync::{Arc, OnceLock};

/// Name and number of a channel, as pushes carry them.
#[derive(Debug, PartialEq, Eq)]
pub struct ChannelKey {
    pub name: String,
    /// Unique in the process and never reused.
    pub id: i64,
}

/// What a publication says.
#[derive(Debug)]
pub enum Payload {
    Metrics(MetricsPublication),
    Table(ProcessUpdate),
    /// JSON text under both encodings.
    Json(Bytes),
    /// JSON text that a client said.
    Said {
        data: Bytes,
        by: ClientInfo,
        t_ms: i64,
    },
    /// Somebody came. Has no position and no data.
    Join(ClientInfo),
    /// Somebody went.
    Leave(ClientInfo),
}

impl Payload {
    /// Bytes of `data` under an encoding.
    pub fn encode(&self, encoding: Encoding) -> Bytes {
        match self {
            Payload::Metrics(message) => encode(encoding, message),
            Payload::Table(message) => encode(encoding, message),
            Payload::Json(text) | Payload::Said { data: text, .. } => text.clone(),
            Payload::Join(_) | Payload::Leave(_) => Bytes::new(),
        }
    }
}

/// A message that has the same fields in both encodings.
pub fn encode<T: Message + serde::Serialize>(encoding: Encoding, message: &T) -> Bytes {
    match encoding {
        // The payload types have nothing that JSON cannot hold; were it so, `null` is still a value.
        Encoding::Json => serde_json::to_vec(message)
            .unwrap_or_else(|_| b"null".to_vec())
            .into(),
        Encoding::Protobuf => message.encode_to_vec().into(),
    }
}

/// One publication of a channel. Forms are made when the first subscriber needs them.
#[derive(Debug)]
pub struct Publication {
    channel: Arc<ChannelKey>,
    /// Position in the channel; 0 in a class without positions.
    pub offset: u64,
    payload: Payload,
    /// `data` alone, for recovery, by encoding.
    data: [OnceLock<Bytes>; 2],
    /// Framed pushes, by encoding and whether the channel is named or numbered.
    frames: [OnceLock<Framed>; 4],
}

impl Publication {
    pub fn new(channel: Arc<ChannelKey>, offset: u64, payload: Payload) -> Arc<Self> {
        metrics::counter!("farol_live_publications_total").increment(1);
        Arc::new(Publication {
            channel,
            offset,
            payload,
            data: Default::default(),
            frames: Default::default(),
        })
    }

    /// Whether this announces a new schema.
    pub fn is_schema(&self) -> bool {
        matches!(&self.payload, Payload::Metrics(message) if !message.schema.is_empty())
    }

    /// How much there is to encode, in values or things that cost as much.
    pub fn size(&self) -> usize {
        match &self.payload {
            Payload::Metrics(message) => message.values.len() + 16 * message.schema.len(),
            Payload::Table(table) => 16 * table.rows.len(),
            Payload::Json(text) | Payload::Said { data: text, .. } => text.len() / 16,
            Payload::Join(_) | Payload::Leave(_) => 4,
        }
    }

    /// As it stands in a subscribe or history result.
    pub fn wire(&self, encoding: Encoding) -> WirePublication {
        let data = self.data[slot(encoding)].get_or_init(|| self.payload.encode(encoding));
        self.with_data(data.clone())
    }

    fn with_data(&self, data: Bytes) -> WirePublication {
        let (info, time) = match &self.payload {
            Payload::Said { by, t_ms, .. } => (Some(by.clone()), *t_ms),
            _ => (None, 0),
        };
        WirePublication {
            data,
            info,
            offset: self.offset,
            time,
        }
    }

    /// The framed push. `numbered` names the channel by its id.
    pub fn frame(&self, encoding: Encoding, numbered: bool) -> Framed {
        let slot = slot(encoding) * 2 + usize::from(numbered);
        self.frames[slot]
            .get_or_init(|| codec::encode_reply(encoding, &self.reply(encoding, numbered)).into())
            .clone()
    }

    fn reply(&self, encoding: Encoding, numbered: bool) -> Reply {
        let mut push = match numbered {
            true => Push {
                id: self.channel.id,
                ..Default::default()
            },
            false => Push {
                channel: self.channel.name.clone(),
                ..Default::default()
            },
        };
        let presence = |info: &ClientInfo| {
            Some(Presence {
                info: Some(info.clone()),
            })
        };
        match &self.payload {
            Payload::Join(info) => push.join = presence(info),
            Payload::Leave(info) => push.leave = presence(info),
            // Not `wire`: what is pushed need not be kept by itself as well.
            payload => push.publication = Some(self.with_data(payload.encode(encoding))),
        }
        Reply {
            push: Some(push),
            ..Default::default()
        }
    }
}

fn slot(encoding: Encoding) -> usize {
    match encoding {
        Encoding::Json => 0,
        Encoding::Protobuf => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_receiver_of_one_form_shares_the_same_bytes() {
        let key = Arc::new(ChannelKey {
            name: "runs/1".into(),
            id: 7,
        });
        let publication = Publication::new(key, 3, Payload::Json(Bytes::from_static(b"{}")));
        let first = publication.frame(Encoding::Json, false);
        let second = publication.frame(Encoding::Json, false);
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(
            *first,
            r#"{"push":{"channel":"runs/1","pub":{"data":{},"offset":3}}}"#.as_bytes()
        );
        assert_eq!(
            *publication.frame(Encoding::Json, true),
            r#"{"push":{"id":7,"pub":{"data":{},"offset":3}}}"#.as_bytes()
        );
    }
}
