//! The browser's WebSocket with what it calls, and what else only a browser can tell of a connection.

use super::super::badge::Clock;
use leptos::{leptos_dom::helpers::set_interval_with_handle, prelude::*};
use std::time::Duration;
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{BinaryType, CloseEvent, MessageEvent, RequestInit, RequestRedirect, Response, WebSocket};

/// Subprotocol of the Centrifugal client protocol in Protobuf.
const SUBPROTOCOL: &str = "centrifuge-protobuf";

/// An open or opening socket. Dropping it closes it, and nothing of it is heard any more.
pub(super) struct Socket {
    socket: WebSocket,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Opens a socket to the server of this page. `heard` gets each binary message; `closed` the code and the reason.
    pub(super) fn open(
        opened: impl FnMut() + 'static,
        mut heard: impl FnMut(Vec<u8>) + 'static,
        mut closed: impl FnMut(u16, String) + 'static,
    ) -> Option<Self> {
        let socket = WebSocket::new_with_str(&url()?, SUBPROTOCOL).ok()?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let open = Closure::<dyn FnMut()>::new(opened);
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Ok(buffer) = event.data().dyn_into::<js_sys::ArrayBuffer>() {
                heard(js_sys::Uint8Array::new(&buffer).to_vec());
            }
        });
        let close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            closed(event.code(), event.reason());
        });
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        Some(Socket {
            socket,
            _open: open,
            _message: message,
            _close: close,
        })
    }

    /// A socket that cannot send is about to say that it is closed, so a failure needs no answer here.
    pub(super) fn send(&self, message: &[u8]) {
        drop(self.socket.send_with_u8_array(message));
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        drop(self.socket.close());
    }
}

fn url() -> Option<String> {
    let location = window().location();
    let scheme = match location.protocol().ok()?.as_str() {
        "https:" => "wss",
        _ => "ws",
    };
    Some(format!(
        "{scheme}://{}/connection/websocket",
        location.host().ok()?
    ))
}

/// A refused upgrade does not tell its status. When the page itself would now redirect, the session has ended.
pub(super) async fn signed_out() -> bool {
    let init = RequestInit::new();
    init.set_method("HEAD");
    init.set_redirect(RequestRedirect::Manual);
    let Ok(path) = window().location().pathname() else {
        return false;
    };
    let answer = JsFuture::from(window().fetch_with_str_and_init(&path, &init)).await;
    let answer = answer.ok().and_then(|answer| answer.dyn_into::<Response>().ok());
    // With manual redirects the browser reports status 0 for a redirect; 401 is a guard without one.
    answer.is_some_and(|answer| matches!(answer.status(), 0 | 401))
}

impl Clock {
    pub(in crate::live) fn now_ms() -> f64 {
        js_sys::Date::now()
    }

    pub fn every_second(tick: impl Fn() + 'static) -> Self {
        Clock(set_interval_with_handle(tick, Duration::from_secs(1)).ok())
    }
}
