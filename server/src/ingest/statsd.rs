//! StatsD over UDP: lines are added up and become one frame each second, as the original does it. A counter is told per second, a
//! timer as count per second, mean, p50, p95, p99 and max of that second, a set as how many there were.
//!
//! Nobody proves who they are here, and UDP waits for nobody: what cannot be read is counted and told at the source.

use super::{
    Ingest, StatsdConfig,
    feed::Feed,
    lock,
    packet::{self, Line, Said},
    sample::{Sample, Shape, label_from, name_from},
    series::{FORGET_MS, Hold},
};
use crate::time::now_ms;
use anyhow::Context;
use farol_model::{ingest::SourceKind, metric::Unit};
use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::UdpSocket, task::JoinHandle, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How often lines become a frame.
const FLUSH: Duration = Duration::from_secs(1);
/// Largest packet, bytes: UDP has no larger ones.
const MAX_PACKET: usize = 65_535;
/// Values of one timer that quantiles are taken from; above it, of a random choice among all.
const MAX_TIMED: usize = 4096;
/// Members of one set that are told apart in a second.
const MAX_MEMBERS: usize = 100_000;
/// Bytes of the kernel's buffer that are asked for.
const RECEIVE_BYTES: usize = 1024 * 1024;
/// Quantiles of timers.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// Takes the address.
pub async fn bind(address: SocketAddr) -> anyhow::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)
        .await
        .with_context(|| format!("StatsD cannot be taken at {address} (statsd.listen)"))?;
    // As much as we get.
    let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BYTES);
    Ok(socket)
}

/// Takes packets until it is stopped. What was added up by then is left to whoever comes after it.
async fn listen(
    socket: Arc<UdpSocket>,
    mut sums: Sums,
    feed: Arc<Mutex<Feed>>,
    ingest: Ingest,
    stop: CancellationToken,
) -> Sums {
    let mut packet = vec![0; MAX_PACKET];
    let mut ticks = tokio::time::interval(FLUSH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return sums,
            got = socket.recv(&mut packet) => match got {
                Ok(size) => sums.packet(packet.get(..size).unwrap_or_default()),
                Err(error) => {
                    // E.g. an ICMP answer to nothing that we sent. Not told each time.
                    tracing::debug!(%error, "a packet of StatsD was lost");
                    tokio::task::yield_now().await;
                }
            },
            _ = ticks.tick() => {
                let now = now_ms();
                let secs = (now - sums.now_ms).max(1) as f64 / 1000.0;
                let flushed = sums.flush(secs, now);
                let mut feed = lock(&feed);
                feed.set.refused += flushed.refused;
                if let Some(why) = &flushed.why {
                    feed.fail(why, now);
                }
                feed.take_flushed(&flushed, now);
                let interval_ms = u32::try_from(FLUSH.as_millis()).unwrap_or(1000);
                ingest.publish(&mut feed, now, Some(interval_ms));
            }
        }
    }
}

/// StatsD as it is in force.
pub(super) struct Listening {
    config: StatsdConfig,
    feed: Arc<Mutex<Feed>>,
    /// None where the address could not be taken and no other was before.
    socket: Option<Arc<UdpSocket>>,
    stop: CancellationToken,
    ended: Option<JoinHandle<Sums>>,
}

impl Ingest {
    /// Puts a configuration in force. The address is taken before another is given up: when it cannot be, what was before stays, and the
    /// source says why.
    pub async fn take_statsd(&self, config: &StatsdConfig) -> anyhow::Result<()> {
        // An async lock: it is held while an address is taken.
        let mut statsd = self.inner.statsd.lock().await;
        let before = statsd.as_ref();
        if before.is_some_and(|before| before.config == *config && before.socket.is_some()) {
            return Ok(());
        }
        let Some(address) = config.listen else {
            if let Some(before) = statsd.take() {
                before.end(self, None).await;
            }
            return Ok(());
        };
        self.name_is_free(&config.name)?;
        let same = before.filter(|before| before.config.listen == config.listen);
        let socket = match same.and_then(|same| same.socket.clone()) {
            Some(socket) => socket,
            None => match bind(address).await {
                Ok(socket) => Arc::new(socket),
                Err(error) => {
                    self.cannot_listen(&mut statsd, config, address, &error);
                    return Err(error);
                }
            },
        };
        let at = format!("udp://{}", socket.local_addr().unwrap_or(address));
        let sums = match statsd.take() {
            Some(before) => before.end(self, Some(&config.name)).await,
            None => None,
        };
        *statsd = Some(self.listen(config, socket, at, sums));
        Ok(())
    }

    fn listen(
        &self,
        config: &StatsdConfig,
        socket: Arc<UdpSocket>,
        at: String,
        sums: Option<Sums>,
    ) -> Listening {
        // One of the same name goes on with its series.
        let known = lock(&self.inner.feeds).get(&config.name).cloned();
        let feed = match known {
            Some(feed) => {
                lock(&feed).move_to(at);
                feed
            }
            None => self.add(self.statsd_feed(&config.name, at)),
        };
        let stop = self.inner.shutdown.child_token();
        let sums = sums.unwrap_or_else(|| Sums::new(self.inner.config.max_series));
        let listening = listen(socket.clone(), sums, feed.clone(), self.clone(), stop.clone());
        Listening {
            config: config.clone(),
            feed,
            socket: Some(socket),
            stop,
            ended: Some(self.inner.tasks.spawn(listening)),
        }
    }

    fn statsd_feed(&self, name: &str, at: String) -> Feed {
        let most = self.inner.config.max_series;
        Feed::new(name, SourceKind::Statsd, at, most, Hold::For(self.stale_ms()))
    }

    /// Says so at the source: at the one that stays, or at one that is not heard.
    fn cannot_listen(
        &self,
        statsd: &mut Option<Listening>,
        config: &StatsdConfig,
        address: SocketAddr,
        error: &anyhow::Error,
    ) {
        let now = now_ms();
        if let Some(before) = statsd.as_ref().filter(|before| before.socket.is_some()) {
            let mut feed = lock(&before.feed);
            let words = format!("{error:#}; it goes on at {}", feed.at());
            feed.fail(&words, now);
            return;
        }
        if let Some(before) = statsd.take() {
            self.forget(&before.config.name, SourceKind::Statsd);
        }
        let mut feed = self.statsd_feed(&config.name, format!("udp://{address}"));
        feed.answered(0, 1);
        feed.fail(&format!("{error:#}"), now);
        *statsd = Some(Listening {
            config: config.clone(),
            feed: self.add(feed),
            socket: None,
            stop: CancellationToken::new(),
            ended: None,
        });
    }

    fn name_is_free(&self, name: &str) -> anyhow::Result<()> {
        let feeds = lock(&self.inner.feeds);
        let other = feeds.get(name).map(|feed| lock(feed).kind());
        match other.filter(|kind| *kind != SourceKind::Statsd) {
            Some(kind) => anyhow::bail!(
                "the name {name} belongs to a source of another kind ({}) (statsd.name)",
                kind.as_str()
            ),
            None => Ok(()),
        }
    }
}

impl Listening {
    /// Stops it. When one of the same name comes after it that has what was added up, and the series go on; otherwise they end.
    async fn end(self, ingest: &Ingest, next: Option<&str>) -> Option<Sums> {
        self.stop.cancel();
        let sums = match self.ended {
            Some(ended) => ended
                .await
                .map_err(|_| tracing::error!("StatsD has panicked"))
                .ok(),
            None => None,
        };
        if next == Some(&self.config.name) {
            return sums;
        }
        ingest.forget(&self.config.name, SourceKind::Statsd);
        None
    }
}

impl Feed {
    /// Zeros of a second in which nothing came are no sign of life.
    fn take_flushed(&mut self, flushed: &Flushed, now_ms: i64) {
        let heard = self.heard_ms();
        self.take(&flushed.samples, now_ms);
        if flushed.lines == 0 {
            self.set_heard(heard);
        }
    }
}

/// What a second came to.
#[derive(Debug, Default)]
pub struct Flushed {
    pub samples: Vec<Sample>,
    /// Lines that were read.
    pub lines: u64,
    /// Lines that could not be.
    pub refused: u64,
    pub why: Option<String>,
}

type Key = (String, Vec<(String, String)>);

#[derive(Debug, Default)]
struct Timed {
    values: Vec<f64>,
    /// How many values there were, and how many they stand for.
    seen: u64,
    count: f64,
    sum: f64,
    max: f64,
}

#[derive(Debug)]
enum Sum {
    Count(f64),
    Gauge(Option<f64>, f64),
    Timed(Timed, Unit),
    Set(HashSet<u64>),
}

/// Lines added up. Pure but for the choice among very many values of a timer.
#[derive(Debug)]
pub struct Sums {
    limit: usize,
    sums: HashMap<Key, (Sum, i64)>,
    lines: u64,
    refused: u64,
    why: Option<String>,
    now_ms: i64,
}

impl Sums {
    /// So many names with tags at most.
    pub fn new(limit: usize) -> Sums {
        Sums {
            limit,
            sums: HashMap::new(),
            lines: 0,
            refused: 0,
            why: None,
            now_ms: now_ms(),
        }
    }

    /// A packet: lines, one below the other.
    pub fn packet(&mut self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.refuse("a packet is no text in UTF-8".to_owned());
            return;
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            match packet::parse(line).and_then(|line| self.add(line)) {
                Ok(()) => self.lines += 1,
                Err(why) => self.refuse(why),
            }
        }
    }

    fn refuse(&mut self, why: String) {
        self.refused += 1;
        self.why.get_or_insert(why);
    }

    fn add(&mut self, line: Line) -> Result<(), String> {
        let key = (line.name, line.tags);
        if self.sums.len() >= self.limit && !self.sums.contains_key(&key) {
            return Err(format!(
                "the limit of {} names with tags is reached; new ones are refused, those before go on",
                self.limit
            ));
        }
        let fresh = || match &line.said {
            Said::Count(_) => Sum::Count(0.0),
            Said::Gauge(_) | Said::GaugeBy(_) => Sum::Gauge(None, 0.0),
            Said::Timer(..) => Sum::Timed(Timed::default(), Unit::Seconds),
            Said::Histogram(..) => Sum::Timed(Timed::default(), Unit::None),
            Said::Member(_) => Sum::Set(HashSet::new()),
        };
        let name = key.0.clone();
        let (sum, seen_ms) = self.sums.entry(key).or_insert_with(|| (fresh(), 0));
        *seen_ms = self.now_ms;
        match (sum, line.said) {
            (Sum::Count(sum), Said::Count(more)) => *sum += more,
            (Sum::Gauge(said, kept), Said::Gauge(value)) => {
                *said = Some(value);
                *kept = value;
            }
            (Sum::Gauge(said, kept), Said::GaugeBy(change)) => {
                *kept += change;
                *said = Some(*kept);
            }
            (Sum::Timed(timed, Unit::Seconds), Said::Timer(values, weight))
            | (Sum::Timed(timed, Unit::None), Said::Histogram(values, weight)) => {
                values.into_iter().for_each(|value| timed.add(value, weight));
            }
            (Sum::Set(members), Said::Member(member)) => {
                let mut hasher = DefaultHasher::new();
                member.hash(&mut hasher);
                if members.len() < MAX_MEMBERS {
                    members.insert(hasher.finish());
                }
            }
            _ => return Err(format!("{name} was of another type before")),
        }
        Ok(())
    }

    /// What came within so many seconds, and begins anew.
    pub fn flush(&mut self, secs: f64, now_ms: i64) -> Flushed {
        self.now_ms = now_ms;
        let mut samples = Vec::new();
        self.sums.retain(|_, (_, seen_ms)| now_ms - *seen_ms <= FORGET_MS);
        for ((name, tags), (sum, _)) in &mut self.sums {
            let base = base(name, tags, now_ms);
            match sum {
                Sum::Count(count) => samples.push(Sample {
                    value: std::mem::take(count),
                    shape: Shape::Delta(secs),
                    ..base
                }),
                Sum::Gauge(said, _) => {
                    let value = said.take();
                    samples.extend(value.map(|value| Sample { value, ..base }));
                }
                Sum::Set(members) => samples.push(Sample {
                    value: std::mem::take(members).len() as f64,
                    unit: Some(Unit::Count),
                    ..base
                }),
                Sum::Timed(timed, unit) => std::mem::take(timed).tell(&base, *unit, secs, &mut samples),
            }
        }
        Flushed {
            samples,
            lines: std::mem::take(&mut self.lines),
            refused: std::mem::take(&mut self.refused),
            why: self.why.take(),
        }
    }
}

fn base(name: &str, tags: &[(String, String)], now_ms: i64) -> Sample {
    let labels = tags.iter().map(|(name, value)| (label_from(name), value.clone()));
    Sample {
        labels: labels.collect(),
        help: format!("{name}, sent over StatsD."),
        ..Sample::gauge(&name_from(name), 0.0, now_ms)
    }
}

impl Timed {
    fn add(&mut self, value: f64, weight: f64) {
        self.seen += 1;
        self.count += weight;
        self.sum += value * weight;
        self.max = if self.seen == 1 {
            value
        } else {
            self.max.max(value)
        };
        if self.values.len() < MAX_TIMED {
            self.values.push(value);
            return;
        }
        // Each value has the same chance to be among those that are kept (Vitter, algorithm R).
        let place = rand::random_range(0..self.seen);
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(kept) = self.values.get_mut(place) {
            *kept = value;
        }
    }

    /// As series: how many, and how long.
    fn tell(mut self, base: &Sample, unit: Unit, secs: f64, samples: &mut Vec<Sample>) {
        let stem = match unit {
            Unit::Seconds if !base.name.ends_with("_seconds") => format!("{}_seconds", base.name),
            _ => base.name.clone(),
        };
        samples.push(Sample {
            name: format!("{stem}_count"),
            value: self.count,
            shape: Shape::Delta(secs),
            ..base.clone()
        });
        self.values.sort_by(f64::total_cmp);
        let some = self.seen > 0;
        let quantiles = QUANTILES.map(|(word, at)| (word, quantile(&self.values, at)));
        let mean = if some { self.sum / self.count } else { f64::NAN };
        let max = if some { self.max } else { f64::NAN };
        let all = [("mean", mean)]
            .into_iter()
            .chain(quantiles)
            .chain([("max", max)]);
        for (word, value) in all {
            let mut sample = Sample {
                name: format!("{stem}_{word}"),
                value,
                unit: Some(unit),
                chart: Some(stem.clone()),
                ..base.clone()
            };
            // Beside the others of its chart it needs the word.
            sample.labels.push(("stat".to_owned(), word.to_owned()));
            samples.push(sample);
        }
    }
}

/// Of values in order: the smallest that so many are not above (nearest rank). NaN of none.
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let rank = (at * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flushed(sums: &mut Sums, secs: f64) -> HashMap<String, f64> {
        let flushed = sums.flush(secs, sums.now_ms + 1000);
        let values = flushed.samples.iter().map(|sample| {
            let value = match sample.shape {
                Shape::Delta(secs) => sample.value / secs,
                _ => sample.value,
            };
            (sample.name.clone(), value)
        });
        values.collect()
    }

    #[test]
    fn a_second_of_lines_is_added_up() {
        let mut sums = Sums::new(100);
        sums.packet(
            b"hits:1|c\nhits:3|c|@0.5\nqueue:7|g\nqueue:-2|g\nusers:ana|s\nusers:bob|s\nusers:ana|s\n",
        );
        for n in 1..=100 {
            sums.packet(format!("page.load:{n}|ms").as_bytes());
        }
        let values = flushed(&mut sums, 2.0);
        assert_eq!(values["hits"], 3.5, "7 in 2 s");
        assert_eq!((values["queue"], values["users"]), (5.0, 2.0));
        assert_eq!(values["page_load_seconds_count"], 50.0);
        let near = |name: &str, value: f64| assert!((values[name] - value).abs() < 1e-9, "{name}");
        near("page_load_seconds_mean", 0.0505);
        near("page_load_seconds_p50", 0.05);
        near("page_load_seconds_p95", 0.095);
        near("page_load_seconds_p99", 0.099);
        near("page_load_seconds_max", 0.1);
        // A second of nothing: counters stand still, gauges say nothing new, timers have no value.
        let values = flushed(&mut sums, 1.0);
        assert_eq!(values["hits"], 0.0);
        assert!(!values.contains_key("queue"));
        assert!(values["page_load_seconds_p50"].is_nan());
        sums.packet(b"queue:+1|g");
        assert_eq!(flushed(&mut sums, 1.0)["queue"], 6.0);
    }

    #[test]
    fn lines_that_cannot_be_read_are_counted_and_the_others_taken() {
        let mut sums = Sums::new(2);
        sums.packet(b"a:1|c\nrubbish\nb:1|c\na:1|ms\nc:1|c\n");
        sums.packet(&[0xff, 0xfe]);
        let flushed = sums.flush(1.0, sums.now_ms);
        assert_eq!((flushed.lines, flushed.refused), (2, 4));
        assert!(flushed.why.unwrap().contains("no `:`"));
    }

    #[test]
    fn very_many_values_of_a_timer_take_no_more_memory_and_are_all_counted() {
        let mut timed = Timed::default();
        for n in 0..100_000 {
            timed.add(f64::from(n), 1.0);
        }
        assert_eq!(
            (timed.values.len(), timed.count, timed.max),
            (MAX_TIMED, 100_000.0, 99_999.0)
        );
        timed.values.sort_by(f64::total_cmp);
        let middle = quantile(&timed.values, 0.5);
        assert!((40_000.0..60_000.0).contains(&middle), "{middle}");
    }
}
