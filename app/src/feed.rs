//! Where pages get what changes on screen: one function per thing. Pages know no other source, so how data arrives can
//! change without a page noticing.

use crate::prelude::*;
use crate::{
    charts::{Chart, Sparkline, chart::Then, live::LiveChart},
    format::format,
    live::{
        ChannelHandle, Handle, Marks, RunFeed, Table, apply::View, use_channel, use_channel_on_screen,
        use_log, use_run, use_state, use_table,
    },
    live_charts::get_earlier,
    session::page_session,
};
use farol_model::{
    Permission,
    action::{Mark, Run, RunView},
    health::CollectorStatus,
    metric::Unit,
    process::ProcessRow,
    sample::ChannelView,
};
use leptos::task::spawn_local;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// A run that is followed while its reader lives.
#[derive(Clone, Copy)]
pub struct LiveRun(Handle<RunFeed>);

/// Follows a run, starting with what the server sent.
pub fn run(first: RunView) -> LiveRun {
    let id = first.run.id.clone();
    LiveRun(use_run(&id, first))
}

/// Follows a log from its last lines on. It reads as the output of a run that never ends.
pub fn log(channel: String) -> LiveRun {
    LiveRun(use_log(channel))
}

impl LiveRun {
    /// Pieces that fell off the beginning. Tracks.
    pub fn dropped(&self) -> usize {
        self.0.with(|feed| feed.dropped)
    }

    /// Reads and tracks; the default after the page that owned it is gone.
    pub fn with<R: Default>(&self, read: impl FnOnce(&RunView) -> R) -> R {
        self.0.with(|feed| read(&feed.view))
    }

    /// The run without its output. None after the page that owned it is gone.
    pub fn run(&self) -> Option<Run> {
        self.with(|view| Some(view.run.clone()))
    }
}

/// The process table.
#[derive(Clone, Copy)]
pub struct Processes(Handle<Table>);

/// Follows the process table, starting with some of its rows.
pub fn processes(t_ms: i64, first: Vec<ProcessRow>) -> Processes {
    Processes(use_table("processes/local", t_ms, first))
}

impl Processes {
    /// Reads and tracks; the default after the page that owned it is gone.
    pub fn with<R: Default>(&self, read: impl FnOnce(&[ProcessRow]) -> R) -> R {
        self.0.with(|table| read(&table.rows))
    }
}

/// Health of the collectors.
pub fn collectors(first: Vec<CollectorStatus>) -> Signal<Vec<CollectorStatus>> {
    let handle = use_state("collectors/local", first);
    Signal::derive(move || handle.with(|latest| latest.0.clone()))
}

/// How often the list of runs has changed. Tracks.
pub fn run_changes() -> impl Fn() -> u64 + Copy {
    let handle = use_state("runlist/local", 0_u64);
    move || handle.with(|latest| latest.0)
}

/// Marks what happens on all charts below: runs for those who may see them, and what is annotated. None where no chart is live.
pub fn marks(first: Option<Vec<Mark>>) {
    if let Some(first) = first {
        let runs = page_session().is_ok_and(|session| session.viewer.may(Permission::ViewRuns));
        let channel = if runs { "marks/local" } else { "annotations/local" };
        provide_context(Marks(use_state(channel, first)));
    }
}

/// One metrics channel with its history.
#[derive(Clone, Copy)]
pub struct Channel(ChannelHandle);

/// Follows a metrics channel while the caller lives, starting with what the server sent.
pub fn channel(first: ChannelView) -> Channel {
    Channel(use_channel(first))
}

/// Follows a metrics channel only while a chart of it is on screen.
pub fn channel_on_screen(first: ChannelView) -> Channel {
    Channel(use_channel_on_screen(first))
}

impl Channel {
    /// The newest values of one series, oldest first, at most `most` of them. Tracks.
    pub fn recent(&self, key: &str, most: usize) -> Vec<f64> {
        self.0.with(|view| {
            view.index(key)
                .and_then(|at| view.columns.get(at))
                .map_or_else(Vec::new, |column| {
                    column
                        .iter()
                        .skip(column.len().saturating_sub(most))
                        .copied()
                        .collect()
                })
        })
    }
}

/// One chart of a channel: all its series that name this chart.
#[component]
pub fn ChannelChart(
    channel: Channel,
    #[prop(into)] chart: LiveChart,
    #[prop(optional_no_strip)] then: Option<Earlier>,
) -> AnyView {
    view! { <Chart handle=channel.0 chart then=then.map(|then| then.0)/> }
}

/// What the series of a channel were an earlier period before.
#[derive(Clone)]
pub struct Earlier(Then);

/// How often it is asked for again: the server tells it for longer than that ahead.
const AGAIN: Duration = Duration::from_secs(60);

/// Follows an earlier period beside what is live, starting with what the server sent.
pub fn earlier(channel: String, period: String, first: ChannelView) -> Earlier {
    let then = Arc::new(Mutex::new(View::new(first)));
    let known = then.clone();
    let renew = move || {
        let asked = get_earlier(channel.clone(), period.clone(), true);
        let then = known.clone();
        spawn_local(async move {
            let answer = asked.await.and_then(|data| data.read::<ChannelView>());
            // Without an answer what is known is drawn until it ends.
            if let (Ok(answer), Ok(mut then)) = (answer, then.lock()) {
                *then = View::new(answer);
            }
        });
    };
    let renewing = StoredValue::new(None::<IntervalHandle>);
    effect(move || renewing.set_value(set_interval_with_handle(renew.clone(), AGAIN).ok()));
    on_cleanup(move || {
        if let Some(Some(renewing)) = renewing.try_get_value() {
            renewing.clear();
        }
    });
    Earlier(then)
}

/// A line without axes, of the series with this key.
#[component]
pub fn Spark(channel: Channel, #[prop(into)] series: String) -> AnyView {
    view! { <Sparkline handle=channel.0 series=series/> }
}

/// A value as number and unit.
pub fn parts(unit: i32, value: f64) -> (String, String) {
    let told = format(value, unit);
    (told.number, told.unit)
}

/// Bytes as text.
pub fn bytes(value: f64) -> String {
    format(value, Unit::Bytes).to_string()
}

/// Bytes per second as text.
pub fn bytes_per_second(value: f64) -> String {
    format(value, Unit::BytesPerSecond).to_string()
}
