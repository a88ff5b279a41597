//! Waits for a resource and shows the data, the skeleton or what went wrong. Branching happens here; pages stay pure.

use super::skeleton::Skeleton;
use crate::{error::AppError, pages::error::Trouble};
use leptos::prelude::*;

/// `view` draws the data. While newer data is on its way the older stays on screen.
#[component]
pub fn Load<T, V>(
    resource: Resource<Result<T, AppError>>,
    view: V,
    /// Nothing at all while waiting, for the frame itself.
    #[prop(optional)]
    bare: bool,
) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    V: Fn(T) -> AnyView + Clone + Send + Sync + 'static,
{
    let fallback = move || {
        if bare {
            ().into_any()
        } else {
            view! { <Skeleton/> }.into_any()
        }
    };
    view! {
        <Transition fallback>
            {move || {
                let view = view.clone();
                Suspend::new(async move {
                    match resource.await {
                        Ok(data) => view(data),
                        Err(error) => view! { <Trouble error alone=bare/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}
