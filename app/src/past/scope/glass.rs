//! The scope in the browser: events become spans, spans become addresses, addresses are asked for and drawn. One listener serves
//! every chart of the page.
//!
//! `hear` takes events, `turn` shows and draws, [`reading`](super::reading) is the crosshair.

#[path = "hear.rs"]
mod hear;
#[path = "turn.rs"]
mod turn;

use super::{Ask, reading};
use crate::{
    charts::interact::use_crosshair,
    past::gesture::{Span, follows},
    prelude::*,
    ui::toast::Toasts,
};
use leptos::html;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};
use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    time::Duration,
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event, HtmlElement};

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
/// How long after it did not answer the server is asked again, milliseconds.
const AGAIN_MS: f64 = 2000.0;
/// How often it is looked whether something is to be renewed.
const TICK: Duration = Duration::from_secs(1);

thread_local! {
    /// Steps of a page that is drawn anew because somebody here went from live into the past: its next scope goes back over them.
    static HANDED: Cell<u32> = const { Cell::new(0) };
}

/// Goes to an address of the app.
type Go = Box<dyn Fn(&str, NavigateOptions)>;

struct Glass {
    root: HtmlElement,
    ask: Ask,
    /// The query that is to be shown, and the one that is.
    wanted: RefCell<String>,
    shown: RefCell<String>,
    /// What the address says.
    addressed: RefCell<String>,
    asking: Cell<bool>,
    /// The next question is nobody's.
    by_itself: Cell<bool>,
    renewed_ms: Cell<f64>,
    /// The server did not answer to the last question.
    stale: Cell<bool>,
    /// What is shown while it is not yet in the address.
    span: Cell<Option<Span>>,
    gesture: RefCell<Option<Gesture>>,
    /// Counts what is to settle: only the last one does.
    turns: Cell<u32>,
    /// Ranges that were chosen here: so many steps one can go back.
    depth: Cell<u32>,
    pointed: RefCell<Option<Element>>,
    cross: RwSignal<Option<f64>>,
    go: Go,
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
    let depth = HANDED.take();
    let ticking = StoredValue::new(None::<IntervalHandle>);
    effect(move || {
        let Some(root) = root.get() else { return };
        let go = go.clone();
        let made = Rc::new(Glass {
            root: (*root).clone(),
            ask: ask.clone(),
            wanted: RefCell::new(first.clone()),
            shown: RefCell::new(first.clone()),
            addressed: RefCell::new(first.clone()),
            asking: Cell::new(false),
            by_itself: Cell::new(false),
            stale: Cell::new(false),
            renewed_ms: Cell::new(js_sys::Date::now()),
            span: Cell::new(None),
            gesture: RefCell::default(),
            turns: Cell::new(0),
            depth: Cell::new(depth),
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
    let with = move |act: &dyn Fn(&Rc<Glass>)| {
        glass.with_value(|glass| {
            if let Some((glass, _)) = glass {
                act(glass);
            }
        });
    };
    let path = use_location().pathname;
    let here = path.get_untracked();
    effect(move || {
        let query = query.get();
        // The query of another page is here before that page is.
        if path.get_untracked() == here && subject(&query) == about {
            HANDED.set(0);
            with(&|glass| {
                glass.wanted.replace(query.clone());
                glass.addressed.replace(query.clone());
                glass.pull();
            });
        }
    });
    effect(move || {
        cross.track();
        with(&|glass| glass.read());
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

/// Renews what follows the clock when its time has come, and asks again what was not answered; while it is seen.
fn tick(glass: &Weak<Glass>) {
    let Some(glass) = glass.upgrade() else { return };
    let bar = glass.root.query_selector("[data-every]").ok().flatten();
    let every = match glass.stale.get() {
        true => Some(AGAIN_MS),
        false => bar
            .filter(|_| follows(&glass.wanted.borrow()))
            .and_then(|bar| reading::number(&bar, "data-every")),
    };
    let due = every.is_some_and(|every| js_sys::Date::now() - glass.renewed_ms.get() >= every);
    let busy = glass.gesture.borrow().is_some() || glass.span.get().is_some();
    if due && !busy && !document().hidden() {
        glass.shown.borrow_mut().clear();
        glass.by_itself.set(true);
        glass.pull();
    }
}
