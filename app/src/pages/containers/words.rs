//! Containers in words, as cells and as details. Written by the server, so that the browser needs none of it.

use crate::{
    format::{NO_VALUE, clock_utc, duration, format},
    pages::watched::Row,
    ui::moment::utc,
};
use farol_model::{
    container::{ContainerPage, ContainerRow, ContainerUsage, EngineState},
    metric::Unit,
};

/// The id, then one cell per head.
pub fn cells(row: &ContainerRow, t_ms: i64) -> Row {
    let of = |part: fn(&ContainerUsage) -> f64, in_unit: Unit| match &row.usage {
        Some(usage) => unit(part(usage), in_unit),
        None => NO_VALUE.to_owned(),
    };
    let rate = Unit::BytesPerSecond;
    vec![
        row.id.clone(),
        row.name.clone(),
        known(&row.image),
        row.state.clone(),
        match row.over_limit {
            // The words above the table say which.
            true => "limit".to_owned(),
            false => of(|usage| usage.cpu_percent, Unit::Percent),
        },
        of(|usage| usage.memory_bytes, Unit::Bytes),
        of(|usage| usage.received_bytes_per_second, rate),
        of(|usage| usage.sent_bytes_per_second, rate),
        of(|usage| usage.read_bytes_per_second, rate),
        of(|usage| usage.written_bytes_per_second, rate),
        of(|usage| usage.processes, Unit::Count),
        duration(t_ms - row.created_ms),
        known(&row.status),
        known(&row.ports.join(", ")),
        known(&row.command),
        short(&row.id).to_owned(),
    ]
}

/// One value per title of the details.
pub fn facts(row: &ContainerRow, t_ms: i64) -> Vec<String> {
    let usage = |told: fn(&ContainerUsage) -> String| match &row.usage {
        Some(usage) => told(usage),
        None if row.over_limit => "not measured: the limit is reached".to_owned(),
        None => NO_VALUE.to_owned(),
    };
    vec![
        row.name.clone(),
        known(&row.image),
        row.state.clone(),
        known(&row.status),
        usage(|usage| format!("{} of one core", unit(usage.cpu_percent, Unit::Percent))),
        usage(|usage| match usage.memory_limit_bytes {
            limit if limit.is_finite() && limit > 0.0 => format!(
                "{} of {}",
                unit(usage.memory_bytes, Unit::Bytes),
                unit(limit, Unit::Bytes)
            ),
            _ => unit(usage.memory_bytes, Unit::Bytes),
        }),
        usage(|usage| {
            let (received, sent) = (usage.received_bytes_per_second, usage.sent_bytes_per_second);
            format!("{} in, {} out", rate(received), rate(sent))
        }),
        usage(|usage| {
            let (read, written) = (usage.read_bytes_per_second, usage.written_bytes_per_second);
            format!("{} read, {} written", rate(read), rate(written))
        }),
        usage(|usage| unit(usage.processes, Unit::Count)),
        format!("{} ago, {}", duration(t_ms - row.created_ms), utc(row.created_ms)),
        known(&row.ports.join("\n")),
        row.id.clone(),
    ]
}

/// How many there are or match, when it was looked, then one value per title of the head line.
pub fn head(page: &ContainerPage) -> Vec<String> {
    let engine = match &page.engine {
        EngineState::Ready { name, .. } => name.clone(),
        EngineState::Lost { .. } => "does not answer".to_owned(),
        EngineState::Off | EngineState::Looking | EngineState::Absent { .. } => "none".to_owned(),
    };
    vec![
        count(page.matching, page.total),
        format!("{} UTC", clock_utc(page.t_ms)),
        format!("{} of {}", page.running, page.total),
        unit(page.cpu_percent, Unit::Percent),
        unit(page.memory_bytes, Unit::Bytes),
        engine,
    ]
}

fn count(matching: u32, total: u32) -> String {
    match (matching == total, total) {
        (true, 1) => "1 container".to_owned(),
        (true, total) => format!("{total} containers"),
        (false, total) => format!("{matching} of {total} containers match"),
    }
}

fn short(id: &str) -> &str {
    id.get(..farol_model::channel::CONTAINER_ID_CHARS).unwrap_or(id)
}

fn known(text: &str) -> String {
    if text.is_empty() { NO_VALUE } else { text }.to_owned()
}

fn unit(value: f64, unit: Unit) -> String {
    format(value, unit).to_string()
}

fn rate(value: f64) -> String {
    unit(value, Unit::BytesPerSecond)
}

#[cfg(test)]
mod tests {
    use super::super::table::{FACT_NAME, FACT_STATE, FACTS, HEADS, TOTALS};
    use super::*;
    use crate::pages::watched::FIRST_TOTAL;

    fn row() -> ContainerRow {
        ContainerRow {
            id: "4f".repeat(32),
            name: "web".into(),
            image: "nginx:1".into(),
            command: "nginx -g daemon".into(),
            state: "running".into(),
            status: "Up 3 hours".into(),
            created_ms: 1_000,
            ports: vec!["8080 to 80/tcp".into()],
            channel: None,
            over_limit: false,
            usage: Some(ContainerUsage {
                cpu_percent: 150.0,
                memory_bytes: 2048.0,
                memory_limit_bytes: 4096.0,
                received_bytes_per_second: f64::NAN,
                sent_bytes_per_second: 1024.0,
                read_bytes_per_second: 0.0,
                written_bytes_per_second: 0.0,
                processes: 3.0,
            }),
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
        assert_eq!(cells[1..6], ["web", "nginx:1", "running", "150 %", "2.00 KiB"]);
        assert_eq!(cells[6], NO_VALUE, "what is not told is not zero");
        let facts = plain(facts(&row(), 66_000));
        assert_eq!(facts.len(), FACTS.len());
        assert_eq!(
            (facts[FACT_NAME].as_str(), facts[FACT_STATE].as_str()),
            ("web", "running")
        );
        assert_eq!(facts[5], "2.00 KiB of 4.00 KiB");
        assert_eq!(head(&ContainerPage::default()).len(), FIRST_TOTAL + TOTALS.len());
    }

    #[test]
    fn over_the_limit_is_told_where_the_number_would_be() {
        let over = ContainerRow {
            usage: None,
            over_limit: true,
            ..row()
        };
        assert_eq!(cells(&over, 0)[4], "limit");
        assert!(facts(&over, 0)[4].contains("limit"));
    }
}
