//! The store as a whole: what was handed in is found again, whatever happened between.

use super::{
    grid::Found,
    query::Step,
    tier::{DAY_MS, HOUR_MS},
    *,
};
use farol_model::metric::{MetricSpec, Unit};
use std::sync::atomic::AtomicI64;
use tempfile::TempDir;

/// 2026-01-01T00:00:00Z: a whole day, and a whole ten days, of the epoch.
pub(super) const START: i64 = 1_767_225_600_000 - (1_767_225_600_000 % (10 * DAY_MS));

pub(super) struct World {
    dir: TempDir,
    config: HistoryConfig,
    pub clock: Arc<AtomicI64>,
}

impl World {
    pub fn new() -> World {
        World {
            dir: tempfile::tempdir().unwrap(),
            config: HistoryConfig {
                min_free_mib: 0,
                ..HistoryConfig::default()
            },
            clock: Arc::new(AtomicI64::new(START)),
        }
    }

    pub fn open(&self) -> Store {
        let clock = self.clock.clone();
        Store::open_with(
            &self.config,
            self.dir.path(),
            Arc::new(move || clock.load(Ordering::Relaxed)),
        )
        .unwrap()
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("history")
    }
}

pub(super) fn schema() -> Arc<[MetricSpec]> {
    ["a", "b"]
        .map(|device| {
            MetricSpec::gauge("test_value", Unit::None, "Test", device, "A value.").label("device", device)
        })
        .into()
}

/// The value of series `a` at a time; `b` is its double.
pub(super) fn value(t_ms: i64) -> f64 {
    ((t_ms / 1000) % 977) as f64 + 0.25
}

fn push(store: &Store, schema: &Arc<[MetricSpec]>, t_ms: i64) {
    let values = [value(t_ms), 2.0 * value(t_ms)];
    while !store
        .feed()
        .frame("metrics/local/test", schema, t_ms, 1000, &values)
    {
        store.flush();
    }
}

pub(super) fn push_span(store: &Store, from_ms: i64, to_ms: i64) {
    let schema = schema();
    (from_ms..to_ms)
        .step_by(1000)
        .for_each(|t| push(store, &schema, t));
    store.flush();
}

fn ask(store: &Store, from_ms: i64, to_ms: i64, step_ms: i64) -> Found {
    let query = Query {
        selectors: vec![Selector::parse("test_value{device=\"a\"}").unwrap()],
        from_ms,
        to_ms,
        step: Step::Of(step_ms),
    };
    let mut answer = store.query(&query).unwrap();
    assert_eq!(answer.series.len(), 1);
    answer.series.remove(0)
}

/// How many of the seconds of a span have a value, each checked to be the right one and to be there once.
fn seconds(store: &Store, from_ms: i64, to_ms: i64) -> usize {
    let mut count = 0;
    for from in (from_ms..to_ms).step_by(HOUR_MS as usize) {
        let to = (from + HOUR_MS).min(to_ms);
        let found = ask(store, from, to, 1000);
        for (at, values) in found.count.iter().enumerate() {
            assert!(*values <= 1, "twice at {at}");
            if *values == 1 {
                assert_eq!(found.last[at], value(from + 1000 * at as i64));
                count += 1;
            }
        }
    }
    count
}

/// After the keeper has merged and rolled up all that it can.
fn tidied(store: &Store, done: impl Fn(&Live) -> bool) {
    store.tidied();
    let live = store.inner.read_live();
    assert!(done(&live), "{:?}", live.catalog);
}

#[test]
fn memory_pieces_and_files_answer_as_one() {
    let world = World::new();
    let store = world.open();
    // Ten minutes over two hours: two files, some pieces, and a head.
    push_span(&store, START, START + 2 * HOUR_MS + 600_000);
    assert_eq!(
        seconds(&store, START, START + 3 * HOUR_MS),
        7800,
        "in whatever state it is"
    );
    tidied(&store, |live| {
        let merged = |hour: i64| {
            let files = live.catalog.window(Tier::Raw, START + hour * HOUR_MS);
            files.len() == 1 && files[0].merged
        };
        merged(0) && merged(1)
    });
    assert_eq!(seconds(&store, START, START + 3 * HOUR_MS), 7800);
    let status = store.status();
    assert_eq!((status.series, status.samples, status.broken), (2, 15_600, 0));
    assert_eq!(status.state, HistoryState::Writing);
    store.close();
    let store = world.open();
    assert_eq!(
        seconds(&store, START, START + 3 * HOUR_MS),
        7800,
        "after a restart"
    );
    store.close();
}

#[test]
fn every_tier_says_the_same_and_a_spike_is_never_hidden() {
    let world = World::new();
    let store = world.open();
    let schema = schema();
    let end = START + DAY_MS + 2 * HOUR_MS;
    let spike = START + 5 * HOUR_MS + 123_000;
    for t in (START..end).step_by(1000) {
        let worth = if t == spike { 1e9 } else { value(t) };
        while !store
            .feed()
            .frame("metrics/local/test", &schema, t, 1000, &[worth, 0.0])
        {
            store.flush();
        }
    }
    world.clock.store(end, Ordering::Relaxed);
    tidied(&store, |live| live.catalog.rolled(Tier::TwoMinutes).len() == 1);
    for step in [1000, 10_000, 15_000, 120_000, HOUR_MS, DAY_MS] {
        let span = if step == 1000 { HOUR_MS } else { DAY_MS };
        let from = if step == 1000 { START + 5 * HOUR_MS } else { START };
        let found = ask(&store, from, from + span, step);
        let samples: u64 = found.count.iter().sum();
        assert_eq!(samples, (span / 1000) as u64, "step {step}");
        let max = found.max.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!(max, 1e9, "step {step}");
        let at = found.max.iter().position(|max| *max == 1e9).unwrap() as i64;
        assert_eq!(at, (spike - from) / step, "step {step}");
        // The same from the values themselves.
        for point in [0, found.count.len() - 1]
            .map(|point| point as i64)
            .into_iter()
            .filter(|point| *point != at)
        {
            let times = (from + point * step..(from + (point + 1) * step).min(from + span)).step_by(1000);
            let values: Vec<f64> = times.map(value).collect();
            let point = point as usize;
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            assert_eq!(found.min[point], values.iter().copied().fold(f64::MAX, f64::min));
            assert_eq!(found.last[point], values[values.len() - 1]);
            assert!(
                (found.mean[point] - mean).abs() < 0.05,
                "step {step}: {} {mean}",
                found.mean[point]
            );
        }
    }
    // From the past to this second: the tiers change on the way, the counts do not.
    let all = ask(&store, START, end, 120_000);
    assert!(all.count.iter().all(|count| *count == 120));
    store.close();
}

#[test]
fn what_was_rolled_up_is_not_counted_again_after_restarts_in_between() {
    let world = World::new();
    for hour in 0..4 {
        let store = world.open();
        push_span(&store, START + hour * HOUR_MS, START + (hour + 1) * HOUR_MS);
        tidied(&store, |live| {
            live.catalog.rolled(Tier::TenSeconds).len() as i64 >= hour
        });
        store.close();
    }
    let store = world.open();
    push_span(&store, START + 4 * HOUR_MS, START + 4 * HOUR_MS + 1000);
    tidied(&store, |live| live.catalog.rolled(Tier::TenSeconds).len() == 4);
    let found = ask(&store, START, START + 4 * HOUR_MS, 10_000);
    assert!(found.count.iter().all(|count| *count == 10));
    store.close();
}

#[test]
fn a_clock_that_is_set_back_makes_no_time_twice_and_no_hole() {
    let world = World::new();
    let store = world.open();
    push_span(&store, START, START + 2 * HOUR_MS);
    tidied(&store, |live| {
        live.catalog.rolled(Tier::TenSeconds).contains_key(&START)
    });
    // An hour and a half back, into what is rolled up already; then on and over where it was.
    let back = START + 30 * 60_000;
    push_span(&store, back, START + 3 * HOUR_MS);
    assert_eq!(seconds(&store, START, START + 4 * HOUR_MS), 3 * 3600);
    push_span(&store, START + 4 * HOUR_MS, START + 4 * HOUR_MS + 1000);
    tidied(&store, |live| {
        (0..3).all(|hour| live.catalog.window(Tier::Raw, START + hour * HOUR_MS).len() == 1)
    });
    tidied(&store, |live| live.catalog.rolled(Tier::TenSeconds).len() == 3);
    assert_eq!(seconds(&store, START, START + 4 * HOUR_MS), 3 * 3600);
    let found = ask(&store, START, START + 3 * HOUR_MS, 10_000);
    assert!(
        found.count.iter().all(|count| *count == 10),
        "rolled up anew, once"
    );
    store.close();
}

#[test]
fn a_moment_back_and_forth_costs_nothing_and_times_of_the_future_stay() {
    let world = World::new();
    let store = world.open();
    push_span(&store, START, START + 600_000);
    // Five minutes back for ten seconds, as a broken time server does it, then right again.
    push_span(&store, START + 300_000, START + 310_000);
    push_span(&store, START + 600_000, START + 900_000);
    assert_eq!(seconds(&store, START, START + HOUR_MS), 900);
    // A year ahead for a minute, and back.
    let ahead = START + 365 * DAY_MS;
    push_span(&store, ahead, ahead + 60_000);
    push_span(&store, START + 900_000, START + 1_200_000);
    assert_eq!(seconds(&store, START, START + HOUR_MS), 1200);
    assert_eq!(seconds(&store, ahead, ahead + HOUR_MS), 60);
    store.close();
}

#[test]
fn a_suspend_is_a_gap_and_nothing_is_invented_in_it() {
    let world = World::new();
    let store = world.open();
    push_span(&store, START, START + 60_000);
    push_span(&store, START + 4 * HOUR_MS, START + 4 * HOUR_MS + 60_000);
    let found = ask(&store, START, START + 5 * HOUR_MS, 10_000);
    assert_eq!(found.count.iter().sum::<u64>(), 120);
    assert_eq!(found.count.iter().filter(|count| **count > 0).count(), 12);
    let gap = &found.mean[6..4 * 360];
    assert!(gap.iter().all(|mean| mean.is_nan()), "no value is no value");
    store.close();
}

#[test]
fn the_day_on_which_clocks_on_the_wall_change_is_like_any_other() {
    // 2026-10-25: 01:00Z is three o'clock and then two o'clock in half of Europe.
    let change = 1_792_890_000_000;
    let world = World::new();
    let store = world.open();
    push_span(&store, change - 1_800_000, change + 1_800_000);
    assert_eq!(seconds(&store, change - HOUR_MS, change + HOUR_MS), 3600);
    store.close();
}

#[test]
fn what_is_older_than_it_may_be_leaves_and_so_does_what_is_too_much() {
    let mut world = World::new();
    world.config.raw_hours = 3;
    let store = world.open();
    push_span(&store, START, START + 2 * HOUR_MS + 1000);
    tidied(&store, |live| live.catalog.rolled(Tier::TenSeconds).len() == 2);
    // Ten minutes at a time: a clock that jumps is doubted.
    store.close();
    world.clock.store(START + 7 * HOUR_MS, Ordering::Relaxed);
    let store = world.open();
    tidied(&store, |live| live.catalog.windows(Tier::Raw).next().is_none());
    let found = ask(&store, START, START + 2 * HOUR_MS, 10_000);
    assert_eq!(
        found.count.iter().sum::<u64>(),
        7200,
        "the coarser tier still has it"
    );
    store.close();
    world.clock.store(START + 500 * DAY_MS, Ordering::Relaxed);
    let store = world.open();
    tidied(&store, |live| live.catalog.files() == 0);
    assert_eq!(fs::read_dir(world.path().join("raw")).unwrap().count(), 0);
    store.close();
}

#[test]
fn the_size_is_capped_by_the_oldest_of_what_takes_the_most() {
    let mut world = World::new();
    world.config.max_mib = 0;
    let store = world.open();
    push_span(&store, START, START + 2 * HOUR_MS);
    tidied(&store, |live| live.catalog.files() == 0);
    assert_eq!(store.status().files, 0);
    store.close();
}

#[test]
fn above_the_queue_frames_are_dropped_and_counted_and_nobody_waits() {
    let world = World::new();
    let store = world.open();
    let wide: Arc<[MetricSpec]> = (0..100_000)
        .map(|n| MetricSpec::gauge(&format!("wide_{n}"), Unit::None, "c", "t", "h"))
        .collect();
    let values = vec![1.0; wide.len()];
    // More than fits at once, whatever the writer has taken out by then: it holds the lock that the writer needs.
    let held = store.inner.write_live();
    let taken = (0..40)
        .filter(|n| store.feed().frame("c/d", &wide, START + n * 1000, 1000, &values))
        .count();
    assert!(taken < 40, "{taken}");
    drop(held);
    store.flush();
    let dropped = store.status().dropped;
    // What has no number is counted as well: the bound of series is lower than this schema is wide.
    assert!(dropped >= (40 - taken as u64) * 100_000, "{dropped}");
    assert_eq!(store.status().series, 50_000);
    store.close();
}

#[test]
fn another_process_cannot_write_to_the_same_folder() {
    let world = World::new();
    let store = world.open();
    let error = Store::open(&world.config, world.dir.path()).err().unwrap();
    assert!(error.to_string().contains("another Farol writes"), "{error}");
    store.close();
}

#[test]
fn questions_are_bounded_and_the_refusal_says_what_to_do() {
    let world = World::new();
    let store = world.open();
    push_span(&store, START, START + 10_000);
    let refused = |selector: &str, from_ms: i64, to_ms: i64, step: Step| {
        let selectors = vec![Selector::parse(selector).unwrap()];
        store
            .query(&Query {
                selectors,
                from_ms,
                to_ms,
                step,
            })
            .unwrap_err()
    };
    let fault = refused("test_value", START, START + DAY_MS, Step::Of(1000));
    assert!(
        fault.message.contains("86400 points") && fault.message.contains("step of"),
        "{}",
        fault.message
    );
    assert!(
        refused("test_value", START, START, Step::Of(1000))
            .message
            .contains("before the end")
    );
    assert!(
        refused("test_value", START, START + 1000, Step::Of(1))
            .message
            .contains("at least 250")
    );
    assert!(
        refused("test_value", i64::MIN + 1, START, Step::Points(10))
            .message
            .contains("ten thousand years")
    );
    let none = Query {
        selectors: Vec::new(),
        from_ms: 0,
        to_ms: 1,
        step: Step::Points(1),
    };
    assert!(store.query(&none).unwrap_err().message.contains("which series"));
    let many: Arc<[MetricSpec]> = (0..501)
        .map(|n| MetricSpec::gauge(&format!("many_{n}"), Unit::None, "c", "t", "h").label("m", "y"))
        .collect();
    store.feed().frame("c/many", &many, START, 1000, &vec![1.0; 501]);
    store.flush();
    assert!(
        refused("{m=\"y\"}", START, START + 1000, Step::Of(1000))
            .message
            .contains("501 series")
    );
    // The whole of time, in as few points as asked for.
    let selectors = vec![Selector::parse("test_value{device=\"b\"}").unwrap()];
    let all = Query {
        selectors,
        from_ms: 0,
        to_ms: 4_000_000_000_000,
        step: Step::Points(100),
    };
    let answer = store.query(&all).unwrap();
    assert!(answer.grid.count <= 100);
    assert_eq!(answer.series[0].count.iter().sum::<u64>(), 10);
    store.close();
}

#[test]
fn series_are_found_by_words_and_selectors() {
    let world = World::new();
    let store = world.open();
    push_span(&store, START, START + 1000);
    let found = |words: &str| store.series(&[], words).len();
    assert_eq!(
        (
            found(""),
            found("TEST device=a"),
            found("local value"),
            found("nothing")
        ),
        (2, 1, 2, 0)
    );
    let selector = Selector::parse("{device=~\"b|c\"}").unwrap();
    assert_eq!(store.series(&[selector], "").len(), 1);
    store.close();
}
