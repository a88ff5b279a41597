//! Which carrier the next attempt uses: down when one is blocked, up again when a better one may work. Pure: time is an
//! argument. [`Machine`](super::machine::Machine) asks it. Protocol: docs/PROTOCOL.md, "The carriers of the app".

/// The first wait before WebSocket is tried again, and the longest, milliseconds. It doubles with each try that fails.
pub const CLIMB_FIRST_MS: f64 = 30_000.0;
pub const CLIMB_MAX_MS: f64 = 600_000.0;
/// A try that is not connected after this long is given up.
pub const CLIMB_LIMIT_MS: f64 = 10_000.0;

/// What an attempt costs that was refused, and one that hung: two refusals or one silence, and WebSocket is blocked here.
pub const REFUSED: u32 = 1;
pub const HUNG: u32 = 2;
/// A carrier that has worked in this page is given up after so much: a server that starts anew fails a few attempts too.
const PATIENCE: u32 = 4;

/// A carrier of the app, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rung {
    #[default]
    WebSocket,
    HttpStream,
    Sse,
}

impl Rung {
    /// The one that a number stands for; the best for a number that is none of theirs.
    pub fn of(number: u8) -> Self {
        match number {
            1 => Rung::HttpStream,
            2 => Rung::Sse,
            _ => Rung::WebSocket,
        }
    }

    /// Until when the connect command must be answered, milliseconds. A proxy that keeps a response until it is whole never
    /// lets the answer through, and the next carrier may do better.
    pub fn limit_ms(self) -> f64 {
        match self {
            Rung::HttpStream => 5_000.0,
            Rung::WebSocket | Rung::Sse => 10_000.0,
        }
    }

    /// What comes after it; the first comes after the last.
    fn below(self) -> Self {
        Rung::of(self as u8 + 1)
    }
}

/// How the last connection or attempt ended, handed back when the server turns out to answer plain requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failure {
    pub rung: Rung,
    /// [`REFUSED`], [`HUNG`], or 0 for a connection that had stood.
    pub weight: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Climb {
    #[default]
    Idle,
    Resting {
        at: f64,
    },
    Trying {
        until: f64,
    },
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    Nothing,
    /// Try WebSocket beside the standing connection.
    Try,
    /// Give the try up.
    GiveUp,
}

/// Where on the ladder this page stands.
#[derive(Debug)]
pub struct Ladder {
    /// What the next attempt uses.
    rung: Rung,
    /// Weight of the failures on this rung since it was stepped on.
    failures: u32,
    /// Which rungs have worked in this page.
    worked: [bool; 3],
    climb: Climb,
    /// The wait before the next try of WebSocket.
    pause_ms: f64,
}

impl Default for Ladder {
    fn default() -> Self {
        Ladder {
            rung: Rung::WebSocket,
            failures: 0,
            worked: [false; 3],
            climb: Climb::Idle,
            pause_ms: CLIMB_FIRST_MS,
        }
    }
}

impl Ladder {
    /// Begins at the carrier that worked before the page was loaded anew.
    pub fn begin(&mut self, rung: Rung) {
        self.rung = rung;
    }

    pub fn rung(&self) -> Rung {
        self.rung
    }

    /// An attempt failed although the server answers plain requests. While it answers nobody, no carrier is to blame.
    pub fn blocked(&mut self, failure: Failure) {
        if failure.rung != self.rung {
            return;
        }
        self.failures += failure.weight;
        let patience = match (self.worked[self.rung as usize], self.rung) {
            (true, _) => PATIENCE,
            (false, Rung::WebSocket) => HUNG,
            (false, _) => REFUSED,
        };
        if self.failures >= patience {
            self.failures = 0;
            self.rung = self.rung.below();
        }
    }

    /// Connected over this carrier. Below the best one, the best is tried again after a while.
    pub fn stands(&mut self, rung: Rung, now: f64) {
        self.rung = rung;
        self.failures = 0;
        self.worked[rung as usize] = true;
        self.climb = match rung {
            Rung::WebSocket => Climb::Idle,
            _ => Climb::Resting {
                at: now + self.pause_ms,
            },
        };
        if rung == Rung::WebSocket {
            self.pause_ms = CLIMB_FIRST_MS;
        }
    }

    /// The connection is lost, and a try beside it with it.
    pub fn lost(&mut self) {
        self.climb = Climb::Idle;
    }

    /// What is due while the connection stands.
    pub fn due(&mut self, now: f64) -> Due {
        match self.climb {
            Climb::Resting { at } if now >= at => self.attempt(now),
            Climb::Trying { until } if now >= until => {
                self.slipped(now);
                Due::GiveUp
            }
            _ => Due::Nothing,
        }
    }

    /// The network is another one, perhaps one that lets WebSocket through.
    pub fn network_changed(&mut self, now: f64) -> Due {
        self.pause_ms = CLIMB_FIRST_MS;
        match self.climb {
            Climb::Resting { .. } => self.attempt(now),
            _ => Due::Nothing,
        }
    }

    /// The try failed; the next one waits twice as long.
    pub fn slipped(&mut self, now: f64) {
        if let Climb::Trying { .. } = self.climb {
            self.pause_ms = (self.pause_ms * 2.0).min(CLIMB_MAX_MS);
            self.climb = Climb::Resting {
                at: now + self.pause_ms,
            };
        }
    }

    /// When something is due.
    pub fn wake_at(&self) -> Option<f64> {
        match self.climb {
            Climb::Idle => None,
            Climb::Resting { at } => Some(at),
            Climb::Trying { until } => Some(until),
        }
    }

    fn attempt(&mut self, now: f64) -> Due {
        self.climb = Climb::Trying {
            until: now + CLIMB_LIMIT_MS,
        };
        Due::Try
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(rung: Rung, weight: u32) -> Failure {
        Failure { rung, weight }
    }

    fn refused(ladder: &mut Ladder) -> Rung {
        ladder.blocked(failure(ladder.rung(), REFUSED));
        ladder.rung()
    }

    #[test]
    fn two_refusals_or_one_silence_leave_websocket() {
        let mut ladder = Ladder::default();
        assert_eq!(refused(&mut ladder), Rung::WebSocket, "one may be chance");
        assert_eq!(refused(&mut ladder), Rung::HttpStream);
        let mut silent = Ladder::default();
        silent.blocked(failure(Rung::WebSocket, HUNG));
        assert_eq!(silent.rung(), Rung::HttpStream);
    }

    #[test]
    fn below_websocket_one_failure_goes_on_and_the_last_starts_over() {
        let mut ladder = Ladder::default();
        let seen: Vec<_> = (0..8).map(|_| refused(&mut ladder)).collect();
        use Rung::{HttpStream as H, Sse as S, WebSocket as W};
        assert_eq!(seen, [W, H, S, W, W, H, S, W]);
    }

    #[test]
    fn what_has_worked_is_given_up_late_and_a_lost_connection_is_no_failure() {
        for rung in [Rung::WebSocket, Rung::HttpStream, Rung::Sse] {
            let mut ladder = Ladder::default();
            ladder.stands(rung, 0.0);
            ladder.blocked(failure(rung, 0));
            for _ in 1..PATIENCE {
                assert_eq!(refused(&mut ladder), rung);
            }
            assert_ne!(refused(&mut ladder), rung);
        }
    }

    #[test]
    fn news_of_another_carrier_come_too_late_to_count() {
        let mut ladder = Ladder::default();
        ladder.begin(Rung::HttpStream);
        ladder.blocked(failure(Rung::WebSocket, HUNG));
        assert_eq!(ladder.rung(), Rung::HttpStream);
    }

    #[test]
    fn websocket_is_tried_again_at_growing_intervals() {
        let mut ladder = Ladder::default();
        ladder.stands(Rung::HttpStream, 0.0);
        let mut now = 0.0;
        for wait in [30.0, 60.0, 120.0, 240.0, 480.0, 600.0, 600.0] {
            assert_eq!(ladder.wake_at(), Some(now + wait * 1000.0));
            assert_eq!(ladder.due(now + wait * 1000.0 - 1.0), Due::Nothing);
            now += wait * 1000.0;
            assert_eq!(ladder.due(now), Due::Try);
            ladder.slipped(now);
        }
    }

    #[test]
    fn a_try_that_hangs_is_given_up_and_only_one_runs() {
        let mut ladder = Ladder::default();
        ladder.stands(Rung::Sse, 0.0);
        assert_eq!(ladder.network_changed(5.0), Due::Try);
        assert_eq!(ladder.network_changed(6.0), Due::Nothing);
        assert_eq!(ladder.due(5.0 + CLIMB_LIMIT_MS - 1.0), Due::Nothing);
        assert_eq!(ladder.due(5.0 + CLIMB_LIMIT_MS), Due::GiveUp);
        assert_eq!(
            ladder.wake_at(),
            Some(5.0 + CLIMB_LIMIT_MS + 2.0 * CLIMB_FIRST_MS)
        );
    }

    #[test]
    fn another_network_is_tried_at_once_and_at_the_top_nothing_is() {
        let mut ladder = Ladder::default();
        assert_eq!(ladder.network_changed(0.0), Due::Nothing, "not connected");
        ladder.stands(Rung::WebSocket, 0.0);
        assert_eq!(
            (ladder.network_changed(1.0), ladder.wake_at()),
            (Due::Nothing, None)
        );
        ladder.stands(Rung::Sse, 2.0);
        ladder.lost();
        assert_eq!(
            ladder.network_changed(3.0),
            Due::Nothing,
            "attempts go on by themselves"
        );
    }

    #[test]
    fn a_reload_begins_where_it_worked_and_climbs_all_the_same() {
        let mut ladder = Ladder::default();
        ladder.begin(Rung::of(Rung::Sse as u8));
        assert_eq!(ladder.rung(), Rung::Sse);
        ladder.stands(Rung::Sse, 0.0);
        assert_eq!(ladder.due(CLIMB_FIRST_MS), Due::Try);
        ladder.stands(Rung::WebSocket, CLIMB_FIRST_MS);
        assert_eq!((ladder.rung(), ladder.wake_at()), (Rung::WebSocket, None));
        assert_eq!(Rung::of(77), Rung::WebSocket, "whatever the storage holds");
    }
}
