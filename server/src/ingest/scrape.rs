//! Asks the targets of one scrape at its interval, all at once, and makes one frame of what they say. A target that does not answer in
//! time, or not as it should, has no values in that frame, and `up` is 0.
//!
//! Redirects are not followed: what is asked is what the configuration names.

use super::{
    Ingest,
    config::ScrapeConfig,
    feed::Feed,
    gzip, lock,
    sample::Sample,
    targets::{Target, Targets},
    text::{self, Format},
};
use crate::{
    outbound::{http::Connection, proof::Proof, shown},
    time::now_ms,
};
use anyhow::{Context, bail};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

/// Targets that are asked at once.
const AT_ONCE: usize = 16;
/// Largest answer, bytes, packed and unpacked.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// What we take, the better one first. Names are to be in the form that all have.
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0;escaping=underscores,\
                      text/plain;version=0.0.4;escaping=underscores;q=0.5,*/*;q=0.1";

/// Where it asks, for people.
pub fn at(config: &ScrapeConfig) -> String {
    let files = config.files.iter().map(|file| file.display().to_string());
    match (&config.url, config.files.is_empty()) {
        (Some(url), true) => shown(url),
        _ => files.collect::<Vec<_>>().join(", "),
    }
}

/// What came of one target.
struct Answered {
    target: Target,
    took: Duration,
    samples: Result<Vec<Sample>, String>,
}

/// Asks until the shutdown.
pub async fn keep(config: ScrapeConfig, feed: Arc<Mutex<Feed>>, ingest: Ingest, shutdown: CancellationToken) {
    let config = Arc::new(config);
    let mut targets = Some(Targets::new(&config));
    let mut ticks = tokio::time::interval(config.interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let round = round(&config, targets.take(), &feed, &ingest);
        tokio::select! {
            () = shutdown.cancelled() => return,
            kept = round => targets = kept,
        }
    }
}

/// One round; gives the targets back. None when a thread of ours has broken, after which they are read anew.
async fn round(
    config: &Arc<ScrapeConfig>,
    targets: Option<Targets>,
    feed: &Arc<Mutex<Feed>>,
    ingest: &Ingest,
) -> Option<Targets> {
    let mut targets = targets.unwrap_or_else(|| Targets::new(config));
    let looked = tokio::task::spawn_blocking(move || {
        let (found, wrong) = targets.now();
        let found = found.to_vec();
        (targets, found, wrong)
    });
    let (targets, found, wrong) = looked.await.ok()?;
    let asked = found.into_iter().map(|target| ask(config.clone(), target));
    let answers: Vec<Answered> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    let (feed, ingest, config) = (feed.clone(), ingest.clone(), config.clone());
    let done = tokio::task::spawn_blocking(move || {
        let mut feed = lock(&feed);
        let now = now_ms();
        take(&mut feed, answers, now);
        // Last, because it matters more than a target of those there are.
        if let Some(wrong) = wrong {
            feed.fail(&wrong, now);
        }
        let interval_ms = u32::try_from(config.interval().as_millis()).unwrap_or(u32::MAX);
        ingest.publish(&mut feed, now, Some(interval_ms));
    });
    done.await.ok()?;
    Some(targets)
}

/// Puts the answers of a round into the feed.
fn take(feed: &mut Feed, answers: Vec<Answered>, now_ms: i64) {
    let asked = answers.len();
    let mut up = 0;
    let heard = feed.heard_ms();
    feed.set.begin_round();
    for answer in answers {
        let labels = &answer.target.labels;
        let own = |name: &str, value: f64, help: &str| {
            let mut sample = Sample::gauge(name, value, now_ms);
            sample.labels = labels.clone().into_iter().collect();
            sample.help = help.to_owned();
            sample
        };
        let (alive, count) = match &answer.samples {
            Ok(samples) => (1.0, samples.len() as f64),
            Err(_) => (0.0, f64::NAN),
        };
        // First, so that the limit never takes them.
        feed.take(
            &[
                own("up", alive, "1 when the target answered as it should, else 0."),
                own(
                    "scrape_duration_seconds",
                    answer.took.as_secs_f64(),
                    "How long the target took to answer.",
                ),
                own("scrape_samples_scraped", count, "Values that the target told."),
            ],
            now_ms,
        );
        match answer.samples {
            Ok(mut samples) => {
                up += 1;
                for sample in &mut samples {
                    with_labels(sample, labels);
                }
                feed.take(&samples, now_ms);
            }
            Err(why) => feed.fail(&format!("{}: {why}", answer.target.instance), now_ms),
        }
    }
    if up == 0 {
        // What we say of those who do not answer is no sign of theirs.
        feed.set_heard(heard);
    }
    feed.answered(up, asked);
}

/// Labels of the target win; what the sample says under such a name becomes `exported_NAME`, as in Prometheus.
fn with_labels(sample: &mut Sample, labels: &std::collections::BTreeMap<String, String>) {
    for (name, _) in &mut sample.labels {
        if labels.contains_key(name) {
            *name = format!("exported_{name}");
        }
    }
    let ours = labels.iter().map(|(name, value)| (name.clone(), value.clone()));
    sample.labels.extend(ours);
}

async fn ask(config: Arc<ScrapeConfig>, target: Target) -> Answered {
    let started = Instant::now();
    let limit = config.timeout();
    let samples = match timeout(limit, fetch(&config, &target)).await {
        Ok(Ok(samples)) => Ok(samples),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(_) => Err(format!("took longer than {} s", limit.as_secs())),
    };
    Answered {
        target,
        took: started.elapsed(),
        samples,
    }
}

async fn fetch(config: &ScrapeConfig, target: &Target) -> anyhow::Result<Vec<Sample>> {
    let uri: Uri = target.url.parse()?;
    let mut request = Request::get(uri.clone()).body(String::new())?;
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static(ACCEPT));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("farol/", env!("CARGO_PKG_VERSION"))),
    );
    let proof = Proof {
        bearer_token: config.bearer_token.as_deref(),
        bearer_token_file: config.bearer_token_file.as_deref(),
        basic_user: config.basic_user.as_deref(),
        basic_password: config.basic_password.as_deref(),
        basic_password_file: config.basic_password_file.as_deref(),
    };
    proof.put(headers).await?;
    let mut connection = Connection::open(&uri, config.ca.as_deref()).await?;
    let answer = connection.ask_bounded(request, MAX_BYTES).await?;
    if answer.status.is_redirection() {
        bail!(
            "answers {}: it leads elsewhere, and redirects are not followed",
            answer.status
        );
    }
    if answer.status != http::StatusCode::OK {
        bail!("answers {}", answer.status);
    }
    let now = now_ms();
    let parsed = tokio::task::spawn_blocking(move || read(&answer.headers, &answer.body, now));
    parsed.await.context("it could not be read")?
}

/// Unpacks and reads an answer.
fn read(headers: &HeaderMap, body: &[u8], now_ms: i64) -> anyhow::Result<Vec<Sample>> {
    let word = |name| {
        let value = headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok());
        value.unwrap_or_default().to_ascii_lowercase()
    };
    let plain;
    let body = match word(header::CONTENT_ENCODING).as_str() {
        "" | "identity" => body,
        "gzip" => {
            plain = gzip::unpack(body, MAX_BYTES)?;
            &plain
        }
        other => bail!("is packed as `{other}`, which was not asked for"),
    };
    let text = std::str::from_utf8(body).context("is no text in UTF-8")?;
    Ok(text::parse(
        text,
        Format::of(&word(header::CONTENT_TYPE)),
        now_ms,
    )?)
}
