//! The canvas of a chart in the browser: when it is painted and how large. Painted only while on screen, after a change, and
//! all charts in one animation frame.

use super::{
    canvas::{Canvas, Palette},
    scale::{Draw, Hidden},
};
use crate::live::{ChannelHandle, Subscription};
use crate::prelude::*;
use leptos::html;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    CanvasRenderingContext2d, HtmlCanvasElement, IntersectionObserver, IntersectionObserverEntry,
    ResizeObserver,
};

/// The parts of a chart that the stage works on.
pub(super) struct Stage {
    /// What the server drew; the canvas follows it in the document.
    pub ink: NodeRef<html::Div>,
    pub line: Option<NodeRef<html::Div>>,
    pub handle: ChannelHandle,
    pub hidden: RwSignal<Hidden>,
    pub share: Memo<Option<f64>>,
}

/// Takes over from what the server drew, when the canvas is in the page.
pub(super) fn mount(stage: Stage, draw: Draw) {
    let Stage {
        ink,
        line,
        handle,
        hidden,
        share,
    } = stage;
    let painter = StoredValue::new_local(None::<Rc<Painter>>);
    effect(move || {
        let Some(ink) = ink.get() else { return };
        let canvas = ink.next_element_sibling();
        let Some(canvas) = canvas.and_then(|canvas| canvas.dyn_into::<HtmlCanvasElement>().ok()) else {
            return;
        };
        let Some(made) = Painter::new(canvas, draw.clone()) else {
            return;
        };
        // Painted before the drawing goes: no frame is empty.
        made.paint();
        ink.set_inner_html("");
        made.watch(handle);
        painter.set_value(Some(made));
    });
    effect(move || {
        handle.tick.track();
        hidden.track();
        painter.with_value(|painter| {
            if let Some(painter) = painter {
                painter.request();
            }
        });
    });
    if let Some(line) = line {
        effect(move || {
            if let (Some(line), Some(share)) = (line.get(), share.get()) {
                let _ = web_sys::HtmlElement::style(&line)
                    .set_property("left", &format!("{:.3}%", share * 100.0));
            }
        });
    }
    on_cleanup(move || {
        if let Some(Some(painter)) = painter.try_update_value(Option::take) {
            painter.end();
        }
    });
}

/// The server has drawn what comes first, and a chart that is made here is painted before its first frame.
pub(super) fn still(_: &Draw, _: (u32, u32)) -> String {
    String::new()
}

/// Where a pointer stands over the plot, 0 to 1.
pub(super) fn share_of(plot: NodeRef<html::Div>, client_x: i32) -> Option<f64> {
    let rect = plot.get_untracked()?.get_bounding_client_rect();
    (rect.width() > 0.0).then(|| ((f64::from(client_x) - rect.left()) / rect.width()).clamp(0.0, 1.0))
}

/// Says in the document which time a plot shows, milliseconds.
pub(super) fn say_span(plot: NodeRef<html::Div>, from_ms: i64, to_ms: i64) {
    if let Some(plot) = plot.get_untracked() {
        // Setting an attribute on an element that exists cannot fail.
        drop(plot.set_attribute("data-from", &from_ms.to_string()));
        drop(plot.set_attribute("data-to", &to_ms.to_string()));
    }
}

struct Painter {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
    draw: Draw,
    on_screen: Cell<bool>,
    queued: Cell<bool>,
    observers: RefCell<Option<Observers>>,
    /// Held while on screen.
    subscription: RefCell<Option<Subscription>>,
}

struct Observers {
    resize: ResizeObserver,
    intersection: IntersectionObserver,
    _resized: Closure<dyn FnMut()>,
    _crossed: Closure<dyn FnMut(js_sys::Array)>,
}

thread_local! {
    /// Charts that are painted in the next frame; each at most once.
    static QUEUE: RefCell<Vec<Rc<Painter>>> = const { RefCell::new(Vec::new()) };
    /// Colours and the theme that they were read under.
    static PALETTE: RefCell<(String, Palette)> = RefCell::default();
}

impl Painter {
    fn new(canvas: HtmlCanvasElement, draw: Draw) -> Option<Rc<Self>> {
        let context = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        Some(Rc::new(Painter {
            canvas,
            context,
            draw,
            on_screen: Cell::new(true),
            queued: Cell::new(false),
            observers: RefCell::default(),
            subscription: RefCell::default(),
        }))
    }

    fn request(self: &Rc<Self>) {
        if !self.on_screen.get() || self.queued.replace(true) {
            return;
        }
        let first = QUEUE.with_borrow_mut(|queue| {
            queue.push(self.clone());
            queue.len() == 1
        });
        if first {
            request_animation_frame(|| {
                for painter in QUEUE.take() {
                    painter.queued.set(false);
                    painter.paint();
                }
            });
        }
    }

    fn paint(&self) {
        let ratio = window().device_pixel_ratio().clamp(1.0, 4.0);
        let pixels = |length: i32| (f64::from(length) * ratio).round() as u32;
        let size = (
            pixels(self.canvas.client_width()),
            pixels(self.canvas.client_height()),
        );
        if size.0 == 0 || size.1 == 0 {
            return;
        }
        // Setting the size clears; setting it each time would also reallocate.
        if (self.canvas.width(), self.canvas.height()) != size {
            self.canvas.set_width(size.0);
            self.canvas.set_height(size.1);
        }
        self.context
            .clear_rect(0.0, 0.0, f64::from(size.0), f64::from(size.1));
        if let Some(drawing) = (self.draw)(self.canvas.client_width().unsigned_abs()) {
            let palette = palette(&self.canvas);
            let canvas = Canvas {
                context: &self.context,
                palette: &palette,
                size,
                ratio,
            };
            canvas.paint(&drawing);
        }
    }

    fn watch(self: &Rc<Self>, handle: ChannelHandle) {
        let weak = Rc::downgrade(self);
        let _resized = Closure::<dyn FnMut()>::new(move || {
            if let Some(painter) = weak.upgrade() {
                painter.request();
            }
        });
        let weak = Rc::downgrade(self);
        let owner = Owner::current();
        let _crossed = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            let Some(painter) = weak.upgrade() else { return };
            let entry = entries
                .get(entries.length().saturating_sub(1))
                .dyn_into::<IntersectionObserverEntry>();
            let on_screen = entry.is_ok_and(|entry| entry.is_intersecting());
            painter.on_screen.set(on_screen);
            let hold = || match &owner {
                Some(owner) => owner.with(|| handle.hold()),
                None => None,
            };
            let before = painter
                .subscription
                .replace(if on_screen { hold() } else { None });
            drop(before);
            painter.request();
        });
        let resize = ResizeObserver::new(_resized.as_ref().unchecked_ref());
        let intersection = IntersectionObserver::new(_crossed.as_ref().unchecked_ref());
        if let (Ok(resize), Ok(intersection)) = (resize, intersection) {
            resize.observe(&self.canvas);
            intersection.observe(&self.canvas);
            let observers = Observers {
                resize,
                intersection,
                _resized,
                _crossed,
            };
            *self.observers.borrow_mut() = Some(observers);
        }
    }

    fn end(&self) {
        if let Some(observers) = self.observers.borrow_mut().take() {
            observers.resize.disconnect();
            observers.intersection.disconnect();
        }
        self.subscription.borrow_mut().take();
        self.on_screen.set(false);
    }
}

/// The theme's colours. Which theme it is is cheap to ask; what its colours are is not.
fn palette(canvas: &HtmlCanvasElement) -> Palette {
    let root = document().document_element();
    let named = root
        .and_then(|root| root.get_attribute("data-theme"))
        .unwrap_or_default();
    let dark = window()
        .match_media("(prefers-color-scheme: dark)")
        .ok()
        .flatten()
        .is_some_and(|query| query.matches());
    let theme = format!("{named}/{dark}");
    PALETTE.with_borrow_mut(|(known, palette)| {
        if *known != theme
            && let Ok(Some(style)) = window().get_computed_style(canvas)
        {
            let read = |name: &str| {
                style
                    .get_property_value(name)
                    .unwrap_or_default()
                    .trim()
                    .to_owned()
            };
            palette.grid = read("--line");
            palette.mark = read("--ink-2");
            palette.mixed = read("--ink-3");
            palette.up = read("--ok");
            palette.down = read("--crit");
            palette.series = (1..=8)
                .map(|number| read(&format!("--series-{number}")))
                .collect();
            *known = theme;
        }
        palette.clone()
    })
}
