//! What can be done to a service, and how it ended.
//!
//! systemd answers a call as soon as the job is in its queue; how the job ends comes as a signal. So the signal is listened
//! to before the call, and the run ends when its own job has.

use super::{
    Services,
    bus::{Bus, Change},
    name,
};
use crate::actions::service::{Done, Order, ServiceManager};
use farol_model::{Fault, service::LogLine};
use futures::{StreamExt, future::BoxFuture};
use tokio_util::sync::CancellationToken;
use zbus::zvariant::OwnedObjectPath;

/// Longest part of an answer of systemd's that is shown, characters.
const MAX_WORDS: usize = 300;

impl ServiceManager for Services {
    fn check(&self, service: &str) -> Result<String, Fault> {
        name::check(service)
    }

    fn vital(&self, service: &str) -> Option<String> {
        name::vital(service, self.inner.own.as_deref())
    }

    fn carry_out<'a>(
        &'a self,
        order: Order,
        service: &'a str,
        stop: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Done, Fault>> {
        Box::pin(async move {
            let service = name::check(service)?;
            let bus = self.bus().ok_or_else(|| self.without_systemd())?;
            let known = self.table().one(&service);
            let done = match (order, known) {
                (_, None) => return Err(Fault::not_found(format!("There is no service {service}."))),
                (Order::Enable, _) => enable(&bus, &service).await,
                (Order::Disable, _) => disable(&bus, &service).await,
                _ => job(&bus, order, &service, stop).await,
            };
            self.inner.relist.notify_one();
            done.map_err(|error| refusal(&service, &error))
        })
    }

    fn last_lines<'a>(&'a self, service: &'a str, count: usize) -> BoxFuture<'a, Vec<LogLine>> {
        Box::pin(async move { self.last_lines(service, count).await.unwrap_or_default() })
    }
}

impl Services {
    fn without_systemd(&self) -> Fault {
        let why = self.table().state(0).unavailable;
        Fault::unavailable(
            why.unwrap_or_else(|| "systemd does not answer now. Try again in a moment.".to_owned()),
        )
    }
}

async fn job(bus: &Bus, order: Order, service: &str, stop: &CancellationToken) -> zbus::Result<Done> {
    let mut ends = bus.job_ends().await?;
    let method = match order {
        Order::Start => "StartUnit",
        Order::Stop => "StopUnit",
        Order::Restart => "RestartUnit",
        _ => "ReloadUnit",
    };
    let job = bus.job(method, service).await?;
    let mut cancelled = false;
    loop {
        tokio::select! {
            message = ends.next() => {
                let message = message.ok_or(zbus::Error::InvalidReply)??;
                let (_, path, _, result): (u32, OwnedObjectPath, String, String) = message.body().deserialize()?;
                if path == job {
                    return Ok(Done::of(&result));
                }
            }
            () = stop.cancelled(), if !cancelled => {
                cancelled = true;
                if let Some(id) = job.rsplit('/').next().and_then(|id| id.parse().ok()) {
                    bus.cancel(id).await?;
                }
            }
        }
    }
}

async fn enable(bus: &Bus, service: &str) -> zbus::Result<Done> {
    let (has_install, changes) = bus.enable(service).await?;
    bus.reload().await?;
    let notes = notes(changes);
    Ok(match has_install {
        true => Done {
            end: "done".to_owned(),
            notes,
        },
        false => Done {
            end: "no-install".to_owned(),
            notes,
        },
    })
}

async fn disable(bus: &Bus, service: &str) -> zbus::Result<Done> {
    let changes = bus.disable(service).await?;
    bus.reload().await?;
    Ok(Done {
        end: "done".to_owned(),
        notes: notes(changes),
    })
}

fn notes(changes: Vec<Change>) -> Vec<String> {
    let words = |(kind, link, target): Change| match kind.as_str() {
        "symlink" => format!("Made the link {link} to {target}."),
        "unlink" => format!("Took the link {link} away."),
        _ => format!("{kind} {link} {target}"),
    };
    changes.into_iter().map(words).collect()
}

/// What systemd refused, for people.
fn refusal(service: &str, error: &zbus::Error) -> Fault {
    let zbus::Error::MethodError(name, said, _) = error else {
        tracing::warn!(%error, service, "systemd could not be asked");
        return Fault::unavailable(
            "systemd did not answer. Whether it was done is not known: look at the service.",
        );
    };
    let said: String = said
        .as_deref()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_WORDS)
        .collect();
    let kind = name.as_str().rsplit('.').next().unwrap_or_default();
    match kind {
        "NoSuchUnit" => Fault::not_found(format!("There is no service {service}.")),
        "AccessDenied" | "InteractiveAuthorizationRequired" | "NotAuthorized" => {
            let user = rustix::process::geteuid().as_raw();
            Fault::forbidden(format!(
                "systemd refused: Farol runs as user id {user}, which may not do this. Give that account a polkit rule for \
                 org.freedesktop.systemd1.manage-units (docs/SECURITY.md has one), or do it on the machine itself."
            ))
        }
        "UnitMasked" => Fault::conflict(format!(
            "{service} is masked, so nothing may start it. Unmask it on the machine first: systemctl unmask {service}."
        )),
        "JobTypeNotApplicable" => Fault::conflict(format!(
            "{service} cannot do that: it has no way to reload, or does not run. Restart it instead."
        )),
        "OnlyByDependency" => Fault::conflict(format!(
            "{service} is started and stopped by other services only."
        )),
        "NoReply" | "Timeout" => Fault::unavailable(
            "systemd did not answer in time. Whether it was done is not known: look at the service.",
        ),
        _ => Fault::conflict(format!("systemd refused: {said}")),
    }
}
