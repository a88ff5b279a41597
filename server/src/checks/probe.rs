//! One try of one check.

use super::{
    Units,
    config::{CheckConfig, host_port},
    dns, http, tls,
};
use anyhow::{Context, bail};
use farol_model::ingest::CheckKind;
use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::timeout};

/// Longest message that is kept, characters.
const MAX_MESSAGE_CHARS: usize = 300;
const DAY_SECS: i64 = 86_400;

/// What came of a try.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub ok: bool,
    /// What was seen, or what is wrong.
    pub message: String,
    pub took: Duration,
    /// When the certificate ends, seconds from now.
    pub tls_expiry_secs: Option<i64>,
}

impl Outcome {
    pub fn of(judged: anyhow::Result<String>) -> Outcome {
        let (ok, message) = match judged {
            Ok(message) => (true, message),
            Err(error) => (false, format!("{error:#}")),
        };
        Outcome {
            ok,
            message: message.chars().take(MAX_MESSAGE_CHARS).collect(),
            took: Duration::ZERO,
            tls_expiry_secs: None,
        }
    }
}

/// Tries once, for as long as the check lets it.
pub async fn probe(config: &CheckConfig, units: &Arc<dyn Units>) -> Outcome {
    let started = Instant::now();
    let limit = config.timeout();
    let outcome = timeout(limit, one(config, units))
        .await
        .unwrap_or_else(|_| Outcome::of(Err(anyhow::anyhow!("took longer than {} s", limit.as_secs()))));
    Outcome {
        took: started.elapsed(),
        ..outcome
    }
}

async fn one(config: &CheckConfig, units: &Arc<dyn Units>) -> Outcome {
    match config.kind() {
        Some(CheckKind::Http) => http::probe(config).await,
        Some(CheckKind::Tcp) => Outcome::of(tcp(config).await),
        Some(CheckKind::Tls) => certificate(config).await,
        Some(CheckKind::Dns) => Outcome::of(name(config).await),
        Some(CheckKind::Process) => Outcome::of(process(config).await),
        Some(CheckKind::Unit) => {
            Outcome::of(
                units
                    .unit(&config.target)
                    .await
                    .and_then(|unit| match unit.active {
                        true => Ok(unit.words),
                        false => bail!("is {}", unit.words),
                    }),
            )
        }
        None => Outcome::of(Err(anyhow::anyhow!("there is no such kind of check"))),
    }
}

/// Connects.
pub async fn reach(host: &str, port: u16) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect((host, port))
        .await
        .with_context(|| format!("{host} cannot be reached at port {port}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn tcp(config: &CheckConfig) -> anyhow::Result<String> {
    let (host, port) = host_port(&config.target)?;
    let stream = reach(&host, port).await?;
    Ok(format!("{} takes connections", stream.peer_addr()?))
}

async fn certificate(config: &CheckConfig) -> Outcome {
    let mut expiry_secs = None;
    let judged = async {
        let (host, port) = host_port(&config.target)?;
        let opened = tls::open(reach(&host, port).await?, &host, config.verify, config.ca.clone()).await;
        expiry_secs = opened.expiry_secs;
        opened.line?;
        let left = expiry_secs.context("the certificate cannot be read")?;
        let days = left.div_euclid(DAY_SECS);
        if left < i64::from(config.days) * DAY_SECS {
            bail!(
                "the certificate ends in {days} days; fewer than {} are a failure",
                config.days
            );
        }
        Ok(format!("the certificate holds for {days} days"))
    };
    let judged = judged.await;
    Outcome {
        tls_expiry_secs: expiry_secs,
        ..Outcome::of(judged)
    }
}

async fn name(config: &CheckConfig) -> anyhow::Result<String> {
    let found = dns::look_up(config.server.as_deref(), &config.target, config.record == "AAAA").await?;
    if found.is_empty() {
        bail!("has no {} record", config.record);
    }
    let told: Vec<String> = found.iter().take(8).map(ToString::to_string).collect();
    let told = told.join(", ");
    if let Some(missing) = config.expect.iter().find(|address| !found.contains(address)) {
        bail!("is {told}, without {missing}");
    }
    Ok(format!("is {told}"))
}

async fn process(config: &CheckConfig) -> anyhow::Result<String> {
    let name = config.target.clone();
    let count = tokio::task::spawn_blocking(move || running(&name)).await??;
    match count {
        0 => bail!("no process of this name is running"),
        1 => Ok("1 process is running".to_owned()),
        count => Ok(format!("{count} processes are running")),
    }
}

/// Processes that have this name: what the kernel calls them (cut to 15 bytes), or the program that they were started as.
fn running(name: &str) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir("/proc").context("/proc cannot be read")? {
        let Ok(entry) = entry else { continue };
        let is_process = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.parse::<u32>().is_ok());
        if !is_process {
            continue;
        }
        // It may have ended meanwhile.
        let comm = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let short = name.get(..15).unwrap_or(name);
        if comm.trim_end() == short && name.len() <= 15 {
            count += 1;
            continue;
        }
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let first = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let program = first.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        count += usize::from(program == name.as_bytes());
    }
    Ok(count)
}
