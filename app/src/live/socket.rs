//! One connection in the browser over any of the carriers, and what else only a browser can tell of a connection. The
//! carriers themselves are script (`dial.js`): there they take a tenth of the bytes that bindings to each interface would.

use super::super::{badge::Clock, ladder::Rung};
use leptos::leptos_dom::helpers::set_interval_with_handle;
use std::time::Duration;
use wasm_bindgen::{JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

type Events = dyn FnMut(u16, Vec<u8>);

#[wasm_bindgen(module = "/src/live/dial.js")]
extern "C" {
    type Line;
    fn dial(rung: u8, connect: &[u8], on: &Closure<Events>) -> Line;
    #[wasm_bindgen(method)]
    fn send(this: &Line, message: &[u8]);
    #[wasm_bindgen(method)]
    fn close(this: &Line);
    fn probe() -> js_sys::Promise;
    fn recall() -> u8;
    fn keep(rung: u8);
}

/// An open or opening connection. Dropping it closes it, and nothing of it is heard any more.
pub(super) struct Socket {
    pub rung: Rung,
    /// Id of its connect command, which no other connection of this page has.
    pub number: u32,
    line: Line,
    _on: Closure<Events>,
}

impl Socket {
    /// Opens a connection to the server of this page and sends the connect command. `on` gets code 0 with bytes that
    /// arrived, and once, as the last, another code with the reason; never before this has returned.
    pub(super) fn open(
        rung: Rung,
        number: u32,
        connect: &[u8],
        on: impl FnMut(u16, Vec<u8>) + 'static,
    ) -> Self {
        let on = Closure::<Events>::new(on);
        Socket {
            rung,
            number,
            line: dial(rung as u8, connect, &on),
            _on: on,
        }
    }

    /// A connection that cannot send is about to say that it is over, so a failure needs no answer here.
    pub(super) fn send(&self, message: &[u8]) {
        self.line.send(message);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.line.close();
    }
}

/// How the server answers for the page itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Open,
    /// The session has ended.
    SignedOut,
    /// Nobody answers, or only a proxy.
    Away,
}

/// A refused upgrade does not tell its status, so the page is asked for.
pub(super) async fn page() -> Page {
    let status = JsFuture::from(probe())
        .await
        .ok()
        .as_ref()
        .and_then(JsValue::as_f64);
    match status {
        // With manual redirects the browser reports status 0 for a redirect; 401 is a guard without one.
        Some(0.0 | 401.0) => Page::SignedOut,
        Some(status) if status < 500.0 => Page::Open,
        _ => Page::Away,
    }
}

/// The carrier that worked last in this tab.
pub(super) fn remembered() -> Rung {
    Rung::of(recall())
}

/// Keeps the carrier for the next time that this tab loads a page.
pub(super) fn remember(rung: Rung) {
    keep(rung as u8);
}

impl Clock {
    pub(in crate::live) fn now_ms() -> f64 {
        js_sys::Date::now()
    }

    pub fn every_second(tick: impl Fn() + 'static) -> Self {
        Clock(set_interval_with_handle(tick, Duration::from_secs(1)).ok())
    }
}

#[cfg(test)]
mod tests {
    //! The page of these tests is served by somebody who knows no live connection and answers 404.
    use super::*;
    use js_sys::Promise;
    use std::{cell::RefCell, rc::Rc};
    use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

    wasm_bindgen_test_configure!(run_in_browser);

    const RUNGS: [Rung; 3] = [Rung::WebSocket, Rung::HttpStream, Rung::Sse];

    type Seen = Rc<RefCell<Vec<(u16, Vec<u8>)>>>;

    /// A connection, what it says, and a promise of its first word.
    fn listen(rung: Rung) -> (Socket, Seen, Promise) {
        let seen = Seen::default();
        let kept = seen.clone();
        let mut opened = None;
        let first = Promise::new(&mut |resolve, _| {
            let kept = kept.clone();
            opened = Some(Socket::open(rung, 1, &[2, 8, 1], move |code, bytes| {
                kept.borrow_mut().push((code, bytes));
                let _ = resolve.call0(&JsValue::NULL);
            }));
        });
        (opened.unwrap(), seen, first)
    }

    async fn pause(milliseconds: i32) {
        let promise = Promise::new(&mut |resolve, _| {
            leptos::prelude::window()
                .set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds)
                .unwrap();
        });
        JsFuture::from(promise).await.unwrap();
    }

    #[wasm_bindgen_test]
    async fn each_carrier_tells_once_that_nobody_takes_it() {
        for rung in RUNGS {
            let (socket, seen, first) = listen(rung);
            assert!(seen.borrow().is_empty(), "not before it is there");
            JsFuture::from(first).await.unwrap();
            socket.send(&[1]);
            pause(200).await;
            assert_eq!(*seen.borrow(), [(1006, vec![])], "{rung:?}");
        }
    }

    #[wasm_bindgen_test]
    async fn a_dropped_connection_is_heard_no_more() {
        for rung in RUNGS {
            let (socket, seen, _) = listen(rung);
            drop(socket);
            pause(200).await;
            assert!(seen.borrow().is_empty(), "{rung:?}");
        }
    }

    #[wasm_bindgen_test]
    async fn a_page_that_is_there_is_open_and_the_carrier_that_worked_is_remembered() {
        assert_eq!(page().await, Page::Open);
        assert_eq!(remembered(), Rung::WebSocket);
        remember(Rung::Sse);
        assert_eq!(remembered(), Rung::Sse);
        remember(Rung::WebSocket);
    }
}
