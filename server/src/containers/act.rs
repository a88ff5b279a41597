//! What can be done to a container. It is named by its whole id, and by its name as a second proof: ids are never given to
//! another container, and a name that has changed says that somebody else was here meanwhile.

use super::{Containers, error::EngineError, is_id};
use crate::actions::container::{Engine, Order};
use farol_model::Fault;
use futures::future::BoxFuture;
use std::time::Duration;

/// The engine's own time on top of what a container is given to stop.
const SLACK: Duration = Duration::from_secs(20);

impl Engine for Containers {
    fn act<'a>(&'a self, id: &'a str, name: &'a str, order: Order) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(self.carry_out(id, name, order))
    }
}

impl Containers {
    async fn carry_out(&self, id: &str, name: &str, order: Order) -> Result<String, Fault> {
        if !is_id(id) {
            let words =
                "Name the container by its whole id, 64 hexadecimal digits: names can pass to another one.";
            return Err(Fault::invalid("id", words));
        }
        let client = self.client_for(id)?;
        let row = self.one(id).ok_or(EngineError::NoContainer)?;
        if row.name != name {
            let words = format!(
                "The container is called `{}` now. Nothing was done; look again.",
                row.name
            );
            return Err(Fault::conflict(words));
        }
        let (path, wait) = match order {
            Order::Start => ("start".to_owned(), 0),
            Order::Stop { wait_secs } => (format!("stop?t={wait_secs}"), wait_secs),
            Order::Restart { wait_secs } => (format!("restart?t={wait_secs}"), wait_secs),
            Order::Kill { signal } => (format!("kill?signal={signal}"), 0),
        };
        let limit = Duration::from_secs(wait.into()) + SLACK;
        let done = client.order(&format!("/containers/{id}/{path}"), limit).await;
        self.inner.dirty.notify_one();
        let changed = done?;
        Ok(match (order, changed) {
            (Order::Start, true) => format!("Started {name}."),
            (Order::Start, false) => format!("{name} was running already; nothing was changed."),
            (Order::Stop { .. }, true) => format!("Stopped {name}."),
            (Order::Stop { .. }, false) => format!("{name} did not run; nothing was changed."),
            (Order::Restart { .. }, _) => format!("Restarted {name}."),
            (Order::Kill { signal }, _) => format!("Sent {signal} to {name}."),
        })
    }
}
