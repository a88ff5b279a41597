//! What the page of connections says and asks, for the page of any watched table.

use super::api::get_connections;
use crate::{
    format::NO_VALUE,
    pages::watched::{Question, Subject, details},
    ui::{
        Glyph,
        grid::{Head, Sort},
    },
};

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

/// Titles of the head line.
pub const TOTALS: [&str; 5] = ["Connections", "Users", "Received", "Sent", "Waiting"];

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
const FACT_USER: usize = 0;
const FACT_ADDRESS: usize = 2;

/// See the module.
pub static SUBJECT: Subject = Subject {
    path: "/connections",
    title: "Connections",
    class: "connection-table",
    filter: "Filter by user, address, client, carrier, channel or id",
    heads: &HEADS,
    link: 0,
    // The oldest first: rows keep their places.
    usual: Sort {
        column: 5,
        descending: true,
    },
    totals: &TOTALS,
    facts: &FACTS,
    glyph: Glyph::Connections,
    nobody: [
        "Nobody is connected",
        "Whoever opens a page of Farol, or connects a program to it, is listed here.",
    ],
    no_match: [
        "No connection matches",
        "Try a part of a user's name, an address, a program, a carrier or a channel.",
    ],
    gone: [
        "Not connected now",
        "It has ended; its client may be back as another connection. These are its last values.",
    ],
    // Whose connection it is, or from where while nobody has said who it is.
    name: |_, fact| {
        let whose = match fact(FACT_USER) {
            unknown if unknown == NO_VALUE => fact(FACT_ADDRESS),
            user => user,
        };
        format!("Connection of {whose}")
    },
    details,
    param: "connection",
    word: "lines",
    lines: [
        "Last frames",
        "Up to 50, the oldest first. Tokens and parameters are not in them.",
    ],
    read: Some("Read the last frames"),
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
        Box::pin(get_connections(sort, text, from, count, id, lines, by_itself))
    },
};

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
        let usual = SUBJECT.usual;
        assert_eq!(
            (HEADS[usual.column].key, HEADS[SUBJECT.link].key),
            ("age", "user")
        );
        assert_eq!((FACTS[FACT_USER], FACTS[FACT_ADDRESS]), ("User", "Address"));
    }
}
