//! The stage where there is no browser: what the server drew is all there is.

use super::scale::{Hidden, Scene};
use crate::live::ChannelHandle;
use leptos::{html, prelude::*};

pub(super) struct Stage {
    pub canvas: NodeRef<html::Canvas>,
    pub ink: NodeRef<html::Div>,
    pub line: Option<NodeRef<html::Div>>,
    pub handle: ChannelHandle,
    pub hidden: RwSignal<Hidden>,
    pub share: Memo<Option<f64>>,
}

pub(super) fn mount(stage: Stage, _: impl Fn(u32) -> Option<Scene> + 'static) {
    let Stage {
        canvas,
        ink,
        line,
        handle,
        hidden,
        share,
    } = stage;
    let _ = (canvas, ink, line, handle, hidden, share);
}

pub(super) fn share_of(_: NodeRef<html::Div>, _: i32) -> Option<f64> {
    None
}
