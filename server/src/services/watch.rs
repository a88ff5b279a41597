//! Keeps the table fresh: what systemd says by itself, and a slow look at all in case something was missed.

use super::{
    Outlet, Services,
    bus::{Bus, Listed, MANAGER, PROPERTIES, Props, SYSTEMD},
};
use crate::time::now_ms;
use futures::{StreamExt, stream};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use zbus::{Message, message::Header, zvariant::OwnedObjectPath};

/// Between two looks at everything.
const LIST_INTERVAL: Duration = Duration::from_secs(30);
/// Between two readings of memory and processor, while somebody looks.
const USAGE_INTERVAL: Duration = Duration::from_secs(3);
/// Services that are read each time; where more of them run they take turns.
const USAGE_SERVICES: usize = 300;
/// Services whose properties are asked for in one go.
const FACTS_SERVICES: usize = 256;
/// Questions under way at a time.
const AT_A_TIME: usize = 16;
/// What changes together is told, and asked about, together.
const GATHER: Duration = Duration::from_millis(100);
/// Waits before systemd is looked for again: from, to.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Memory, processor, tasks.
const USAGE: [&str; 3] = ["MemoryCurrent", "CPUUsageNSec", "TasksCurrent"];

/// Watches until the process stops.
pub async fn watch(services: Services, outlet: Arc<dyn Outlet>, shutdown: CancellationToken) {
    let work = async {
        tokio::join!(tell(&services, outlet.as_ref()), look(&services));
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = work => {}
    }
    services.inner.tails.end();
}

/// Tells the outlet of changes.
async fn tell(services: &Services, outlet: &dyn Outlet) {
    loop {
        let state = services.table().state(now_ms());
        metrics::gauge!("farol_services_failed").set(f64::from(state.failed));
        outlet.services(&state);
        services.inner.changed.notified().await;
        sleep(GATHER).await;
    }
}

async fn look(services: &Services) {
    if services.inner.address == super::Address::Off {
        let why = "Services are turned off in the configuration: services.bus is `off`.";
        services.lose(why.to_owned());
        return;
    }
    let mut pause = PAUSE.0;
    loop {
        let Err(error) = session(services, &mut pause).await;
        services.set_bus(None);
        tracing::debug!(%error, "systemd is not there");
        services.lose(unavailable(services, &error));
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// As long as systemd is there.
async fn session(services: &Services, pause: &mut Duration) -> zbus::Result<Infallible> {
    let bus = Bus::connect(&services.inner.address).await?;
    // Listening begins before anything is asked, so that nothing falls between.
    let signals = bus.signals().await?;
    let owners = bus.owners().await?;
    bus.subscribe().await?;
    list(services, &bus).await?;
    *pause = PAUSE.0;
    services.set_bus(Some(bus.clone()));
    tokio::select! {
        ended = hear(services, signals) => ended,
        ended = leave(owners) => ended,
        ended = ask(services, &bus) => ended,
    }
}

/// Takes signals as they come, and asks nothing: the answer would have to pass the signals that wait.
async fn hear(services: &Services, mut signals: zbus::MessageStream) -> zbus::Result<Infallible> {
    while let Some(message) = signals.next().await {
        let message = message?;
        // One that cannot be read is not for us.
        if let Ok(true) = take(services, &message) {
            services.inner.changed.notify_one();
        }
    }
    Err(zbus::Error::Failure(
        "the bus has closed the connection".to_owned(),
    ))
}

/// Whether it changed anything.
fn take(services: &Services, message: &Message) -> zbus::Result<bool> {
    let header: Header<'_> = message.header();
    let word = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let interface = word(header.interface().map(|name| name.as_str()));
    let member = word(header.member().map(|name| name.as_str()));
    match (interface.as_str(), member.as_str()) {
        (PROPERTIES, "PropertiesChanged") => {
            let body = message.body();
            let (_, changed, _): (String, Props, Vec<String>) = body.deserialize()?;
            let path = header.path().map(|path| path.as_str()).unwrap_or_default();
            Ok(services.table().changed(path, &changed))
        }
        (MANAGER, "UnitNew") => {
            let (name, path): (String, OwnedObjectPath) = message.body().deserialize()?;
            services.table().appeared(&name, path.as_str());
            services.inner.stale.notify_one();
            Ok(name.ends_with(".service"))
        }
        (MANAGER, "UnitRemoved") => {
            let (name, _): (String, OwnedObjectPath) = message.body().deserialize()?;
            services.table().removed(&name);
            Ok(name.ends_with(".service"))
        }
        (MANAGER, "UnitFilesChanged") => {
            services.inner.relist.notify_one();
            Ok(false)
        }
        (MANAGER, "Reloading") => {
            let active: bool = message.body().deserialize()?;
            if !active {
                services.inner.relist.notify_one();
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// Until systemd leaves the bus.
async fn leave(mut owners: zbus::MessageStream) -> zbus::Result<Infallible> {
    while let Some(message) = owners.next().await {
        let (_, _, now): (String, String, String) = message?.body().deserialize()?;
        if now.is_empty() {
            break;
        }
    }
    Err(zbus::Error::Failure(format!("{SYSTEMD} has left the bus")))
}

/// Asks for what signals do not bring.
async fn ask(services: &Services, bus: &Bus) -> zbus::Result<Infallible> {
    let mut listing = interval(LIST_INTERVAL);
    let mut using = interval(USAGE_INTERVAL);
    for ticks in [&mut listing, &mut using] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    listing.reset();
    let mut last_read = String::new();
    facts(services, bus).await;
    loop {
        let inner = &services.inner;
        tokio::select! {
            _ = listing.tick() => list(services, bus).await?,
            () = inner.relist.notified() => {
                sleep(GATHER).await;
                list(services, bus).await?;
            }
            () = inner.stale.notified() => sleep(GATHER).await,
            () = inner.looks.notified() => usage(services, bus, &mut last_read).await,
            _ = using.tick() => {
                if services.is_looked_at() {
                    usage(services, bus, &mut last_read).await;
                }
            }
        }
        facts(services, bus).await;
    }
}

async fn list(services: &Services, bus: &Bus) -> zbus::Result<()> {
    let since = services.table().revision();
    let listed: Vec<Listed> = bus.list().await?;
    let files = bus.files().await?;
    services.table().take_list(listed, &files, since);
    services.inner.changed.notify_one();
    Ok(())
}

/// Reads what is not known yet of services that are in memory.
async fn facts(services: &Services, bus: &Bus) {
    loop {
        let unknown = services.table().unknown(FACTS_SERVICES);
        if unknown.is_empty() {
            return;
        }
        let one = |(name, path): (String, String)| async move {
            let since = services.table().revision();
            match bus.facts(&path).await {
                Ok(facts) => services.table().take_facts(&name, &facts, since, now_ms()),
                Err(error) => {
                    tracing::debug!(%error, name, "a service cannot be asked about");
                    services.table().give_up(&name);
                }
            }
        };
        stream::iter(unknown).for_each_concurrent(AT_A_TIME, one).await;
        services.inner.changed.notify_one();
        // A signal that came between question and answer makes the answer old, and the next round asks again.
        sleep(GATHER).await;
    }
}

async fn usage(services: &Services, bus: &Bus, last_read: &mut String) {
    let running = services.table().running(last_read, USAGE_SERVICES);
    if let Some((name, _)) = running.last() {
        name.clone_into(last_read);
    }
    let one = |(name, path): (String, String)| async move {
        // It may have ended meanwhile; then a signal says so.
        if let Ok(props) = bus.some(&path, &USAGE).await {
            services.table().take_usage(&name, &props, now_ms());
        }
    };
    stream::iter(running).for_each_concurrent(AT_A_TIME, one).await;
}

impl Services {
    fn lose(&self, why: String) {
        if self.table().lose(why) {
            self.inner.changed.notify_one();
        }
    }
}

/// Why there are no services, and what to do, for people.
fn unavailable(services: &Services, error: &zbus::Error) -> String {
    use super::Address;
    let whose = match &services.inner.address {
        Address::User => "the bus of Farol's own account",
        Address::At(_) => "the bus of services.bus",
        _ => "the system bus",
    };
    match error {
        zbus::Error::MethodError(name, ..) if name.as_str().contains("AccessDenied") => {
            format!(
                "Farol may not talk to systemd on {whose}. Let its account talk to {SYSTEMD} in the bus's policy."
            )
        }
        zbus::Error::MethodError(..) | zbus::Error::FDO(_) | zbus::Error::Failure(_) => format!(
            "{} answers, but systemd is not on it. This machine has another init system, or none.",
            capital(whose)
        ),
        _ => format!(
            "Nothing answers on {whose}. This machine does not run systemd, or Farol runs in a container that cannot see \
             it. To see the services of the host, mount its /run/dbus/system_bus_socket into the container and set \
             services.bus to that address."
        ),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
