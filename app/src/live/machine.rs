//! When to connect, when to give up and when to wait. Pure: time and randomness are arguments, effects are returned and
//! somebody else runs them. Protocol: docs/PROTOCOL.md, rules 3 and 4.

use super::state::LiveState;
use farol_model::wire::codes::Disconnect;

/// Ceiling of the first wait and of all waits, milliseconds (full jitter: the wait is drawn between 0 and the ceiling).
pub const BACKOFF_FIRST_MS: f64 = 250.0;
pub const BACKOFF_MAX_MS: f64 = 20_000.0;
/// An attempt that is not connected after this long is given up.
pub const OPEN_LIMIT_MS: f64 = 10_000.0;
/// How much longer than the ping interval silence may last.
pub const PING_GRACE_MS: f64 = 10_000.0;
/// Outages longer than this are called stale.
pub const STALE_AFTER_MS: f64 = 10_000.0;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Somebody wants the connection.
    Want,
    /// The socket is open.
    Opened,
    /// The connect command was answered; server pings come at this interval, 0 for none.
    Welcome { ping_secs: u32 },
    /// Anything arrived.
    Heard,
    /// The server told why it is about to close, or refused the connect command.
    Told { code: u16, reason: String },
    /// The socket is closed.
    Closed { code: u16, reason: String },
    /// The server answers pages with a redirect to sign-in.
    SignedOut,
    /// The network came back, or the tab is looked at again.
    Awake,
    /// The time of [`Machine::wake_at`] has come.
    Tick,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    None,
    /// Open a socket.
    Open,
    /// Send the connect command.
    Greet,
    /// Send the subscriptions.
    Subscribe,
    /// Drop the socket; its events count no more.
    Drop,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Idle,
    Opening { until: f64 },
    Live { ping_ms: f64, heard: f64 },
    Waiting { at: f64 },
    Ended(LiveState),
}

/// One connection's life.
#[derive(Debug)]
pub struct Machine {
    phase: Phase,
    /// Failed attempts since the connection last stood.
    attempts: u32,
    /// When the connection was lost.
    lost_ms: Option<f64>,
    /// What the server said before it closed.
    told: Option<(u16, String)>,
}

impl Default for Machine {
    fn default() -> Self {
        Machine {
            phase: Phase::Idle,
            attempts: 0,
            lost_ms: None,
            told: None,
        }
    }
}

impl Machine {
    /// Advances. `random` is drawn from 0..1.
    pub fn step(&mut self, input: Input, now: f64, random: f64) -> Effect {
        match input {
            Input::Want if self.phase == Phase::Idle => self.open(now),
            Input::Opened if matches!(self.phase, Phase::Opening { .. }) => Effect::Greet,
            Input::Welcome { ping_secs } => {
                let ping_ms = f64::from(ping_secs) * 1000.0;
                self.phase = Phase::Live { ping_ms, heard: now };
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
            Input::Awake => match self.phase {
                Phase::Waiting { .. } => {
                    self.attempts = 0;
                    self.open(now)
                }
                // A laptop that slept: the socket may be long dead without anybody having noticed.
                Phase::Live { .. } => self.watch(now, random),
                _ => Effect::None,
            },
            Input::Tick => match self.phase {
                Phase::Waiting { at } if now >= at => self.open(now),
                Phase::Opening { until } if now >= until => self.wait(now, random),
                Phase::Live { .. } => self.watch(now, random),
                _ => Effect::None,
            },
            Input::Want | Input::Opened | Input::SignedOut => Effect::None,
        }
    }

    /// When [`Input::Tick`] is due.
    pub fn wake_at(&self) -> Option<f64> {
        match &self.phase {
            Phase::Waiting { at } => Some(*at),
            Phase::Opening { until } => Some(*until),
            Phase::Live { ping_ms, heard } if *ping_ms > 0.0 => Some(heard + ping_ms + PING_GRACE_MS),
            _ => None,
        }
    }

    /// What people are told.
    pub fn state(&self, now: f64) -> LiveState {
        let lost_long = self.lost_ms.filter(|since| now - since > STALE_AFTER_MS);
        match (&self.phase, lost_long) {
            (Phase::Live { .. }, _) => LiveState::Live,
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

    /// Failed attempts since the connection last stood.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    fn open(&mut self, now: f64) -> Effect {
        self.told = None;
        self.phase = Phase::Opening {
            until: now + OPEN_LIMIT_MS,
        };
        Effect::Open
    }

    fn watch(&mut self, now: f64, random: f64) -> Effect {
        match self.wake_at() {
            Some(at) if now >= at => self.wait(now, random),
            _ => Effect::None,
        }
    }

    fn closed(&mut self, code: u16, reason: String, now: f64, random: f64) -> Effect {
        if self.has_ended() || matches!(self.phase, Phase::Waiting { .. } | Phase::Idle) {
            return Effect::None;
        }
        if Disconnect::reconnect(code) {
            return self.wait(now, random);
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

    fn wait(&mut self, now: f64, random: f64) -> Effect {
        self.lost_ms.get_or_insert(now);
        self.phase = Phase::Waiting {
            at: now + backoff_ms(self.attempts, random),
        };
        self.attempts = self.attempts.saturating_add(1);
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
        assert_eq!(machine.step(Input::Opened, 10.0, 0.5), Effect::Greet);
        assert_eq!(
            machine.step(Input::Welcome { ping_secs: 25 }, 20.0, 0.5),
            Effect::Subscribe
        );
        assert_eq!(machine.state(20.0), LiveState::Live);
        machine
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
        assert_eq!(machine.wake_at(), Some(1800.0));
        assert_eq!(machine.state(20_000.0), LiveState::Stale { since_ms: 1000.0 });
        machine.step(Input::Tick, 1800.0, 1.0);
        machine.step(Input::Welcome { ping_secs: 25 }, 1900.0, 1.0);
        assert_eq!((machine.state(1900.0), machine.attempts()), (LiveState::Live, 0));
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
        let mut machine = Machine::default();
        machine.step(Input::Want, 0.0, 0.0);
        assert_eq!(machine.wake_at(), Some(OPEN_LIMIT_MS));
        assert_eq!(machine.step(Input::Tick, OPEN_LIMIT_MS, 0.5), Effect::Drop);
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
}
