//! What the app reads inside replies and pages: metrics, tables, and both packed in JSON. The first byte of the input
//! chooses which; where two messages play together, the second byte says where the first ends, in 256ths.
//!
//! Asserts: what was read survives (byte by byte once it was written, for NaN is not equal to itself); a column, a table
//! and a view are bounded by what came and by their own limits; the invariants of a chart's view hold whatever the server
//! says; a difference of two tables turns the one into the other.

use farol_app::live::apply::{MAX_CELLS, MAX_ROWS, View, WINDOW_MS};
use farol_model::{
    json::Json,
    packed,
    process::{ProcessRow, ProcessUpdate},
    sample::ChannelView,
    wire::payload::{MetricsPublication, MetricsSnapshot},
};
use prost::Message;
use serde::Serialize;
use std::collections::HashSet;

pub fn run(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else {
        return;
    };
    match kind {
        b'm' => {
            if let Some(frame) = survives::<MetricsPublication>(rest) {
                // A double is eight bytes, whether packed or not.
                assert!(frame.values.len() * 8 <= rest.len());
            }
        }
        b's' => snapshot(rest),
        b't' => table(rest),
        b'v' => view(rest),
        b'c' => packed_view(rest),
        b'r' => packed_rows(rest),
        _ => {}
    }
}

/// The message, if it is one, which is the same once it was written and read.
fn survives<M: Message + Default>(bytes: &[u8]) -> Option<M> {
    let message = M::decode(bytes).ok()?;
    let written = message.encode_to_vec();
    let again = M::decode(written.as_slice()).expect("it was read before");
    assert_eq!(again.encode_to_vec(), written);
    Some(message)
}

/// Two messages of one input.
fn halves(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (place, bytes) = input.split_first()?;
    Some(bytes.split_at(bytes.len() * usize::from(*place) / 256))
}

fn snapshot(bytes: &[u8]) {
    let Some(message) = survives::<MetricsSnapshot>(bytes) else {
        return;
    };
    let snapshot = message.snapshot.unwrap_or_default();
    let values: usize = snapshot.columns.iter().map(|column| column.values.len()).sum();
    assert!(snapshot.times_ms.len() + snapshot.columns.len() + values * 8 <= bytes.len());
}

fn table(input: &[u8]) {
    let Some((first, second)) = halves(input) else {
        return;
    };
    let (Some(first), Some(second)) = (
        survives::<ProcessUpdate>(first),
        survives::<ProcessUpdate>(second),
    ) else {
        return;
    };
    let mut any = first.rows.clone();
    let most = first.rows.len() + second.rows.len();
    second.clone().apply(&mut any);
    assert!(any.len() <= most);

    let (before, after) = (distinct(first.rows), distinct(second.rows));
    let mut table = before.clone();
    ProcessUpdate::between(&before, &after, second.t_ms).apply(&mut table);
    assert_eq!(sorted(table), sorted(after));
}

/// One row of each pid, as a table of the kernel has them. NaN would be unequal to itself and no share of a processor is.
fn distinct(rows: Vec<ProcessRow>) -> Vec<ProcessRow> {
    let mut seen = HashSet::new();
    rows.into_iter()
        .filter(|row| !row.cpu_percent.is_nan() && seen.insert(row.pid))
        .collect()
}

fn sorted(mut rows: Vec<ProcessRow>) -> Vec<ProcessRow> {
    rows.sort_by_key(|row| row.pid);
    rows
}

/// A chart that begins with a page's channel and hears what follows.
fn view(input: &[u8]) {
    let Some((first, second)) = halves(input) else {
        return;
    };
    let Some(initial) = survives::<ChannelView>(first) else {
        return;
    };
    let mut view = View::new(initial);
    check(&view);
    if let Some(publication) = survives::<MetricsPublication>(second) {
        view.publication(0, publication);
        check(&view);
    }
    if let Some(whole) = survives::<MetricsSnapshot>(second) {
        view.subscribed("epoch", 1, Some(whole), []);
        check(&view);
    }
}

fn check(view: &View) {
    assert_eq!(view.keys.len(), view.schema.len());
    assert_eq!(view.columns.len(), view.schema.len());
    assert!(view.columns.iter().all(|column| column.len() == view.times.len()));
    assert!(view.times.len() <= MAX_ROWS);
    assert!(view.times.len() * view.columns.len() <= MAX_CELLS);
    let times: Vec<i64> = view.times.iter().copied().collect();
    assert!(times.is_sorted_by(|before, after| before < after));
    if let (Some(oldest), Some(newest)) = (times.first(), times.last()) {
        assert!(i128::from(*newest) - i128::from(*oldest) <= i128::from(WINDOW_MS));
        assert!(view.nearest(*newest as f64).is_some());
    }
}

fn packed_view(text: &[u8]) {
    let Ok(view) = serde_json::from_slice::<ChannelView>(text) else {
        return;
    };
    assert!(view.snapshot.times_ms.len() + view.schema.len() <= text.len());
    let written = serde_json::to_vec(&view).expect("Base64");
    let again: ChannelView = serde_json::from_slice(&written).expect("it was read before");
    assert_eq!(again.encode_to_vec(), view.encode_to_vec());
}

#[derive(Serialize)]
struct Rows(#[serde(serialize_with = "packed::rows::serialize")] Vec<ProcessRow>);

impl Rows {
    fn read(text: &[u8]) -> Option<Rows> {
        let json: Json = serde_json::from_slice(text).ok()?;
        packed::rows::from_json(json).ok().map(Rows)
    }
}

fn packed_rows(text: &[u8]) {
    let Some(rows) = Rows::read(text) else {
        return;
    };
    assert!(rows.0.len() <= text.len());
    let written = serde_json::to_vec(&rows).expect("Base64");
    let again = Rows::read(&written).expect("it was read before");
    assert_eq!(serde_json::to_vec(&again).expect("Base64"), written);
}
