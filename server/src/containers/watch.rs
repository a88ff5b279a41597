//! Finds the engine and keeps up with it: the list by its events and by a slow look, one reading of each running container a
//! second. When the engine goes away, what was known is kept and called old, and the search begins again.

use super::{
    Containers, Entry, MAX_CONTAINERS, MAX_MEASURED,
    client::{Client, Lines},
    error::{EngineError, plain, shown},
    metrics_channel,
    socket::Place,
    usage::{Meter, total_schema, values},
    wire::{Event, Port, Stats, Summary, Version},
};
use crate::time::now_ms;
use farol_model::{
    channel::Channel,
    container::{ContainerRow, ContainerUsage, EngineState},
    metric::MetricSpec,
};
use futures::{StreamExt, stream};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::MissedTickBehavior;

/// Distance of the searches for an engine.
const SEARCH_EVERY: Duration = Duration::from_secs(3);
/// The list is read at least so often, in case an event was missed.
const LIST_EVERY: Duration = Duration::from_secs(15);
/// Events of one cause come in groups: so long after the first of them the list is read once.
const SETTLE: Duration = Duration::from_millis(100);
/// Distance of readings.
const READ_EVERY: Duration = Duration::from_secs(1);
/// Readings that are asked for at a time.
const READ_AT_ONCE: usize = 8;
/// Longest command that is kept, characters.
const MAX_COMMAND_CHARS: usize = 512;

/// Until shutdown.
pub async fn watch(containers: Containers, places: Vec<Place>) {
    let shutdown = containers.inner.shutdown.clone();
    let work = async {
        loop {
            match find(&places).await {
                Ok((client, name)) => {
                    containers.found(&client, name);
                    let error = keep_up(&containers, &client).await;
                    tracing::warn!(%error, socket = client.place(), "the container engine is lost");
                    containers.lost(&client, &error);
                }
                Err(looked) => containers.absent(looked),
            }
            tokio::time::sleep(SEARCH_EVERY).await;
        }
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = work => {}
    }
}

/// The first place where an engine answers, and what it calls itself; or what was found at each.
async fn find(places: &[Place]) -> Result<(Client, String), Vec<(String, String)>> {
    let mut looked = Vec::new();
    for place in places {
        let path = match place {
            Place::Socket(path) => path,
            Place::Elsewhere(host) => {
                let why = "DOCKER_HOST names no Unix socket; Farol speaks to engines on its own machine only";
                looked.push((plain(host, 100), why.to_owned()));
                continue;
            }
        };
        let client = Client::new(path);
        match client.json::<Version>("/version").await {
            Ok(version) => return Ok((client, name(&version))),
            Err(error) => looked.push((shown(path), error.to_string())),
        }
    }
    Err(looked)
}

fn name(version: &Version) -> String {
    let component = version.components.first().map_or("Engine", |one| &one.name);
    let named = match component {
        "Engine" => format!("Docker Engine {}", version.version),
        other => format!("{other} {}", version.version),
    };
    plain(&named, 60)
}

/// Returns with the reason why it could not go on.
async fn keep_up(containers: &Containers, client: &Client) -> EngineError {
    tokio::select! {
        error = follow_events(containers, client) => error,
        error = keep_list(containers, client) => error,
        () = measure(containers, client) => EngineError::BrokeOff,
    }
}

/// Calls for a new list whenever something happens to a container, and when the stream stands: what happened before was in
/// nobody's ears.
async fn follow_events(containers: &Containers, client: &Client) -> EngineError {
    const FILTER: &str = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D";
    let mut lines = match client.stream(FILTER).await {
        Ok(stream) => Lines::new(stream),
        Err(error) => return error,
    };
    containers.inner.dirty.notify_one();
    loop {
        match lines.next::<Event>().await {
            // Health checks run as `exec_…` and change nothing.
            Ok(Some(event)) if event.kind != "container" || event.action.starts_with("exec_") => {}
            Ok(Some(_)) => containers.inner.dirty.notify_one(),
            Ok(None) => return EngineError::BrokeOff,
            Err(error) => return error,
        }
    }
}

async fn keep_list(containers: &Containers, client: &Client) -> EngineError {
    loop {
        match client.json::<Vec<Summary>>("/containers/json?all=1").await {
            Ok(list) => containers.take_list(list),
            Err(error) => return error,
        }
        if tokio::time::timeout(LIST_EVERY, containers.inner.dirty.notified())
            .await
            .is_ok()
        {
            tokio::time::sleep(SETTLE).await;
        }
    }
}

async fn measure(containers: &Containers, client: &Client) {
    let mut tick = tokio::time::interval(READ_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let totals = total_schema();
    loop {
        tick.tick().await;
        let read = |id: String| async move {
            let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
            let stats = client.json::<Stats>(&path).await;
            (id, stats, Instant::now())
        };
        let readings = stream::iter(containers.to_measure())
            .map(read)
            .buffer_unordered(READ_AT_ONCE);
        readings
            .for_each(|(id, stats, at)| {
                // What cannot be read is gone, or will be told by the stream of events.
                if let Ok(stats) = stats {
                    containers.take_reading(&id, &stats, at);
                }
                std::future::ready(())
            })
            .await;
        containers.tell_totals(&totals);
    }
}

impl Containers {
    fn found(&self, client: &Client, name: String) {
        tracing::info!(
            engine = name,
            socket = client.place(),
            "a container engine answers"
        );
        let mut state = self.state();
        state.engine = EngineState::Ready {
            name,
            socket: client.place(),
        };
        state.client = Some(client.clone());
    }

    /// What was known stays, without numbers.
    fn lost(&self, client: &Client, error: &EngineError) {
        let mut state = self.state();
        state.engine = EngineState::Lost {
            socket: client.place(),
            reason: error.to_string(),
        };
        state.client = None;
        for entry in state.entries.values_mut() {
            entry.row.usage = None;
            if let Some(meter) = &mut entry.meter {
                meter.pause();
            }
        }
    }

    /// Nothing found. An engine that was there and is not found again stays "lost", with what was known of it.
    fn absent(&self, places: Vec<(String, String)>) {
        let mut state = self.state();
        if !matches!(state.engine, EngineState::Lost { .. }) {
            state.engine = EngineState::Absent { places };
        }
    }

    /// Takes the list as it is now: newest first, as the engine gives it.
    fn take_list(&self, list: Vec<Summary>) {
        let mut gone = Vec::new();
        {
            let mut state = self.state();
            let known: Vec<Summary> = list
                .into_iter()
                .filter(|summary| super::is_id(&summary.id))
                .collect();
            state.unlisted = known.len().saturating_sub(MAX_CONTAINERS);
            let mut before = std::mem::take(&mut state.entries);
            for summary in known.into_iter().take(MAX_CONTAINERS) {
                let old = before.remove(&summary.id);
                let entry = renewed(summary, old);
                state.entries.insert(entry.row.id.clone(), entry);
            }
            gone.extend(before.into_values().filter_map(|entry| entry.row.channel));
            gone.extend(assign(&mut state.entries));
        }
        for channel in gone {
            self.inner.outlet.gone(&channel);
        }
    }

    /// Ids of the containers that are measured and run.
    fn to_measure(&self) -> Vec<String> {
        let state = self.state();
        let measured = state
            .entries
            .values()
            .filter(|entry| entry.meter.is_some() && entry.row.is_up());
        measured.map(|entry| entry.row.id.clone()).collect()
    }

    fn take_reading(&self, id: &str, stats: &Stats, at: Instant) {
        let read = {
            let mut state = self.state();
            let Some(entry) = state.entries.get_mut(id).filter(|entry| entry.row.is_up()) else {
                return;
            };
            let (Some(meter), Some(channel)) = (&mut entry.meter, &entry.row.channel) else {
                return;
            };
            let usage = meter.read(stats, at);
            entry.row.usage = Some(usage);
            (channel.clone(), meter.schema.clone(), usage)
        };
        let (channel, schema, usage) = read;
        self.frame(&channel, &schema, values(&usage));
    }

    fn tell_totals(&self, schema: &Arc<[MetricSpec]>) {
        let values = {
            let state = self.state();
            let up = state.entries.values().filter(|entry| entry.row.is_up()).count();
            let sum = |part: fn(&ContainerUsage) -> f64| {
                let usages = state
                    .entries
                    .values()
                    .filter_map(|entry| entry.row.usage.as_ref());
                usages.map(part).filter(|value| value.is_finite()).sum::<f64>()
            };
            vec![
                up as f64,
                (state.entries.len() - up) as f64,
                sum(|usage| usage.memory_bytes),
                sum(|usage| usage.cpu_percent),
            ]
        };
        self.frame(&Channel::local_metrics("containers"), schema, values);
    }

    fn frame(&self, channel: &str, schema: &Arc<[MetricSpec]>, values: Vec<f64>) {
        let interval_ms = u32::try_from(READ_EVERY.as_millis()).unwrap_or(u32::MAX);
        self.inner
            .outlet
            .frame(channel, schema, now_ms(), interval_ms, values);
    }
}

/// What the list says now, with what was measured before.
fn renewed(summary: Summary, old: Option<Entry>) -> Entry {
    let (mut meter, before) = old.map_or((None, None), |old| (old.meter, Some(old.row)));
    let mut row = row(summary);
    if let Some(before) = before {
        row.channel = before.channel;
        row.usage = before.usage.filter(|_| row.is_up());
    }
    if let (false, Some(meter)) = (row.is_up(), &mut meter) {
        meter.pause();
    }
    Entry { row, meter }
}

/// Gives places to those that run and have none. Who does not run any more keeps its place, and its charts, until another needs
/// it. Answers the channels that lost theirs.
fn assign(entries: &mut BTreeMap<String, Entry>) -> Vec<String> {
    let mut free =
        MAX_MEASURED.saturating_sub(entries.values().filter(|entry| entry.meter.is_some()).count());
    let waiting: Vec<String> = entries
        .values()
        .filter(|entry| entry.row.is_up() && entry.meter.is_none())
        .map(|entry| entry.row.id.clone())
        .collect();
    let mut gone = Vec::new();
    for entry in entries.values_mut() {
        let idle = !entry.row.is_up() && entry.meter.is_some();
        if idle && free < waiting.len() {
            entry.meter = None;
            gone.extend(entry.row.channel.take());
            free += 1;
        }
    }
    let placed: HashSet<&String> = waiting.iter().take(free).collect();
    for entry in entries.values_mut() {
        let id = &entry.row.id;
        entry.row.over_limit = entry.row.is_up() && entry.meter.is_none() && !placed.contains(id);
        if placed.contains(id) {
            entry.meter = Some(Meter::new(&entry.row.name));
            entry.row.channel = Some(metrics_channel(id));
        }
    }
    gone
}

fn row(summary: Summary) -> ContainerRow {
    let name = summary.names.first().map_or("", String::as_str);
    ContainerRow {
        name: plain(name.trim_start_matches('/'), 128),
        image: plain(&summary.image, 200),
        command: plain(&summary.command, MAX_COMMAND_CHARS),
        state: plain(&summary.state, 20),
        status: plain(&summary.status, 100),
        created_ms: summary.created.saturating_mul(1000),
        ports: ports(&summary.ports),
        channel: None,
        over_limit: false,
        usage: None,
        id: summary.id,
    }
}

/// A port that is published on IPv4 and IPv6 alike is told once.
fn ports(ports: &[Port]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    for port in ports.iter().take(32) {
        let inside = format!("{}/{}", port.private_port, plain(&port.protocol, 8));
        let text = match (port.public_port, port.ip.as_str()) {
            (0, _) => inside,
            (public, "" | "0.0.0.0" | "::") => format!("{public} to {inside}"),
            (public, ip) => format!("{}:{public} to {inside}", plain(ip, 45)),
        };
        if !told.contains(&text) {
            told.push(text);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(number: usize, state: &str) -> Summary {
        Summary {
            id: format!("{number:064x}"),
            names: vec![format!("/c{number}")],
            state: state.into(),
            ..Default::default()
        }
    }

    fn entries(states: impl Iterator<Item = &'static str>) -> BTreeMap<String, Entry> {
        states
            .enumerate()
            .map(|(number, state)| renewed(summary(number, state), None))
            .map(|entry| (entry.row.id.clone(), entry))
            .collect()
    }

    #[test]
    fn so_many_are_measured_and_the_rest_are_told_to_be_over_the_limit() {
        let mut all = entries(std::iter::repeat_n("running", MAX_MEASURED + 3));
        assert!(assign(&mut all).is_empty());
        assert_eq!(
            all.values().filter(|e| e.row.channel.is_some()).count(),
            MAX_MEASURED
        );
        assert_eq!(all.values().filter(|e| e.row.over_limit).count(), 3);
    }

    #[test]
    fn who_stops_gives_its_place_to_who_needs_one() {
        let mut all = entries(std::iter::repeat_n("running", MAX_MEASURED));
        assign(&mut all);
        let id = format!("{:064x}", 5);
        let old = all.remove(&id);
        let stopped = renewed(summary(5, "exited"), old);
        assert!(stopped.row.channel.is_some(), "its charts stay");
        all.insert(id.clone(), stopped);
        assert!(assign(&mut all).is_empty());
        let new = renewed(summary(900, "running"), None);
        all.insert(new.row.id.clone(), new);
        let gone = assign(&mut all);
        assert_eq!(gone, [metrics_channel(&id)]);
        assert!(all[&format!("{:064x}", 900)].row.channel.is_some());
        assert!(!all.values().any(|entry| entry.row.over_limit));
    }

    #[test]
    fn ports_are_told_once_and_with_their_address_only_where_it_says_something() {
        let text = r#"[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
            {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
            {"IP":"127.0.0.1","PrivatePort":53,"PublicPort":53,"Type":"udp"},
            {"PrivatePort":9000,"Type":"tcp"}]"#;
        let told = ports(&serde_json::from_str::<Vec<Port>>(text).unwrap());
        assert_eq!(told, ["8080 to 80/tcp", "127.0.0.1:53 to 53/udp", "9000/tcp"]);
    }

    #[test]
    fn engines_are_called_by_their_names() {
        let version = |text: &str| name(&serde_json::from_str(text).unwrap());
        assert_eq!(
            version(r#"{"Version":"28.2.2","Components":[{"Name":"Engine"}]}"#),
            "Docker Engine 28.2.2"
        );
        assert_eq!(
            version(r#"{"Version":"4.3.1","Components":[{"Name":"Podman Engine"}]}"#),
            "Podman Engine 4.3.1"
        );
        assert_eq!(version(r#"{"Version":"1","Components":null}"#), "Docker Engine 1");
    }
}
