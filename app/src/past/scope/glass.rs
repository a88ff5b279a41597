//! The scope in the browser: events become spans, spans become addresses, addresses are asked for and drawn. One listener serves
//! every chart of the page.

use super::{Ask, morph, reading};
use crate::{
    browser,
    charts::interact::use_crosshair,
    past::gesture::{Span, follows, with_span},
    prelude::*,
    ui::{Tone, toast::Toasts},
};
use leptos::{html, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event, HtmlElement, KeyboardEvent, PointerEvent, WheelEvent};

/// What is listened to.
const EVENTS: [&str; 10] = [
    "pointerdown",
    "pointermove",
    "pointerup",
    "pointercancel",
    "pointerleave",
    "wheel",
    "dblclick",
    "keydown",
    "focusout",
    "click",
];
/// A pointer that moved less than so many pixels has not been dragged.
const STILL: f64 = 4.0;
/// After the last turn of a wheel or press of a key the address says what is shown.
const SETTLED: Duration = Duration::from_millis(300);
/// How often it is looked whether something is to be renewed.
const TICK: Duration = Duration::from_secs(1);

struct Glass {
    root: HtmlElement,
    ask: Ask,
    /// The query that is to be shown, and the one that is.
    wanted: RefCell<String>,
    shown: RefCell<String>,
    asking: Cell<bool>,
    renewed_ms: Cell<f64>,
    /// What is shown while it is not yet in the address.
    span: Cell<Option<Span>>,
    gesture: RefCell<Option<Gesture>>,
    /// Counts what is to settle: only the last one does.
    turns: Cell<u32>,
    /// Ranges that were chosen here: so many steps one can go back.
    depth: Cell<u32>,
    pointed: RefCell<Option<Element>>,
    cross: RwSignal<Option<f64>>,
    go: Box<dyn Fn(&str, NavigateOptions)>,
    toasts: Option<Toasts>,
}

/// A gesture that is under way, over a plot that showed a span when it began.
struct Gesture {
    plot: Element,
    span: Span,
    /// Pointers with where they went down and where they are, as shares of the plot.
    pointers: Vec<(i32, f64, f64)>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Select,
    Pan,
    /// A finger that reads until a second one comes.
    Touch,
}

pub(super) fn mount(root: NodeRef<html::Div>, query: Memo<String>, subject: fn(&str) -> String, ask: Ask) {
    let glass = StoredValue::new_local(None::<(Rc<Glass>, Closure<dyn FnMut(Event)>)>);
    let cross = use_crosshair().0;
    let go = use_navigate();
    let toasts = use_context::<Toasts>();
    let first = query.get_untracked();
    let about = subject(&first);
    let ticking = StoredValue::new(None::<IntervalHandle>);
    effect(move || {
        let Some(root) = root.get() else { return };
        let go = go.clone();
        let made = Rc::new(Glass {
            root: (*root).clone(),
            ask: ask.clone(),
            wanted: RefCell::new(first.clone()),
            shown: RefCell::new(first.clone()),
            asking: Cell::new(false),
            renewed_ms: Cell::new(js_sys::Date::now()),
            span: Cell::new(None),
            gesture: RefCell::default(),
            turns: Cell::new(0),
            depth: Cell::new(0),
            pointed: RefCell::default(),
            cross,
            go: Box::new(move |address, options| go(address, options)),
            toasts,
        });
        let weak = Rc::downgrade(&made);
        let heard = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            if let Some(glass) = weak.upgrade() {
                glass.hear(&event);
            }
        });
        for name in EVENTS {
            // Fails for no element.
            drop(
                made.root
                    .add_event_listener_with_callback(name, heard.as_ref().unchecked_ref()),
            );
        }
        let weak = Rc::downgrade(&made);
        ticking.set_value(set_interval_with_handle(move || tick(&weak), TICK).ok());
        glass.set_value(Some((made, heard)));
    });
    let with = move |act: fn(&Rc<Glass>)| {
        glass.with_value(|glass| {
            if let Some((glass, _)) = glass {
                act(glass);
            }
        });
    };
    effect(move || {
        let query = query.get();
        if subject(&query) == about {
            glass.with_value(|glass| {
                if let Some((glass, _)) = glass {
                    glass.wanted.replace(query);
                }
            });
            with(Glass::pull);
        }
    });
    effect(move || {
        cross.track();
        with(|glass| glass.read());
    });
    on_cleanup(move || {
        if let Some(Some((glass, heard))) = glass.try_update_value(Option::take) {
            for name in EVENTS {
                let heard = heard.as_ref().unchecked_ref();
                drop(glass.root.remove_event_listener_with_callback(name, heard));
            }
        }
        if let Some(Some(ticking)) = ticking.try_get_value() {
            ticking.clear();
        }
    });
}

/// Renews what follows the clock, when it is seen and its time has come.
fn tick(glass: &Weak<Glass>) {
    let Some(glass) = glass.upgrade() else { return };
    let every = glass.root.query_selector("[data-every]").ok().flatten();
    let every = every.and_then(|bar| reading::number(&bar, "data-every"));
    let due = every.is_some_and(|every| js_sys::Date::now() - glass.renewed_ms.get() >= every);
    let busy = glass.gesture.borrow().is_some() || glass.span.get().is_some();
    if due && !busy && !document().hidden() && follows(&glass.wanted.borrow()) {
        glass.shown.borrow_mut().clear();
        glass.pull();
    }
}

impl Glass {
    /// Asks for what is wanted until it is shown.
    fn pull(self: &Rc<Self>) {
        let wanted = self.wanted.borrow().clone();
        if *self.shown.borrow() == wanted || self.asking.replace(true) {
            return;
        }
        let glass = Rc::downgrade(self);
        let answer = (self.ask)(wanted.clone());
        spawn_local(async move {
            let answer = answer.await;
            if let Some(glass) = glass.upgrade() {
                glass.asking.set(false);
                glass.draw(wanted, answer);
                glass.pull();
            }
        });
    }

    fn draw(&self, asked: String, answer: Option<String>) {
        self.shown.replace(asked);
        self.renewed_ms.set(js_sys::Date::now());
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
    fn is_past(&self) -> bool {
        reading::figures(&self.root).next().is_some()
    }

    /// Moves all drawings so that they show a span; None: each shows what it was drawn for.
    fn place(&self, span: Option<Span>) {
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
    fn show(self: &Rc<Self>, span: Span) {
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
    fn settle(&self) {
        let Some(span) = self.span.take() else { return };
        self.visit(span);
        // A live page is taken over by that of the past; until then it stays where it was moved to.
        if self.is_past() && *self.shown.borrow() == *self.wanted.borrow() {
            self.place(None);
        }
    }

    fn visit(&self, span: Span) {
        let Ok(location) = window().location().pathname() else {
            return;
        };
        let address = location + &with_span(&self.wanted.borrow(), span);
        self.depth.set(self.depth.get() + 1);
        let options = NavigateOptions {
            scroll: false,
            ..NavigateOptions::default()
        };
        (self.go)(&address, options);
    }

    /// Settles when nothing else has come for a while.
    fn settle_soon(self: &Rc<Self>) {
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

    /// Back to the range before, or out of the past.
    fn back(&self) {
        let depth = self.depth.get();
        if depth > 0 {
            self.depth.set(depth - 1);
            if let Ok(history) = window().history() {
                drop(history.back());
            }
        }
    }

    fn read(&self) {
        reading::show(
            &self.root,
            self.cross.get_untracked(),
            self.pointed.borrow().as_ref(),
        );
    }

    /// The crosshair of charts that the server drew; live ones have their own.
    fn point(&self, plot: Option<&Element>, at: Option<f64>) {
        if plot.is_none() && self.pointed.borrow().is_none() {
            return;
        }
        self.pointed.replace(plot.cloned());
        if self.cross.get_untracked() != at {
            self.cross.set(at);
        }
    }

    fn hear(self: &Rc<Self>, event: &Event) {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let Some(target) = target else { return };
        let plot = target.closest(".plot").ok().flatten();
        let name = event.type_();
        if let Some(pointer) = event
            .dyn_ref::<PointerEvent>()
            .filter(|_| name.starts_with("pointer"))
        {
            self.pointer(&name, pointer, plot);
        } else if name == "click" {
            self.copy(event, &target);
        } else if name == "focusout" {
            self.point(None, None);
        } else if let Some(plot) = plot {
            if name == "dblclick" {
                self.back();
            } else if let Some(wheel) = event.dyn_ref::<WheelEvent>() {
                self.wheel(wheel, &plot);
            } else if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
                self.key(key, &plot);
            }
        }
    }

    /// What a plot shows now.
    fn now(&self, plot: &Element) -> Option<Span> {
        self.span.get().or_else(|| reading::span_of(plot))
    }

    fn pointer(self: &Rc<Self>, name: &str, event: &PointerEvent, plot: Option<Element>) {
        let (id, touch) = (event.pointer_id(), event.pointer_type() == "touch");
        match name {
            "pointerdown" => {
                let Some(plot) = plot.filter(|_| event.button() == 0) else {
                    return;
                };
                let share = share(&plot, event.client_x());
                let mut gesture = self.gesture.borrow_mut();
                if let Some(gesture) = gesture.as_mut() {
                    gesture.pointers.push((id, share, share));
                    return;
                }
                let Some(span) = self.now(&plot) else { return };
                if !touch {
                    // So that the gesture goes on outside of the plot; the pointer is down, so it can be had.
                    drop(plot.set_pointer_capture(id));
                }
                let kind = match (touch, event.shift_key()) {
                    (true, _) => Kind::Touch,
                    (_, true) => Kind::Pan,
                    _ => Kind::Select,
                };
                let pointers = vec![(id, share, share)];
                *gesture = Some(Gesture {
                    plot,
                    span,
                    pointers,
                    kind,
                });
            }
            "pointermove" => self.moved(event, plot),
            "pointerup" => self.released(id, true),
            "pointercancel" => self.released(id, false),
            _ => self.point(None, None),
        }
    }

    fn moved(self: &Rc<Self>, event: &PointerEvent, plot: Option<Element>) {
        let mut shown = None;
        if let Some(gesture) = self.gesture.borrow_mut().as_mut() {
            let share = share(&gesture.plot, event.client_x());
            for pointer in gesture
                .pointers
                .iter_mut()
                .filter(|(id, ..)| *id == event.pointer_id())
            {
                pointer.2 = share;
            }
            match (gesture.kind, &gesture.pointers[..]) {
                (Kind::Select, [(_, from, to)]) => self.band(Some((*from, *to))),
                (Kind::Pan, [(_, from, to)]) => shown = Some(gesture.span.moved(from - to)),
                (_, [(_, from, to), (_, from_too, to_too), ..]) => {
                    shown = Some(gesture.span.held([*from, *from_too], [*to, *to_too]));
                }
                _ => {}
            }
        }
        if let Some(span) = shown {
            return self.show(span);
        }
        let still = plot.filter(|plot| plot.closest(".still").is_ok_and(|figure| figure.is_some()));
        let at = still.as_ref().and_then(|plot| {
            let at = reading::span_of(plot)?.at(share(plot, event.client_x()));
            reading::snapped(plot, at, 0.0)
        });
        self.point(still.as_ref(), at);
    }

    fn released(self: &Rc<Self>, id: i32, done: bool) {
        let Some(gesture) = self.gesture.take() else {
            return;
        };
        self.band(None);
        if gesture.kind == Kind::Touch && gesture.pointers.len() == 1 {
            return;
        }
        let dragged = gesture.pointers.iter().find(|(pointer, ..)| *pointer == id);
        let far = STILL / f64::from(gesture.plot.client_width().max(1));
        if let Some((_, from, to)) = dragged.filter(|(_, from, to)| done && (from - to).abs() > far)
            && gesture.kind == Kind::Select
        {
            let (from, to) = (gesture.span.at(from.min(*to)), gesture.span.at(from.max(*to)));
            self.visit(Span { from, to }.kept(js_sys::Date::now()));
        }
        self.settle();
    }

    /// Marks what is being chosen, in all plots.
    fn band(&self, chosen: Option<(f64, f64)>) {
        for plot in reading::all(&self.root, ".plot") {
            let Some(band) = reading::own(&plot, "plot-band") else {
                continue;
            };
            band.set_hidden(chosen.is_none());
            if let Some((from, to)) = chosen {
                let (left, right) = (from.min(to).max(0.0), from.max(to).min(1.0));
                reading::put(&band, "left", left);
                reading::put(&band, "width", right - left);
            }
        }
    }

    /// With Ctrl or by two fingers on a pad it zooms, sideways or with Shift it pans; else the page scrolls as ever.
    fn wheel(self: &Rc<Self>, event: &WheelEvent, plot: &Element) {
        let Some(span) = self.now(plot) else { return };
        let (x, y) = (event.delta_x(), event.delta_y());
        // Lines instead of pixels.
        let unit = if event.delta_mode() == 0 { 1.0 } else { 16.0 };
        let next = if event.ctrl_key() || event.meta_key() {
            span.zoomed(
                share(plot, event.client_x()),
                js_sys::Math::exp((y * unit / 300.0).clamp(-1.0, 1.0)),
            )
        } else if event.shift_key() || x.abs() > y.abs() {
            let by = if x == 0.0 { y } else { x };
            span.moved(by * unit / f64::from(plot.client_width().max(1)))
        } else {
            return;
        };
        event.prevent_default();
        self.show(next);
        self.settle_soon();
    }

    fn key(self: &Rc<Self>, event: &KeyboardEvent, plot: &Element) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let key = event.key();
        let next = self.now(plot).and_then(|span| span.key(&key, event.shift_key()));
        let by = match key.as_str() {
            "ArrowLeft" => -1.0,
            "ArrowRight" => 1.0,
            "PageUp" => -10.0,
            "PageDown" => 10.0,
            _ => 0.0,
        };
        if let Some(span) = next {
            self.show(span);
            self.settle_soon();
        } else if key == "Backspace" {
            self.back();
        } else if key == "Escape" {
            self.gesture.take();
            self.band(None);
            return self.point(None, None);
        } else if by != 0.0
            && let Some(at) = self.step(plot, by)
        {
            self.point(Some(plot), Some(at));
        } else {
            return;
        }
        event.prevent_default();
    }

    /// The next point in a chart that the server drew, by key.
    fn step(&self, plot: &Element, by: f64) -> Option<f64> {
        let span = reading::span_of(plot)?;
        plot.closest(".still").ok()??;
        let at = reading::snapped(plot, self.cross.get_untracked().unwrap_or(span.to), by)?;
        Some(at.clamp(span.from, span.to))
    }

    /// What has `data-copy` copies it instead of going there; what has `data-full` fills the screen with its chart.
    fn copy(&self, event: &Event, target: &Element) -> Option<()> {
        let what = target.closest("[data-copy]").ok()??;
        let address = what.get_attribute("data-copy")?;
        let address = window().location().origin().ok()? + &address;
        // Only pages that came safely may write there; on others the link is followed.
        if !window().is_secure_context() {
            return None;
        }
        event.prevent_default();
        drop(window().navigator().clipboard().write_text(&address));
        self.toasts?.say(Tone::Ok, "Copied", address);
        Some(())
    }
}

/// Where a pointer stands over a plot, beyond 0 and 1 too.
fn share(plot: &Element, client_x: i32) -> f64 {
    let rect = plot.get_bounding_client_rect();
    (f64::from(client_x) - rect.left()) / rect.width().max(1.0)
}
