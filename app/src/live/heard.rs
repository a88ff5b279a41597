//! What the server says: replies and pushes of one message, handed to whom they belong.

use super::{
    super::{
        apply::Applied,
        badge::Clock,
        framing::Unreadable,
        ladder::Rung,
        machine::Input,
        sink::{Attendance, Delivery},
    },
    Inner, Pending,
    socket::{Socket, remember},
};
use farol_model::{
    Fault, FaultCode,
    wire::{Command, Error, Push, Reply, SubscribeResult, codec, codes::unsubscribe},
};
use leptos::prelude::*;
use std::rc::Rc;

impl Inner {
    /// Something came from the connection with this number. A WebSocket brings whole messages; elsewhere a piece may end
    /// anywhere.
    pub(super) fn heard(self: &Rc<Self>, number: u32, code: u16, bytes: Vec<u8>) {
        let (rung, is_trial) = {
            let core = self.core.borrow();
            let known = |socket: &Option<Socket>| Some(socket.as_ref().filter(|s| s.number == number)?.rung);
            match (known(&core.socket), known(&core.trial)) {
                (Some(rung), _) => (rung, false),
                (None, Some(rung)) => (rung, true),
                (None, None) => return,
            }
        };
        match (code, is_trial) {
            (0, true) => self.tried(&bytes),
            (_, true) => self.drive(Input::Slipped),
            (0, false) if rung == Rung::WebSocket => self.message(&bytes),
            (0, false) => {
                let whole = self.core.borrow_mut().frames.push(&bytes);
                match whole {
                    Ok(message) => self.message(&message),
                    Err(Unreadable) => self.unreadable(),
                }
            }
            (code, false) => self.drive(Input::Closed {
                code,
                reason: String::from_utf8_lossy(&bytes).into_owned(),
            }),
        }
    }

    /// The first word of a better carrier: when the server takes it, all moves over and continues from its positions.
    fn tried(self: &Rc<Self>, message: &[u8]) {
        let replies = codec::decode_protobuf_replies(message).unwrap_or_default();
        if !replies.iter().any(|reply| reply.connect.is_some()) {
            return self.drive(Input::Slipped);
        }
        let left = {
            let mut core = self.core.borrow_mut();
            let [left, better] = core.lost();
            if let Some(better) = better {
                core.take_up(better);
            }
            left
        };
        drop(left);
        self.message(message);
    }

    fn message(self: &Rc<Self>, message: &[u8]) {
        self.core
            .borrow_mut()
            .machine
            .step(Input::Heard, Clock::now_ms(), 0.0);
        let Ok(replies) = codec::decode_protobuf_replies(message) else {
            return self.unreadable();
        };
        for reply in replies {
            self.reply(reply);
        }
        self.frame_soon();
        self.flush();
    }

    fn unreadable(self: &Rc<Self>) {
        self.drive(Input::Closed {
            code: 3501,
            reason: "the server's messages could not be read".into(),
        });
    }

    fn reply(self: &Rc<Self>, reply: Reply) {
        if let Some(push) = reply.push {
            return self.push(push);
        }
        if reply.id == 0 {
            let mut core = self.core.borrow_mut();
            if core.pong {
                core.write(&Command::default());
            }
            return;
        }
        let waiting = self.core.borrow_mut().answered(reply.id);
        match waiting {
            Some(Pending::Connect) => self.connected(reply),
            Some(Pending::Subscribe(channel)) => match (reply.subscribe, reply.error) {
                (Some(result), _) => self.subscribed(&channel, &result),
                (None, error) => {
                    let temporary = error.as_ref().is_some_and(|error| error.temporary);
                    let (now, random) = (Clock::now_ms(), js_sys::Math::random());
                    let tell = self
                        .core
                        .borrow_mut()
                        .book
                        .refused(&channel, temporary, now, random);
                    if tell {
                        self.deliver(&channel, &Delivery::Refused(&fault(error)));
                    }
                }
            },
            Some(Pending::Presence(channel)) => {
                if let Some(all) = &reply.presence {
                    self.deliver(&channel, &Delivery::People(Attendance::All(all)));
                }
            }
            None => {}
        }
    }

    fn connected(self: &Rc<Self>, reply: Reply) {
        match (reply.connect, reply.error) {
            (Some(result), _) => {
                let rung = {
                    let core = &mut *self.core.borrow_mut();
                    core.pong = result.pong;
                    core.emulation.node = result.node;
                    core.emulation.session = result.session;
                    core.tell_clock(Clock::now_ms());
                    core.socket.as_ref().map_or(Rung::WebSocket, |socket| socket.rung)
                };
                remember(rung);
                self.drive(Input::Welcome {
                    rung,
                    ping_secs: result.ping,
                });
            }
            (None, error) => {
                let error = error.unwrap_or_default();
                let code = match error.code {
                    101 | 109 => 4501,
                    100 | 108 | 111 => 3000,
                    _ => 3501,
                };
                self.drive(Input::Closed {
                    code,
                    reason: error.message,
                });
            }
        }
    }

    fn subscribed(&self, channel: &str, result: &SubscribeResult) {
        {
            let mut core = self.core.borrow_mut();
            core.book.stands(channel);
            if result.id != 0 {
                core.names.push((result.id, channel.to_owned()));
            }
        }
        self.deliver(channel, &Delivery::Start(result));
    }

    fn push(self: &Rc<Self>, push: Push) {
        let channel = match push.id {
            0 => push.channel,
            id => self.core.borrow().name(id),
        };
        if let Some(publication) = &push.publication {
            self.deliver(&channel, &Delivery::Publication(publication));
        }
        if let Some(info) = push.join.and_then(|told| told.info) {
            self.deliver(&channel, &Delivery::People(Attendance::Came(&info)));
        }
        if let Some(info) = push.leave.and_then(|told| told.info) {
            self.deliver(&channel, &Delivery::People(Attendance::Went(&info)));
        }
        if let Some(end) = push.unsubscribe {
            let again = end.code >= unsubscribe::INSUFFICIENT_STATE;
            self.core.borrow_mut().book.ended(&channel, again);
            if !again {
                self.deliver(&channel, &Delivery::Refused(&Fault::unavailable(end.reason)));
            }
        }
        if let Some(end) = push.disconnect {
            self.drive(Input::Told {
                code: u16::try_from(end.code).unwrap_or(3000),
                reason: end.reason,
            });
        }
    }

    fn deliver(&self, channel: &str, delivery: &Delivery<'_>) {
        let sinks: Vec<_> = self.core.borrow().sinks_of(channel).cloned().collect();
        for sink in sinks {
            let applied = sink.deliver(delivery);
            let mut core = self.core.borrow_mut();
            if applied == Applied::Gap {
                core.book.missing(channel, Clock::now_ms());
            }
            if applied != Applied::Nothing && !core.touched.contains(&sink.tick()) {
                core.touched.push(sink.tick());
            }
        }
    }

    /// Signals move in the next animation frame, once each. In a hidden tab there are no frames, and the list stays as long
    /// as there are sinks.
    fn frame_soon(self: &Rc<Self>) {
        {
            let mut core = self.core.borrow_mut();
            if core.touched.is_empty() || std::mem::replace(&mut core.framing, true) {
                return;
            }
        }
        let inner = self.clone();
        request_animation_frame(move || {
            let touched = {
                let mut core = inner.core.borrow_mut();
                core.framing = false;
                std::mem::take(&mut core.touched)
            };
            for tick in touched {
                let _ = tick.try_update(|count| *count += 1);
            }
        });
    }
}

fn fault(error: Option<Error>) -> Fault {
    let error = error.unwrap_or_default();
    let codes = [
        FaultCode::Unauthenticated,
        FaultCode::Forbidden,
        FaultCode::NotFound,
        FaultCode::Invalid,
        FaultCode::Conflict,
        FaultCode::Limited,
        FaultCode::Unavailable,
    ];
    let code = codes
        .into_iter()
        .find(|code| code.live_code() == error.code)
        .unwrap_or(FaultCode::Internal);
    Fault::new(code, error.message)
}
