//! What gestures on charts do to the time that is shown. Pure: pixels and events are the concern of whoever calls.

/// The shortest and the longest time that can be shown, milliseconds.
pub const REACH: (i64, i64) = (10_000, 5 * 366 * 86_400_000);

/// A stretch of time, milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    pub from: f64,
    pub to: f64,
}

impl Span {
    pub fn length(self) -> f64 {
        self.to - self.from
    }

    /// The time at a share of it: 0 is its beginning, 1 its end.
    pub fn at(self, share: f64) -> f64 {
        self.from + self.length() * share
    }

    /// Where a time stands in it.
    pub fn share(self, time: f64) -> f64 {
        (time - self.from) / self.length()
    }

    /// Moved by a share of its length: into the past below 0.
    pub fn moved(self, share: f64) -> Span {
        let by = self.length() * share;
        Span {
            from: self.from + by,
            to: self.to + by,
        }
    }

    /// So many times as long; what stands at the share stays there.
    pub fn zoomed(self, share: f64, times: f64) -> Span {
        let length = self.length() * times;
        let from = self.at(share) - length * share;
        Span {
            from,
            to: from + length,
        }
    }

    /// Held by two fingers: what stood at the first shares stands at the second ones.
    pub fn held(self, then: [f64; 2], now: [f64; 2]) -> Span {
        let [first, second] = then.map(|share| self.at(share));
        // Fingers that meet or cross would turn time around.
        let apart = (now[1] - now[0]).abs().max(0.02);
        let length = (second - first).abs() / apart;
        let (time, share) = match then[0] <= then[1] {
            true => (first, now[0]),
            false => (second, now[1]),
        };
        let from = time - length * share;
        Span {
            from,
            to: from + length,
        }
    }

    /// As it may be shown: whole seconds, no longer and no shorter than is possible, and nothing that is still to come.
    pub fn kept(self, now: f64) -> Span {
        let length = self.length().clamp(REACH.0 as f64, REACH.1 as f64);
        let middle = (self.from + self.to) / 2.0;
        let to = (middle + length / 2.0).min(now).max(length);
        let round = |time: f64| (time / 1000.0).round() * 1000.0;
        let to = round(to);
        Span {
            from: to - round(length),
            to,
        }
    }

    /// What a key does to it. `shift` is that the key is held.
    pub fn key(self, key: &str, shift: bool) -> Option<Span> {
        match key {
            "ArrowLeft" if shift => Some(self.moved(-0.25)),
            "ArrowRight" if shift => Some(self.moved(0.25)),
            "+" | "=" => Some(self.zoomed(0.5, 0.5)),
            "-" | "_" => Some(self.zoomed(0.5, 2.0)),
            _ => None,
        }
    }
}

/// A query, with or without `?`, that shows this span and all else as before.
pub fn with_span(query: &str, span: Span) -> String {
    let rest = timeless(query);
    let and = if rest.is_empty() { "" } else { "&" };
    let [from, to] = [span.from, span.to].map(|time| (time / 1000.0) as i64);
    format!("?{rest}{and}from={from}&to={to}")
}

/// Whether a query asks for a time that ends now, so that what is shown follows.
pub fn follows(query: &str) -> bool {
    !pairs(query).any(|pair| pair.starts_with("from=") || pair.starts_with("to="))
}

/// A query without its time.
pub fn timeless(query: &str) -> String {
    pairs(query)
        .filter(|pair| !is_time(pair))
        .collect::<Vec<_>>()
        .join("&")
}

/// Whether a query asks for a time.
pub fn has_time(query: &str) -> bool {
    pairs(query).any(is_time)
}

fn pairs(query: &str) -> impl Iterator<Item = &str> {
    let pairs = query.trim_start_matches('?').split('&');
    pairs.filter(|pair| !pair.is_empty())
}

fn is_time(pair: &str) -> bool {
    ["range=", "from=", "to="]
        .iter()
        .any(|name| pair.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Span = Span {
        from: 3_600_000.0,
        to: 7_200_000.0,
    };

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        for share in [0.0, 0.3, 1.0] {
            let closer = HOUR.zoomed(share, 0.5);
            assert_eq!(closer.length(), 1_800_000.0);
            assert!((closer.at(share) - HOUR.at(share)).abs() < 1e-6);
        }
        assert_eq!(HOUR.moved(-0.5).from, 1_800_000.0);
        assert_eq!(HOUR.share(HOUR.at(0.25)), 0.25);
    }

    #[test]
    fn two_fingers_hold_two_times() {
        let held = HOUR.held([0.2, 0.6], [0.1, 0.9]);
        assert!((held.at(0.1) - HOUR.at(0.2)).abs() < 1e-6, "{held:?}");
        assert!((held.at(0.9) - HOUR.at(0.6)).abs() < 1e-6, "{held:?}");
        let other = HOUR.held([0.6, 0.2], [0.9, 0.1]);
        assert!((other.from - held.from).abs() < 1e-6, "whichever came first");
        assert_eq!(HOUR.held([0.2, 0.6], [0.3, 0.7]).length().round(), HOUR.length());
        assert!(HOUR.held([0.2, 0.6], [0.5, 0.5]).length().is_finite());
    }

    #[test]
    fn nothing_that_is_to_come_too_short_or_too_long_is_shown() {
        let now = 7_200_500.0;
        let later = HOUR.moved(3.0).kept(now);
        assert_eq!(
            later,
            Span {
                from: 3_601_000.0,
                to: 7_201_000.0
            }
        );
        assert_eq!(HOUR.zoomed(0.5, 1e-9).kept(now).length(), 10_000.0);
        let longest = HOUR.zoomed(0.5, 1e9).kept(1e13);
        assert_eq!(longest.length(), REACH.1 as f64);
        assert!(HOUR.moved(-99.0).kept(now).from >= 0.0, "nothing before 1970");
        let odd = Span {
            from: 1_000_400.7,
            to: 1_020_400.7,
        };
        assert_eq!(
            odd.kept(now),
            Span {
                from: 1_000_000.0,
                to: 1_020_000.0
            }
        );
    }

    #[test]
    fn keys_move_and_zoom() {
        assert_eq!(HOUR.key("ArrowLeft", true), Some(HOUR.moved(-0.25)));
        assert_eq!(HOUR.key("ArrowLeft", false), None, "that is the crosshair's");
        assert_eq!(HOUR.key("+", true).map(Span::length), Some(1_800_000.0));
        assert_eq!(HOUR.key("-", false).map(Span::length), Some(7_200_000.0));
        assert_eq!(HOUR.key("Tab", false), None);
    }

    #[test]
    fn an_address_changes_its_time_and_nothing_else() {
        assert_eq!(
            with_span("?group=cpu&range=15m&mode=bars", HOUR),
            "?group=cpu&mode=bars&from=3600&to=7200"
        );
        assert_eq!(with_span("", HOUR), "?from=3600&to=7200");
        assert_eq!(
            with_span("p=a&p=b&from=1&to=2&title=x%26to", HOUR),
            "?p=a&p=b&title=x%26to&from=3600&to=7200"
        );
        assert!(follows("?group=cpu&range=1h") && !follows("?from=1&to=2") && follows("?orange=1"));
        assert!(has_time("to=1") && !has_time("?p=a&orange=1"));
    }
}
