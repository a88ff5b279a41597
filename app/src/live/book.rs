//! Which channels the page wants and which ones the server was asked for. Pure: decides what to send, never sends.
//!
//! Where a subscription continues is known by those who hold the data, so positions are asked for at the moment of
//! subscribing ([`resume_from`]) and not kept here.

use super::machine::backoff_ms;
use farol_model::{
    channel::{Channel, Class},
    wire::payload::SubscribeOptions,
};

/// How long a channel that nobody holds stays subscribed: navigation between two pages that show it costs nothing.
pub const LINGER_MS: f64 = 3_000.0;
/// Frames asked for while the tab is hidden, milliseconds apart.
pub const HIDDEN_EVERY_MS: u32 = 5_000;
/// A channel is fetched anew because of missing publications at most this often.
pub const REFRESH_PAUSE_MS: f64 = 10_000.0;

/// A place in a channel: epoch and offset.
pub type Position = (String, u64);

/// What to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// `fresh`: without recovery, because the data at hand has holes.
    Subscribe {
        channel: String,
        options: SubscribeOptions,
        fresh: bool,
    },
    Unsubscribe {
        channel: String,
    },
}

#[derive(Debug, Default)]
struct Entry {
    holders: u32,
    options: SubscribeOptions,
    /// Whether the server was asked for it on this connection.
    asked: bool,
    /// Ask again: a holder came, options changed, the server ended it.
    dirty: bool,
    fresh: bool,
    /// Refused; not asked for again on this connection, unless `again_at` says when.
    refused: bool,
    /// When what was refused for the time being is asked for again.
    again_at: Option<f64>,
    /// How often it was refused in a row.
    refusals: u32,
    /// When the last holder left.
    free_since: Option<f64>,
    refreshed: Option<f64>,
}

/// All channels. A page has at most a few dozen, so the list is searched from the front.
#[derive(Debug, Default)]
pub struct Book {
    entries: Vec<(String, Entry)>,
    hidden: bool,
}

impl Book {
    fn entry(&mut self, channel: &str) -> Option<&mut Entry> {
        let found = self.entries.iter_mut().find(|(name, _)| name == channel);
        found.map(|(_, entry)| entry)
    }

    /// A holder came. `new_data`: it brings data of its own that must be continued.
    pub fn hold(&mut self, channel: &str, options: &SubscribeOptions, new_data: bool) {
        if self.entry(channel).is_none() {
            self.entries.push((channel.to_owned(), Entry::default()));
        }
        let Some(entry) = self.entry(channel) else { return };
        if entry.holders == 0 || options.history_ms > entry.options.history_ms {
            entry.options = options.clone();
        }
        entry.holders += 1;
        entry.free_since = None;
        if new_data {
            (entry.refused, entry.again_at) = (false, None);
        }
        entry.dirty |= new_data;
    }

    /// A holder left.
    pub fn release(&mut self, channel: &str, now: f64) {
        if let Some(entry) = self.entry(channel) {
            entry.holders = entry.holders.saturating_sub(1);
            if entry.holders == 0 {
                entry.free_since = Some(now);
            }
        }
    }

    /// The tab was hidden or shown. True when something changed.
    pub fn set_hidden(&mut self, hidden: bool) -> bool {
        if self.hidden == hidden {
            return false;
        }
        self.hidden = hidden;
        for (name, entry) in &mut self.entries {
            if is_metrics(name) && entry.asked {
                entry.dirty = true;
                // What was thinned out while hidden must come back whole.
                entry.fresh |= !hidden;
            }
        }
        true
    }

    /// Publications are missing on a channel. Thinned-out channels miss some by design.
    pub fn missing(&mut self, channel: &str, now: f64) {
        let hidden = self.hidden;
        if let Some(entry) = self.entry(channel) {
            let thinned = entry.options.every_ms > 0 || hidden;
            let soon = entry.refreshed.is_some_and(|at| now - at < REFRESH_PAUSE_MS);
            if !thinned && !soon {
                entry.refreshed = Some(now);
                entry.dirty = true;
                entry.fresh = true;
            }
        }
    }

    /// The server ended a subscription; `again` when it asks to come back.
    pub fn ended(&mut self, channel: &str, again: bool) {
        if let Some(entry) = self.entry(channel) {
            entry.asked = false;
            entry.dirty = again;
            entry.refused = !again;
            entry.again_at = None;
        }
    }

    /// The server refused a subscription; `temporary` when it may be had later (a server that has just started has no samples yet):
    /// then it is asked for again after a pause that grows like the one between connections. Whether the holders are to be told:
    /// of the same trouble once.
    pub fn refused(&mut self, channel: &str, temporary: bool, now: f64, random: f64) -> bool {
        self.ended(channel, false);
        let Some(entry) = self.entry(channel) else {
            return true;
        };
        let first = entry.refusals == 0;
        if temporary {
            entry.again_at = Some(now + backoff_ms(entry.refusals, random));
            entry.refusals += 1;
        }
        first || !temporary
    }

    /// A subscription stands.
    pub fn stands(&mut self, channel: &str) {
        if let Some(entry) = self.entry(channel) {
            entry.refusals = 0;
        }
    }

    /// The connection is gone: everything must be asked for again.
    pub fn lost(&mut self) {
        for (_, entry) in &mut self.entries {
            entry.asked = false;
            entry.refused = false;
            entry.again_at = None;
        }
    }

    /// What to send now on a standing connection. Unsubscribing goes before subscribing again.
    pub fn orders(&mut self, now: f64) -> Vec<Order> {
        let mut orders = Vec::new();
        let hidden = self.hidden;
        self.entries.retain_mut(|(name, entry)| {
            let leave = entry.free_since.is_some_and(|since| now - since >= LINGER_MS);
            if entry.again_at.is_some_and(|at| now >= at) {
                (entry.refused, entry.again_at) = (false, None);
            }
            let ask = !leave && entry.holders > 0 && !entry.refused && (!entry.asked || entry.dirty);
            if entry.asked && (leave || ask) {
                orders.push(Order::Unsubscribe {
                    channel: name.clone(),
                });
                entry.asked = false;
            }
            if ask {
                let mut options = entry.options.clone();
                if hidden && is_metrics(name) {
                    options.every_ms = options.every_ms.max(HIDDEN_EVERY_MS);
                }
                orders.push(Order::Subscribe {
                    channel: name.clone(),
                    options,
                    fresh: std::mem::take(&mut entry.fresh),
                });
                entry.asked = true;
                entry.dirty = false;
            }
            !leave
        });
        orders
    }

    /// When the next channel is due: one that lingers, or one that is to be asked for again.
    pub fn wake_at(&self) -> Option<f64> {
        self.entries
            .iter()
            .filter_map(|(_, entry)| match entry.free_since {
                Some(since) => Some(since + LINGER_MS),
                None => entry.again_at,
            })
            .min_by(f64::total_cmp)
    }
}

/// Where to continue so that nobody misses anything: the oldest of the places, when all are of one epoch.
pub fn resume_from(places: &[Option<Position>]) -> Option<Position> {
    let mut oldest: Option<&Position> = None;
    for place in places {
        let place = place.as_ref().filter(|(epoch, _)| !epoch.is_empty())?;
        match oldest {
            Some((epoch, _)) if *epoch != place.0 => return None,
            Some((_, offset)) if *offset <= place.1 => {}
            _ => oldest = Some(place),
        }
    }
    oldest.cloned()
}

fn is_metrics(channel: &str) -> bool {
    Channel::parse(channel).is_some_and(|channel| channel.class() == Class::Metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU: &str = "metrics/local/cpu";

    fn subscribe(fresh: bool, every_ms: u32) -> Order {
        Order::Subscribe {
            channel: CPU.into(),
            options: SubscribeOptions {
                every_ms,
                history_ms: 0,
            },
            fresh,
        }
    }

    fn leave() -> Order {
        Order::Unsubscribe { channel: CPU.into() }
    }

    fn held() -> Book {
        let mut book = Book::default();
        book.hold(CPU, &SubscribeOptions::default(), true);
        assert_eq!(book.orders(0.0), [subscribe(false, 0)]);
        assert_eq!(book.orders(0.0), [], "asked once");
        book
    }

    #[test]
    fn a_channel_lingers_and_a_holder_that_returns_keeps_it() {
        let mut book = held();
        book.release(CPU, 100.0);
        assert_eq!(book.orders(200.0), []);
        book.hold(CPU, &SubscribeOptions::default(), false);
        assert_eq!(book.orders(9e9), [], "held again");
        book.release(CPU, 0.0);
        assert_eq!(book.wake_at(), Some(LINGER_MS));
        assert_eq!(book.orders(LINGER_MS), [leave()]);
        assert_eq!((book.orders(9e9), book.wake_at()), (vec![], None));
    }

    #[test]
    fn the_second_of_two_holders_keeps_the_channel() {
        let mut book = held();
        book.hold(CPU, &SubscribeOptions::default(), false);
        book.release(CPU, 0.0);
        assert_eq!(book.orders(9e9), []);
    }

    #[test]
    fn a_holder_with_its_own_data_makes_the_channel_start_again() {
        let mut book = held();
        book.hold(CPU, &SubscribeOptions::default(), true);
        assert_eq!(book.orders(0.0), [leave(), subscribe(false, 0)]);
    }

    #[test]
    fn a_hidden_tab_asks_for_less_and_a_shown_one_fetches_anew() {
        let mut book = held();
        assert!(book.set_hidden(true) && !book.set_hidden(true));
        assert_eq!(book.orders(0.0), [leave(), subscribe(false, HIDDEN_EVERY_MS)]);
        book.missing(CPU, 0.0);
        assert_eq!(book.orders(0.0), [], "thinning is no loss");
        book.set_hidden(false);
        assert_eq!(book.orders(0.0), [leave(), subscribe(true, 0)]);
    }

    #[test]
    fn missing_publications_are_fetched_anew_but_not_in_a_storm() {
        let mut book = held();
        book.missing(CPU, 0.0);
        assert_eq!(book.orders(0.0), [leave(), subscribe(true, 0)]);
        book.missing(CPU, REFRESH_PAUSE_MS - 1.0);
        assert_eq!(book.orders(0.0), []);
    }

    #[test]
    fn after_a_loss_all_is_asked_for_again_and_refusals_are_forgotten() {
        let mut book = held();
        book.ended(CPU, false);
        assert_eq!(book.orders(0.0), [], "refused");
        book.lost();
        assert_eq!(book.orders(0.0), [subscribe(false, 0)]);
        book.ended(CPU, true);
        assert_eq!(book.orders(0.0), [subscribe(false, 0)], "insufficient state");
    }

    #[test]
    fn what_is_refused_for_the_time_being_is_asked_for_again_and_told_once() {
        let mut book = held();
        assert!(book.refused(CPU, true, 1_000.0, 1.0), "told");
        assert_eq!((book.orders(1_249.0), book.wake_at()), (vec![], Some(1_250.0)));
        assert_eq!(book.orders(1_250.0), [subscribe(false, 0)]);
        assert_eq!((book.orders(9e9), book.wake_at()), (vec![], None), "asked once");
        assert!(!book.refused(CPU, true, 2_000.0, 1.0), "the same once more");
        assert_eq!(book.wake_at(), Some(2_500.0), "the pause grows");
        assert_eq!(book.orders(2_500.0), [subscribe(false, 0)]);
        book.stands(CPU);
        book.ended(CPU, true);
        assert_eq!(book.orders(3_000.0), [subscribe(false, 0)]);
        assert!(book.refused(CPU, true, 4_000.0, 1.0), "another trouble");
        assert_eq!(book.wake_at(), Some(4_250.0));
        // Nobody waits for what nobody holds any more.
        book.release(CPU, 4_000.0);
        assert_eq!(book.wake_at(), Some(4_000.0 + LINGER_MS));
        assert_eq!((book.orders(9e9), book.wake_at()), (vec![], None));
    }

    #[test]
    fn what_is_refused_for_good_is_told_and_not_asked_for() {
        let mut book = held();
        assert!(book.refused(CPU, true, 0.0, 1.0));
        assert_eq!(book.orders(250.0), [subscribe(false, 0)]);
        assert!(
            book.refused(CPU, false, 300.0, 1.0),
            "told, though it was refused before"
        );
        assert_eq!((book.orders(9e9), book.wake_at()), (vec![], None));
    }

    #[test]
    fn continuing_starts_from_the_oldest_place_of_one_epoch() {
        let at = |epoch: &str, offset| Some((epoch.to_owned(), offset));
        assert_eq!(resume_from(&[at("e", 9), at("e", 4), at("e", 7)]), at("e", 4));
        assert_eq!(resume_from(&[at("e", 9), at("f", 4)]), None);
        assert_eq!(resume_from(&[at("e", 9), None]), None, "somebody needs the whole");
        assert_eq!(resume_from(&[at("", 9)]), None);
        assert_eq!(resume_from(&[]), None);
    }
}
