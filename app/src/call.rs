//! A command sent to the server by script: whether it is under way, and how the last one ended.

use crate::{error::AppError, page_data::Answer};
use leptos::{prelude::*, task::spawn_local};
use std::{future::Future, pin::Pin};

/// At most one command at a time. Copy: hand it to children.
#[derive(Clone, Copy)]
pub struct Call {
    pending: RwSignal<bool>,
    answer: RwSignal<Option<Answer>>,
}

impl Call {
    pub fn new() -> Self {
        Call {
            pending: RwSignal::new(false),
            answer: RwSignal::new(None),
        }
    }

    /// Tracks.
    pub fn pending(&self) -> bool {
        self.pending.get()
    }

    /// How the last one ended. Tracks.
    pub fn answer(&self) -> Option<Answer> {
        self.answer.get()
    }

    /// Why the last one failed. Tracks.
    pub fn error(&self) -> Option<AppError> {
        self.answer
            .with(|answer| answer.as_ref()?.as_ref().err().cloned())
    }

    /// Sends it, unless one is under way. False when it was not sent.
    pub fn start(&self, command: impl Future<Output = Answer> + 'static) -> bool {
        if self.pending.get_untracked() {
            return false;
        }
        self.run(Box::pin(command));
        true
    }

    fn run(self, command: Pin<Box<dyn Future<Output = Answer>>>) {
        self.pending.set(true);
        spawn_local(async move {
            let answer = command.await;
            // The page may be gone by now; the server's own record stands.
            let _ = self.answer.try_set(Some(answer));
            let _ = self.pending.try_set(false);
        });
    }
}
