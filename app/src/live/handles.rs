//! What pages hold: data that was drawn by the server and goes on living in the browser. The first render shows exactly
//! what the server drew; the subscription continues from there.

use super::{
    SubscribeOptions, Subscription,
    apply::View,
    people::People,
    sink::{Feed, FeedSink, Latest},
    use_live,
};
use farol_model::{
    action::{Mark, OutputStream, Params, Run, RunEvent, RunStatus, RunView},
    json::FromJson,
    process::ProcessRow,
    sample::ChannelView,
};
use leptos::prelude::*;
use std::sync::{Arc, PoisonError, RwLock};

/// Live data and the signal that tells of its changes, at most once per frame. Copy: hand it to children.
pub struct Handle<T: 'static> {
    data: StoredValue<Arc<RwLock<T>>>,
    /// Counts changes. Track it, then read with [`Handle::peek`]; or use [`Handle::with`], which does both.
    pub tick: RwSignal<u64>,
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T: Send + Sync + 'static> Handle<T> {
    fn new(value: T) -> Self {
        Handle {
            data: StoredValue::new(Arc::new(RwLock::new(value))),
            tick: RwSignal::new(0),
        }
    }

    /// Reads and tracks. None after the page that owned it is gone.
    pub fn try_with<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        self.tick.try_get()?;
        self.peek(read)
    }

    /// Reads without tracking. None after the page that owned it is gone.
    pub fn peek<R>(&self, read: impl FnOnce(&T) -> R) -> Option<R> {
        let data = self.data.try_get_value()?;
        let guard = data.read().unwrap_or_else(PoisonError::into_inner);
        Some(read(&guard))
    }

    /// Reads and tracks; the default after the page that owned it is gone.
    pub fn with<R: Default>(&self, read: impl FnOnce(&T) -> R) -> R {
        self.try_with(read).unwrap_or_default()
    }
}

/// A metrics channel.
pub type ChannelHandle = Handle<View>;

impl ChannelHandle {
    /// Newest value of a series by its [key](farol_model::metric::MetricSpec::key); NaN when there is none. Tracks.
    pub fn last(&self, key: &str) -> f64 {
        self.try_with(|view| view.index(key).map_or(f64::NAN, |index| view.last(index)))
            .unwrap_or(f64::NAN)
    }

    /// Keeps the channel subscribed. What a component does while it is on screen.
    pub fn hold(&self) -> Option<Subscription> {
        let channel = self.peek(|view| view.channel.clone())?;
        Some(use_live().subscribe(&channel, SubscribeOptions::default()))
    }
}

/// A metrics channel that is subscribed as long as the calling component lives.
pub fn use_channel(initial: ChannelView) -> ChannelHandle {
    let channel = initial.channel.clone();
    feed(channel, View::new(initial))
}

/// The process table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Time of the table, milliseconds.
    pub t_ms: i64,
    pub rows: Vec<ProcessRow>,
}

/// A channel of class table, e.g. `processes/local`.
pub fn use_table(channel: &str, t_ms: i64, rows: Vec<ProcessRow>) -> Handle<Table> {
    feed(channel.to_owned(), Table { t_ms, rows })
}

/// A channel of class cache: the latest state, as JSON. Read it with `handle.with(|state| state.0...)`.
pub fn use_state<T>(channel: &str, initial: T) -> Handle<Latest<T>>
where
    T: FromJson + Send + Sync + 'static,
{
    feed(channel.to_owned(), Latest(initial))
}

/// The moments that are marked on charts, for all charts below whoever provides it.
#[derive(Clone, Copy)]
pub struct Marks(pub Handle<Latest<Vec<Mark>>>);

/// A run and what it prints.
#[derive(Debug, Clone, PartialEq)]
pub struct RunFeed {
    pub view: RunView,
    /// Most pieces that are kept where the newest are wanted: of a log. None keeps the first ones: of a run.
    pub(super) newest: Option<usize>,
    /// Pieces that fell off the beginning.
    pub dropped: usize,
    pub(super) at: Timeline,
}

/// Position in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Timeline {
    pub epoch: String,
    pub offset: u64,
}

/// Pieces of output kept; the first ones stay and the view says that it is truncated, as the server does at its own cap.
pub const MAX_OUTPUT_PIECES: usize = 20_000;

/// Pieces of a log kept, and a quarter more; the newest stay. A piece is what was printed within a tenth of a second.
const MAX_LOG_PIECES: usize = 1000;

impl RunFeed {
    pub fn new(view: RunView) -> Self {
        RunFeed {
            view,
            newest: None,
            dropped: 0,
            at: Timeline::default(),
        }
    }

    pub(super) fn event(&mut self, event: RunEvent) {
        match event {
            RunEvent::State { run } => self.view.run = run,
            RunEvent::Output { stream, text } => self.output(stream, text),
            RunEvent::Truncated { .. } => self.view.truncated = true,
        }
    }

    /// A log that has not begun.
    pub fn log() -> Self {
        let nobody = Run {
            id: String::new(),
            action: String::new(),
            title: String::new(),
            who: String::new(),
            params: Params::new(),
            status: RunStatus::Running,
            detail: String::new(),
            queued_ms: 0,
            ended_ms: None,
            exit_code: None,
        };
        RunFeed {
            newest: Some(MAX_LOG_PIECES),
            ..RunFeed::new(RunView::of(nobody))
        }
    }

    pub(super) fn output(&mut self, stream: OutputStream, text: String) {
        if let Some(most) = self.newest {
            // In one go now and then: taking off the first of a list moves all the others.
            if self.view.output.len() >= most + most / 4 {
                self.view.output.drain(..most / 4);
                self.dropped += most / 4;
            }
            self.view.output.push((stream, text));
            return;
        }
        match self.view.output.len() < MAX_OUTPUT_PIECES {
            true => self.view.output.push((stream, text)),
            false => self.view.truncated = true,
        }
    }
}

/// Progress and output of one run.
pub fn use_run(id: &str, initial: RunView) -> Handle<RunFeed> {
    feed(format!("runs/{id}"), RunFeed::new(initial))
}

/// A log, from its last lines on.
pub fn use_log(channel: String) -> Handle<RunFeed> {
    feed(channel, RunFeed::log())
}

/// Those who are in a room.
pub fn use_people(room: &str) -> Handle<People> {
    feed(room.to_owned(), People::default())
}

/// A metrics channel that is subscribed only while a chart of it is on screen.
pub fn use_channel_on_screen(initial: ChannelView) -> ChannelHandle {
    let channel = initial.channel.clone();
    let handle = Handle::new(View::new(initial));
    attach(&channel, &handle, false);
    handle
}

fn feed<T: Feed>(channel: String, value: T) -> Handle<T> {
    let handle = Handle::new(value);
    attach(&channel, &handle, true);
    handle
}

fn attach<T: Feed>(channel: &str, handle: &Handle<T>, hold: bool) {
    let Some(data) = handle.data.try_get_value() else {
        return;
    };
    let sink = Arc::new(FeedSink {
        data,
        tick: handle.tick,
    });
    let live = use_live();
    let subscription = match hold {
        true => live.attach(channel, SubscribeOptions::default(), sink),
        false => live.listen(channel, sink),
    };
    on_cleanup(move || drop(subscription));
}
