//! What the page of services says and asks, for the page of any watched table.

use super::api::get_services;
use crate::{
    pages::watched::{Question, Subject, details},
    ui::{
        Glyph,
        grid::{Head, Sort},
    },
};

/// The columns. Their keys are the words of [`ServiceSort`](farol_model::service::ServiceSort).
pub const HEADS: [Head; 9] = [
    Head::words("name", "Service"),
    Head::words("state", "State"),
    Head::words("description", "Description"),
    Head::words("enabled", "At boot"),
    Head::number("since", "For").rising(),
    Head::number("memory", "Memory"),
    Head::number("cpu", "CPU"),
    Head::number("tasks", "Tasks"),
    Head::number("pid", "PID").rising().hidden(),
];

/// Titles of the head line.
pub const TOTALS: [&str; 4] = ["Services", "Active", "Failed", "Looked at"];

/// Titles of the details.
pub const FACTS: [&str; 12] = [
    "State",
    "Description",
    "Since",
    "At boot",
    "Last result",
    "Main process",
    "Memory",
    "CPU",
    "CPU time",
    "Tasks",
    "Unit file",
    "Loaded",
];

/// See the module.
pub static SUBJECT: Subject = Subject {
    path: "/services",
    title: "Services",
    class: "service-table",
    filter: "Filter by name, description or state",
    heads: &HEADS,
    link: 0,
    // Those that failed first.
    usual: Sort {
        column: 1,
        descending: false,
    },
    totals: &TOTALS,
    facts: &FACTS,
    glyph: Glyph::Services,
    nobody: ["No services", "systemd answers, and knows of no service."],
    no_match: [
        "No service matches",
        "Try a part of its name or description, or a state: failed.",
    ],
    gone: [
        "There is no such service now",
        "systemd does not know it any more. These are its last values.",
    ],
    name: |id, _| id.to_owned(),
    details,
    param: "service",
    word: "lines",
    lines: ["Log", "The newest first, from the journal, as they come."],
    read: None,
    ask: |asked| {
        let Question {
            sort,
            text,
            from,
            count,
            id,
            lines,
            by_itself,
            ..
        } = asked;
        Box::pin(get_services(sort, text, from, count, id, lines, by_itself))
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::service::ServiceSort;

    #[test]
    fn every_column_can_be_sorted_by() {
        for head in HEADS {
            assert!(ServiceSort::parse(head.key).is_some(), "{}", head.key);
        }
        assert_eq!(HEADS.len(), ServiceSort::ALL.len());
        assert_eq!(
            (HEADS[SUBJECT.usual.column].key, HEADS[SUBJECT.link].key),
            ("state", "name")
        );
    }
}
