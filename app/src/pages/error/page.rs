use crate::{
    error::AppError,
    pages::{denied::Denied, not_found::NotFound},
    ui::{Glyph, Icon},
};
use farol_model::FaultCode;
use leptos::prelude::*;
use leptos_meta::Title;

/// Shows an error as what it is.
#[component]
pub fn Trouble(
    error: AppError,
    /// There is no frame around it, so it brings its own landmark.
    #[prop(optional)]
    alone: bool,
) -> impl IntoView {
    let inner = match &error {
        AppError::Fault(fault) => match fault.code {
            FaultCode::Unauthenticated => view! { <SignedOut/> }.into_any(),
            FaultCode::Forbidden => view! { <Denied text=fault.message.clone()/> }.into_any(),
            FaultCode::NotFound => view! { <NotFound text=fault.message.clone()/> }.into_any(),
            _ => view! { <Failed text=error.to_string()/> }.into_any(),
        },
        AppError::Transport(_) => view! { <Failed text=error.to_string()/> }.into_any(),
    };
    if alone {
        view! { <main>{inner}</main> }.into_any()
    } else {
        inner
    }
}

#[component]
fn SignedOut() -> impl IntoView {
    view! {
        <Title text="Signed out"/>
        <div class="lost">
            <Icon glyph=Glyph::Lock/>
            <h1>"You are signed out"</h1>
            <p>"Your session has ended. Sign in again to go on where you were."</p>
            <div class="button-row">
                <a class="button primary" href="/sign-in" rel="external">
                    "Sign in"
                </a>
            </div>
        </div>
    }
}

#[component]
fn Failed(text: String) -> impl IntoView {
    view! {
        <Title text="Something failed"/>
        <div class="lost" role="alert">
            <Icon glyph=Glyph::Alert/>
            <h1>"This could not be shown"</h1>
            <p>{text}</p>
            <div class="button-row">
                <a class="button primary" href="" rel="external">
                    "Try again"
                </a>
                <a class="button" href="/">
                    "To the overview"
                </a>
            </div>
        </div>
    }
}
