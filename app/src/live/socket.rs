//! The carrier of the browser build: one WebSocket in Protobuf. Runs what [`Machine`] and [`Book`] decide and decides
//! nothing itself. Bounds: one socket, [`MAX_CALLS`] calls in flight, one timer, one frame request.

use super::{
    LiveState, SubscribeOptions,
    apply::Applied,
    badge::Clock,
    book::{Book, Order, resume_from},
    machine::{Effect, Input, Machine},
    sink::{Delivery, Sink},
};
use farol_model::{
    Fault, FaultCode,
    wire::{
        Command, ConnectRequest, Encoding, FLAG_CHANNEL_COMPACTION, Push, Reply, RpcRequest,
        SubscribeRequest, SubscribeResult, UnsubscribeRequest, codec, codes::unsubscribe,
    },
};
use leptos::{
    leptos_dom::helpers::{TimeoutHandle, set_interval_with_handle, set_timeout_with_handle},
    prelude::*,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

/// Calls in flight at most; more are refused at once.
const MAX_CALLS: usize = 64;
/// How long a call waits for its answer.
const CALL_LIMIT: Duration = Duration::from_secs(10);
const NO_ANSWER: &str = "No answer came within 10 seconds. It is not known whether this was done: look at the list of \
                         runs before you try again.";

/// A copyable handle of the one link.
#[derive(Clone, Copy)]
pub(super) struct Link(StoredValue<Rc<Inner>, LocalStorage>);

/// Keeps a channel subscribed; dropping it gives the channel up after a short while.
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    link: Link,
    channel: String,
    holds: bool,
    sink: Option<u64>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(inner) = self.link.0.try_get_value() {
            inner.leave(&self.channel, self.holds, self.sink);
        }
    }
}

struct Inner {
    state: RwSignal<LiveState>,
    core: RefCell<Core>,
}

/// Sinks of one channel and what they are called by.
type Sinks = Vec<(u64, Arc<dyn Sink>)>;

#[derive(Default)]
struct Core {
    machine: Machine,
    book: Book,
    sinks: BTreeMap<String, Sinks>,
    socket: Option<Socket>,
    /// Commands without an answer yet, by their id.
    pending: HashMap<u32, Pending>,
    /// Channels by the server's numeric ids.
    names: HashMap<i64, String>,
    next_id: u32,
    next_sink: u64,
    /// Which socket events are ours: those of dropped sockets count no more.
    generation: u64,
    timer: Option<(f64, TimeoutHandle)>,
    flushing: bool,
    framing: bool,
    touched: Vec<RwSignal<u64>>,
    pong: bool,
    watching: bool,
}

enum Pending {
    Connect,
    Subscribe(String),
    Call(Rc<RefCell<Call>>),
}

#[derive(Default)]
struct Call {
    answer: Option<Result<serde_json::Value, Fault>>,
    waker: Option<Waker>,
}

fn answer(call: &RefCell<Call>, answer: Result<serde_json::Value, Fault>) {
    let mut call = call.borrow_mut();
    call.answer.get_or_insert(answer);
    if let Some(waker) = call.waker.take() {
        waker.wake();
    }
}

/// The browser's socket and what it calls.
struct Socket {
    socket: WebSocket,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

impl Link {
    pub(super) fn new(state: RwSignal<LiveState>) -> Self {
        Link(StoredValue::new_local(Rc::new(Inner {
            state,
            core: RefCell::default(),
        })))
    }

    pub(super) fn start(self) {
        if let Some(inner) = self.0.try_get_value() {
            inner.watch_page();
            inner.drive(Input::Want);
        }
    }

    pub(super) fn subscribe(
        self,
        channel: &str,
        options: SubscribeOptions,
        sink: Option<Arc<dyn Sink>>,
    ) -> Subscription {
        self.join(channel, Some(options), sink)
    }

    pub(super) fn join(
        self,
        channel: &str,
        options: Option<SubscribeOptions>,
        sink: Option<Arc<dyn Sink>>,
    ) -> Subscription {
        let mut id = None;
        if let Some(inner) = self.0.try_get_value() {
            {
                let core = &mut *inner.core.borrow_mut();
                if let Some(options) = &options {
                    core.book.hold(channel, options, sink.is_some());
                }
                if let Some(sink) = sink {
                    core.next_sink += 1;
                    id = Some(core.next_sink);
                    core.sinks
                        .entry(channel.to_owned())
                        .or_default()
                        .push((core.next_sink, sink));
                }
            }
            inner.flush_soon();
        }
        Subscription {
            link: self,
            channel: channel.to_owned(),
            holds: options.is_some(),
            sink: id,
        }
    }

    pub(super) async fn rpc(self, method: &str, data: Vec<u8>) -> Result<serde_json::Value, Fault> {
        let Some(inner) = self.0.try_get_value() else {
            return Err(Fault::unavailable("The page is closing."));
        };
        let call = inner.call(method, data)?;
        let timed = call.clone();
        let timer = set_timeout_with_handle(
            move || answer(&timed, Err(Fault::unavailable(NO_ANSWER))),
            CALL_LIMIT,
        );
        let result = poll_fn(|context| {
            let mut call = call.borrow_mut();
            match call.answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    call.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await;
        if let Ok(timer) = timer {
            timer.clear();
        }
        inner.forget(&call);
        result
    }
}

impl Inner {
    fn call(&self, method: &str, data: Vec<u8>) -> Result<Rc<RefCell<Call>>, Fault> {
        let mut core = self.core.borrow_mut();
        if !core.machine.is_live() {
            return Err(Fault::unavailable(
                "There is no live connection now, so nothing was sent. Try again when it is back.",
            ));
        }
        if core.pending.len() >= MAX_CALLS {
            return Err(Fault::limited(
                "Too many requests are waiting for an answer. Nothing was sent.",
                1,
            ));
        }
        let call = Rc::new(RefCell::new(Call::default()));
        let request = RpcRequest {
            method: method.to_owned(),
            data: data.into(),
        };
        core.send(
            Pending::Call(call.clone()),
            Command {
                rpc: Some(request),
                ..Default::default()
            },
        );
        Ok(call)
    }

    fn forget(&self, call: &Rc<RefCell<Call>>) {
        let mut core = self.core.borrow_mut();
        core.pending
            .retain(|_, pending| !matches!(pending, Pending::Call(known) if Rc::ptr_eq(known, call)));
    }

    fn leave(self: &Rc<Self>, channel: &str, holds: bool, sink: Option<u64>) {
        {
            let core = &mut *self.core.borrow_mut();
            if holds {
                core.book.release(channel, Clock::now_ms());
            }
            if let Some(sinks) = core.sinks.get_mut(channel) {
                sinks.retain(|(id, _)| Some(*id) != sink);
                if sinks.is_empty() {
                    core.sinks.remove(channel);
                }
            }
        }
        self.arm();
    }

    /// Everything that a task subscribes to goes out in one go, after it.
    fn flush_soon(self: &Rc<Self>) {
        if std::mem::replace(&mut self.core.borrow_mut().flushing, true) {
            return;
        }
        let inner = self.clone();
        spawn_local(async move {
            inner.core.borrow_mut().flushing = false;
            inner.watch_page();
            inner.drive(Input::Want);
            inner.flush();
        });
    }

    fn flush(self: &Rc<Self>) {
        {
            let core = &mut *self.core.borrow_mut();
            if core.machine.is_live() {
                for order in core.book.orders(Clock::now_ms()) {
                    core.order(order);
                }
            }
        }
        self.arm();
    }

    /// Advances the connection, runs the effect, tells the page.
    fn drive(self: &Rc<Self>, input: Input) {
        let now = Clock::now_ms();
        let effect = self
            .core
            .borrow_mut()
            .machine
            .step(input, now, js_sys::Math::random());
        match effect {
            Effect::None => {}
            Effect::Open => self.open(),
            Effect::Greet => {
                let connect = ConnectRequest {
                    name: "farol-app".into(),
                    ..Default::default()
                };
                let command = Command {
                    connect: Some(connect),
                    ..Default::default()
                };
                self.core.borrow_mut().send(Pending::Connect, command);
            }
            Effect::Subscribe => self.flush(),
            Effect::Drop => self.drop_socket(),
        }
        let state = self.core.borrow().machine.state(now);
        if self.state.try_with_untracked(|known| *known != state) == Some(true) {
            self.state.set(state);
        }
        self.arm();
    }

    fn open(self: &Rc<Self>) {
        let generation = {
            let mut core = self.core.borrow_mut();
            core.generation += 1;
            core.generation
        };
        let made = socket_url().and_then(|url| WebSocket::new_with_str(&url, "centrifuge-protobuf").ok());
        let Some(socket) = made else {
            return self.drive(Input::Closed {
                code: 1006,
                reason: "no socket".into(),
            });
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let on = |inner: &Rc<Self>| (Rc::downgrade(inner), generation);
        let (weak, mine) = on(self);
        let current = move |weak: &std::rc::Weak<Inner>| {
            weak.upgrade()
                .filter(|inner| inner.core.borrow().generation == mine)
        };
        let opened = weak.clone();
        let _open = Closure::<dyn FnMut()>::new(move || {
            if let Some(inner) = current(&opened) {
                inner.drive(Input::Opened);
            }
        });
        let heard = weak.clone();
        let _message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(inner) = current(&heard) {
                inner.message(&event);
            }
        });
        let _close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            if let Some(inner) = current(&weak) {
                inner.drive(Input::Closed {
                    code: event.code(),
                    reason: event.reason(),
                });
                inner.probe();
            }
        });
        socket.set_onopen(Some(_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(_close.as_ref().unchecked_ref()));
        self.core.borrow_mut().socket = Some(Socket {
            socket,
            _open,
            _message,
            _close,
        });
    }

    fn drop_socket(self: &Rc<Self>) {
        let (socket, pending) = {
            let mut core = self.core.borrow_mut();
            core.generation += 1;
            core.book.lost();
            core.names.clear();
            (core.socket.take(), std::mem::take(&mut core.pending))
        };
        for waiting in pending.into_values() {
            if let Pending::Call(call) = waiting {
                let text = "The connection was lost before an answer came. It is not known whether this was done: look at \
                            the list of runs before you try again.";
                answer(&call, Err(Fault::unavailable(text)));
            }
        }
        // We may be inside one of its closures: let it end first.
        spawn_local(async move { drop(socket) });
    }

    fn message(self: &Rc<Self>, event: &MessageEvent) {
        let Ok(buffer) = event.data().dyn_into::<js_sys::ArrayBuffer>() else {
            return;
        };
        let bytes = js_sys::Uint8Array::new(&buffer).to_vec();
        self.core
            .borrow_mut()
            .machine
            .step(Input::Heard, Clock::now_ms(), 0.0);
        let Ok(replies) = codec::decode_replies(Encoding::Protobuf, &bytes) else {
            return self.drive(Input::Closed {
                code: 3501,
                reason: "the server's messages could not be read".into(),
            });
        };
        for reply in replies {
            self.reply(reply);
        }
        self.frame_soon();
        self.flush();
    }

    fn reply(self: &Rc<Self>, reply: Reply) {
        if let Some(push) = reply.push {
            return self.push(push);
        }
        if reply.id == 0 {
            let core = self.core.borrow();
            if core.pong {
                core.write(&Command::default());
            }
            return;
        }
        let waiting = self.core.borrow_mut().pending.remove(&reply.id);
        match waiting {
            Some(Pending::Connect) => self.connected(reply),
            Some(Pending::Subscribe(channel)) => match (reply.subscribe, reply.error) {
                (Some(result), _) => self.subscribed(&channel, &result),
                (None, error) => {
                    self.core.borrow_mut().book.ended(&channel, false);
                    self.deliver(&channel, &Delivery::Refused(&fault(error)));
                }
            },
            Some(Pending::Call(call)) => answer(
                &call,
                match reply.rpc {
                    Some(result) if result.data.is_empty() => Ok(serde_json::Value::Null),
                    Some(result) => serde_json::from_slice(&result.data).map_err(|_| Fault::internal()),
                    None => Err(fault(reply.error)),
                },
            ),
            None => {}
        }
    }

    fn connected(self: &Rc<Self>, reply: Reply) {
        match (reply.connect, reply.error) {
            (Some(result), _) => {
                self.core.borrow_mut().pong = result.pong;
                self.drive(Input::Welcome {
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
        if result.id != 0 {
            self.core.borrow_mut().names.insert(result.id, channel.to_owned());
        }
        self.deliver(channel, &Delivery::Start(result));
    }

    fn push(self: &Rc<Self>, push: Push) {
        let channel = match push.id {
            0 => push.channel,
            id => self.core.borrow().names.get(&id).cloned().unwrap_or_default(),
        };
        if let Some(publication) = &push.publication {
            self.deliver(&channel, &Delivery::Publication(publication));
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
        let sinks = self.core.borrow().sinks.get(channel).cloned().unwrap_or_default();
        for (_, sink) in sinks {
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

    /// One timer for whatever is due first.
    fn arm(self: &Rc<Self>) {
        let core = &mut *self.core.borrow_mut();
        let stale = (!core.machine.is_live() && !core.machine.has_ended()).then(|| Clock::now_ms() + 1000.0);
        let due = [
            core.machine.wake_at(),
            core.book.wake_at().filter(|_| core.machine.is_live()),
            stale,
        ];
        let Some(at) = due.into_iter().flatten().min_by(f64::total_cmp) else {
            return;
        };
        if core.timer.as_ref().is_some_and(|(known, _)| *known <= at) {
            return;
        }
        if let Some((_, handle)) = core.timer.take() {
            handle.clear();
        }
        let wait = Duration::from_millis((at - Clock::now_ms()).clamp(1.0, 60_000.0) as u64);
        let inner = self.clone();
        let handle = set_timeout_with_handle(
            move || {
                inner.core.borrow_mut().timer = None;
                inner.drive(Input::Tick);
                inner.flush();
            },
            wait,
        );
        core.timer = handle.ok().map(|handle| (at, handle));
    }

    /// Once: network and visibility.
    fn watch_page(self: &Rc<Self>) {
        if std::mem::replace(&mut self.core.borrow_mut().watching, true) {
            return;
        }
        let online = Rc::downgrade(self);
        let _ = window_event_listener_untyped("online", move |_| {
            if let Some(inner) = online.upgrade() {
                inner.drive(Input::Awake);
            }
        });
        let weak = Rc::downgrade(self);
        // Bubbles from the document to the window.
        let _ = window_event_listener_untyped("visibilitychange", move |_| {
            let Some(inner) = weak.upgrade() else { return };
            let hidden = document().hidden();
            inner.core.borrow_mut().book.set_hidden(hidden);
            if !hidden {
                inner.drive(Input::Awake);
            }
            inner.flush();
        });
    }

    /// A refused upgrade does not tell its status. When the page itself would now redirect, the session has ended.
    fn probe(self: &Rc<Self>) {
        let attempts = self.core.borrow().machine.attempts();
        if attempts != 1 && !attempts.is_multiple_of(5) {
            return;
        }
        let inner = self.clone();
        spawn_local(async move {
            let init = web_sys::RequestInit::new();
            init.set_method("HEAD");
            init.set_redirect(web_sys::RequestRedirect::Manual);
            let Ok(path) = window().location().pathname() else {
                return;
            };
            let answer =
                wasm_bindgen_futures::JsFuture::from(window().fetch_with_str_and_init(&path, &init)).await;
            let Some(answer) = answer
                .ok()
                .and_then(|answer| answer.dyn_into::<web_sys::Response>().ok())
            else {
                return;
            };
            // With manual redirects the browser reports status 0 for a redirect; 401 is a guard without one.
            if matches!(answer.status(), 0 | 401) {
                inner.drive(Input::SignedOut);
            }
        });
    }
}

impl Core {
    fn send(&mut self, pending: Pending, mut command: Command) {
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        command.id = self.next_id;
        self.pending.insert(command.id, pending);
        self.write(&command);
    }

    fn write(&self, command: &Command) {
        if let Some(socket) = &self.socket {
            let _ = socket
                .socket
                .send_with_u8_array(&codec::encode_command(Encoding::Protobuf, command));
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Unsubscribe { channel } => {
                self.pending
                    .retain(|_, pending| !matches!(pending, Pending::Subscribe(known) if *known == channel));
                self.next_id = self.next_id.checked_add(1).unwrap_or(1);
                let unsubscribe = Some(UnsubscribeRequest { channel });
                self.write(&Command {
                    id: self.next_id,
                    unsubscribe,
                    ..Default::default()
                });
            }
            Order::Subscribe {
                channel,
                options,
                fresh,
            } => {
                let sinks = self.sinks.get(&channel).map(Vec::as_slice).unwrap_or_default();
                let places: Vec<_> = sinks.iter().map(|(_, sink)| sink.position()).collect();
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
                    flag: FLAG_CHANNEL_COMPACTION,
                    ..Default::default()
                };
                let command = Command {
                    subscribe: Some(subscribe),
                    ..Default::default()
                };
                self.send(Pending::Subscribe(channel), command);
            }
        }
    }
}

fn fault(error: Option<farol_model::wire::Error>) -> Fault {
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

fn socket_url() -> Option<String> {
    let location = window().location();
    let scheme = if location.protocol().ok()? == "https:" {
        "wss"
    } else {
        "ws"
    };
    Some(format!(
        "{scheme}://{}/connection/websocket",
        location.host().ok()?
    ))
}

impl Clock {
    pub(super) fn now_ms() -> f64 {
        js_sys::Date::now()
    }

    pub(super) fn every_second(tick: impl Fn() + 'static) -> Self {
        Clock(set_interval_with_handle(tick, Duration::from_secs(1)).ok())
    }
}
