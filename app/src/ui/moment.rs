//! A point in time. The server writes UTC; the browser turns it into the viewer's zone after hydration, so that both draw
//! the same thing first. The exact UTC is always in `title`.

use crate::prelude::*;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeStyle {
    #[default]
    DateAndTime,
    Time,
}

/// `2026-11-23 09:41:07 UTC`.
pub fn utc(at_ms: i64) -> String {
    civil(at_ms) + " UTC"
}

/// `2026-11-23 09:41:07` in UTC. Days are counted as in Howard Hinnant's `civil_from_days`.
pub fn civil(at_ms: i64) -> String {
    let secs = at_ms.div_euclid(1000);
    let (days, second) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// For the `datetime` attribute: `2026-11-23T09:41:07Z`.
pub fn machine(at_ms: i64) -> String {
    civil(at_ms).replacen(' ', "T", 1) + "Z"
}

fn shown(at_ms: i64, style: TimeStyle) -> String {
    let text = utc(at_ms);
    match style {
        TimeStyle::DateAndTime => text,
        TimeStyle::Time => text.split(' ').nth(1).unwrap_or_default().to_owned(),
    }
}

#[component]
pub fn Moment(#[prop(into)] at_ms: Signal<i64>, #[prop(optional)] style: TimeStyle) -> AnyView {
    let local = RwSignal::new(String::new());
    effect(move || {
        local.set(in_viewer_zone(at_ms.get(), style).unwrap_or_default());
    });
    let text = reactive(move || match local.get() {
        unknown if unknown.is_empty() => shown(at_ms.get(), style),
        text => text,
    });
    view! {
        <time class="nowrap" datetime=move || machine(at_ms.get()) title=move || utc(at_ms.get())>
            {text}
        </time>
    }
}

/// None where there is no browser to ask.
fn in_viewer_zone(at_ms: i64, style: TimeStyle) -> Option<String> {
    let text = crate::browser::local_date_time(at_ms)?;
    match style {
        TimeStyle::DateAndTime => Some(text),
        TimeStyle::Time => text.split(' ').nth(1).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_is_right_at_the_epoch_on_leap_days_and_before_1970() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_763_890_867_999), "2025-11-23 09:41:07 UTC");
        assert_eq!(utc(-1000), "1969-12-31 23:59:59 UTC");
    }

    #[test]
    fn the_machine_form_is_rfc_3339() {
        assert_eq!(machine(0), "1970-01-01T00:00:00Z");
    }
}
