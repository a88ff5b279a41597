//! The JSON hub protocol, version 1: what a SignalR client says becomes commands, replies become what it understands.
//! (Specification: `HubProtocol.md` of ASP.NET Core.) Records end with U+001E; the first one of the client is its handshake.
//!
//! | hub method | |
//! |---|---|
//! | `Subscribe(channel, {recover, epoch, offset, data}?)` | a stream: first `{event: "subscribed", ...}`, then `{event: "publication", ...}`; cancel it to leave; a later one of the same channel takes its place |
//! | `Run({key, action, params, dry_run?, confirm?})`, `Cancel(run)` | the rpc methods |
//! | `Publish(channel, data)`, `Presence(channel)`, `History(channel, {limit, since, reverse}?)` | the commands |
//! | any other | the rpc method of that name; its one argument is the data |
//!
//! An error is `CODE: words` in a completion.

use crate::live::{lock, session::CarrierError};
use bytes::Bytes;
use farol_model::wire::{
    Command, ConnectRequest, Encoding, Error, HistoryRequest, PresenceRequest, PublishRequest, Push, Reply,
    RpcRequest, SubscribeRequest, SubscribeResult, UnsubscribeRequest, codec,
    codes::{Disconnect, unsubscribe},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Ends every record.
const SEPARATOR: u8 = 0x1e;
/// A client that said nothing for so long is not there: it pings every 15 s.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(35);

/// Message types.
mod kind {
    pub const INVOCATION: u8 = 1;
    pub const STREAM_ITEM: u8 = 2;
    pub const COMPLETION: u8 = 3;
    pub const STREAM_INVOCATION: u8 = 4;
    pub const CANCEL_INVOCATION: u8 = 5;
    pub const PING: u8 = 6;
    pub const CLOSE: u8 = 7;
}

/// One connection's side of the hub.
pub struct Hub {
    /// A std mutex: held for one message.
    state: Mutex<State>,
}

struct State {
    /// Told in the first reply.
    greeting: Greeting,
    last_id: u32,
    /// What was asked, by the id of its command.
    asked: HashMap<u32, Asked>,
    streams: Vec<Stream>,
    heard: Instant,
    /// Why the handshake was refused.
    refusal: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Greeting {
    /// The client has to say which protocol it speaks.
    Awaited,
    /// It did; the connect command is on its way.
    Said,
    Done,
}

enum Asked {
    Connect,
    /// The stream of this invocation.
    Subscribe(String),
    /// An invocation; None when the client wants no answer.
    Call(Option<String>),
}

struct Stream {
    invocation: String,
    channel: String,
    epoch: String,
    offset: u64,
}

#[derive(Deserialize)]
struct Handshake {
    protocol: String,
    version: u32,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(rename = "invocationId")]
    invocation: Option<String>,
    #[serde(default)]
    target: String,
    #[serde(default)]
    arguments: Vec<Box<RawValue>>,
}

/// What comes as an item of a stream.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[schemars(rename = "SignalRItem")]
pub enum Item {
    Subscribed {
        recovered: bool,
        epoch: String,
        offset: u64,
        #[schemars(with = "Option<Value>")]
        data: Option<Box<RawValue>>,
    },
    Publication {
        offset: u64,
        #[schemars(with = "Option<Value>")]
        data: Option<Box<RawValue>>,
    },
}

/// What others said is in it as text and stays so: a JSON number may be larger than any that can be held here.
#[derive(Serialize)]
struct StreamItem<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(rename = "invocationId")]
    invocation: &'a str,
    item: &'a Item,
}

/// See [`StreamItem`].
#[derive(Serialize)]
struct Completion<'a> {
    #[serde(rename = "type")]
    kind: u8,
    #[serde(rename = "invocationId")]
    invocation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Hub {
    pub fn new() -> Arc<Self> {
        let state = State {
            greeting: Greeting::Awaited,
            last_id: 0,
            asked: HashMap::new(),
            streams: Vec::new(),
            heard: Instant::now(),
            refusal: None,
        };
        Arc::new(Hub {
            state: Mutex::new(state),
        })
    }

    /// The commands that records of the client stand for; empty for a sign of life.
    pub fn hear(&self, records: &[u8]) -> Result<Bytes, CarrierError> {
        let mut state = lock(&self.state);
        state.heard = Instant::now();
        let mut commands = Vec::new();
        for record in records.split(|byte| *byte == SEPARATOR) {
            if record.is_empty() {
                continue;
            }
            let said = match state.greeting {
                Greeting::Awaited => vec![state.greet(record)?],
                _ => state.record(record)?,
            };
            let encode = |command: &Command| codec::encode_command(Encoding::Json, command);
            commands.extend(said.iter().map(encode));
        }
        Ok(codec::join(Encoding::Json, &commands))
    }

    /// The records that replies stand for, and commands that this side has to say because of them.
    pub fn tell(&self, message: &Bytes) -> Result<(Bytes, Vec<Bytes>), CarrierError> {
        let replies = codec::decode_replies(Encoding::Json, message).map_err(|error| {
            tracing::error!(%error, "our own replies cannot be read");
            CarrierError::Broken
        })?;
        let mut told = Told::default();
        let mut state = lock(&self.state);
        for reply in replies {
            state.reply(reply, &mut told);
        }
        Ok((told.records.into(), told.commands))
    }
}

/// What is to be written and said.
#[derive(Default)]
struct Told {
    records: Vec<u8>,
    commands: Vec<Bytes>,
}

impl Told {
    fn record(&mut self, record: &impl Serialize) {
        // Our own values, which JSON can hold.
        if serde_json::to_writer(&mut self.records, record).is_ok() {
            self.records.push(SEPARATOR);
        }
    }

    fn item(&mut self, invocation: &str, item: &Item) {
        self.record(&StreamItem {
            kind: kind::STREAM_ITEM,
            invocation,
            item,
        });
    }

    fn completion(&mut self, invocation: &str, result: Result<Option<Box<RawValue>>, String>) {
        let (result, error) = match result {
            Ok(result) => (result, None),
            Err(error) => (None, Some(error)),
        };
        self.record(&Completion {
            kind: kind::COMPLETION,
            invocation,
            result,
            error,
        });
    }

    fn say(&mut self, command: &Command) {
        self.commands.push(codec::encode_command(Encoding::Json, command));
    }
}

impl State {
    fn ask(&mut self, asked: Asked) -> u32 {
        self.last_id = self.last_id.wrapping_add(1).max(1);
        self.asked.insert(self.last_id, asked);
        self.last_id
    }

    fn greet(&mut self, record: &[u8]) -> Result<Command, CarrierError> {
        let handshake: Handshake = serde_json::from_slice(record).map_err(|_| not_of_the_protocol())?;
        if handshake.protocol != "json" || handshake.version != 1 {
            self.refusal = Some(format!(
                "The hub protocol `{}`, version {}, is not spoken here: use `json`, version 1.",
                handshake.protocol, handshake.version
            ));
            return Err(CarrierError::Refused(Disconnect::BAD_REQUEST));
        }
        self.greeting = Greeting::Said;
        Ok(Command {
            id: self.ask(Asked::Connect),
            connect: Some(ConnectRequest {
                name: "signalr".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    /// Nothing for what needs no command.
    fn record(&mut self, record: &[u8]) -> Result<Vec<Command>, CarrierError> {
        let said: Said = serde_json::from_slice(record).map_err(|_| not_of_the_protocol())?;
        match said.kind {
            kind::INVOCATION => Ok(vec![self.invoke(said)]),
            kind::STREAM_INVOCATION => match said.invocation.clone() {
                Some(invocation) => Ok(self.stream(invocation, &said)),
                None => Err(not_of_the_protocol()),
            },
            kind::CANCEL_INVOCATION => {
                let left = said.invocation.and_then(|invocation| self.cancel(&invocation));
                Ok(left.into_iter().collect())
            }
            kind::PING => Ok(Vec::new()),
            kind::CLOSE => Err(CarrierError::Broken),
            // Items and completions answer what we never ask.
            _ => Err(not_of_the_protocol()),
        }
    }

    fn invoke(&mut self, said: Said) -> Command {
        let mut command = Command {
            id: self.ask(Asked::Call(said.invocation.clone())),
            ..Default::default()
        };
        let argument = |index: usize| said.arguments.get(index).map_or("null", |raw| raw.get());
        match said.target.as_str() {
            "Publish" => {
                command.publish = Some(PublishRequest {
                    channel: text(argument(0)),
                    data: Bytes::copy_from_slice(argument(1).as_bytes()),
                });
            }
            "Presence" => {
                command.presence = Some(PresenceRequest {
                    channel: text(argument(0)),
                });
            }
            "History" => {
                let options: HistoryRequest = serde_json::from_str(argument(1)).unwrap_or_default();
                command.history = Some(HistoryRequest {
                    channel: text(argument(0)),
                    ..options
                });
            }
            target => {
                let (method, data) = match target {
                    "Run" => ("run", argument(0).to_owned()),
                    "Cancel" => ("cancel", json!({"run": text(argument(0))}).to_string()),
                    other => (other, argument(0).to_owned()),
                };
                command.rpc = Some(RpcRequest {
                    method: method.to_owned(),
                    data: data.into(),
                });
            }
        }
        command
    }

    fn stream(&mut self, invocation: String, said: &Said) -> Vec<Command> {
        let argument = |index: usize| said.arguments.get(index).map_or("null", |raw| raw.get());
        // Whatever else is to be streamed is no channel, and the answer says so.
        let channel = match said.target.as_str() {
            "Subscribe" => text(argument(0)),
            other => other.to_owned(),
        };
        let options: SubscribeRequest = serde_json::from_str(argument(1)).unwrap_or_default();
        let mut commands = Vec::new();
        // The earlier stream of the channel completes; its client may just be about to cancel it.
        if let Some(place) = self.streams.iter().position(|stream| stream.channel == channel) {
            let earlier = self.streams.remove(place);
            commands.push(Command {
                id: self.ask(Asked::Call(Some(earlier.invocation))),
                unsubscribe: Some(UnsubscribeRequest {
                    channel: channel.clone(),
                }),
                ..Default::default()
            });
        }
        self.streams.push(Stream {
            invocation: invocation.clone(),
            channel: channel.clone(),
            epoch: options.epoch.clone(),
            offset: options.offset,
        });
        commands.push(Command {
            id: self.ask(Asked::Subscribe(invocation)),
            subscribe: Some(SubscribeRequest { channel, ..options }),
            ..Default::default()
        });
        commands
    }

    fn cancel(&mut self, invocation: &str) -> Option<Command> {
        let place = self
            .streams
            .iter()
            .position(|stream| stream.invocation == invocation)?;
        let channel = self.streams.remove(place).channel;
        Some(Command {
            id: self.ask(Asked::Call(None)),
            unsubscribe: Some(UnsubscribeRequest { channel }),
            ..Default::default()
        })
    }

    fn reply(&mut self, reply: Reply, told: &mut Told) {
        if reply == Reply::default() {
            told.record(&json!({"type": kind::PING}));
            if self.heard.elapsed() < CLIENT_TIMEOUT {
                told.commands.push(Bytes::from_static(b"{}"));
            }
            return;
        }
        if let Some(push) = reply.push {
            return self.push(push, told);
        }
        match self.asked.remove(&reply.id) {
            Some(Asked::Connect) => self.connected(reply.error.as_ref(), told),
            Some(Asked::Subscribe(invocation)) => match (reply.error, reply.subscribe) {
                (Some(error), _) => {
                    self.streams.retain(|stream| stream.invocation != invocation);
                    told.completion(&invocation, Err(words(&error)));
                }
                (None, Some(result)) => self.subscribed(&invocation, result, told),
                (None, None) => {}
            },
            Some(Asked::Call(Some(invocation))) => {
                let result = match &reply.error {
                    Some(error) => Err(words(error)),
                    None => Ok(result_of(&reply)),
                };
                told.completion(&invocation, result);
            }
            Some(Asked::Call(None)) | None => {}
        }
    }

    fn connected(&mut self, refused: Option<&Error>, told: &mut Told) {
        self.greeting = Greeting::Done;
        match refused {
            Some(error) => told.record(&json!({ "error": words(error) })),
            None => told.record(&json!({})),
        }
    }

    fn subscribed(&mut self, invocation: &str, result: SubscribeResult, told: &mut Told) {
        // It may have been cancelled meanwhile.
        let stream = self
            .streams
            .iter_mut()
            .find(|stream| stream.invocation == invocation);
        let Some(stream) = stream else { return };
        stream.epoch.clone_from(&result.epoch);
        stream.offset = result.offset;
        let subscribed = Item::Subscribed {
            recovered: result.recovered,
            epoch: result.epoch,
            offset: result.offset,
            data: raw(&result.data),
        };
        told.item(invocation, &subscribed);
        for missed in &result.publications {
            let item = Item::Publication {
                offset: missed.offset,
                data: raw(&missed.data),
            };
            told.item(invocation, &item);
        }
    }

    fn push(&mut self, push: Push, told: &mut Told) {
        if let Some(disconnect) = push.disconnect {
            let error = format!("{}: {}", disconnect.code, disconnect.reason);
            match self.greeting {
                // A client that waits for the handshake understands only its answer.
                Greeting::Awaited | Greeting::Said => {
                    told.record(&json!({"error": self.refusal.take().unwrap_or(error)}));
                }
                Greeting::Done => told.record(
                    &json!({"type": kind::CLOSE, "error": error, "allowReconnect": disconnect.reconnect}),
                ),
            }
            return;
        }
        let place = self
            .streams
            .iter()
            .position(|stream| stream.channel == push.channel);
        let Some(place) = place else { return };
        if let Some(publication) = push.publication {
            let stream = &mut self.streams[place];
            stream.offset = publication.offset;
            let item = Item::Publication {
                offset: publication.offset,
                data: raw(&publication.data),
            };
            told.item(&stream.invocation, &item);
        } else if let Some(ended) = push.unsubscribe {
            if ended.code == unsubscribe::INSUFFICIENT_STATE {
                // What did not fit is asked for again, from where the client is.
                let stream = &self.streams[place];
                let request = SubscribeRequest {
                    channel: stream.channel.clone(),
                    recover: !stream.epoch.is_empty(),
                    epoch: stream.epoch.clone(),
                    offset: stream.offset,
                    ..Default::default()
                };
                let invocation = stream.invocation.clone();
                told.say(&Command {
                    id: self.ask(Asked::Subscribe(invocation)),
                    subscribe: Some(request),
                    ..Default::default()
                });
            } else {
                let stream = self.streams.remove(place);
                let error = format!("{}: {}", ended.code, ended.reason);
                told.completion(&stream.invocation, Err(error));
            }
        }
    }
}

fn not_of_the_protocol() -> CarrierError {
    CarrierError::Refused(Disconnect::BAD_REQUEST)
}

/// A string; anything else is no name of a thing.
fn text(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_default()
}

fn raw(data: &Bytes) -> Option<Box<RawValue>> {
    serde_json::from_slice(data).ok()
}

fn words(error: &Error) -> String {
    format!("{}: {}", error.code, error.message)
}

/// The result by itself: what an rpc method answered, or the fields of the command's result.
fn result_of(reply: &Reply) -> Option<Box<RawValue>> {
    if let Some(rpc) = &reply.rpc {
        return raw(&rpc.data);
    }
    let written = codec::encode_reply(Encoding::Json, reply);
    let mut fields: HashMap<String, Box<RawValue>> = serde_json::from_slice(&written).ok()?;
    fields.remove("id");
    fields.into_values().next()
}
