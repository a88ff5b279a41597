//! What the table shows, without any of the drawing. Pure.

use crate::{
    ui::grid::{Head, Sort},
    watched::AWAITED,
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

/// Places in [`TableView::head`](crate::watched::TableView::head).
pub const COUNT: usize = 0;
pub const LOOKED: usize = 1;
pub const FIRST_TOTAL: usize = 2;

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
