//! What is heard: pointers, fingers, wheels and keys over the charts of a page.

use super::{Gesture, Glass, Kind};
use crate::{
    past::{gesture::Span, scope::reading},
    prelude::*,
    ui::Tone,
};
use leptos::task::spawn_local;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, KeyboardEvent, MouseEvent, PointerEvent, WheelEvent};

/// A pointer that moved less than so many pixels has not been dragged.
const STILL: f64 = 4.0;

impl Glass {
    pub(super) fn read(&self) {
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

    pub(super) fn hear(self: &Rc<Self>, event: &Event) {
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
        } else if let Some(click) = event.dyn_ref::<MouseEvent>().filter(|_| name == "click") {
            if target.closest("[data-full]").is_ok_and(|full| full.is_some()) {
                self.full();
            }
            self.copy(click, &target);
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
            // What a wheel has moved before is chosen from, not gone to.
            self.span.set(None);
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
        } else if key == "f" {
            self.full();
        } else if key == "Escape" {
            self.gesture.take();
            self.band(None);
            self.revert();
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

    /// The charts of the page on the whole screen, or back. Where the browser refuses, they stay as they are.
    fn full(&self) {
        match document().fullscreen_element() {
            Some(_) => document().exit_fullscreen(),
            None => drop(self.root.request_fullscreen()),
        }
    }

    /// The next point in a chart that the server drew, by key.
    fn step(&self, plot: &Element, by: f64) -> Option<f64> {
        let span = reading::span_of(plot)?;
        plot.closest(".still").ok()??;
        let at = reading::snapped(plot, self.cross.get_untracked().unwrap_or(span.to), by)?;
        Some(at.clamp(span.from, span.to))
    }

    /// What has `data-copy` copies that address instead of going there.
    fn copy(&self, event: &MouseEvent, target: &Element) -> Option<()> {
        let address = target.closest("[data-copy]").ok()??.get_attribute("data-copy")?;
        let address = window().location().origin().ok()? + &address;
        let elsewhere = event.ctrl_key() || event.meta_key() || event.shift_key();
        // Only pages that came safely may write there; on others the link is followed.
        if elsewhere || !window().is_secure_context() {
            return None;
        }
        event.prevent_default();
        let written = window().navigator().clipboard().write_text(&address);
        let toasts = self.toasts?;
        spawn_local(async move {
            match JsFuture::from(written).await {
                Ok(_) => toasts.say(Tone::Ok, "Copied", address),
                Err(_) => toasts.say(Tone::Warn, "The browser refused to copy", address),
            }
        });
        Some(())
    }
}

/// Where a pointer stands over a plot, beyond 0 and 1 too.
fn share(plot: &Element, client_x: i32) -> f64 {
    let rect = plot.get_bounding_client_rect();
    (f64::from(client_x) - rect.left()) / rect.width().max(1.0)
}
