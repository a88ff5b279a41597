//! What the page of containers says and asks, for the page of any watched table.

use super::{api::get_containers, details::details};
use crate::{
    pages::watched::{AWAITED, Question, Subject},
    ui::{
        Glyph,
        grid::{Head, Sort},
    },
};

/// The columns. Their keys are the words of [`ContainerSort`](farol_model::container::ContainerSort).
pub const HEADS: [Head; 15] = [
    Head::words("name", "Name"),
    Head::words("image", "Image"),
    Head::words("state", "State"),
    Head::number("cpu", "CPU"),
    Head::number("memory", "Memory"),
    Head::number("received", "In"),
    Head::number("sent", "Out"),
    Head::number("read", "Read").hidden(),
    Head::number("written", "Written").hidden(),
    Head::number("processes", "Processes").hidden(),
    Head::number("created", "Age").rising(),
    Head::words("status", "Status"),
    Head::words("ports", "Ports").hidden(),
    Head::words("command", "Command").hidden(),
    Head::words("id", "Id").hidden(),
];

/// The column that leads to the details.
pub const NAME: usize = 0;

/// By name: rows keep their places.
pub const USUAL: Sort = Sort {
    column: NAME,
    descending: false,
};

/// Titles of the head line.
pub const TOTALS: [&str; 4] = ["Running", "CPU", "Memory", "Engine"];

/// Titles of the details.
pub const FACTS: [&str; 12] = [
    "Name",
    "Image",
    "State",
    "Status",
    "CPU",
    "Memory",
    "Network",
    "Disk",
    "Processes",
    "Created",
    "Ports",
    "Id",
];

/// Places of [`FACTS`].
pub const FACT_NAME: usize = 0;
pub const FACT_STATE: usize = 2;

/// See the module.
pub static SUBJECT: Subject = Subject {
    path: "/containers",
    title: "Containers",
    class: "container-table",
    filter: "Filter by name, image, command, state or id",
    heads: &HEADS,
    link: NAME,
    usual: USUAL,
    totals: &TOTALS,
    facts: &FACTS,
    glyph: Glyph::Containers,
    nobody: [
        "No containers",
        "What the engine runs, or has run and kept, is listed here.",
    ],
    no_match: [
        "No container matches",
        "Try a part of a name, an image, a command or a state, or what an id begins with.",
    ],
    gone: [
        "Not there now",
        "It was removed, or its engine does not answer. These are its last values.",
    ],
    name: |_, fact| fact(FACT_NAME),
    details,
    param: "id",
    word: "inspect",
    lines: [
        "How it is made",
        "Variables and labels by name only: their values are where secrets are.",
    ],
    read: Some("Inspect"),
    ask: |asked| {
        let Question {
            sort,
            text,
            from,
            count,
            id,
            lines,
            charts,
            by_itself,
        } = asked;
        let wants = match (lines, charts) {
            (true, true) => "more charts",
            (true, false) => "more",
            (false, true) => "charts",
            (false, false) => "",
        };
        Box::pin(get_containers(
            sort,
            text,
            from,
            count,
            id,
            wants.to_owned(),
            by_itself,
        ))
    },
};

/// Whether an action makes sense in a state. The server decides again.
pub fn fits(action: &str, state: &str) -> bool {
    match state {
        AWAITED => false,
        "running" | "paused" | "restarting" => !action.ends_with(".start"),
        _ => action.ends_with(".start"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::container::ContainerSort;

    #[test]
    fn every_column_can_be_sorted_by() {
        for head in HEADS {
            assert!(ContainerSort::parse(head.key).is_some(), "{}", head.key);
        }
        assert_eq!(HEADS.len(), ContainerSort::ALL.len());
        assert_eq!(HEADS[NAME].key, "name");
        assert_eq!((FACTS[FACT_NAME], FACTS[FACT_STATE]), ("Name", "State"));
    }

    #[test]
    fn what_runs_is_not_started_and_what_does_not_is_only_started() {
        assert!(fits("container.stop", "running") && fits("container.kill", "paused"));
        assert!(!fits("container.start", "running"));
        assert!(!fits("container.start", AWAITED) && !fits("container.stop", AWAITED));
        assert!(fits("container.start", "exited") && !fits("container.restart", "created"));
    }
}
