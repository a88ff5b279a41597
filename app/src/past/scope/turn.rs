//! What is shown: asked for, drawn, moved until the next drawing is there, and written into the address.

use super::{Glass, HANDED};
use crate::{
    browser,
    past::{
        gesture::{Span, with_span},
        scope::{morph, reading},
    },
    prelude::*,
};
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use std::{rc::Rc, time::Duration};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// After the last turn of a wheel or press of a key the address says what is shown.
const SETTLED: Duration = Duration::from_millis(300);

impl Glass {
    /// Asks for what is wanted until it is shown.
    pub(super) fn pull(self: &Rc<Self>) {
        let wanted = self.wanted.borrow().clone();
        if *self.shown.borrow() == wanted || self.asking.replace(true) {
            return;
        }
        let glass = Rc::downgrade(self);
        let answer = (self.ask)(wanted.clone(), self.by_itself.take());
        spawn_local(async move {
            let answer = answer.await;
            if let Some(glass) = glass.upgrade() {
                glass.asking.set(false);
                glass.draw(wanted, answer);
                glass.pull();
            }
        });
    }

    pub(super) fn draw(&self, asked: String, answer: Option<String>) {
        self.shown.replace(asked);
        self.renewed_ms.set(js_sys::Date::now());
        self.stale.set(answer.is_none());
        drop(
            self.root
                .class_list()
                .toggle_with_force("stale", answer.is_none()),
        );
        let drawn = self.root.first_element_child();
        if let (Some(drawn), Some(html)) = (drawn, answer) {
            morph::renew(&drawn, &html);
            browser::local_times();
            self.place(self.span.get());
            self.read();
        }
    }

    /// Whether the server draws what is shown, for any time.
    pub(super) fn is_past(&self) -> bool {
        reading::figures(&self.root).next().is_some()
    }

    /// Moves all drawings so that they show a span; None: each shows what it was drawn for.
    pub(super) fn place(&self, span: Option<Span>) {
        drop(self.root.class_list().toggle_with_force("moving", span.is_some()));
        let base = self.gesture.borrow().as_ref().map(|gesture| gesture.span);
        for ink in reading::all(&self.root, ".plot-ink, .plot-canvas") {
            let drawn = ink
                .parent_element()
                .and_then(|plot| reading::span_of(&plot))
                .or(base);
            let moved = span.zip(drawn).map(|(span, drawn)| {
                let (left, times) = (span.share(drawn.from) * 100.0, drawn.length() / span.length());
                format!("translateX({left:.3}%) scaleX({times:.5})")
            });
            if let Ok(ink) = ink.dyn_into::<HtmlElement>() {
                drop(ink.style().set_property("transform", &moved.unwrap_or_default()));
            }
        }
    }

    /// Shows a span, before the address says so.
    pub(super) fn show(self: &Rc<Self>, span: Span) {
        let span = span.kept(js_sys::Date::now());
        self.span.set(Some(span));
        self.place(Some(span));
        if self.is_past() {
            let query = with_span(&self.wanted.borrow(), span);
            self.wanted.replace(query);
            self.pull();
        }
    }

    /// What is shown goes into the address.
    pub(super) fn settle(&self) {
        let Some(span) = self.span.take() else { return };
        self.visit(span);
        // A live page is taken over by that of the past; until then it stays where it was moved to.
        if self.is_past() && *self.shown.borrow() == *self.wanted.borrow() {
            self.place(None);
        }
    }

    /// Goes to a span. What is in the address already is not visited again.
    pub(super) fn visit(&self, span: Span) {
        let Ok(location) = window().location().pathname() else {
            return;
        };
        let query = with_span(&self.addressed.borrow(), span);
        if query == *self.addressed.borrow() {
            return;
        }
        let address = location + &query;
        self.depth.set(self.depth.get() + 1);
        HANDED.set(self.depth.get());
        let options = NavigateOptions {
            scroll: false,
            ..NavigateOptions::default()
        };
        (self.go)(&address, options);
    }

    /// Settles when nothing else has come for a while.
    pub(super) fn settle_soon(self: &Rc<Self>) {
        let turn = self.turns.get() + 1;
        self.turns.set(turn);
        let glass = Rc::downgrade(self);
        set_timeout(
            move || {
                if let Some(glass) = glass.upgrade()
                    && glass.turns.get() == turn
                {
                    glass.settle();
                }
            },
            SETTLED,
        );
    }

    /// What was moved but is not in the address yet goes back to where it was.
    pub(super) fn revert(self: &Rc<Self>) {
        if self.span.take().is_some() {
            self.wanted.replace(self.addressed.borrow().clone());
            self.place(None);
            self.pull();
        }
    }

    /// Back to the range before, when it was chosen here.
    pub(super) fn back(&self) {
        let depth = self.depth.get();
        if depth > 0 {
            self.depth.set(depth - 1);
            if let Ok(history) = window().history() {
                drop(history.back());
            }
        }
    }
}
