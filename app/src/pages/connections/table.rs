//! What the table shows, without any of the drawing. Pure.

use crate::ui::grid::{Head, Sort};

/// The columns. Their keys are the words of [`ConnectionSort`](farol_model::connection::ConnectionSort).
pub const HEADS: [Head; 15] = [
    Head::words("user", "User"),
    Head::words("address", "Address"),
    Head::words("client", "Client"),
    Head::words("carrier", "Carrier"),
    Head::words("encoding", "Encoding").hidden(),
    Head::number("age", "Age"),
    Head::number("channels", "Channels"),
    Head::number("received", "Received"),
    Head::number("sent", "Sent"),
    Head::number("received_frames", "Frames in"),
    Head::number("sent_frames", "Frames out"),
    Head::number("queue", "Waiting"),
    Head::number("round_trip", "Round trip"),
    Head::number("clock", "Clock"),
    Head::number("conflations", "Conflated").hidden(),
];

/// The column that leads to the details.
pub const USER: usize = 0;

/// The oldest first: rows keep their places.
pub const USUAL: Sort = Sort {
    column: 5,
    descending: true,
};

/// Titles of the head line.
pub const TOTALS: [&str; 5] = ["Connections", "Users", "Received", "Sent", "Waiting"];

/// Places in [`TableView::head`](crate::watched::TableView::head).
pub const COUNT: usize = 0;
pub const LOOKED: usize = 1;
pub const FIRST_TOTAL: usize = 2;

/// Titles of the details.
pub const FACTS: [&str; 16] = [
    "User",
    "Role",
    "Address",
    "Program",
    "Agent",
    "Carrier",
    "Encoding",
    "Connected",
    "Received",
    "Sent",
    "Waiting",
    "Conflations",
    "Round trip",
    "Clock",
    "Id",
    "Channels",
];

/// Places of [`FACTS`] that name the connection.
pub const FACT_USER: usize = 0;
pub const FACT_ADDRESS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::connection::ConnectionSort;

    #[test]
    fn every_column_can_be_sorted_by() {
        for head in HEADS {
            assert!(ConnectionSort::parse(head.key).is_some(), "{}", head.key);
        }
        assert_eq!(HEADS.len(), ConnectionSort::ALL.len());
        assert_eq!((HEADS[USUAL.column].key, HEADS[USER].key), ("age", "user"));
        assert_eq!((FACTS[FACT_USER], FACTS[FACT_ADDRESS]), ("User", "Address"));
    }
}
