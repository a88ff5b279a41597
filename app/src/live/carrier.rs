//! The connection of the browser build, in Protobuf. Runs what [`Machine`](super::machine::Machine) and
//! [`Book`](super::book::Book) decide and decides nothing itself. Bounds: one connection and one that is tried beside it,
//! one timer, one frame request.

mod heard;
mod socket;
mod traffic;

use super::{
    LiveState, SubscribeOptions,
    badge::Clock,
    ladder::Rung,
    machine::{Effect, Input},
    sink::Sink,
};
use leptos::{leptos_dom::helpers::set_timeout_with_handle, prelude::*};
use socket::{Page, Socket};
use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};
use traffic::{Core, Pending};
use wasm_bindgen_futures::spawn_local;

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
                id = sink.map(|sink| core.list(channel, sink));
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
}

impl Inner {
    fn leave(self: &Rc<Self>, channel: &str, holds: bool, sink: Option<u64>) {
        {
            let core = &mut *self.core.borrow_mut();
            if holds {
                core.book.release(channel, Clock::now_ms());
            }
            if let Some(sink) = sink {
                core.unlist(sink);
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
            core.post();
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
            Effect::Open => {
                let rung = self.core.borrow().machine.rung();
                let socket = self.open(rung);
                self.core.borrow_mut().take_up(socket);
            }
            Effect::Climb => {
                let socket = self.open(Rung::WebSocket);
                self.core.borrow_mut().trial = Some(socket);
            }
            Effect::Slip => discard([self.core.borrow_mut().trial.take(), None]),
            Effect::Subscribe => self.flush(),
            Effect::Drop => {
                discard(self.core.borrow_mut().lost());
                self.probe();
            }
        }
        let state = self.core.borrow().machine.state(now);
        if self.state.try_with_untracked(|known| *known != state) == Some(true) {
            self.state.set(state);
        }
        self.arm();
    }

    fn open(self: &Rc<Self>, rung: Rung) -> Socket {
        let (number, greeting) = self.core.borrow_mut().greeting();
        let weak = Rc::downgrade(self);
        Socket::open(rung, number, &greeting, move |code, bytes| {
            if let Some(inner) = weak.upgrade() {
                inner.heard(number, code, bytes);
            }
        })
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

    /// Once: the carrier of the page before, network and visibility.
    fn watch_page(self: &Rc<Self>) {
        if std::mem::replace(&mut self.core.borrow_mut().watching, true) {
            return;
        }
        self.core.borrow_mut().machine.begin(socket::remembered());
        let online = Rc::downgrade(self);
        let _ = window_event_listener_untyped("online", move |_| {
            if let Some(inner) = online.upgrade() {
                inner.drive(Input::Online);
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

    /// Asks whether the page is still open to this person, and the server there at all.
    fn probe(self: &Rc<Self>) {
        let failure = {
            let core = self.core.borrow();
            if !core.machine.asks() {
                return;
            }
            core.machine.failure()
        };
        let inner = self.clone();
        spawn_local(async move {
            match socket::page().await {
                Page::Open => inner.drive(Input::Reachable(failure)),
                Page::SignedOut => inner.drive(Input::SignedOut),
                Page::Away => inner.drive(Input::Away),
            }
        });
    }
}

/// We may be inside one of its closures: let it end first.
fn discard(sockets: [Option<Socket>; 2]) {
    spawn_local(async move { drop(sockets) });
}
