//! What a result is measured in, so that its axis is right. A number has no unit: what is scaled by one keeps its own.

use super::tree::Operator;
use farol_model::metric::Unit;

/// As the API writes it.
pub fn word(unit: Unit) -> String {
    let word = serde_json::to_value(unit).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

/// Of how fast a counter grows.
pub fn rate(unit: Unit) -> Unit {
    match unit {
        Unit::Bytes => Unit::BytesPerSecond,
        Unit::None | Unit::Count => Unit::PerSecond,
        // Seconds a second, and what has no unit here.
        _ => Unit::None,
    }
}

/// Of what came together at a rate.
pub fn total(unit: Unit) -> Unit {
    match unit {
        Unit::BytesPerSecond => Unit::Bytes,
        Unit::PerSecond => Unit::Count,
        // Counters of seconds are kept as seconds a second.
        _ => Unit::Seconds,
    }
}

/// Whether a series is kept as the rate of a counter: that is how all counters of this machine and of applications are kept.
pub fn is_rate(name: &str, unit: Unit) -> bool {
    let base = ["_total", "_sum"].iter().find_map(|end| name.strip_suffix(end));
    let of_seconds = || base.is_some_and(|base| base.ends_with("_seconds"));
    matches!(unit, Unit::PerSecond | Unit::BytesPerSecond) || unit == Unit::None && of_seconds()
}

/// Of what a histogram counts, by the name of its buckets.
pub fn of_buckets(name: &str) -> Unit {
    let base = name.strip_suffix("_bucket").unwrap_or(name);
    let known = [
        ("_seconds", Unit::Seconds),
        ("_bytes", Unit::Bytes),
        ("_percent", Unit::Percent),
        ("_celsius", Unit::Celsius),
    ];
    known
        .iter()
        .find(|(end, _)| base.ends_with(end))
        .map_or(Unit::None, |(_, unit)| *unit)
}

/// Between two. None: these cannot be added or compared.
pub fn between(operator: Operator, a: Unit, b: Unit) -> Option<Unit> {
    let plain = |unit: Unit| matches!(unit, Unit::None | Unit::Count);
    Some(match operator {
        Operator::Add | Operator::Subtract | Operator::Modulo => match (a, b) {
            (a, b) if a == b => a,
            (a, b) if plain(b) => a,
            (a, b) if plain(a) => b,
            _ => return None,
        },
        Operator::Multiply => match (a, b) {
            (a, b) if plain(b) => a,
            (a, b) if plain(a) => b,
            (Unit::BytesPerSecond, Unit::Seconds) | (Unit::Seconds, Unit::BytesPerSecond) => Unit::Bytes,
            (Unit::PerSecond, Unit::Seconds) | (Unit::Seconds, Unit::PerSecond) => Unit::Count,
            (Unit::PerSecond, Unit::Bytes) | (Unit::Bytes, Unit::PerSecond) => Unit::BytesPerSecond,
            (Unit::Volts, Unit::Amperes) | (Unit::Amperes, Unit::Volts) => Unit::Watts,
            _ => Unit::None,
        },
        Operator::Divide => match (a, b) {
            (a, b) if a == b => Unit::None,
            (a, b) if plain(b) => a,
            (Unit::Bytes, Unit::Seconds) => Unit::BytesPerSecond,
            (Unit::None | Unit::Count, Unit::Seconds) => Unit::PerSecond,
            (Unit::Bytes, Unit::BytesPerSecond) | (Unit::None | Unit::Count, Unit::PerSecond) => {
                Unit::Seconds
            }
            (Unit::BytesPerSecond, Unit::PerSecond) => Unit::Bytes,
            (Unit::Watts, Unit::Volts) => Unit::Amperes,
            (Unit::Watts, Unit::Amperes) => Unit::Volts,
            _ => Unit::None,
        },
        Operator::Power => Unit::None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_follow_from_what_is_done() {
        assert_eq!(rate(Unit::Bytes), Unit::BytesPerSecond);
        assert_eq!(
            (rate(Unit::Count), rate(Unit::Seconds)),
            (Unit::PerSecond, Unit::None)
        );
        assert_eq!(total(rate(Unit::Bytes)), Unit::Bytes);
        assert!(
            is_rate("http_requests_total", Unit::PerSecond) && is_rate("node_cpu_seconds_total", Unit::None)
        );
        assert!(!is_rate("host_uptime_seconds", Unit::Seconds) && !is_rate("load_total", Unit::None));
        let of = |operator, a, b| between(operator, a, b);
        assert_eq!(of(Operator::Divide, Unit::Bytes, Unit::Bytes), Some(Unit::None));
        assert_eq!(
            of(Operator::Divide, Unit::BytesPerSecond, Unit::PerSecond),
            Some(Unit::Bytes)
        );
        assert_eq!(
            of(Operator::Multiply, Unit::Percent, Unit::None),
            Some(Unit::Percent)
        );
        assert_eq!(
            of(Operator::Multiply, Unit::Volts, Unit::Amperes),
            Some(Unit::Watts)
        );
        assert_eq!(of(Operator::Add, Unit::Bytes, Unit::Seconds), None);
        assert_eq!(
            of(Operator::Subtract, Unit::Count, Unit::Bytes),
            Some(Unit::Bytes)
        );
        assert_eq!(of_buckets("http_request_duration_seconds_bucket"), Unit::Seconds);
        assert_eq!(of_buckets("queue_length_bucket"), Unit::None);
    }
}
