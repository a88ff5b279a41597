//! A frame as its receivers share it.

use bytes::Bytes;
use std::{borrow::Borrow, ops::Deref, sync::Arc};

/// Encoded bytes behind one pointer. `Bytes` takes four words in every queue and record that holds it; with a thousand
/// connections those words are memory that is not in the processor's cache.
#[derive(Debug, Clone)]
pub struct Framed(Arc<Bytes>);

impl From<Bytes> for Framed {
    fn from(bytes: Bytes) -> Self {
        Framed(Arc::new(bytes))
    }
}

impl Deref for Framed {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.0
    }
}

impl Borrow<Bytes> for Framed {
    fn borrow(&self) -> &Bytes {
        &self.0
    }
}
