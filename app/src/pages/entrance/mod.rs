//! The pages in front of the frame: plain forms, whole as HTML. The browser runs none of our code on them, so they are not
//! in the browser build; its twin is `entrance_absent.rs`.

mod code;
mod gate;
mod prove;
mod setup;
mod sign_in;

pub use code::CodePage;
pub use prove::ProvePage;
pub use setup::SetupPage;
pub use sign_in::SignInPage;

/// Whether the page at this path is whole as HTML.
pub fn plain(path: &str) -> bool {
    matches!(path, "/sign-in" | "/sign-in/code" | "/prove" | "/setup")
}
