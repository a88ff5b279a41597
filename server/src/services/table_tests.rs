use super::*;
use std::collections::HashMap;
use zbus::zvariant::OwnedObjectPath;

fn listed(name: &str, active: &str, sub: &str) -> Listed {
    let path = |text: &str| OwnedObjectPath::try_from(text.to_owned()).unwrap();
    let at = path(&format!("/u/{}", name.trim_end_matches(".service")));
    let word = str::to_owned;
    (
        word(name),
        word("about"),
        word("loaded"),
        word(active),
        word(sub),
        String::new(),
        at,
        0,
        String::new(),
        path("/"),
    )
}

fn files(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(path, state): &(&str, &str)| ((*path).to_owned(), (*state).to_owned());
    all.iter().map(own).collect()
}

fn props(all: Vec<(&str, Value<'static>)>) -> Props {
    let own = |(name, value): (&str, Value<'static>)| (name.to_owned(), OwnedValue::try_from(value).unwrap());
    all.into_iter().map(own).collect::<HashMap<_, _>>()
}

fn names(table: &Table, query: ServiceQuery) -> Vec<String> {
    let query = ServiceQuery { limit: 100, ..query };
    table
        .page(&query, 0)
        .rows
        .into_iter()
        .map(|row| row.name)
        .collect()
}

fn three() -> Table {
    let mut table = Table::new();
    let list = vec![
        listed("a.service", "active", "running"),
        listed("b.service", "failed", "failed"),
        listed("c.service", "inactive", "dead"),
    ];
    table.take_list(
        list,
        &files(&[("/etc/d.service", "disabled"), ("/etc/t@.service", "static")]),
        0,
    );
    table
}

#[test]
fn those_that_failed_come_first_and_files_that_are_not_in_memory_are_services_too() {
    let table = three();
    assert_eq!(
        names(&table, ServiceQuery::default()),
        ["b.service", "a.service", "c.service", "d.service"]
    );
    let (row, file) = table.one("d.service").unwrap();
    assert_eq!(
        (row.state, row.enabled.as_str(), file.as_str()),
        (ServiceState::Inactive, "disabled", "/etc/d.service")
    );
    let state = table.state(5);
    assert_eq!(
        (state.total, state.active, state.failed, state.unavailable),
        (4, 1, 1, None)
    );
}

#[test]
fn the_filter_sees_names_and_states_without_case_and_pages_are_cut() {
    let table = three();
    let text = |text: &str| ServiceQuery {
        text: text.into(),
        ..Default::default()
    };
    assert_eq!(names(&table, text("FAILED")), ["b.service"]);
    assert_eq!(names(&table, text("d.serv")), ["d.service"]);
    let query = ServiceQuery {
        offset: 1,
        limit: 2,
        ..Default::default()
    };
    let page = table.page(&query, 0);
    assert_eq!((page.matching, page.rows.len()), (4, 2));
}

#[test]
fn a_signal_is_newer_than_an_answer_that_was_asked_for_before_it() {
    let mut table = three();
    let asked_at = table.revision();
    assert!(table.changed("/u/a", &props(vec![("ActiveState", Value::from("failed"))])));
    table.take_list(vec![listed("a.service", "active", "running")], &[], asked_at);
    assert_eq!(table.one("a.service").unwrap().0.state, ServiceState::Failed);
    let now = table.revision();
    table.take_list(vec![listed("a.service", "active", "running")], &[], now);
    assert_eq!(table.one("a.service").unwrap().0.state, ServiceState::Active);
    assert!(!table.changed("/u/nobody", &Props::new()));
}

#[test]
fn a_unit_that_is_let_go_stays_while_there_is_a_file_and_comes_back() {
    let mut table = three();
    table.appeared("d.service", "/u/d");
    assert_eq!(table.path("d.service").as_deref(), Some("/u/d"));
    table.removed("d.service");
    assert_eq!(table.path("d.service"), None);
    assert!(table.one("d.service").is_some());
    table.removed("a.service");
    assert!(table.one("a.service").is_none(), "it has no file");
    table.appeared("x.socket", "/u/x");
    assert!(table.one("x.socket").is_none(), "no service");
}

#[test]
fn since_when_goes_by_the_state_and_numbers_that_systemd_does_not_know_are_none() {
    let mut table = three();
    let now = table.revision();
    let facts = |memory: u64, cpu: u64| {
        props(vec![
            ("ActiveState", Value::from("active")),
            ("ActiveEnterTimestamp", Value::from(5_000_000_u64)),
            ("InactiveEnterTimestamp", Value::from(1_000_000_u64)),
            ("MainPID", Value::from(0_u32)),
            ("MemoryCurrent", Value::from(memory)),
            ("CPUUsageNSec", Value::from(cpu)),
        ])
    };
    table.take_facts("a.service", &facts(u64::MAX, 1_000_000_000), now, 10_000);
    let row = table.one("a.service").unwrap().0;
    assert_eq!(
        (row.since_ms, row.pid, row.memory_bytes, row.cpu_percent),
        (Some(5_000), None, None, None)
    );
    table.take_usage("a.service", &facts(77, 1_500_000_000), 12_000);
    let row = table.one("a.service").unwrap().0;
    assert_eq!(
        (row.memory_bytes, row.cpu_percent),
        (Some(77), Some(25.0)),
        "half a second in two"
    );
    assert!(!table.unknown(10).iter().any(|(name, _)| name == "a.service"));
}

#[test]
fn those_that_run_take_turns() {
    let mut table = Table::new();
    let list = ["a", "b", "c"].map(|name| listed(&format!("{name}.service"), "active", "running"));
    table.take_list(list.into(), &[], 0);
    let turn = |after: &str| {
        table
            .running(after, 2)
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(turn(""), ["a.service", "b.service"]);
    assert_eq!(turn("b.service"), ["c.service", "a.service"]);
}

#[test]
fn what_is_lost_is_said_once() {
    let mut table = three();
    assert!(table.lose("gone".into()));
    assert!(!table.lose("gone".into()), "nothing new");
    assert_eq!(table.state(0).unavailable.as_deref(), Some("gone"));
    assert_eq!(table.state(0).total, 0);
}
