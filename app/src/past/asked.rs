//! What an address asks charts for: a time, and how it is looked at.

use super::{Look, Range};
use crate::pages::drawn::pairs;
use farol_model::Fault;

/// What was asked for: a time, of which None is live, and a look.
pub type Asked = Result<(Option<Range>, Look), Fault>;

/// The time and the look that a query asks for.
///
/// # Errors
/// As [`Range::read`] and [`Look::read`].
pub fn asked(query: &str, now_ms: i64) -> Asked {
    let pairs = pairs(query);
    let word = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value)
    };
    let range = Range::read(word("range"), word("from"), word("to"), now_ms)?;
    Ok((range, Look::read(&pairs)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_651_200_000;

    #[test]
    fn a_time_is_asked_for_with_its_look_and_without_a_time_it_is_live() {
        let read = |query| {
            let (range, look) = asked(query, NOW).unwrap();
            (range.unwrap(), look)
        };
        let (live, look) = asked("?overview=&mode=heat", NOW).unwrap();
        assert_eq!((live, look.query()), (None, vec![("mode", "heat")]));
        let (range, look) = read("?range=1h&mode=bars&chart=a%20b");
        assert_eq!((range.word, range.to_ms), (Some("1h"), NOW));
        assert_eq!(look.query(), [("chart", "a b"), ("mode", "bars")]);
        let (range, _) = read("from=1795640000&to=1795650000");
        assert_eq!(range.from_ms, 1_795_640_000_000);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_what_could_be() {
        let words = |query: &str| asked(query, NOW).unwrap_err().message;
        assert!(words("range=2y").contains("there are 5m, 15m, 1h"));
        assert!(words("range=1h&mode=pie").contains("there are lines, area"));
    }
}
