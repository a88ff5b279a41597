//! Values under the crosshair, over charts that the server drew: in the legend of every chart, and beside the pointer.

use crate::past::gesture::Span;
use leptos::prelude::document;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

/// Entries that are told beside the pointer at most.
const MOST: usize = 12;

/// Charts of the past below an element.
pub(super) fn figures(root: &Element) -> impl Iterator<Item = Element> {
    all(root, "figure.still")
}

/// All elements below another one that a selector finds.
pub(super) fn all(root: &Element, selector: &str) -> impl Iterator<Item = Element> {
    let found = root.query_selector_all(selector).ok();
    let count = found.as_ref().map_or(0, |list| list.length());
    (0..count).filter_map(move |at| found.as_ref()?.item(at)?.dyn_into().ok())
}

/// An attribute that is a number.
pub(super) fn number(element: &Element, name: &str) -> Option<f64> {
    Some(crate::format::number(&element.get_attribute(name)?)).filter(|number| number.is_finite())
}

/// Which time a plot shows.
pub(super) fn span_of(plot: &Element) -> Option<Span> {
    Some(Span {
        from: number(plot, "data-from")?,
        to: number(plot, "data-to")?,
    })
}

/// The point of a chart that a time is in.
fn point(figure: &Element, at: f64) -> Option<f64> {
    Some(((at - number(figure, "data-start")?) / number(figure, "data-step")?).floor())
}

/// The time in the middle of the point that the plot has at a share of its width; moved by so many points.
pub(super) fn snapped(plot: &Element, at: f64, by: f64) -> Option<f64> {
    let figure = plot.closest("figure").ok()??;
    let (start, step) = (number(&figure, "data-start")?, number(&figure, "data-step")?);
    Some(start + (point(&figure, at)? + by + 0.5) * step)
}

/// An element of ours in another one, made when it is not there.
pub(super) fn own(parent: &Element, class: &str) -> Option<HtmlElement> {
    let found = parent.query_selector(&format!(":scope > .{class}")).ok()?;
    if let Some(found) = found {
        return found.dyn_into().ok();
    }
    let made = document().create_element("span").ok()?;
    made.set_class_name(class);
    drop(made.set_attribute("data-own", ""));
    parent.append_child(&made).ok()?;
    made.dyn_into().ok()
}

/// Shows what all charts have at a time, and words beside the pointer in the plot that is pointed at; nothing with None.
pub(super) fn show(root: &Element, at: Option<f64>, pointed: Option<&Element>) {
    drop(root.class_list().toggle_with_force("reading", at.is_some()));
    for tip in all(root, ".plot-tip[data-own]") {
        tip.remove();
    }
    for figure in figures(root) {
        let Some(plot) = figure.query_selector(".plot").ok().flatten() else {
            continue;
        };
        let share = at.zip(span_of(&plot)).map(|(at, span)| span.share(at));
        let share = share.filter(|share| (0.0..=1.0).contains(share));
        if let Some(line) = own(&plot, "plot-line") {
            line.set_hidden(share.is_none());
            put(&line, "left", share.unwrap_or_default());
        }
        let index = at.and_then(|at| point(&figure, at)).filter(|index| *index >= 0.0);
        for entry in all(&figure, "[data-values]") {
            tell(&entry, index);
        }
    }
    if let (Some(at), Some(plot)) = (at, pointed) {
        tip(plot, at);
    }
}

/// A share as a length in percent.
pub(super) fn put(element: &HtmlElement, property: &str, share: f64) {
    // The names of properties are ours.
    drop(
        element
            .style()
            .set_property(property, &format!("{:.3}%", share * 100.0)),
    );
}

/// Writes the value of one series into its entry of the legend.
fn tell(entry: &Element, index: Option<f64>) -> Option<()> {
    let values = entry.get_attribute("data-values")?;
    let value = values.split(',').nth(index? as usize).map(crate::format::number);
    let unit = number(entry, "data-unit")? as i32;
    let told = crate::format::format(value.unwrap_or(f64::NAN), unit).to_string();
    own(entry, "chart-at")?.set_text_content(Some(&told));
    Some(())
}

/// What is read, in the corner that is away from the crosshair.
fn tip(plot: &Element, at: f64) -> Option<()> {
    let tip = own(plot, "plot-tip")?;
    let left = span_of(plot)?.share(at) > 0.5;
    drop(tip.class_list().toggle_with_force("at-left", left));
    let time = String::from(js_sys::Date::new(&JsValue::from_f64(at)).to_iso_string());
    let time = format!("{} UTC", time.get(..19)?.replace('T', " "));
    let head = document().create_element("p").ok()?;
    head.set_class_name("plot-time");
    head.set_text_content(Some(&time));
    drop(tip.append_child(&head));
    let figure = plot.closest("figure").ok()??;
    for entry in all(&figure, "[data-values]").take(MOST) {
        drop(tip.append_child(&entry.clone_node_with_deep(true).ok()?));
    }
    Some(())
}
