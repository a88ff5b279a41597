//! The way in. A plain form to the server's own endpoint: it must work before any script does.

mod page;

pub use page::{Beam, SignInPage};
