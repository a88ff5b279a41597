//! Connections in words, as cells and as details. Written by the server, so that the browser needs none of it.

use crate::{
    format::{Formatted, NO_VALUE, clock_utc, duration, format},
    ui::moment::utc,
    watched::Row,
};
use farol_model::{
    connection::{ConnectionPage, ConnectionRow, Flow, FrameRow},
    metric::Unit,
};

/// The id, then one cell per head. What clients say of themselves is shown without control characters.
pub fn cells(row: &ConnectionRow, t_ms: i64) -> Row {
    let cells = [
        row.id.clone(),
        match row.role {
            Some(role) => format!("{} ({role})", row.user),
            None => known(&row.user),
        },
        row.address.clone(),
        known(row.client()),
        row.carrier.as_str().to_owned(),
        row.encoding.clone(),
        duration(t_ms - row.since_ms),
        row.channels.len().to_string(),
        unit(row.received.bytes_per_s, Unit::BytesPerSecond),
        unit(row.sent.bytes_per_s, Unit::BytesPerSecond),
        unit(row.received.frames_per_s, Unit::PerSecond),
        unit(row.sent.frames_per_s, Unit::PerSecond),
        unit(row.queue_bytes as f64, Unit::Bytes),
        round_trip(row),
        clock(row),
        unit(row.conflations as f64, Unit::Count),
    ];
    cells.map(|cell| cell.replace(char::is_control, " ")).into()
}

/// One value per title of the details.
pub fn facts(row: &ConnectionRow, t_ms: i64) -> Vec<String> {
    vec![
        known(&row.user),
        row.role
            .map_or_else(|| NO_VALUE.to_owned(), |role| role.to_string()),
        row.address.clone(),
        known(&row.program),
        known(&row.agent),
        row.carrier.as_str().to_owned(),
        row.encoding.clone(),
        format!(
            "for {}, since {}",
            duration(t_ms - row.since_ms),
            utc(row.since_ms)
        ),
        flow(row.received),
        flow(row.sent),
        unit(row.queue_bytes as f64, Unit::Bytes),
        unit(row.conflations as f64, Unit::Count),
        round_trip(row),
        match row.clock_ahead_ms {
            None => "it has not said".to_owned(),
            Some(0) => "as ours".to_owned(),
            Some(_) => format!("{} from ours", clock(row)),
        },
        row.id.clone(),
        known(&row.channels.join("\n")),
    ]
}

/// How many there are or match, when it was looked, then one value per title of the head line.
pub fn head(page: &ConnectionPage) -> Vec<String> {
    vec![
        count(page.matching, page.total),
        format!("{} UTC", clock_utc(page.t_ms)),
        unit(page.total.into(), Unit::Count),
        unit(page.users.into(), Unit::Count),
        rates(page.received),
        rates(page.sent),
        unit(page.queue_bytes as f64, Unit::Bytes),
    ]
}

fn count(matching: u32, total: u32) -> String {
    match (matching == total, total) {
        (true, 1) => "1 connection".to_owned(),
        (true, total) => format!("{total} connections"),
        (false, total) => format!("{matching} of {total} connections match"),
    }
}

/// A frame: when, which way and how large, what.
pub fn frame(frame: FrameRow) -> Row {
    let way = if frame.inbound { "from" } else { "to" };
    let size = unit(frame.size as f64, Unit::Bytes);
    vec![
        frame.t_ms.to_string(),
        format!("{way} the client, {size}"),
        frame.text,
    ]
}

fn known(text: &str) -> String {
    if text.is_empty() { NO_VALUE } else { text }.to_owned()
}

fn unit(value: f64, unit: Unit) -> String {
    format(value, unit).to_string()
}

fn rates(flow: Flow) -> String {
    let frames = Formatted {
        unit: "frames/s".to_owned(),
        ..format(flow.frames_per_s, Unit::None)
    };
    format!("{frames}, {}", unit(flow.bytes_per_s, Unit::BytesPerSecond))
}

fn flow(flow: Flow) -> String {
    let all = unit(flow.bytes as f64, Unit::Bytes);
    format!("{}; in all {} frames, {all}", rates(flow), flow.frames)
}

fn round_trip(row: &ConnectionRow) -> String {
    unit(
        row.round_trip_us.map_or(f64::NAN, |us| us as f64 / 1e6),
        Unit::Seconds,
    )
}

/// How far its clock is ahead, with its sign.
fn clock(row: &ConnectionRow) -> String {
    let ahead_ms = row.clock_ahead_ms;
    let sign = if ahead_ms.is_some_and(|ms| ms > 0) {
        "+"
    } else {
        ""
    };
    format!(
        "{sign}{}",
        unit(ahead_ms.map_or(f64::NAN, |ms| ms as f64 / 1e3), Unit::Seconds)
    )
}

#[cfg(test)]
mod tests {
    use super::super::table::{FACTS, FIRST_TOTAL, HEADS, TOTALS};
    use super::*;
    use farol_model::{Role, connection::Carrier};

    fn row() -> ConnectionRow {
        ConnectionRow {
            id: "0a".into(),
            user: "olga".into(),
            role: Some(Role::Operator),
            address: "10.0.0.1".into(),
            agent: "Firefox".into(),
            program: "farol-app".into(),
            carrier: Carrier::WebSocket,
            encoding: "protobuf".into(),
            since_ms: 1_000,
            channels: vec!["metrics/local/cpu".into(), "room/host".into()],
            received: Flow::default(),
            sent: Flow {
                frames: 12,
                bytes: 4096,
                frames_per_s: 3.0,
                bytes_per_s: 1536.0,
            },
            queue_bytes: 0,
            conflations: 2,
            round_trip_us: Some(1234),
            clock_ahead_ms: Some(-250),
        }
    }

    fn plain(texts: Vec<String>) -> Vec<String> {
        texts
            .into_iter()
            .map(|text| text.replace('\u{a0}', " "))
            .collect()
    }

    #[test]
    fn there_is_a_cell_per_head_and_a_value_per_title() {
        let cells = plain(cells(&row(), 66_000));
        assert_eq!(cells.len(), HEADS.len() + 1);
        assert_eq!(
            cells[..5],
            ["0a", "olga (operator)", "10.0.0.1", "farol-app", "websocket"]
        );
        assert_eq!(cells[6..10], ["1 min 5 s", "2", "0 B/s", "1.50 KiB/s"]);
        assert_eq!(cells[12..], ["0 B", "1.23 ms", "−250 ms", "2"]);
        let facts = plain(facts(&row(), 66_000));
        assert_eq!(facts.len(), FACTS.len());
        assert_eq!(facts[9], "3.00 frames/s, 1.50 KiB/s; in all 12 frames, 4.00 KiB");
        assert_eq!(facts[15], "metrics/local/cpu\nroom/host");
        assert_eq!(head(&ConnectionPage::default()).len(), FIRST_TOTAL + TOTALS.len());
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        let unknown = ConnectionRow {
            user: String::new(),
            role: None,
            program: String::new(),
            agent: String::new(),
            round_trip_us: None,
            clock_ahead_ms: None,
            ..row()
        };
        let cells = cells(&unknown, 0);
        for at in [1, 3, 13, 14] {
            assert_eq!(cells[at], NO_VALUE, "{}", HEADS[at - 1].title);
        }
        assert_eq!(cells[6], "0 s", "a clock that went back tells no negative age");
    }

    #[test]
    fn a_client_cannot_write_into_the_cells_of_others() {
        let program = "a\u{1f}b\nc".to_owned();
        assert_eq!(cells(&ConnectionRow { program, ..row() }, 0)[3], "a b c");
    }

    #[test]
    fn the_count_tells_a_filter_from_all() {
        assert_eq!(count(1, 1), "1 connection");
        assert_eq!(count(10_000, 10_000), "10000 connections");
        assert_eq!(count(0, 7), "0 of 7 connections match");
    }

    #[test]
    fn a_clock_that_is_ahead_has_its_sign() {
        let ahead = |clock_ahead_ms| {
            clock(&ConnectionRow {
                clock_ahead_ms,
                ..row()
            })
            .replace('\u{a0}', " ")
        };
        assert_eq!(ahead(Some(90)), "+90.0 ms");
        assert_eq!(ahead(Some(0)), "0 s");
    }
}
