//! When to connect, when to give up and when to wait. Pure: time and randomness are arguments, effects are returned and
//! somebody else runs them. Protocol: docs/PROTOCOL.md, rules 3 and 4.

use super::{
    ladder::{Due, Failure, HUNG, Ladder, REFUSED, Rung},
    state::LiveState,
};
use farol_model::wire::codes::Disconnect;

/// Ceiling of the first wait and of all waits, milliseconds (full jitter: the wait is drawn between 0 and the ceiling).
pub const BACKOFF_FIRST_MS: f64 = 250.0;
pub const BACKOFF_MAX_MS: f64 = 20_000.0;
/// Attempts in a row of which each that fails is followed by a question for the page, once down the whole ladder; later
/// each fifth is.
pub const ASKED_ATTEMPTS: u32 = 8;
/// How much longer than the ping interval silence may last.
pub const PING_GRACE_MS: f64 = 10_000.0;
/// Outages longer than this are called stale.
pub const STALE_AFTER_MS: f64 = 10_000.0;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Somebody wants the connection.
    Want,
    /// The connect command was answered over this carrier; server pings come at this interval, 0 for none.
    Welcome { rung: Rung, ping_secs: u32 },
    /// Anything arrived.
    Heard,
    /// The server told why it is about to close, or refused the connect command.
    Told { code: u16, reason: String },
    /// The connection or the attempt is over.
    Closed { code: u16, reason: String },
    /// The server answers pages with a redirect to sign-in.
    SignedOut,
    /// The server answers for the page; what failed before it was asked, see [`Machine::failure`].
    Reachable(Failure),
    /// The server does not answer for the page.
    Away,
    /// The try of a better carrier failed.
    Slipped,
    /// The tab is looked at again.
    Awake,
    /// The network came back.
    Online,
    /// The time of [`Machine::wake_at`] has come.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    None,
    /// Open [`Machine::rung`] and send the connect command.
    Open,
    /// Open WebSocket beside the standing connection and send the connect command.
    Climb,
    /// Drop what was opened beside; its events count no more.
    Slip,
    /// Send the subscriptions.
    Subscribe,
    /// Drop the connection and what was opened beside it; their events count no more.
    Drop,
}

#[derive(Debug, Clone, PartialEq, Default)]
enum Phase {
    #[default]
    Idle,
    Opening {
        rung: Rung,
        until: f64,
    },
    Live {
        rung: Rung,
        ping_ms: f64,
        heard: f64,
    },
    Waiting {
        at: f64,
    },
    Ended(LiveState),
}

/// One connection's life.
#[derive(Debug, Default)]
pub struct Machine {
    phase: Phase,
    ladder: Ladder,
    /// How the last connection or attempt ended.
    failure: Failure,
    /// The server was asked for the page after an attempt that failed; the next attempt waits for the answer, because that
    /// decides over which carrier it goes.
    asking: bool,
    /// Failed attempts since the connection last stood.
    attempts: u32,
    /// When the connection was lost.
    lost_ms: Option<f64>,
    /// What the server said before it closed.
    told: Option<(u16, String)>,
}

impl Machine {
    /// Advances. `random` is drawn from 0..1.
    pub fn step(&mut self, input: Input, now: f64, random: f64) -> Effect {
        match input {
            Input::Want if self.phase == Phase::Idle => self.open(now),
            Input::Welcome { rung, ping_secs } => {
                let ping_ms = f64::from(ping_secs) * 1000.0;
                self.phase = Phase::Live {
                    rung,
                    ping_ms,
                    heard: now,
                };
                self.ladder.stands(rung, now);
                self.attempts = 0;
                self.lost_ms = None;
                Effect::Subscribe
            }
            Input::Heard => {
                if let Phase::Live { heard, .. } = &mut self.phase {
                    *heard = now;
                }
                Effect::None
            }
            Input::Told { code, reason } => {
                self.told = Some((code, reason));
                Effect::None
            }
            Input::Closed { code, reason } => {
                let (code, reason) = self.told.take().unwrap_or((code, reason));
                self.closed(code, reason, now, random)
            }
            Input::SignedOut if !self.is_live() => {
                self.phase = Phase::Ended(LiveState::SignedOut);
                Effect::Drop
            }
            Input::Reachable(failure) if !self.is_live() => {
                self.ladder.blocked(failure);
                self.answered(now)
            }
            Input::Away => self.answered(now),
            Input::Slipped => {
                self.ladder.slipped(now);
                Effect::Slip
            }
            Input::Awake | Input::Online => match self.phase {
                Phase::Waiting { .. } => {
                    self.attempts = 0;
                    self.open(now)
                }
                // A laptop that slept: the connection may be long dead without anybody having noticed.
                Phase::Live { .. } => self.watch(now, random, input == Input::Online),
                _ => Effect::None,
            },
            Input::Tick => match self.phase {
                Phase::Waiting { at } if now >= at && !self.asking => self.open(now),
                Phase::Opening { until, .. } if now >= until => self.wait(HUNG, now, random),
                Phase::Live { .. } => self.watch(now, random, false),
                _ => Effect::None,
            },
            Input::Want | Input::SignedOut | Input::Reachable(_) => Effect::None,
        }
    }

    /// When [`Input::Tick`] is due.
    pub fn wake_at(&self) -> Option<f64> {
        match &self.phase {
            Phase::Waiting { at } => Some(*at).filter(|_| !self.asking),
            Phase::Opening { until, .. } => Some(*until),
            Phase::Live { .. } => {
                let due = [self.silent_at(), self.ladder.wake_at()];
                due.into_iter().flatten().min_by(f64::total_cmp)
            }
            Phase::Idle | Phase::Ended(_) => None,
        }
    }

    /// When the connection has been silent for too long.
    fn silent_at(&self) -> Option<f64> {
        match &self.phase {
            Phase::Live { ping_ms, heard, .. } if *ping_ms > 0.0 => Some(heard + ping_ms + PING_GRACE_MS),
            _ => None,
        }
    }

    /// What people are told.
    pub fn state(&self, now: f64) -> LiveState {
        let lost_long = self.lost_ms.filter(|since| now - since > STALE_AFTER_MS);
        match (&self.phase, lost_long) {
            (Phase::Live { rung, .. }, _) => LiveState::Live(*rung),
            (Phase::Ended(state), _) => state.clone(),
            (_, Some(since_ms)) => LiveState::Stale { since_ms },
            (Phase::Waiting { at }, None) => LiveState::Reconnecting { at_ms: *at },
            (Phase::Opening { .. }, None) if self.lost_ms.is_some() => LiveState::Reconnecting { at_ms: now },
            _ => LiveState::Connecting,
        }
    }

    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live { .. })
    }

    /// Whether nothing more will be tried.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// Whether the server should be asked for the page, after [`Effect::Drop`]. The answer is [`Input::Reachable`],
    /// [`Input::Away`] or [`Input::SignedOut`], and must come.
    pub fn asks(&self) -> bool {
        !self.has_ended() && (self.attempts <= ASKED_ATTEMPTS || self.attempts.is_multiple_of(5))
    }

    /// Begins at the carrier that worked before the page was loaded anew.
    pub fn begin(&mut self, rung: Rung) {
        self.ladder.begin(rung);
    }

    /// The carrier of the next attempt.
    pub fn rung(&self) -> Rung {
        self.ladder.rung()
    }

    /// How the last connection or attempt ended. When the server answers pages all the same, this comes back with
    /// [`Input::Reachable`].
    pub fn failure(&self) -> Failure {
        self.failure
    }

    fn answered(&mut self, now: f64) -> Effect {
        self.asking = false;
        match self.phase {
            Phase::Waiting { at } if now >= at => self.open(now),
            _ => Effect::None,
        }
    }

    fn open(&mut self, now: f64) -> Effect {
        self.told = None;
        self.asking = false;
        let rung = self.ladder.rung();
        self.phase = Phase::Opening {
            rung,
            until: now + rung.limit_ms(),
        };
        Effect::Open
    }

    /// What is due on a standing connection; `network` when that is another one now.
    fn watch(&mut self, now: f64, random: f64, network: bool) -> Effect {
        if self.silent_at().is_some_and(|at| now >= at) {
            return self.wait(0, now, random);
        }
        let due = match network {
            true => self.ladder.network_changed(now),
            false => self.ladder.due(now),
        };
        match due {
            Due::Nothing => Effect::None,
            Due::Try => Effect::Climb,
            Due::GiveUp => Effect::Slip,
        }
    }

    fn closed(&mut self, code: u16, reason: String, now: f64, random: f64) -> Effect {
        if self.has_ended() || matches!(self.phase, Phase::Waiting { .. } | Phase::Idle) {
            return Effect::None;
        }
        if Disconnect::reconnect(code) {
            return self.wait(REFUSED, now, random);
        }
        let signed_out = [
            Disconnect::SESSION_ENDED,
            Disconnect::SIGNED_OUT,
            Disconnect::INVALID_TOKEN,
        ];
        self.phase = Phase::Ended(match signed_out.iter().any(|known| known.code == code) {
            true => LiveState::SignedOut,
            false => LiveState::Failed { reason },
        });
        Effect::Drop
    }

    /// `weight` is how much an attempt that ends here says against its carrier.
    fn wait(&mut self, weight: u32, now: f64, random: f64) -> Effect {
        self.failure = match self.phase {
            Phase::Opening { rung, .. } => Failure { rung, weight },
            _ => Failure::default(),
        };
        self.ladder.lost();
        self.lost_ms.get_or_insert(now);
        self.phase = Phase::Waiting {
            at: now + backoff_ms(self.attempts, random),
        };
        self.attempts = self.attempts.saturating_add(1);
        self.asking = self.failure.weight > 0 && self.asks();
        Effect::Drop
    }
}

/// Full-jitter exponential backoff: uniform between 0 and a ceiling that doubles with each failed attempt.
pub fn backoff_ms(attempts: u32, random: f64) -> f64 {
    let ceiling = (BACKOFF_FIRST_MS * 2f64.powi(attempts.min(16) as i32)).min(BACKOFF_MAX_MS);
    ceiling * random.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Machine {
        let mut machine = Machine::default();
        assert_eq!(machine.step(Input::Want, 0.0, 0.5), Effect::Open);
        assert_eq!(machine.state(0.0), LiveState::Connecting);
        assert_eq!(
            machine.step(welcome(Rung::WebSocket), 20.0, 0.5),
            Effect::Subscribe
        );
        assert_eq!(machine.state(20.0), LiveState::Live(Rung::WebSocket));
        machine
    }

    fn welcome(rung: Rung) -> Input {
        Input::Welcome { rung, ping_secs: 25 }
    }

    fn closed(code: u16) -> Input {
        Input::Closed {
            code,
            reason: "why".into(),
        }
    }

    #[test]
    fn backoff_doubles_to_twenty_seconds_and_never_leaves_its_bounds() {
        assert_eq!(backoff_ms(0, 1.0), 250.0);
        assert_eq!(backoff_ms(3, 1.0), 2000.0);
        for attempts in 0..200 {
            for random in [0.0, 0.3, 1.0, 7.0, -1.0] {
                assert!((0.0..=BACKOFF_MAX_MS).contains(&backoff_ms(attempts, random)));
            }
        }
        assert_eq!(backoff_ms(u32::MAX, 1.0), BACKOFF_MAX_MS);
    }

    #[test]
    fn a_lost_connection_is_tried_again_with_growing_waits() {
        let mut machine = live();
        assert_eq!(machine.step(closed(1006), 1000.0, 1.0), Effect::Drop);
        assert_eq!(machine.wake_at(), Some(1250.0));
        assert_eq!(machine.state(1000.0), LiveState::Reconnecting { at_ms: 1250.0 });
        assert_eq!(machine.step(Input::Tick, 1200.0, 1.0), Effect::None, "not yet");
        assert_eq!(machine.step(Input::Tick, 1250.0, 1.0), Effect::Open);
        machine.step(closed(1006), 1300.0, 1.0);
        machine.step(Input::Away, 1350.0, 1.0);
        assert_eq!(machine.wake_at(), Some(1800.0));
        assert_eq!(machine.state(20_000.0), LiveState::Stale { since_ms: 1000.0 });
        machine.step(Input::Tick, 1800.0, 1.0);
        machine.step(welcome(Rung::WebSocket), 1900.0, 1.0);
        assert_eq!(machine.state(1900.0), LiveState::Live(Rung::WebSocket));
        machine.step(closed(1006), 2000.0, 1.0);
        assert_eq!(machine.wake_at(), Some(2250.0), "the waits begin anew");
    }

    #[test]
    fn codes_decide_whether_to_come_back() {
        for code in [1000, 1001, 1006, 1011, 3000, 3001, 3008, 3012, 4000] {
            let mut machine = live();
            machine.step(closed(code), 0.0, 0.0);
            assert!(!machine.has_ended(), "{code}");
        }
        for (code, state) in [
            (3501, LiveState::Failed { reason: "why".into() }),
            (4500, LiveState::SignedOut),
            (4501, LiveState::SignedOut),
            (3500, LiveState::SignedOut),
        ] {
            let mut machine = live();
            machine.step(closed(code), 0.0, 0.0);
            assert_eq!(machine.state(0.0), state, "{code}");
            assert_eq!(
                machine.step(Input::Awake, 1.0, 0.0),
                Effect::None,
                "final is final"
            );
            assert_eq!(machine.wake_at(), None);
        }
    }

    #[test]
    fn what_the_server_said_goes_before_what_the_socket_says() {
        let mut machine = live();
        machine.step(
            Input::Told {
                code: 4501,
                reason: "signed out".into(),
            },
            0.0,
            0.0,
        );
        machine.step(closed(1006), 0.0, 0.0);
        assert_eq!(machine.state(0.0), LiveState::SignedOut);
    }

    #[test]
    fn silence_beyond_the_ping_interval_ends_the_connection() {
        let mut machine = live();
        machine.step(Input::Heard, 5_000.0, 0.0);
        assert_eq!(machine.step(Input::Tick, 39_999.0, 0.0), Effect::None);
        assert_eq!(machine.step(Input::Tick, 40_000.0, 1.0), Effect::Drop);
        assert_eq!(machine.wake_at(), Some(40_250.0));
    }

    #[test]
    fn an_attempt_that_hangs_is_given_up() {
        const LIMIT_MS: f64 = 10_000.0;
        let mut machine = Machine::default();
        machine.step(Input::Want, 0.0, 0.0);
        assert_eq!(machine.wake_at(), Some(LIMIT_MS));
        assert_eq!(machine.step(Input::Tick, LIMIT_MS, 0.5), Effect::Drop);
    }

    #[test]
    fn waking_up_connects_at_once_and_checks_a_connection_that_slept() {
        let mut machine = live();
        machine.step(closed(1006), 0.0, 1.0);
        assert_eq!(machine.step(Input::Awake, 1.0, 1.0), Effect::Open);
        let mut slept = live();
        assert_eq!(slept.step(Input::Awake, 1000.0, 0.0), Effect::None);
        assert_eq!(slept.step(Input::Awake, 3_600_000.0, 0.0), Effect::Drop);
    }

    #[test]
    fn a_refused_upgrade_with_a_redirect_to_sign_in_is_signed_out() {
        let mut machine = Machine::default();
        machine.step(Input::Want, 0.0, 0.0);
        machine.step(closed(1006), 1.0, 1.0);
        assert_eq!(machine.step(Input::SignedOut, 2.0, 0.0), Effect::Drop);
        assert_eq!(machine.state(2.0), LiveState::SignedOut);
        assert_eq!(live().step(Input::SignedOut, 3.0, 0.0), Effect::None);
    }

    /// Fails an attempt while the server answers pages; the carrier of the next attempt.
    fn fail(machine: &mut Machine, now: f64) -> Rung {
        assert_eq!(machine.step(closed(1006), now, 0.0), Effect::Drop);
        assert!(machine.asks());
        assert_eq!(
            machine.step(Input::Tick, now, 0.0),
            Effect::None,
            "the answer decides"
        );
        let answer = Input::Reachable(machine.failure());
        assert_eq!(machine.step(answer, now, 0.0), Effect::Open);
        machine.rung()
    }

    #[test]
    fn where_upgrades_are_refused_it_goes_down_the_ladder_and_says_so() {
        let mut machine = Machine::default();
        machine.step(Input::Want, 0.0, 0.0);
        assert_eq!(fail(&mut machine, 1.0), Rung::WebSocket);
        assert_eq!(fail(&mut machine, 2.0), Rung::HttpStream);
        assert_eq!(machine.step(Input::Tick, 5_001.0, 0.0), Effect::None, "not yet");
        assert_eq!(
            machine.step(Input::Tick, 5_002.0, 0.0),
            Effect::Drop,
            "no first bytes"
        );
        let answer = Input::Reachable(machine.failure());
        assert_eq!(machine.step(answer, 5_003.0, 0.0), Effect::Open);
        assert_eq!(machine.rung(), Rung::Sse);
        assert_eq!(machine.step(welcome(Rung::Sse), 5_100.0, 0.0), Effect::Subscribe);
        assert_eq!(machine.state(5_100.0), LiveState::Live(Rung::Sse));
    }

    #[test]
    fn a_server_that_is_down_takes_no_carrier_away() {
        let mut machine = live();
        machine.step(closed(1006), 0.0, 1.0);
        machine.step(Input::Reachable(machine.failure()), 0.0, 0.0);
        for now in 1..50 {
            machine.step(Input::Awake, f64::from(now), 1.0);
            machine.step(closed(1006), f64::from(now), 1.0);
        }
        assert_eq!(machine.rung(), Rung::WebSocket);
        // It is back just after the last attempt failed.
        machine.step(Input::Reachable(machine.failure()), 50.0, 1.0);
        assert_eq!(machine.rung(), Rung::WebSocket);
    }

    #[test]
    fn a_better_carrier_is_tried_beside_the_standing_one() {
        let mut machine = Machine::default();
        machine.begin(Rung::HttpStream);
        machine.step(Input::Want, 0.0, 0.0);
        machine.step(welcome(Rung::HttpStream), 0.0, 0.0);
        machine.step(Input::Heard, 29_000.0, 0.0);
        assert_eq!(machine.wake_at(), Some(30_000.0));
        assert_eq!(machine.step(Input::Tick, 30_000.0, 0.0), Effect::Climb);
        assert_eq!(machine.state(30_000.0), LiveState::Live(Rung::HttpStream));
        assert_eq!(machine.step(Input::Slipped, 30_100.0, 0.0), Effect::Slip);
        assert!(machine.is_live(), "a failed try costs nothing");
        assert_eq!(machine.step(Input::Awake, 31_000.0, 0.0), Effect::None);
        assert_eq!(machine.step(Input::Online, 31_000.0, 0.0), Effect::Climb);
        assert_eq!(
            machine.step(welcome(Rung::WebSocket), 31_100.0, 0.0),
            Effect::Subscribe
        );
        assert_eq!(machine.state(31_100.0), LiveState::Live(Rung::WebSocket));
        assert_eq!(
            machine.step(Input::Online, 32_000.0, 0.0),
            Effect::None,
            "nothing is better"
        );
    }

    #[test]
    fn a_try_that_hangs_is_dropped_and_a_dead_connection_goes_before_a_try() {
        let mut machine = Machine::default();
        machine.begin(Rung::Sse);
        machine.step(Input::Want, 0.0, 0.0);
        machine.step(welcome(Rung::Sse), 0.0, 0.0);
        assert_eq!(machine.step(Input::Tick, 30_000.0, 0.0), Effect::Climb);
        machine.step(Input::Heard, 39_000.0, 0.0);
        assert_eq!(machine.step(Input::Tick, 40_000.0, 0.0), Effect::Slip);
        assert_eq!(machine.step(Input::Online, 90_000.0, 0.0), Effect::Drop);
    }
}
