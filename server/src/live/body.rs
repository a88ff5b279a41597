//! The state behind a channel, by class, and its one encoding per form.

use super::publication::{Publication, encode};
use crate::history::ring::Ring;
use bytes::Bytes;
use farol_model::{
    process::ProcessUpdate,
    wire::{Encoding, payload::MetricsSnapshot},
};
use std::sync::{Arc, OnceLock};

/// What a new subscriber of the class starts from.
#[derive(Debug)]
pub enum Body {
    Metrics(Ring),
    /// The whole table, `whole: true`.
    Table(Arc<ProcessUpdate>),
    /// The latest state, JSON text.
    Cache(Bytes),
    /// Nothing but what is held.
    Stream,
    /// Nothing: who wants to know what was said before asks for the history, which tells who said it.
    Room,
}

/// A state, ready to be encoded.
#[derive(Debug)]
pub struct Whole {
    content: Content,
    json: OnceLock<Bytes>,
    protobuf: OnceLock<Bytes>,
}

#[derive(Debug)]
enum Content {
    Metrics(MetricsSnapshot),
    Table(Arc<ProcessUpdate>),
    /// No bytes where there is no state.
    Json(Bytes),
    Events {
        events: Vec<Arc<Publication>>,
        dropped: u64,
    },
}

impl Body {
    /// The state now. `held` are the publications held, oldest first; `dropped` counts those that are held no more.
    pub fn whole<'a>(
        &self,
        history_ms: u32,
        max_cells: usize,
        held: impl Iterator<Item = &'a Arc<Publication>>,
        dropped: u64,
    ) -> Whole {
        let content = match self {
            Body::Metrics(ring) => Content::Metrics(MetricsSnapshot {
                schema: ring.schema().to_vec(),
                snapshot: Some(ring.snapshot(history_ms, max_cells)),
            }),
            Body::Table(table) => Content::Table(table.clone()),
            Body::Cache(text) => Content::Json(text.clone()),
            Body::Room => Content::Json(Bytes::new()),
            Body::Stream => Content::Events {
                events: held.cloned().collect(),
                dropped,
            },
        };
        Whole {
            content,
            json: OnceLock::new(),
            protobuf: OnceLock::new(),
        }
    }
}

impl Whole {
    /// How much there is to encode, in values or things that cost as much.
    pub fn size(&self) -> usize {
        match &self.content {
            Content::Metrics(message) => message.snapshot.as_ref().map_or(0, |snapshot| {
                snapshot.times_ms.len() * (snapshot.columns.len() + 1)
            }),
            Content::Table(table) => table.rows.len() * 16,
            Content::Json(text) => text.len() / 16,
            Content::Events { events, .. } => events.iter().map(|event| event.size()).sum(),
        }
    }

    pub fn encode(&self, encoding: Encoding) -> Bytes {
        let slot = match encoding {
            Encoding::Json => &self.json,
            Encoding::Protobuf => &self.protobuf,
        };
        slot.get_or_init(|| match &self.content {
            Content::Metrics(message) => encode(encoding, message),
            Content::Table(message) => encode(encoding, message.as_ref()),
            Content::Json(text) => text.clone(),
            Content::Events { events, dropped } => events_document(events, *dropped),
        })
        .clone()
    }
}

/// `{"events":[...]}`, and `"dropped":N` when older events are held no more. JSON under both encodings.
fn events_document(events: &[Arc<Publication>], dropped: u64) -> Bytes {
    let mut text = br#"{"events":["#.to_vec();
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        text.extend_from_slice(&event.wire(Encoding::Json).data);
    }
    text.push(b']');
    if dropped > 0 {
        text.extend_from_slice(format!(",\"dropped\":{dropped}").as_bytes());
    }
    text.push(b'}');
    text.into()
}
