//! Services in words, as cells and as details. Written by the server, so that the browser needs none of it.

use crate::{
    format::{NO_VALUE, clock_utc, duration, format},
    pages::watched::Row,
    ui::moment::utc,
};
use farol_model::{
    Fault,
    action::ActionSpec,
    metric::Unit,
    service::{LogLine, ServiceDetails, ServicePage, ServiceRow, ServiceState, ServicesState},
};

/// Lines of a log in the details at most; the page of a service asks for them each second.
const LOG_LINES: usize = 60;
/// Words of syslog, RFC 5424 section 6.2.1, for what is graver than a notice.
const GRAVE: [&str; 5] = ["emergency", "alert", "critical", "error", "warning"];

/// The name, then one cell per head.
pub fn cells(row: &ServiceRow, t_ms: i64) -> Row {
    let cells = [
        row.name.clone(),
        row.name.trim_end_matches(".service").to_owned(),
        state(row),
        known(&row.description),
        known(&row.enabled),
        row.since_ms
            .map_or_else(|| NO_VALUE.to_owned(), |since_ms| duration(t_ms - since_ms)),
        number(row.memory_bytes.map(|bytes| bytes as f64), Unit::Bytes),
        percent(row),
        number(row.tasks.map(|tasks| tasks as f64), Unit::Count),
        row.pid.map_or_else(|| NO_VALUE.to_owned(), |pid| pid.to_string()),
    ];
    cells.map(|cell| cell.replace(char::is_control, " ")).into()
}

/// One value per title of the details.
pub fn facts(details: &ServiceDetails, t_ms: i64) -> Vec<String> {
    let row = &details.row;
    vec![
        state(row),
        known(&row.description),
        row.since_ms.map_or_else(
            || NO_VALUE.to_owned(),
            |since_ms| format!("for {}, since {}", duration(t_ms - since_ms), utc(since_ms)),
        ),
        known(&row.enabled),
        match (row.result.as_str(), row.exit_status) {
            ("", _) => NO_VALUE.to_owned(),
            (result, Some(status)) if status != 0 => format!("{result}, status {status}"),
            (result, _) => result.to_owned(),
        },
        row.pid.map_or_else(|| NO_VALUE.to_owned(), |pid| pid.to_string()),
        number(row.memory_bytes.map(|bytes| bytes as f64), Unit::Bytes),
        percent(row),
        number(row.cpu_ns.map(|ns| ns as f64 / 1e9), Unit::Seconds),
        number(row.tasks.map(|tasks| tasks as f64), Unit::Count),
        known(&details.file),
        known(&row.load),
    ]
}

/// How many there are or match, when it was looked, then one value per title of the head line.
pub fn head(page: &ServicePage) -> Vec<String> {
    let state = &page.state;
    let looked = format!("{} UTC", clock_utc(state.t_ms));
    // What nobody could count is not none.
    let counted = |count: u32| match state.unavailable {
        Some(_) => NO_VALUE.to_owned(),
        None => count.to_string(),
    };
    vec![
        count(page.matching, state),
        looked.clone(),
        counted(state.total),
        counted(state.active),
        counted(state.failed),
        looked,
    ]
}

/// Title and text of why there are none; nothing while systemd answers.
pub fn absent(state: &ServicesState) -> Vec<String> {
    let why = state.unavailable.iter();
    why.flat_map(|why| ["No systemd here".to_owned(), why.clone()])
        .collect()
}

/// The newest first, and why there are none.
pub fn log(lines: Result<Vec<LogLine>, Fault>) -> (Vec<Row>, String) {
    match lines {
        Ok(lines) if lines.is_empty() => (Vec::new(), "Nothing in the journal yet.".to_owned()),
        Ok(lines) => (
            lines.iter().rev().take(LOG_LINES).map(line).collect(),
            String::new(),
        ),
        Err(fault) => (Vec::new(), fault.message),
    }
}

fn line(line: &LogLine) -> Row {
    let about = match GRAVE.get(usize::from(line.priority)) {
        Some(word) => format!("{}, {word}", line.source),
        None => line.source.clone(),
    };
    vec![line.t_ms.to_string(), about, line.text.clone()]
}

/// The actions on one service, with the verb alone as their title: which service is said beside them.
pub fn orders(mut specs: Vec<ActionSpec>) -> Vec<ActionSpec> {
    for spec in &mut specs {
        spec.title = spec.title.trim_end_matches(" a service").to_owned();
    }
    specs
}

fn count(matching: u32, state: &ServicesState) -> String {
    let total = state.total;
    match (state.unavailable.is_some(), matching == total, state.cut) {
        (true, ..) => "Not available on this machine".to_owned(),
        (_, true, true) => format!("The first {total} services; there are more"),
        (_, true, false) if total == 1 => "1 service".to_owned(),
        (_, true, false) => format!("{total} services, {} failed", state.failed),
        (_, false, _) => format!("{matching} of {total} services match"),
    }
}

/// The state with what is below it: `active (running)`, as systemctl(1) says it.
fn state(row: &ServiceRow) -> String {
    match row.state {
        ServiceState::Inactive if row.load == "masked" => "masked".to_owned(),
        ServiceState::Inactive if row.load == "not-found" => "no unit file".to_owned(),
        ServiceState::Failed => format!(
            "failed ({})",
            if row.result.is_empty() {
                &row.sub
            } else {
                &row.result
            }
        ),
        ServiceState::Inactive => "inactive".to_owned(),
        state => format!("{} ({})", state.as_str(), row.sub),
    }
}

fn known(text: &str) -> String {
    if text.is_empty() { NO_VALUE } else { text }.to_owned()
}

fn number(value: Option<f64>, unit: Unit) -> String {
    value.map_or_else(|| NO_VALUE.to_owned(), |value| format(value, unit).to_string())
}

fn percent(row: &ServiceRow) -> String {
    row.cpu_percent
        .map_or_else(|| NO_VALUE.to_owned(), |percent| format!("{percent:.1} %"))
}

#[cfg(test)]
mod tests {
    use super::super::table::{FACTS, HEADS, TOTALS};
    use super::*;
    use crate::pages::watched::FIRST_TOTAL;
    use farol_model::{Permission, action::Danger};

    fn row() -> ServiceRow {
        ServiceRow {
            name: "nginx.service".into(),
            description: "A web\u{1f}server".into(),
            state: ServiceState::Active,
            sub: "running".into(),
            load: "loaded".into(),
            enabled: "enabled".into(),
            since_ms: Some(1_000),
            pid: Some(812),
            memory_bytes: Some(2048),
            cpu_percent: Some(1.25),
            cpu_ns: Some(2_500_000_000),
            tasks: Some(3),
            result: "success".into(),
            exit_status: Some(0),
        }
    }

    #[test]
    fn there_is_a_cell_per_head_and_a_value_per_title() {
        let cells = cells(&row(), 66_000);
        assert_eq!(cells.len(), HEADS.len() + 1);
        assert_eq!(
            cells[..4],
            ["nginx.service", "nginx", "active (running)", "A web server"]
        );
        assert_eq!(cells[5], "1 min 5 s");
        assert_eq!(cells[7], "1.2 %");
        let details = ServiceDetails {
            row: row(),
            ..Default::default()
        };
        let facts = facts(&details, 66_000);
        assert_eq!(facts.len(), FACTS.len());
        assert_eq!((facts[4].as_str(), facts[10].as_str()), ("success", NO_VALUE));
        let mut page = ServicePage::default();
        assert_eq!(head(&page).len(), FIRST_TOTAL + TOTALS.len());
        assert_eq!(head(&page)[4], "0");
        page.state.unavailable = Some("no bus".into());
        assert_eq!(head(&page)[4], NO_VALUE, "not counted is not none");
    }

    #[test]
    fn what_is_not_known_is_a_dash_and_a_failure_says_why() {
        let failed = ServiceRow {
            state: ServiceState::Failed,
            result: "exit-code".into(),
            exit_status: Some(3),
            ..Default::default()
        };
        let cells = cells(&failed, 0);
        assert_eq!(
            (cells[2].as_str(), cells[5].as_str(), cells[6].as_str()),
            ("failed (exit-code)", NO_VALUE, NO_VALUE)
        );
        let details = ServiceDetails {
            row: failed,
            ..Default::default()
        };
        assert_eq!(facts(&details, 0)[4], "exit-code, status 3");
    }

    #[test]
    fn the_newest_line_stands_first_with_its_gravity_and_none_is_said() {
        let say = |t_ms, priority| LogLine {
            t_ms,
            priority,
            source: "nginx[8]".into(),
            text: "x".into(),
        };
        let (lines, why) = log(Ok(vec![say(1, 6), say(2, 3)]));
        assert_eq!(lines[0], ["2", "nginx[8], error", "x"]);
        assert_eq!((lines[1][1].as_str(), why.as_str()), ("nginx[8]", ""));
        assert!(!log(Ok(vec![])).1.is_empty());
        assert_eq!(log(Err(Fault::unavailable("no journal"))).1, "no journal");
        assert_eq!(log(Ok(vec![say(1, 6); 200])).0.len(), LOG_LINES);
    }

    #[test]
    fn a_panel_of_a_service_says_the_verb_alone() {
        let spec = |id: &str| ActionSpec {
            id: id.into(),
            title: "Stop a service".into(),
            summary: String::new(),
            group: String::new(),
            permission: Permission::RunActions,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 1,
            params: vec![],
        };
        let orders = orders(vec![spec("service.stop")]);
        assert_eq!(orders[0].title, "Stop");
    }
}
