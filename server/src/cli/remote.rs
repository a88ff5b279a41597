//! Commands that talk to a running Farol, here or elsewhere.

use super::{eprint_line, say};
use crate::client::{Client, Final, Server};
use anyhow::Context;
use clap::Args;
use farol_model::{
    action::{RunEvent, RunStatus},
    connection::{ConnectionPage, ConnectionSort},
    metric::MetricSpec,
    wire::{Push, SubscribeRequest, codes::unsubscribe},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::HashMap, path::PathBuf, time::Duration};

/// Waits between attempts to connect again, as docs/PROTOCOL.md has it: from, to.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(20));

#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Address of the Farol to talk to
    #[arg(long, env = "FAROL_URL", default_value = "http://127.0.0.1:3000")]
    url: String,
    /// An API token, see `farol token create`; better given in the environment, where other users cannot see it
    #[arg(long, env = "FAROL_TOKEN", hide_env_values = true)]
    token: String,
    /// Certificates in PEM to trust instead of the machine's, for one of Farol's own making
    #[arg(long, env = "FAROL_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TailArgs {
    /// Channels, e.g. metrics/local/cpu
    #[arg(required = true)]
    channels: Vec<String>,
    /// One JSON object per publication
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub struct ConnectionsArgs {
    /// Only those with this text in their id, user, address, agent, carrier or a channel
    #[arg(long, default_value = "")]
    text: String,
    /// age, user, address, client, carrier, encoding, channels, sent, received, sent_frames, received_frames, queue, round_trip,
    /// clock or conflations
    #[arg(long, default_value = "age", value_parser = sort)]
    sort: ConnectionSort,
    /// The least first
    #[arg(long)]
    ascending: bool,
    /// Rows at most
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// As one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Args)]
pub struct DisconnectArgs {
    /// Id of the connection, as `farol connections` shows it
    id: String,
    /// Why: for the audit log, and how it begins for the client
    #[arg(long)]
    reason: String,
    /// Tell the client not to come back by itself
    #[arg(long)]
    stay_away: bool,
    #[command(flatten)]
    server: ServerArgs,
}

fn sort(text: &str) -> Result<ConnectionSort, String> {
    ConnectionSort::parse(text).ok_or_else(|| {
        let all = ConnectionSort::ALL.map(ConnectionSort::as_str).join(", ");
        format!("use one of {all}")
    })
}

impl From<ServerArgs> for Server {
    fn from(args: ServerArgs) -> Self {
        Server {
            url: args.url,
            token: args.token,
            ca: args.ca,
        }
    }
}

/// Prints publications until it is stopped; comes back after a loss and goes on where it was.
pub async fn tail(args: TailArgs) -> anyhow::Result<()> {
    let server = args.server.into();
    let mut tail = Tail {
        json: args.json,
        followed: args
            .channels
            .into_iter()
            .map(|channel| (channel, Followed::default()))
            .collect(),
    };
    let mut wait = BACKOFF.0;
    loop {
        let ended = match Client::connect(&server).await {
            Ok(mut client) => {
                wait = BACKOFF.0;
                tail.follow(&mut client).await
            }
            Err(error) => error,
        };
        if ended.downcast_ref::<Final>().is_some() {
            return Err(ended);
        }
        eprint_line(&format!("{ended:#}; trying again"));
        tokio::time::sleep(wait.mul_f64(rand::random::<f64>())).await;
        wait = (wait * 2).min(BACKOFF.1);
    }
}

struct Tail {
    json: bool,
    followed: HashMap<String, Followed>,
}

#[derive(Default)]
struct Followed {
    epoch: String,
    offset: u64,
    names: Vec<String>,
}

impl Tail {
    /// Prints until the connection ends, and says why it did.
    async fn follow(&mut self, client: &mut Client) -> anyhow::Error {
        let channels: Vec<String> = self.followed.keys().cloned().collect();
        for channel in channels {
            if let Err(error) = self.subscribe(client, &channel).await {
                return error;
            }
        }
        loop {
            let push = match client.next().await {
                Ok(push) => push,
                Err(error) => return error,
            };
            if let Err(error) = self.take(client, push).await {
                return error;
            }
        }
    }

    async fn subscribe(&mut self, client: &mut Client, channel: &str) -> anyhow::Result<()> {
        let followed = self.followed.entry(channel.to_owned()).or_default();
        let request = SubscribeRequest {
            channel: channel.to_owned(),
            recover: !followed.epoch.is_empty(),
            epoch: followed.epoch.clone(),
            offset: followed.offset,
            // The names of the values, and as little history as there is.
            data: json!({"history_ms": 1}).to_string().into(),
            ..Default::default()
        };
        let result = client
            .subscribe(request)
            .await
            .with_context(|| channel.to_owned())?;
        if result.was_recovering && !result.recovered {
            eprint_line(&format!("{channel}: what was missed is no longer held"));
        }
        followed.epoch.clone_from(&result.epoch);
        followed.offset = result.offset;
        let state: Value = serde_json::from_slice(&result.data).unwrap_or_default();
        followed.learn(&state);
        for missed in &result.publications {
            self.print(channel, missed.offset, &missed.data);
        }
        Ok(())
    }

    async fn take(&mut self, client: &mut Client, push: Push) -> anyhow::Result<()> {
        if let Some(publication) = &push.publication {
            self.print(&push.channel, publication.offset, &publication.data);
        }
        match push.unsubscribe {
            Some(ended) if ended.code == unsubscribe::INSUFFICIENT_STATE => {
                self.subscribe(client, &push.channel).await
            }
            Some(ended) => {
                self.followed.remove(&push.channel);
                eprint_line(&format!("{}: {} {}", push.channel, ended.code, ended.reason));
                match self.followed.is_empty() {
                    true => Err(Final("nothing is left to follow".to_owned()).into()),
                    false => Ok(()),
                }
            }
            None => Ok(()),
        }
    }

    fn print(&mut self, channel: &str, offset: u64, data: &[u8]) {
        let data: Value = serde_json::from_slice(data).unwrap_or_default();
        let Some(followed) = self.followed.get_mut(channel) else {
            return;
        };
        followed.offset = offset;
        followed.learn(&data);
        match self.json {
            true => say(&json!({"channel": channel, "offset": offset, "data": data}).to_string()),
            false => say(&format!("{channel} {}", followed.line(&data))),
        }
    }
}

impl Followed {
    /// Takes the names of the values, where there are some.
    fn learn(&mut self, data: &Value) {
        let schema = data.get("schema").filter(|schema| schema.is_array()).cloned();
        let schema = schema.and_then(|schema| serde_json::from_value::<Vec<MetricSpec>>(schema).ok());
        if let Some(schema) = schema.filter(|schema| !schema.is_empty()) {
            self.names = schema.iter().map(MetricSpec::key).collect();
        }
    }

    /// `name=value` of metrics, labels in the name; anything else as it is.
    fn line(&self, data: &Value) -> String {
        let Some(values) = data.get("values").and_then(Value::as_array) else {
            return data.to_string();
        };
        let t_ms = data.get("t_ms").map(ToString::to_string).unwrap_or_default();
        let named = self.names.iter().zip(values);
        named.fold(t_ms, |line, (name, value)| format!("{line} {name}={value}"))
    }
}

/// Prints who is connected.
pub async fn connections(args: ConnectionsArgs) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.server.into()).await?;
    let query = json!({
        "text": args.text, "sort": args.sort, "descending": !args.ascending, "limit": args.limit,
    });
    let answer = client.call("connections", &query).await?;
    if args.json {
        say(&answer.to_string());
        return Ok(());
    }
    let page: ConnectionPage = serde_json::from_value(answer).context("an answer of another version")?;
    say(&format!(
        "{:<32}  {:<16} {:<16} {:<11} {:>8} {:>10} {:>9} {:>7}  CHANNELS",
        "ID", "USER", "ADDRESS", "CARRIER", "AGE s", "OUT B/s", "QUEUE B", "RTT ms"
    ));
    for row in &page.rows {
        let round_trip = row.round_trip_us.map(|us| format!("{:.1}", us as f64 / 1000.0));
        say(&format!(
            "{:<32}  {:<16} {:<16} {:<11} {:>8} {:>10.0} {:>9} {:>7}  {}",
            row.id,
            row.user,
            row.address,
            row.carrier.as_str(),
            (page.t_ms - row.since_ms) / 1000,
            row.sent.bytes_per_s,
            row.queue_bytes,
            round_trip.unwrap_or_default(),
            row.channels.join(" "),
        ));
    }
    say(&format!(
        "{} of {} connections, {} users",
        page.rows.len(),
        page.total,
        page.users
    ));
    Ok(())
}

/// Ends a connection, as a run that the audit log has.
pub async fn disconnect(args: DisconnectArgs) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.server.into()).await?;
    let then = if args.stay_away { "stay_away" } else { "return" };
    let request = json!({
        "key": format!("cli-{:032x}", rand::random::<u128>()),
        "action": "live.disconnect",
        "params": {"connection": args.id, "then": then, "reason": args.reason},
        "confirm": true,
        "follow": true,
    });
    client.call("run", &request).await?;
    loop {
        let push = client.next().await?;
        // It may have ended before we were subscribed: then it stands in the state.
        let state = push.subscribe.map(|subscribe| subscribe.data).unwrap_or_default();
        let held: Held = serde_json::from_slice(&state).unwrap_or_default();
        let published = push
            .publication
            .map(|publication| publication.data)
            .unwrap_or_default();
        let event = serde_json::from_slice::<RunEvent>(&published).ok();
        let ended = held
            .events
            .into_iter()
            .chain(event)
            .find_map(|event| match event {
                RunEvent::State { run } if run.status.ended() => Some(run),
                _ => None,
            });
        if let Some(run) = ended {
            let detail = run.detail;
            anyhow::ensure!(run.status == RunStatus::Succeeded, "{detail}");
            say(&detail);
            return Ok(());
        }
    }
}

/// State of the channel of a run.
#[derive(Default, Deserialize)]
struct Held {
    events: Vec<RunEvent>,
}
