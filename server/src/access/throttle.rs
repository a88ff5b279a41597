//! Slows down guessing, per account and per address.
//!
//! Each attempt counts when it begins, so that many at once cannot slip through; success takes it back. After a number of free
//! failures the wait doubles with each, up to [`MAX_WAIT`]; an entry is forgotten when it has been quiet for [`FORGET`].
//!
//! A flood of names cannot push out an account under attack: an entry that still waits is never dropped. When the table is full
//! of those, further names share one entry, and are slowed down together.
//!
//! Nobody can lock somebody else out for good: a browser that has signed in to the account before is counted by itself and waits
//! for its own failures only (see [`browsers`](super::proof::browsers)), and a passkey, which cannot be guessed, waits for no
//! account at all.

use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures of one account before waiting begins.
const FREE_PER_ACCOUNT: u32 = 5;
/// Failures of one address before waiting begins: several people may share it.
const FREE_PER_ADDRESS: u32 = 20;
const MAX_WAIT: Duration = Duration::from_secs(15 * 60);
const FORGET: Duration = Duration::from_secs(30 * 60);
/// Entries per table.
const MAX_ENTRIES: usize = 10_000;

/// See the module.
#[derive(Default)]
pub struct Throttle {
    accounts: Mutex<Table>,
    addresses: Mutex<Table>,
    /// Browsers that an account knows, each for that account.
    browsers: Mutex<Table>,
}

/// What is tried, and what it counts against.
#[derive(Debug, Clone)]
pub struct Try {
    account: Option<[u8; 16]>,
    address: [u8; 16],
    browser: Option<[u8; 16]>,
}

impl Try {
    /// At an account's password or code; `known` is the browser, where the account knows it.
    pub fn of_account(account: &str, address: IpAddr, known: Option<&[u8]>) -> Self {
        Try {
            account: Some(account_key(account)),
            address: address_key(address),
            browser: known.map(|hash| {
                let mut both = Sha256::new();
                both.update(hash);
                both.update(account_key(account));
                first16(both.finalize().as_slice())
            }),
        }
    }

    /// At what cannot be guessed: only the address counts.
    pub fn of_address(address: IpAddr) -> Self {
        Try {
            account: None,
            address: address_key(address),
            browser: None,
        }
    }
}

/// Whether an attempt may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Go,
    /// `news`: the first refusal of this wait, worth an audit entry.
    Wait {
        left: Duration,
        news: bool,
    },
}

#[derive(Default)]
struct Table {
    entries: HashMap<[u8; 16], Entry>,
    /// Shared by those for whom there is no room.
    overflow: Entry,
}

#[derive(Default, Clone)]
struct Entry {
    failures: u32,
    last: Option<Instant>,
    wait_until: Option<Instant>,
    told: bool,
}

impl Throttle {
    /// Counts an attempt, unless it must wait.
    pub fn attempt(&self, tried: &Try, now: Instant) -> Verdict {
        if let Some(browser) = tried.browser {
            return self.table(&self.browsers, |table| {
                table.attempt(browser, FREE_PER_ACCOUNT, now)
            });
        }
        let verdict = self.table(&self.addresses, |table| {
            table.attempt(tried.address, FREE_PER_ADDRESS, now)
        });
        let (Verdict::Go, Some(account)) = (verdict, tried.account) else {
            return verdict;
        };
        let verdict = self.table(&self.accounts, |table| {
            table.attempt(account, FREE_PER_ACCOUNT, now)
        });
        if verdict != Verdict::Go {
            // It was not tried, so it does not count against the address.
            self.table(&self.addresses, |table| table.take_back(tried.address));
        }
        verdict
    }

    /// The attempt was right: what it counted against starts anew, the address gets this one back. From a browser that is known
    /// the account does not start anew: others may be guessing at it right now.
    pub fn succeeded(&self, tried: &Try) {
        if let Some(browser) = tried.browser {
            self.table(&self.browsers, |table| table.entries.remove(&browser));
            return;
        }
        if let Some(account) = tried.account {
            self.table(&self.accounts, |table| table.entries.remove(&account));
        }
        self.table(&self.addresses, |table| table.take_back(tried.address));
    }

    fn table<T>(&self, table: &Mutex<Table>, work: impl FnOnce(&mut Table) -> T) -> T {
        work(&mut table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Table {
    fn attempt(&mut self, key: [u8; 16], free: u32, now: Instant) -> Verdict {
        if self.entries.len() >= MAX_ENTRIES && !self.entries.contains_key(&key) {
            self.entries
                .retain(|_, entry| entry.waits(now) || entry.recent(now) && entry.failures > free);
        }
        let entry = if self.entries.len() < MAX_ENTRIES || self.entries.contains_key(&key) {
            self.entries.entry(key).or_default()
        } else {
            &mut self.overflow
        };
        if !entry.recent(now) {
            *entry = Entry::default();
        }
        if let Some(left) = entry
            .wait_until
            .and_then(|until| until.checked_duration_since(now))
            .filter(|left| !left.is_zero())
        {
            let news = !std::mem::replace(&mut entry.told, true);
            return Verdict::Wait { left, news };
        }
        entry.failures = entry.failures.saturating_add(1);
        entry.last = Some(now);
        entry.told = false;
        entry.wait_until = entry.failures.checked_sub(free).map(|over| now + wait(over));
        Verdict::Go
    }

    fn take_back(&mut self, key: [u8; 16]) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.failures = entry.failures.saturating_sub(1);
            entry.wait_until = None;
        }
    }
}

impl Entry {
    fn waits(&self, now: Instant) -> bool {
        self.wait_until.is_some_and(|until| until > now)
    }

    fn recent(&self, now: Instant) -> bool {
        self.last
            .is_some_and(|last| now.saturating_duration_since(last) < FORGET)
    }
}

/// 1 s, 2 s, 4 s, ... [`MAX_WAIT`].
fn wait(over: u32) -> Duration {
    Duration::from_secs(1 << over.min(20)).min(MAX_WAIT)
}

/// Names are of any length; their digests are not.
fn account_key(name: &str) -> [u8; 16] {
    first16(Sha256::digest(name.trim().to_lowercase()).as_slice())
}

/// An IPv6 customer has a whole /64.
fn address_key(address: IpAddr) -> [u8; 16] {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).octets(),
    }
}

fn first16(bytes: &[u8]) -> [u8; 16] {
    let mut key = [0; 16];
    for (place, byte) in key.iter_mut().zip(bytes) {
        *place = *byte;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn of(account: &str, address: IpAddr) -> Try {
        Try::of_account(account, address, None)
    }

    fn waits(verdict: Verdict) -> bool {
        matches!(verdict, Verdict::Wait { .. })
    }

    #[test]
    fn the_wait_grows_with_each_failure_and_is_told_once() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..FREE_PER_ACCOUNT {
            assert_eq!(throttle.attempt(&of("ana", address(1)), start), Verdict::Go);
        }
        let Verdict::Wait { left, news } = throttle.attempt(&of("ana", address(1)), start) else {
            panic!()
        };
        assert!(news && left <= Duration::from_secs(1));
        assert!(matches!(
            throttle.attempt(&of("ana", address(2)), start),
            Verdict::Wait { news: false, .. }
        ));
        let later = start + Duration::from_secs(2);
        assert_eq!(
            throttle.attempt(&of("ANA ", address(2)), later),
            Verdict::Go,
            "one more try after the wait"
        );
        let Verdict::Wait { left, .. } = throttle.attempt(&of("ana", address(2)), later) else {
            panic!()
        };
        assert!(left > Duration::from_secs(1), "the next wait is longer");
        assert_eq!(
            throttle.attempt(&of("ben", address(2)), later),
            Verdict::Go,
            "another account does not wait"
        );
    }

    #[test]
    fn success_clears_the_account_but_an_address_that_guesses_many_names_waits() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for index in 0..FREE_PER_ADDRESS {
            assert_eq!(
                throttle.attempt(&of(&format!("user{index}"), address(1)), start),
                Verdict::Go
            );
        }
        assert!(waits(throttle.attempt(&of("another", address(1)), start)));
        assert_eq!(throttle.attempt(&of("another", address(2)), start), Verdict::Go);
        for _ in 0..FREE_PER_ACCOUNT {
            throttle.attempt(&of("ana", address(3)), start);
            throttle.succeeded(&of("ana", address(3)));
        }
        assert_eq!(throttle.attempt(&of("ana", address(3)), start), Verdict::Go);
    }

    #[test]
    fn a_flood_of_names_does_not_free_an_account_under_attack() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..FREE_PER_ACCOUNT + 3 {
            throttle.attempt(&of("ana", address(1)), start);
        }
        for index in 0..u32::try_from(MAX_ENTRIES).unwrap() + 100 {
            let from = IpAddr::from(Ipv6Addr::from(u128::from(index) << 64));
            throttle.attempt(&of(&format!("user{index}"), from), start);
        }
        assert!(waits(throttle.attempt(&of("ana", address(9)), start)));
        assert!(throttle.accounts.lock().unwrap().entries.len() <= MAX_ENTRIES);
    }

    #[test]
    fn addresses_of_one_v6_network_are_one() {
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let two: IpAddr = "2001:db8::ffff:2".parse().unwrap();
        let other: IpAddr = "2001:db8:0:1::1".parse().unwrap();
        assert_eq!(address_key(one), address_key(two));
        assert_ne!(address_key(one), address_key(other));
        assert_eq!(
            address_key("::ffff:192.0.2.1".parse().unwrap()),
            address_key(address(1))
        );
    }

    #[test]
    fn quiet_is_forgotten() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..FREE_PER_ACCOUNT {
            throttle.attempt(&of("ana", address(1)), start);
        }
        assert_eq!(
            throttle.attempt(&of("ana", address(1)), start + FORGET),
            Verdict::Go
        );
        assert_eq!(
            throttle.attempt(&of("ana", address(1)), start + FORGET),
            Verdict::Go
        );
    }

    #[test]
    fn nobody_can_keep_the_owner_out_of_a_browser_that_the_account_knows() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        let mine = Try::of_account("ana", address(1), Some(b"mine"));
        // Somebody else takes every chance that there is, for a day.
        for round in 0..24 * 60 {
            now += Duration::from_secs(60);
            let elsewhere = IpAddr::from(Ipv6Addr::from(u128::from(2_u32 + round) << 64));
            throttle.attempt(&of("ana", elsewhere), now);
        }
        assert!(
            waits(throttle.attempt(&of("ana", address(2)), now)),
            "a stranger waits"
        );
        assert_eq!(throttle.attempt(&mine, now), Verdict::Go);
        throttle.succeeded(&mine);
        assert!(
            waits(throttle.attempt(&of("ana", address(2)), now)),
            "still under attack"
        );
        assert_eq!(throttle.attempt(&Try::of_address(address(1)), now), Verdict::Go);
    }

    #[test]
    fn a_stolen_cookie_buys_no_more_tries_and_none_at_other_accounts() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let known = |account: &str| Try::of_account(account, address(1), Some(b"stolen"));
        for _ in 0..FREE_PER_ACCOUNT {
            assert_eq!(throttle.attempt(&known("ana"), now), Verdict::Go);
        }
        assert!(waits(throttle.attempt(&known("ana"), now)));
        assert_eq!(throttle.attempt(&known("ben"), now), Verdict::Go);
    }
}
