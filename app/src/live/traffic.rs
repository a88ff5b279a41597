//! What is under way on the link: the connection, commands without an answer, who listens to what. Lists are short (a page has
//! at most a few dozen channels), so they are searched from the front.

use super::{
    super::{
        book::{Book, Order, resume_from},
        framing::Frames,
        machine::Machine,
        sink::Sink,
    },
    socket::Socket,
};
use farol_model::wire::{
    Command, ConnectRequest, EmulationRequest, FLAG_CHANNEL_COMPACTION, PresenceRequest, SendRequest,
    SubscribeRequest, UnsubscribeRequest, codec,
};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::RwSignal};
use prost::Message;
use std::sync::Arc;

/// Commands that leave in one message, bytes. The server takes 256 commands and 32 KiB; a command has 16 bytes at least.
const MESSAGE_BYTES: usize = 4096;

#[derive(Default)]
pub(super) struct Core {
    pub machine: Machine,
    pub book: Book,
    pub socket: Option<Socket>,
    /// A better carrier that is tried beside the standing connection.
    pub trial: Option<Socket>,
    /// What has arrived of a message that is not whole yet.
    pub frames: Frames,
    /// Node and session that commands name where they go by requests of their own; empty where they need not.
    pub emulation: EmulationRequest,
    /// Channels by the server's numeric ids.
    pub names: Vec<(i64, String)>,
    /// When it is due.
    pub timer: Option<(f64, TimeoutHandle)>,
    pub flushing: bool,
    pub framing: bool,
    /// Signals to move in the next frame.
    pub touched: Vec<RwSignal<u64>>,
    /// The server wants its pings answered.
    pub pong: bool,
    /// Network and visibility are being watched.
    pub watching: bool,
    sinks: Vec<Listed>,
    /// Commands without an answer yet, by their id.
    pending: Vec<(u32, Pending)>,
    /// Commands that leave at the next [`Core::post`].
    written: Vec<u8>,
    next_id: u32,
    next_sink: u64,
}

struct Listed {
    number: u64,
    channel: String,
    sink: Arc<dyn Sink>,
}

/// What a command was sent for.
pub(super) enum Pending {
    Connect,
    Subscribe(String),
    Presence(String),
}

impl Core {
    /// Who takes what arrives on a channel.
    pub(super) fn sinks_of<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = &'a Arc<dyn Sink>> {
        self.sinks
            .iter()
            .filter(move |listed| listed.channel == channel)
            .map(|listed| &listed.sink)
    }

    /// The number by which it can be taken off again.
    pub(super) fn list(&mut self, channel: &str, sink: Arc<dyn Sink>) -> u64 {
        self.next_sink += 1;
        self.sinks.push(Listed {
            number: self.next_sink,
            channel: channel.to_owned(),
            sink,
        });
        self.next_sink
    }

    pub(super) fn unlist(&mut self, number: u64) {
        self.sinks.retain(|listed| listed.number != number);
    }

    /// What the command with this id waited for.
    pub(super) fn answered(&mut self, id: u32) -> Option<Pending> {
        let at = self.pending.iter().position(|(known, _)| *known == id)?;
        Some(self.pending.swap_remove(at).1)
    }

    /// The channel that the server calls by this number; empty when there is none.
    pub(super) fn name(&self, id: i64) -> String {
        let found = self.names.iter().find(|(known, _)| *known == id);
        found.map(|(_, name)| name.clone()).unwrap_or_default()
    }

    /// Forgets what belonged to the connection and takes it away, and what was tried beside it.
    pub(super) fn lost(&mut self) -> [Option<Socket>; 2] {
        self.book.lost();
        self.names.clear();
        self.pending.clear();
        self.written.clear();
        self.frames = Frames::default();
        self.emulation = EmulationRequest::default();
        [self.socket.take(), self.trial.take()]
    }

    /// The connect command of a new connection, with its id.
    pub(super) fn greeting(&mut self) -> (u32, Vec<u8>) {
        let connect = ConnectRequest {
            name: "farol-app".into(),
            ..Default::default()
        };
        let id = self.number();
        let command = Command {
            id,
            connect: Some(connect),
            ..Default::default()
        };
        (id, codec::encode_protobuf_command(&command).to_vec())
    }

    /// The connection is the one whose events count from now on.
    pub(super) fn take_up(&mut self, socket: Socket) {
        self.pending.push((socket.number, Pending::Connect));
        self.socket = Some(socket);
    }

    fn number(&mut self) -> u32 {
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        self.next_id
    }

    fn send(&mut self, pending: Pending, mut command: Command) {
        command.id = self.number();
        self.pending.push((command.id, pending));
        self.write(&command);
    }

    pub(super) fn write(&mut self, command: &Command) {
        let command = codec::encode_protobuf_command(command);
        if self.written.len() + command.len() > MESSAGE_BYTES {
            self.post();
        }
        self.written.extend_from_slice(&command);
    }

    /// Sends what was written.
    pub(super) fn post(&mut self) {
        let mut message = std::mem::take(&mut self.written);
        let Some(socket) = &self.socket else { return };
        if message.is_empty() {
            return;
        }
        if !self.emulation.session.is_empty() {
            self.emulation.data = message.into();
            message = self.emulation.encode_to_vec();
        }
        socket.send(&message);
    }

    /// Goes out after the subscription, so that nobody is missed between the two.
    fn ask_who_is_there(&mut self, channel: String) {
        let presence = Some(PresenceRequest {
            channel: channel.clone(),
        });
        let command = Command {
            presence,
            ..Default::default()
        };
        self.send(Pending::Presence(channel), command);
    }

    /// Tells the server what our clock shows, for the Connections page.
    pub(super) fn tell_clock(&mut self, now_ms: f64) {
        let data = format!("{{\"clock_ms\":{now_ms:.0}}}").into();
        self.write(&Command {
            send: Some(SendRequest { data }),
            ..Default::default()
        });
    }

    pub(super) fn order(&mut self, order: Order) {
        match order {
            Order::Unsubscribe { channel } => {
                self.pending.retain(
                    |(_, pending)| !matches!(pending, Pending::Subscribe(known) if *known == channel),
                );
                let unsubscribe = Some(UnsubscribeRequest { channel });
                let id = self.number();
                self.write(&Command {
                    id,
                    unsubscribe,
                    ..Default::default()
                });
            }
            Order::Subscribe {
                channel,
                options,
                fresh,
            } => {
                let room = channel.starts_with("room/");
                let places: Vec<_> = self.sinks_of(&channel).map(|sink| sink.position()).collect();
                let from = if fresh { None } else { resume_from(&places) };
                let (epoch, offset) = from.clone().unwrap_or_default();
                let subscribe = SubscribeRequest {
                    channel: channel.clone(),
                    recover: from.is_some(),
                    epoch,
                    offset,
                    data: serde_json::to_vec(&options).unwrap_or_default().into(),
                    positioned: true,
                    recoverable: true,
                    join_leave: room,
                    flag: FLAG_CHANNEL_COMPACTION,
                    ..Default::default()
                };
                let command = Command {
                    subscribe: Some(subscribe),
                    ..Default::default()
                };
                self.send(Pending::Subscribe(channel.clone()), command);
                if room {
                    self.ask_who_is_there(channel);
                }
            }
        }
    }
}
