//! One's own account: the second step of sign-in, passkeys, the password, and who has tried to sign in.
//!
//! The page is words and plain forms, drawn by the server and carried to the browser as HTML, so that none of it is in the wasm.
//! Making a passkey needs the browser itself: that is the plain script `public/account/passkey.js`.

mod api;
mod page;

#[cfg(feature = "ssr")]
mod drawn;
#[cfg(feature = "ssr")]
mod view;
#[cfg(feature = "ssr")]
mod words;

pub use page::AccountPage;
#[cfg(feature = "ssr")]
pub use view::{AccountView, AppCodes, AttemptRow, PasskeyRow, Ways};
