//! The list as it is asked for: counted, filtered, sorted and cut here, so that a thousand containers cost a browser no more
//! than fifty.

use super::{MAX_CONTAINERS, MAX_MEASURED, State};
use farol_model::container::{
    ContainerPage, ContainerQuery, ContainerRow, ContainerSort, ContainerUsage, MAX_CONTAINER_ROWS,
};
use std::cmp::Ordering;

/// See the module.
pub(super) fn page(state: &State, query: &ContainerQuery, t_ms: i64) -> ContainerPage {
    let all: Vec<&ContainerRow> = state.entries.values().map(|entry| &entry.row).collect();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let sum = |part: fn(&ContainerUsage) -> f64| {
        let usages = all.iter().filter_map(|row| row.usage.as_ref());
        usages.map(part).filter(|value| value.is_finite()).sum()
    };
    let text = query.text.trim().to_lowercase();
    let mut rows: Vec<&ContainerRow> = all.iter().copied().filter(|row| matches(row, &text)).collect();
    rows.sort_by(|a, b| {
        let order = compare(a, b, query.sort);
        let order = if query.descending { order.reverse() } else { order };
        order
            .then_with(|| a.name.cmp(&b.name))
            .then_with(|| a.id.cmp(&b.id))
    });
    ContainerPage {
        t_ms,
        engine: state.engine.clone(),
        total: count(all.len()),
        running: count(all.iter().filter(|row| row.is_up()).count()),
        cpu_percent: sum(|usage| usage.cpu_percent),
        memory_bytes: sum(|usage| usage.memory_bytes),
        matching: count(rows.len()),
        rows: rows
            .into_iter()
            .skip(query.offset as usize)
            .take(query.limit.min(MAX_CONTAINER_ROWS) as usize)
            .cloned()
            .collect(),
        limits: limits(state),
    }
}

/// Bounds that were met.
fn limits(state: &State) -> Vec<String> {
    let over = state
        .entries
        .values()
        .filter(|entry| entry.row.over_limit)
        .count();
    let mut limits = Vec::new();
    if over > 0 {
        limits.push(format!(
            "Limit reached: {MAX_MEASURED} containers are measured, {over} more run without numbers."
        ));
    }
    if state.unlisted > 0 {
        limits.push(format!(
            "Limit reached: the newest {MAX_CONTAINERS} containers are listed, {} older ones are not.",
            state.unlisted
        ));
    }
    limits
}

/// Whether it has the text, given in lower case, in its name, image, command or state, or its id begins with it.
fn matches(row: &ContainerRow, text: &str) -> bool {
    text.is_empty()
        || row.id.starts_with(text)
        || [&row.name, &row.image, &row.command, &row.state]
            .into_iter()
            .any(|field| field.to_lowercase().contains(text))
}

fn compare(a: &ContainerRow, b: &ContainerRow, sort: ContainerSort) -> Ordering {
    use ContainerSort as S;
    let number = |part: fn(&ContainerUsage) -> f64| {
        // What has no number is less than all numbers.
        let of = |row: &ContainerRow| row.usage.as_ref().map_or(f64::NAN, part);
        let (a, b) = (of(a), of(b));
        match (a.is_nan(), b.is_nan()) {
            (false, false) => a.total_cmp(&b),
            (a, b) => b.cmp(&a),
        }
    };
    match sort {
        S::Name => a.name.cmp(&b.name),
        S::Image => a.image.cmp(&b.image),
        S::State => a.state.cmp(&b.state),
        S::Cpu => number(|usage| usage.cpu_percent),
        S::Memory => number(|usage| usage.memory_bytes),
        S::Received => number(|usage| usage.received_bytes_per_second),
        S::Sent => number(|usage| usage.sent_bytes_per_second),
        S::Read => number(|usage| usage.read_bytes_per_second),
        S::Written => number(|usage| usage.written_bytes_per_second),
        S::Processes => number(|usage| usage.processes),
        S::Created => a.created_ms.cmp(&b.created_ms),
        S::Status => a.status.cmp(&b.status),
        S::Ports => a.ports.cmp(&b.ports),
        S::Command => a.command.cmp(&b.command),
        S::Id => a.id.cmp(&b.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::Entry;

    fn state() -> State {
        let mut state = State::default();
        for (number, name, cpu) in [(1, "web", Some(20.0)), (2, "db", Some(90.0)), (3, "old", None)] {
            let usage = cpu.map(|cpu_percent| ContainerUsage {
                cpu_percent,
                memory_bytes: 10.0,
                memory_limit_bytes: f64::NAN,
                received_bytes_per_second: f64::NAN,
                sent_bytes_per_second: f64::NAN,
                read_bytes_per_second: f64::NAN,
                written_bytes_per_second: f64::NAN,
                processes: 1.0,
            });
            let row = ContainerRow {
                id: format!("{number:064x}"),
                name: name.into(),
                image: format!("registry/{name}:1"),
                command: String::new(),
                state: if cpu.is_some() { "running" } else { "exited" }.into(),
                status: String::new(),
                created_ms: 0,
                ports: Vec::new(),
                channel: None,
                over_limit: false,
                usage,
            };
            state.entries.insert(row.id.clone(), Entry { row, meter: None });
        }
        state
    }

    fn names(page: &ContainerPage) -> Vec<&str> {
        page.rows.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn rows_are_counted_filtered_sorted_and_cut() {
        let state = state();
        let mut query = ContainerQuery {
            sort: ContainerSort::Cpu,
            descending: true,
            limit: 2,
            ..Default::default()
        };
        let first = page(&state, &query, 0);
        assert_eq!(names(&first), ["db", "web"]);
        assert_eq!((first.total, first.running, first.matching), (3, 2, 3));
        assert_eq!((first.cpu_percent, first.memory_bytes), (110.0, 20.0));
        query.offset = 2;
        assert_eq!(names(&page(&state, &query, 0)), ["old"], "no number is least");
        query = ContainerQuery {
            text: "REGISTRY/D".into(),
            limit: 9,
            ..Default::default()
        };
        assert_eq!(names(&page(&state, &query, 0)), ["db"]);
    }

    #[test]
    fn limits_that_were_met_are_told() {
        let mut state = state();
        assert!(page(&state, &ContainerQuery::default(), 0).limits.is_empty());
        state.unlisted = 7;
        for entry in state.entries.values_mut() {
            entry.row.over_limit = true;
        }
        let told = page(&state, &ContainerQuery::default(), 0).limits;
        assert!(told[0].contains("3 more run without numbers"), "{told:?}");
        assert!(told[1].contains("7 older ones"), "{told:?}");
    }
}
