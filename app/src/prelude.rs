//! What files with views bring in: Leptos' prelude, with a `view!` that has one type for every view.

/// Leptos' `view!`, already erased to an `AnyView`. Components that return many different types would each bring their own
/// copy of everything that can be done with a view into the wasm.
macro_rules! view {
    ($($part:tt)*) => {
        ::leptos::prelude::IntoAny::into_any(::leptos::prelude::view! { $($part)* }.into_inner())
    };
}

pub use leptos::prelude::*;
pub use leptos::tachys::reactive_graph::SharedReactiveFunction;
use std::sync::{Arc, Mutex};
pub(crate) use view;

/// Runs in the browser after the page stands, and again when what it read has changed.
pub fn effect(run: impl Fn() + 'static) {
    fn boxed(run: Box<dyn Fn()>) {
        Effect::new(move |_| run());
    }
    boxed(Box::new(run));
}

/// A closure for a view, made outside of it: of the same type as those that are written inside.
pub fn reactive<T: 'static>(read: impl FnMut() -> T + Send + 'static) -> SharedReactiveFunction<T> {
    Arc::new(Mutex::new(read))
}
