//! Rows of a long list, of which only a part is in the document. A row that stays in the range stays as it is.

use crate::prelude::*;
use std::{ops::Range, sync::Arc};

/// Draws each number of the range once.
#[component]
pub fn Rows(
    range: impl Fn() -> Range<usize> + Send + Sync + 'static,
    draw: impl Fn(usize) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let range: Box<dyn Fn() -> Range<usize> + Send + Sync> = Box::new(range);
    listed(range, Arc::new(draw))
}

fn listed(
    range: Box<dyn Fn() -> Range<usize> + Send + Sync>,
    draw: Arc<dyn Fn(usize) -> AnyView + Send + Sync>,
) -> AnyView {
    let draw = move |index| draw(index);
    view! { <For each=range key=|index| *index children=draw/> }
}
