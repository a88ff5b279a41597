//! The stage where there is no browser: what the server drew is all there is.

use super::{
    scale::{Draw, Hidden},
    still::markup::ink,
};
use crate::live::ChannelHandle;
use leptos::{html, prelude::*};

pub(super) struct Stage {
    pub ink: NodeRef<html::Div>,
    pub line: Option<NodeRef<html::Div>>,
    pub handle: ChannelHandle,
    pub hidden: RwSignal<Hidden>,
    pub share: Memo<Option<f64>>,
}

pub(super) fn mount(stage: Stage, _: Draw) {
    let Stage {
        ink,
        line,
        handle,
        hidden,
        share,
    } = stage;
    let _ = (ink, line, handle, hidden, share);
}

/// The drawing of the first HTML, of a nominal size in pixels.
pub(super) fn still(draw: &Draw, size: (u32, u32)) -> String {
    draw(size.0)
        .map(|drawing| ink(&drawing, size))
        .unwrap_or_default()
}

pub(super) fn share_of(_: NodeRef<html::Div>, _: i32) -> Option<f64> {
    None
}

pub(super) fn say_span(_: NodeRef<html::Div>, _: i64, _: i64) {}
