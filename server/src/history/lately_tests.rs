//! What is handed over after a restart, from a store that was written, closed and opened again.

use super::*;
use crate::history::{
    Store,
    tests::{START, World, push_span, schema, value},
    tier::HOUR_MS,
};
use farol_model::{metric::Unit, sample::Snapshot};
use std::{fs, path::PathBuf, sync::atomic::Ordering};

const CHANNEL: &str = "metrics/local/test";

/// What is handed over, by channel.
type Rings = BTreeMap<String, (Arc<[MetricSpec]>, Snapshot)>;

fn read(store: &Store, limits: &Limits) -> (Lately, Rings) {
    let mut all = BTreeMap::new();
    let told = store.lately(limits, |channel, ring| {
        let rows = (ring.schema().clone(), ring.snapshot(0, ring::MAX_CELLS));
        assert!(all.insert(channel.to_owned(), rows).is_none(), "{channel} twice");
    });
    (told, all)
}

fn plenty() -> Limits {
    Limits::within(Duration::from_secs(600))
}

/// The world at a time, opened again.
fn again(world: &World, store: &Store, now_ms: i64) -> Store {
    store.close();
    world.clock.store(now_ms, Ordering::Relaxed);
    world.open()
}

fn seconds(from_ms: i64, to_ms: i64) -> Vec<i64> {
    (from_ms..to_ms).step_by(1000).collect()
}

/// Each value is that of its time, each time is there once.
fn check(specs: &[MetricSpec], rows: &Snapshot) {
    assert_eq!(specs, &*schema());
    assert!(rows.times_ms.is_sorted_by(|a, b| a < b));
    for (at, t_ms) in rows.times_ms.iter().enumerate() {
        let found = [rows.columns[0].values[at], rows.columns[1].values[at]];
        assert_eq!(found, [value(*t_ms), 2.0 * value(*t_ms)], "at {t_ms}");
    }
    assert_eq!(rows.step_ms, 1000);
}

fn files_of(world: &World, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path().join("raw")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().unwrap() == end).collect()
}

#[test]
fn a_merged_hour_pieces_and_the_journal_make_one_ring_and_downtime_stays_a_gap() {
    let world = World::new();
    let store = world.open();
    let hour = START + HOUR_MS;
    push_span(&store, START, hour + 1000);
    store.tidied();
    push_span(&store, hour + 1000, hour + 60_000);
    store.settle();
    // Down for a minute, back for a moment by the clock, then rows that only the journal has.
    let store = again(&world, &store, hour + 120_000);
    push_span(&store, hour + 120_000, hour + 150_000);
    push_span(&store, hour + 140_000, hour + 200_000);
    let now = hour + 201_500;
    let store = again(&world, &store, now);
    assert!(files_of(&world, "merged").len() == 1 && !files_of(&world, "piece").is_empty());
    let (told, all) = read(&store, &plenty());
    let (specs, rows) = &all[CHANNEL];
    check(specs, rows);
    let first = seconds(START, now)
        .into_iter()
        .find(|time| *time >= now - RETENTION_MS)
        .unwrap();
    let mut expected = seconds(first, hour + 60_000);
    expected.extend(seconds(hour + 120_000, hour + 200_000));
    assert!(rows.times_ms == expected, "{:?}", rows.times_ms);
    assert_eq!((told.channels, told.too_late, told.too_many), (1, 0, 0));
    store.close();
}

#[test]
fn what_is_older_than_ten_minutes_or_from_the_future_is_not_handed_over() {
    let world = World::new();
    let store = world.open();
    push_span(&store, START, START + 30_000);
    let store = again(&world, &store, START + 30_000 + RETENTION_MS);
    assert_eq!(read(&store, &plenty()), (Lately::default(), BTreeMap::new()));
    // The clock is at ten seconds: what comes after that has not been yet.
    let store = again(&world, &store, START + 10_000);
    let (_, all) = read(&store, &plenty());
    assert_eq!(all[CHANNEL].1.times_ms, seconds(START, START + 10_001));
    store.close();
}

#[test]
fn series_that_were_gone_by_then_have_no_column() {
    let world = World::new();
    let store = world.open();
    let spec = |name: &str| MetricSpec::gauge(name, Unit::None, "c", name, "h");
    let wide: Arc<[MetricSpec]> = ["stays", "old", "never"].map(spec).into();
    let at = START + RETENTION_MS;
    for (t_ms, old) in [(START, 1.0), (at + 1000, f64::NAN), (at + 2000, f64::NAN)] {
        store
            .feed()
            .frame("c/d", &wide, t_ms, 1000, &[t_ms as f64, old, f64::NAN]);
    }
    let other: Arc<[MetricSpec]> = [spec("new")].into();
    store.feed().frame("c/d", &other, at + 3000, 500, &[3.0]);
    store.flush();
    let store = again(&world, &store, at + 3000);
    let (told, all) = read(&store, &plenty());
    let (specs, rows) = &all["c/d"];
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["stays", "new"]);
    assert_eq!(rows.times_ms, [at + 1000, at + 2000, at + 3000]);
    assert!(rows.columns[0].values[2].is_nan() && rows.columns[1].values[0].is_nan());
    assert_eq!(
        (rows.columns[1].values[2], rows.step_ms, told.values),
        (3.0, 500, 6)
    );
    store.close();
}

#[test]
fn what_takes_too_long_or_too_much_is_left_out_and_told() {
    let world = World::new();
    let store = world.open();
    push_span(&store, START, START + 10_000);
    store
        .feed()
        .frame("c/small", &schema(), START + 9000, 1000, &[1.0, 2.0]);
    store.flush();
    let store = again(&world, &store, START + 10_000);
    let (told, all) = read(
        &store,
        &Limits {
            until: Instant::now(),
            cells: MAX_CELLS,
        },
    );
    assert!(all.is_empty());
    assert_eq!((told.channels, told.too_late), (0, 2));
    let (told, all) = read(
        &store,
        &Limits {
            cells: 19,
            ..plenty()
        },
    );
    assert_eq!((told.channels, told.values, told.too_many), (1, 2, 1));
    assert!(all.contains_key("c/small"), "what fits is there all the same");
    let (told, _) = read(
        &store,
        &Limits {
            cells: 22,
            ..plenty()
        },
    );
    assert_eq!((told.channels, told.values, told.too_many), (2, 22, 0));
    store.close();
}

#[test]
fn a_wrong_byte_costs_its_chunk_a_file_that_is_gone_its_rows() {
    let world = World::new();
    let store = world.open();
    push_span(&store, START, START + 60_000);
    store.settle();
    push_span(&store, START + 60_000, START + 120_000);
    store.close();
    let piece = files_of(&world, "piece").remove(0);
    let whole = fs::read(&piece).unwrap();
    let now = START + 120_000;
    let (mut lost_a_column, mut told_of) = (0, 0);
    for at in (0..whole.len()).step_by(7) {
        let mut wrong = whole.clone();
        wrong[at] ^= 0x10;
        let dir = tempfile::tempdir().unwrap();
        copy(&world.path(), &dir.path().join("history"));
        let copied = dir.path().join("history/raw").join(piece.file_name().unwrap());
        fs::write(copied, &wrong).unwrap();
        let store = Store::open_with(&Default::default(), dir.path(), Arc::new(move || now)).unwrap();
        let (_, all) = read(&store, &plenty());
        let rows = &all[CHANNEL].1;
        let there = |column: usize| {
            let values = rows.columns[column].values.iter();
            values.filter(|value| !value.is_nan()).count()
        };
        let (a, b) = (there(0), there(1));
        assert!(a.max(b) == 120 && a.min(b) >= 60, "byte {at}: {a} and {b}");
        let broken = store.status().broken;
        assert!((a, b) == (120, 120) || broken > 0, "byte {at} was not told");
        lost_a_column += usize::from((a, b) != (120, 120));
        told_of += usize::from(broken > 0);
        store.close();
    }
    assert!(lost_a_column > 0 && told_of >= lost_a_column);

    let store = again(&world, &store, now);
    // Under its feet, after it was listed.
    for piece in files_of(&world, "piece") {
        fs::remove_file(piece).unwrap();
    }
    let (told, all) = read(&store, &plenty());
    let times = &all[CHANNEL].1.times_ms;
    assert_eq!((told.channels, times.last()), (1, Some(&(now - 1000))));
    assert_eq!(*times, seconds(START + 60_000, now));
    store.close();
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &place),
            false => drop(fs::copy(entry.path(), place).unwrap()),
        }
    }
}
