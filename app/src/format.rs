//! Units to text. Pure: no clock, no locale, no browser. The page sets the number large and its unit small, so both come
//! apart. To extend: a new `Unit` gets an arm in [`format`] and in [`tick_step`], and a test.

use farol_model::metric::Unit;

/// A number and its unit, ready to be shown side by side. `unit` is empty when there is nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Formatted {
    pub number: String,
    pub unit: String,
}

impl Formatted {
    fn new(number: impl Into<String>, unit: impl Into<String>) -> Self {
        Formatted {
            number: number.into(),
            unit: unit.into(),
        }
    }
}

impl std::fmt::Display for Formatted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.number)?;
        if !self.unit.is_empty() {
            write!(out, "\u{a0}{}", self.unit)?;
        }
        Ok(())
    }
}

/// What stands where there is no value.
pub const NO_VALUE: &str = "—";

const IEC: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
const SI: [&str; 5] = ["", "k", "M", "G", "T"];

/// A value of a unit, given as [`Unit`] or as the number that travels. NaN and infinities are "—".
pub fn format(value: f64, unit: impl Into<i32>) -> Formatted {
    if !value.is_finite() {
        return Formatted::new(NO_VALUE, "");
    }
    match Unit::try_from(unit.into()).unwrap_or(Unit::None) {
        Unit::None => Formatted::new(three_digits(value), ""),
        Unit::Percent => Formatted::new(one_decimal(value), "%"),
        Unit::Bytes => bytes(value, ""),
        Unit::BytesPerSecond => bytes(value, "/s"),
        Unit::PerSecond => {
            let (scaled, prefix) = scaled(value, 1000.0, &SI);
            Formatted::new(three_digits(scaled), format!("{prefix}/s"))
        }
        Unit::Seconds => seconds(value),
        Unit::Celsius => Formatted::new(one_decimal(value), "°C"),
        Unit::Hertz => {
            let (scaled, prefix) = scaled(value, 1000.0, &SI);
            Formatted::new(three_digits(scaled), format!("{prefix}Hz"))
        }
        Unit::Watts => Formatted::new(three_digits(value), "W"),
        Unit::Volts => Formatted::new(three_digits(value), "V"),
        Unit::Amperes => Formatted::new(three_digits(value), "A"),
        Unit::Rpm => Formatted::new(grouped(value), "rpm"),
        Unit::Count if value.abs() < 10_000.0 => Formatted::new(grouped(value), ""),
        Unit::Count => {
            let (scaled, prefix) = scaled(value, 1000.0, &SI);
            Formatted::new(three_digits(scaled), prefix)
        }
    }
}

/// A span of time in its two largest parts: "3 d 4 h", "12 s", "0 s". Milliseconds in; negative counts as none.
pub fn duration(ms: i64) -> String {
    let secs = ms.max(0) / 1000;
    let parts = [
        (secs / 86_400, "d"),
        (secs / 3600 % 24, "h"),
        (secs / 60 % 60, "min"),
        (secs % 60, "s"),
    ];
    let Some(first) = parts.iter().position(|(count, _)| *count > 0) else {
        return "0 s".to_owned();
    };
    parts[first..]
        .iter()
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// UTC time of day, "14:03:09".
pub fn clock_utc(ms: i64) -> String {
    let secs = ms.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// Evenly spaced round numbers that enclose `min..=max`, at most `max_ticks` (at least 2) of them, ascending. The first and
/// the last are the ends of the axis.
pub fn axis_ticks(min: f64, max: f64, unit: impl Into<i32>, max_ticks: usize) -> Vec<f64> {
    let unit = Unit::try_from(unit.into()).unwrap_or(Unit::None);
    let min = if min.is_finite() { min.min(0.0) } else { 0.0 };
    let mut max = if max.is_finite() { max.max(0.0) } else { 0.0 };
    if max - min <= f64::EPSILON {
        max = min + 1.0;
    }
    let intervals = max_ticks.max(2) - 1;
    let mut step = tick_step((max - min) / intervals as f64, unit);
    // Both ends are rounded outwards, which may take one interval more than there is room for.
    loop {
        let (low, high) = ((min / step).floor(), (max / step).ceil());
        if high - low <= intervals as f64 {
            let count = (high - low) as i64;
            return (0..=count).map(|index| (low + index as f64) * step).collect();
        }
        step = tick_step(step * 1.01, unit);
    }
}

/// Label of one tick. Shorter than [`format`]: no decimals that all ticks share.
pub fn tick_label(value: f64, unit: impl Into<i32>) -> String {
    let unit = unit.into();
    let Formatted { number, unit: word } = format(value, unit);
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => &number,
    };
    match word.as_str() {
        "" => number.to_owned(),
        "%" => format!("{number}%"),
        _ => format!("{number}\u{a0}{word}"),
    }
}

/// The smallest round step that is not below `raw`.
fn tick_step(raw: f64, unit: Unit) -> f64 {
    const TIMES: [f64; 9] = [10.0, 15.0, 30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 21_600.0];
    if unit == Unit::Seconds && raw > 5.0 && raw <= 21_600.0 {
        return TIMES.into_iter().find(|step| *step >= raw).unwrap_or(86_400.0);
    }
    let binary = matches!(unit, Unit::Bytes | Unit::BytesPerSecond) && raw >= 1.0;
    let scale = match binary {
        true => 1024f64.powi((raw.ln() / 1024f64.ln() + 1e-9).floor() as i32),
        false => 1.0,
    };
    let decade = 10f64.powf((raw / scale).log10().floor());
    let round = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|step| *step * scale >= raw * (1.0 - 1e-9))
        .unwrap_or(decade * 10.0);
    // 1000 KiB is not round, 1 MiB is.
    if binary && round >= 1000.0 {
        return 1024.0 * scale;
    }
    let whole = matches!(unit, Unit::Count | Unit::Bytes | Unit::BytesPerSecond);
    if whole {
        (round * scale).max(1.0).ceil()
    } else {
        round * scale
    }
}

fn bytes(value: f64, suffix: &str) -> Formatted {
    let (scaled, prefix) = scaled(value, 1024.0, &IEC);
    let number = match prefix == "B" {
        true => format!("{scaled:.0}"),
        false => three_digits(scaled),
    };
    Formatted::new(positive_zero(number), format!("{prefix}{suffix}"))
}

fn seconds(value: f64) -> Formatted {
    match value.abs() {
        v if v >= 60.0 => Formatted::new(duration((value * 1000.0) as i64), ""),
        v if v >= 0.9995 || v == 0.0 => Formatted::new(three_digits(value), "s"),
        v if v >= 0.000_999_5 => Formatted::new(three_digits(value * 1e3), "ms"),
        _ => Formatted::new(three_digits(value * 1e6), "µs"),
    }
}

/// Divides by the base until three digits before the point are enough.
fn scaled<'a>(value: f64, base: f64, names: &[&'a str]) -> (f64, &'a str) {
    let mut scaled = value;
    let mut index = 0;
    while scaled.abs() >= 999.5 && index + 1 < names.len() {
        scaled /= base;
        index += 1;
    }
    (scaled, names.get(index).copied().unwrap_or_default())
}

/// Three digits, whatever the size: a number that runs keeps its width.
fn three_digits(value: f64) -> String {
    let text = match value.abs() {
        0.0 => "0".to_owned(),
        v if v < 9.995 => format!("{value:.2}"),
        v if v < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    positive_zero(text)
}

fn one_decimal(value: f64) -> String {
    positive_zero(match value.abs() >= 99.95 {
        true => format!("{value:.0}"),
        false => format!("{value:.1}"),
    })
}

/// Whole number with a narrow space between thousands.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    if value.round() < 0.0 {
        text.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A number as it is written in a label. NaN for what is none.
#[cfg(not(feature = "hydrate"))]
pub fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// As the browser reads numbers: Rust would bring 20 KB of tables for it. NaN for what is none.
#[cfg(feature = "hydrate")]
pub fn number(text: &str) -> f64 {
    js_sys::parse_float(text)
}

/// "-0.0" is "0.0", and minus is the sign and not the hyphen.
fn positive_zero(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.bytes().all(|byte| matches!(byte, b'0' | b'.')) => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3.
pub fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64, unit: Unit) -> String {
        format(value, unit).to_string().replace('\u{a0}', " ")
    }

    #[test]
    fn every_unit_has_its_words() {
        assert_eq!(text(12.34, Unit::Percent), "12.3 %");
        assert_eq!(text(100.0, Unit::Percent), "100 %");
        assert_eq!(text(0.0, Unit::Bytes), "0 B");
        assert_eq!(text(1536.0, Unit::Bytes), "1.50 KiB");
        assert_eq!(text(16.0 * 1024f64.powi(3), Unit::Bytes), "16.0 GiB");
        assert_eq!(text(3.2e6, Unit::BytesPerSecond), "3.05 MiB/s");
        assert_eq!(text(12_345.0, Unit::PerSecond), "12.3 k/s");
        assert_eq!(text(2.4e9, Unit::Hertz), "2.40 GHz");
        assert_eq!(text(45.25, Unit::Celsius), "45.2 °C");
        assert_eq!(text(0.0123, Unit::Seconds), "12.3 ms");
        assert_eq!(text(0.000_05, Unit::Seconds), "50.0 µs");
        assert_eq!(text(7200.0, Unit::Seconds), "2 h");
        assert_eq!(text(9876.0, Unit::Count), "9876");
        assert_eq!(text(1_234_567.0, Unit::Count), "1.23 M");
        assert_eq!(text(1.5, Unit::None), "1.50");
    }

    #[test]
    fn no_value_is_a_dash_in_every_unit() {
        for unit in 0..=9 {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert_eq!(format(value, unit), Formatted::new(NO_VALUE, ""));
            }
        }
    }

    #[test]
    fn a_number_just_below_the_next_unit_does_not_grow_wider() {
        assert_eq!(text(1023.0 * 1024.0, Unit::Bytes), "1.00 MiB");
        assert_eq!(text(9.999 * 1024.0, Unit::Bytes), "10.0 KiB");
        assert_eq!(text(-0.01, Unit::Percent), "0.0 %");
        assert_eq!(text(-5.0, Unit::Celsius), "−5.0 °C");
    }

    #[test]
    fn durations_show_their_two_largest_parts() {
        assert_eq!(duration(0), "0 s");
        assert_eq!(duration(-5), "0 s");
        assert_eq!(duration(59_999), "59 s");
        assert_eq!(duration(3_600_000), "1 h");
        assert_eq!(duration(((3 * 24 + 4) * 3600 + 59) * 1000), "3 d 4 h");
        assert_eq!(duration(125_000), "2 min 5 s");
    }

    #[test]
    fn the_time_of_day_is_utc() {
        assert_eq!(clock_utc(((14 * 60 + 3) * 60 + 9) * 1000), "14:03:09");
    }

    #[test]
    fn ticks_are_few_round_and_enclose_the_data() {
        assert_eq!(
            axis_ticks(0.0, 100.0, Unit::Percent, 5),
            [0.0, 25.0, 50.0, 75.0, 100.0]
        );
        let tells = axis_ticks(0.0, 0.0, Unit::BytesPerSecond, 4);
        assert_eq!(tells, [0.0, 1.0], "half a byte would be told as none");
        let gib = 1024f64.powi(3);
        assert_eq!(
            axis_ticks(0.0, 5.5 * gib, Unit::Bytes, 4),
            [0.0, 2.0 * gib, 4.0 * gib, 6.0 * gib]
        );
        assert_eq!(
            axis_ticks(0.0, 700.0 * 1024.0, Unit::Bytes, 2),
            [0.0, 1024.0 * 1024.0]
        );
        for unit in 0..=8 {
            for exponent in -6..14 {
                for factor in [1.0, 1.7, 3.3, 9.99] {
                    let max = factor * 10f64.powi(exponent);
                    for min in [0.0, -max / 3.0] {
                        let ticks = axis_ticks(min, max, unit, 4);
                        assert!((2..=4).contains(&ticks.len()), "{min} {max} {unit}: {ticks:?}");
                        assert!(
                            ticks[0] <= min && ticks[ticks.len() - 1] >= max * 0.999_999,
                            "{max} {unit}: {ticks:?}"
                        );
                        assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
                    }
                }
            }
        }
    }

    #[test]
    fn ticks_of_nothing_are_still_an_axis() {
        assert_eq!(axis_ticks(0.0, 0.0, Unit::None, 2), [0.0, 1.0]);
        assert!(axis_ticks(f64::INFINITY, f64::NEG_INFINITY, Unit::Count, 4).len() >= 2);
        assert_eq!(axis_ticks(0.0, 1.0, Unit::Count, 4), [0.0, 1.0], "no half things");
    }

    #[test]
    fn tick_labels_drop_zeros_that_say_nothing() {
        assert_eq!(tick_label(50.0, Unit::Percent), "50%");
        assert_eq!(
            tick_label(2.0 * 1024f64.powi(3), Unit::Bytes).replace('\u{a0}', " "),
            "2 GiB"
        );
        assert_eq!(tick_label(0.25, Unit::None), "0.25");
        assert_eq!(tick_label(100.0, Unit::None), "100");
    }
}
