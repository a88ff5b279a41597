//! The thread that brings to the disk what the [`super::writer`] took in, and keeps order there: heads become pieces, pieces of a
//! window that has passed are merged and rolled up, what is older than it may be leaves. Nobody waits for it; what fails is
//! tried again.

use super::{
    Inner,
    head::Part,
    shelf,
    tier::{DAY_MS, Tier},
};
use std::{
    fs, io,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// Between two looks when nobody wakes it.
const EVERY: Duration = Duration::from_secs(1);
/// The journal is brought to the disk this often: so much is lost when the machine itself loses its power.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// Between two rounds of merging and forgetting when nothing was sealed.
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// Pieces of a window that is not over yet are merged above so many, so that reading opens few files.
const MAX_PIECES: usize = 64;
/// A clock that jumps further than this between two looks is not believed at once when something is to be forgotten.
const JUMP_MS: i64 = 600_000;
/// How long it is not believed.
const DOUBT: Duration = Duration::from_secs(3600);

/// A head that takes no more rows.
#[derive(Debug)]
pub struct Frozen {
    pub parts: Vec<Part>,
    /// The files that hold it until it is sealed.
    pub journals: Vec<PathBuf>,
    pub seq: u64,
}

/// See the module.
pub struct Keeper {
    inner: Arc<Inner>,
    synced: Instant,
    tidied: Option<Instant>,
    rewritten: Instant,
    /// Until when the clock is doubted, and what it said at the last look.
    doubt: Option<Instant>,
    looked: (Instant, i64),
}

impl Keeper {
    pub fn new(inner: Arc<Inner>) -> Keeper {
        let now = Instant::now();
        let looked = (now, (inner.now_ms)());
        Keeper {
            inner,
            synced: now,
            tidied: None,
            rewritten: now,
            doubt: None,
            looked,
        }
    }

    /// Until the end is ordered.
    pub fn run(mut self) {
        while self.inner.wait_for_work(EVERY) {
            self.look_at_clock();
            self.look_for_room();
            let fault = self.work().err();
            *super::lock_of(&self.inner.keeper_fault) = fault.as_ref().map(ToString::to_string);
            if let Some(error) = fault {
                self.inner.health.stop(self.inner.words(&error));
                // What was left undone is tried again with the next look.
                self.tidied = None;
            }
        }
    }

    fn work(&mut self) -> io::Result<()> {
        let mut sealed = false;
        while self.seal_one()? {
            sealed = true;
        }
        if self.synced.elapsed() >= SYNC_EVERY {
            self.synced = Instant::now();
            self.inner.read_registry().sync()?;
            self.inner.sync_journal()?;
        }
        if self.rewritten.elapsed().as_millis() as i64 >= DAY_MS {
            self.rewritten = Instant::now();
            self.forget_series()?;
        }
        let due = self.tidied.is_none_or(|at| at.elapsed() >= TIDY_EVERY);
        let wanted = self.inner.tidy_wanted();
        if sealed || due || wanted.is_some() {
            self.tidied = Some(Instant::now());
            self.tidy()?;
        }
        if let Some(round) = wanted {
            self.inner.tidy_done(round);
        }
        Ok(())
    }

    /// Seals the oldest head that waits.
    fn seal_one(&mut self) -> io::Result<bool> {
        let Some(frozen) = self.inner.read_live().frozen.front().cloned() else {
            return Ok(false);
        };
        {
            let mut registry = self.inner.write_registry();
            for part in &frozen.parts {
                registry.seen(&part.ids, part.times.last().copied().unwrap_or_default());
            }
            // Who is meant must be there when the values are.
            registry.sync()?;
        }
        let files = shelf::seal(&self.inner.dir, &frozen.parts, frozen.seq)?;
        let mut live = self.inner.write_live();
        files.into_iter().for_each(|file| live.catalog.add(file));
        live.frozen.pop_front();
        drop(live);
        self.inner.sealed();
        frozen
            .journals
            .iter()
            .try_for_each(|journal| match fs::remove_file(journal) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            })?;
        Ok(true)
    }

    /// Merges, rolls up and forgets.
    fn tidy(&mut self) -> io::Result<()> {
        for tier in Tier::ALL {
            self.merge(tier)?;
            self.roll(tier)?;
        }
        self.forget();
        let live = self.inner.read_live();
        let bytes: u64 = Tier::ALL.iter().map(|tier| live.catalog.bytes(*tier)).sum();
        drop(live);
        metrics::gauge!("farol_history_bytes").set(bytes as f64);
        metrics::gauge!("farol_history_series").set(self.inner.read_registry().len() as f64);
        Ok(())
    }

    /// Whether rows of a window may still come: those that are in memory, or the tier it is made from has windows that lie in it
    /// and were not rolled up yet.
    fn open_windows(&self, tier: Tier) -> Vec<i64> {
        let live = self.inner.read_live();
        let last = live.head.last_ms;
        let frozen = live.frozen.iter().flat_map(|frozen| &frozen.parts);
        let parts = frozen
            .chain(&live.head.parts)
            .flat_map(|part| part.times.first().into_iter().chain(part.times.last()));
        let newest = live
            .catalog
            .windows(Tier::Raw)
            .map(|(window, _)| window)
            .next_back();
        // Without a row yet, the newest window that there is may go on.
        let open = parts
            .copied()
            .chain((last != 0).then_some(last))
            .chain(newest.filter(|_| last == 0));
        open.map(|t_ms| tier.window_of(t_ms)).collect()
    }

    fn merge(&self, tier: Tier) -> io::Result<()> {
        let open = self.open_windows(tier);
        let live = self.inner.read_live();
        let due: Vec<i64> = live
            .catalog
            .windows(tier)
            .filter(|(window, files)| {
                let alone = files.len() == 1 && files[0].merged;
                !alone && (!open.contains(window) || files.len() > MAX_PIECES)
            })
            .map(|(window, _)| window)
            .collect();
        drop(live);
        for window in due {
            let files = self.inner.read_live().catalog.window(tier, window).to_vec();
            let merged = shelf::merge(&self.inner.dir, tier, window, &files, &self.inner.damage)?;
            drop(files);
            self.inner.write_live().catalog.add(merged);
        }
        Ok(())
    }

    /// Makes the pieces of the coarser tier that are not there yet, or are older than what they were made from.
    fn roll(&self, tier: Tier) -> io::Result<()> {
        let Some(coarser) = tier.coarser() else {
            return Ok(());
        };
        let open = self.open_windows(tier);
        let too_old = (self.inner.now_ms)() - self.inner.config.keep_ms(coarser);
        let live = self.inner.read_live();
        let rolled = live.catalog.rolled(coarser);
        let due: Vec<i64> = live
            .catalog
            .windows(tier)
            .filter(|(window, files)| {
                let newest = files.iter().map(|file| file.seq).max();
                let done = rolled.get(window).copied() >= newest;
                let ends = window + tier.window_ms();
                !done && !open.contains(window) && ends > too_old
            })
            .map(|(window, _)| window)
            .collect();
        drop(live);
        for window in due {
            let files = self.inner.read_live().catalog.window(tier, window).to_vec();
            let seq = self.inner.next_seq();
            let piece = shelf::roll(&self.inner.dir, tier, window, &files, seq, &self.inner.damage)?;
            if let Some(piece) = piece {
                self.inner.write_live().catalog.add(piece);
            }
        }
        Ok(())
    }

    /// Lets go what is older than it may be, and the oldest of what takes the most room while all of it takes too much.
    fn forget(&mut self) {
        if self.doubt.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.doubt = None;
        let now = (self.inner.now_ms)();
        let mut live = self.inner.write_live();
        for tier in Tier::ALL {
            let keep_ms = self.inner.config.keep_ms(tier);
            let old = live.catalog.windows(tier).map(|(window, _)| window);
            let old: Vec<i64> = old
                .filter(|window| window + tier.window_ms() < now - keep_ms)
                .collect();
            old.into_iter()
                .for_each(|window| live.catalog.remove(tier, window));
        }
        let most = self.inner.config.max_mib * 1024 * 1024;
        let bytes = |live: &super::Live, tier: &Tier| live.catalog.bytes(*tier);
        while Tier::ALL.iter().map(|tier| bytes(&live, tier)).sum::<u64>() > most {
            let largest = Tier::ALL
                .into_iter()
                .max_by_key(|tier| bytes(&live, tier))
                .unwrap_or(Tier::Raw);
            let oldest = live.catalog.windows(largest).map(|(window, _)| window).next();
            let Some(oldest) = oldest else { break };
            tracing::info!(
                tier = largest.as_str(),
                "history takes more than history.max_mib; its oldest file leaves"
            );
            live.catalog.remove(largest, oldest);
        }
    }

    fn forget_series(&self) -> io::Result<()> {
        let longest = Tier::ALL
            .into_iter()
            .map(|tier| self.inner.config.keep_ms(tier))
            .max();
        let now = (self.inner.now_ms)();
        self.inner
            .write_registry()
            .rewrite(now - longest.unwrap_or_default())
    }

    /// A clock that was set forward by mistake must not make everything old at once.
    fn look_at_clock(&mut self) {
        let (at, now) = (Instant::now(), (self.inner.now_ms)());
        let (before_at, before) = std::mem::replace(&mut self.looked, (at, now));
        let expected = before + at.duration_since(before_at).as_millis() as i64;
        if (now - expected).abs() > JUMP_MS {
            tracing::warn!(
                by_ms = now - expected,
                "the clock was set, or the machine slept; nothing of history is forgotten for an hour"
            );
            self.doubt = Some(at + DOUBT);
        }
    }

    fn look_for_room(&self) {
        if self.inner.health.stopped().is_none()
            && let Err(error) = self.inner.room()
        {
            self.inner.health.stop(self.inner.words(&error));
        }
    }
}
