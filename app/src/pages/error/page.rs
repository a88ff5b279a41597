use crate::prelude::*;
use crate::{
    error::AppError,
    pages::{denied::Denied, not_found::NotFound},
    ui::{Glyph, Icon},
};
use farol_model::FaultCode;
use leptos_meta::Title;

/// Shows an error as what it is.
#[component]
pub fn Trouble(error: AppError) -> AnyView {
    match &error {
        AppError::Fault(fault) => match fault.code {
            FaultCode::Unauthenticated => view! { <SignedOut/> },
            FaultCode::Forbidden => view! { <Denied text=fault.message.clone()/> },
            FaultCode::NotFound => view! { <NotFound text=fault.message.clone()/> },
            _ => view! { <Failed text=error.to_string()/> },
        },
        AppError::Transport(_) => view! { <Failed text=error.to_string()/> },
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
