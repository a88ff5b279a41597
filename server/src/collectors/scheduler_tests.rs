use super::*;
use crate::collectors::metric::{self, Metric};
use farol_model::{
    metric::{MetricSpec, Unit},
    process::ProcessRow,
};
use std::sync::mpsc::{Receiver, Sender, channel};

/// How long an event may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does what the test says at each reading.
struct Scripted {
    name: &'static str,
    script: Box<dyn FnMut(u32) -> Result<f64, CollectError> + Send>,
    readings: u32,
    place: Place,
}

static X: Metric = metric::gauge("x", Unit::None, "X", "x", "A number.");
static ALL: &[&Metric] = &[&X];

impl Collector for Scripted {
    fn name(&self) -> &'static str {
        self.name
    }
    fn title(&self) -> &'static str {
        self.name
    }
    fn source(&self) -> &'static str {
        "the test"
    }
    fn metrics(&self) -> &'static [&'static Metric] {
        ALL
    }
    fn place(&self) -> Place {
        self.place
    }
    fn collect(&mut self, reading: &mut Reading) -> Result<(), CollectError> {
        self.readings += 1;
        reading.value(&X, &[], (self.script)(self.readings)?);
        Ok(())
    }
    fn interval(&self) -> Duration {
        Duration::from_millis(10)
    }
    fn time_limit(&self) -> Duration {
        Duration::from_millis(100)
    }
}

enum Told {
    Frame(String, f64),
    Health(Vec<CollectorStatus>),
}

struct Ears(Mutex<Sender<Told>>);

impl Outlet for Ears {
    fn frame(&self, channel: &str, _: &Arc<[MetricSpec]>, _: i64, _: u32, values: Vec<f64>) {
        let _ = self
            .0
            .lock()
            .unwrap()
            .send(Told::Frame(channel.to_owned(), values[0]));
    }
    fn processes(&self, _: i64, _: Vec<ProcessRow>) {}
    fn health(&self, statuses: &[CollectorStatus]) {
        let _ = self.0.lock().unwrap().send(Told::Health(statuses.to_vec()));
    }
}

fn value(number: f64) -> Result<f64, CollectError> {
    Ok(number)
}

fn scripted(
    name: &'static str,
    script: impl FnMut(u32) -> Result<f64, CollectError> + Send + 'static,
) -> Box<dyn Collector> {
    Box::new(Scripted {
        name,
        script: Box::new(script),
        readings: 0,
        place: Place::Own,
    })
}

/// One that runs with others.
fn shared(
    name: &'static str,
    script: impl FnMut(u32) -> Result<f64, CollectError> + Send + 'static,
) -> Box<dyn Collector> {
    Box::new(Scripted {
        name,
        script: Box::new(script),
        readings: 0,
        place: Place::Shared,
    })
}

fn begin(collectors: Vec<Box<dyn Collector>>) -> (CollectorControl, Receiver<Told>, CancellationToken) {
    let (sender, told) = channel();
    let shutdown = CancellationToken::new();
    let control = start(
        collectors,
        None,
        Arc::new(Ears(Mutex::new(sender))),
        shutdown.clone(),
    );
    (control, told, shutdown)
}

fn until_frame(told: &Receiver<Told>, channel: &str) -> f64 {
    loop {
        if let Told::Frame(from, value) = told.recv_timeout(PATIENCE).expect("a frame")
            && from == channel
        {
            return value;
        }
    }
}

fn until_health(told: &Receiver<Told>, name: &str, is: impl Fn(&CollectorState) -> bool) -> CollectorState {
    loop {
        if let Told::Health(statuses) = told.recv_timeout(PATIENCE).expect("health")
            && let Some(status) = statuses
                .into_iter()
                .find(|status| status.name == name && is(&status.state))
        {
            return status.state;
        }
    }
}

#[test]
fn one_that_errs_panics_or_hangs_is_failed_with_its_reason_while_another_goes_on() {
    let (_hold, held) = channel::<()>();
    let (control, told, shutdown) = begin(vec![
        scripted("good", |reading| value(reading.into())),
        scripted("errs", |_| Err(CollectError::Failed("no luck".into()))),
        scripted("panics", |_| panic!("oh dear")),
        scripted("hangs", move |_| {
            let _ = held.recv();
            value(0.0)
        }),
    ]);
    let reason = |name| match until_health(&told, name, |state| {
        matches!(state, CollectorState::Failed { .. })
    }) {
        CollectorState::Failed { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason("errs"), "no luck");
    assert_eq!(control.statuses().len(), 4);
    assert!(reason("panics").contains("oh dear"));
    assert!(reason("hangs").contains("did not answer within 0.1 s"));
    let now = until_frame(&told, "metrics/local/good");
    while until_frame(&told, "metrics/local/good") <= now {}
    shutdown.cancel();
}

#[test]
fn one_that_comes_back_is_live_again() {
    let (_control, told, shutdown) = begin(vec![scripted("back", |reading| {
        if reading == 1 {
            Err(CollectError::Failed("not yet".into()))
        } else {
            value(7.0)
        }
    })]);
    assert_eq!(until_frame(&told, "metrics/local/back"), 7.0);
    until_health(&told, "back", |state| *state == CollectorState::Live);
    shutdown.cancel();
}

#[test]
fn what_comes_after_the_time_limit_is_thrown_away() {
    let (release, held) = channel::<()>();
    let (_control, told, shutdown) = begin(vec![scripted("late", move |reading| {
        if reading == 1 {
            let _ = held.recv();
        }
        value(reading.into())
    })]);
    until_health(&told, "late", |state| {
        matches!(state, CollectorState::Failed { .. })
    });
    release.send(()).unwrap();
    assert!(until_frame(&told, "metrics/local/late") >= 2.0);
    shutdown.cancel();
}

#[test]
fn what_a_machine_does_not_have_is_no_failure() {
    let (_control, told, shutdown) = begin(vec![scripted("absent", |_| {
        Err(CollectError::Unavailable("Nothing here.".into()))
    })]);
    let state = until_health(&told, "absent", |state| *state != CollectorState::Starting);
    assert_eq!(
        state,
        CollectorState::Unavailable {
            reason: "Nothing here.".into()
        }
    );
    shutdown.cancel();
}

#[test]
fn an_operator_pauses_resumes_and_paces_a_collector() {
    let (control, told, shutdown) = begin(vec![scripted("it", |reading| value(reading.into()))]);
    until_frame(&told, "metrics/local/it");
    control.pause("it").unwrap();
    until_health(&told, "it", |state| *state == CollectorState::Paused);
    control.resume("it").unwrap();
    until_health(&told, "it", |state| *state == CollectorState::Live);
    control.set_interval("it", 500).unwrap();
    assert_eq!(control.statuses()[0].interval_ms, 500);
    shutdown.cancel();
}

#[test]
fn an_unknown_name_and_an_interval_out_of_range_are_refused() {
    let (control, _told, shutdown) = begin(vec![scripted("it", |_| value(0.0))]);
    assert!(control.pause("that").unwrap_err().message.contains("`that`"));
    for interval_ms in [0, 249, 60_001] {
        assert_eq!(
            control
                .set_interval("it", interval_ms)
                .unwrap_err()
                .field
                .as_deref(),
            Some("interval_ms")
        );
    }
    shutdown.cancel();
}

#[test]
fn the_pause_after_failures_doubles_up_to_a_minute() {
    let second = Duration::from_secs(1);
    assert_eq!(backoff(second, 1), 2 * second);
    assert_eq!(backoff(second, 3), 8 * second);
    assert_eq!(backoff(second, u32::MAX), MAX_BACKOFF);
}

#[test]
fn of_those_on_one_thread_one_that_errs_panics_or_is_paused_does_not_stop_the_others() {
    let (control, told, shutdown) = begin(vec![
        shared("panics", |_| panic!("oh dear")),
        shared("errs", |_| Err(CollectError::Failed("no luck".into()))),
        shared("good", |reading| value(reading.into())),
        shared("paused", |reading| value(reading.into())),
    ]);
    until_health(&told, "panics", |state| {
        matches!(state, CollectorState::Failed { .. })
    });
    until_health(&told, "errs", |state| {
        matches!(state, CollectorState::Failed { .. })
    });
    control.pause("paused").unwrap();
    let now = until_frame(&told, "metrics/local/good");
    while until_frame(&told, "metrics/local/good") < now + 3.0 {}
    control.resume("paused").unwrap();
    until_frame(&told, "metrics/local/paused");
    shutdown.cancel();
}

#[test]
fn after_a_failure_the_layout_starts_anew_and_the_thread_ends_with_the_others() {
    let (control, told, shutdown) = begin(vec![shared("it", |reading| match reading {
        2 => Err(CollectError::Failed("once".into())),
        _ => value(reading.into()),
    })]);
    while until_frame(&told, "metrics/local/it") < 3.0 {}
    assert_eq!(control.statuses()[0].series, 1);
    shutdown.cancel();
    // The outlet goes with the last thread.
    let end = loop {
        if let Err(end) = told.recv_timeout(PATIENCE) {
            break end;
        }
    };
    assert_eq!(end, std::sync::mpsc::RecvTimeoutError::Disconnected);
}

#[test]
fn what_is_due_together_wakes_the_thread_once() {
    let start = Instant::now();
    let at = |ms| start + Duration::from_millis(ms);
    assert_eq!(wake_at(&[at(9), at(7), at(500), at(12)]), Some(at(12)));
    assert_eq!(wake_at(&[at(7), at(500)]), Some(at(7)));
    assert_eq!(wake_at(&[]), None);
}
