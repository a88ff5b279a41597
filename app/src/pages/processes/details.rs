//! Everything about one process, and the panel that sends it a signal.

use super::{cells::rate, state::TableState, table::key};
use crate::prelude::*;
use crate::{
    feed::bytes,
    pages::controls::ActionPanel,
    ui::{Moment, Notice, Tone, drawer::Drawer},
};
use farol_model::{
    action::{ActionSpec, Params},
    process::ProcessRow,
};

/// Open while the address names a process. `first` is what the server found when it drew the page.
#[component]
pub fn Details(
    state: TableState,
    first: Option<ProcessRow>,
    signal: Option<ActionSpec>,
    key_seed: String,
) -> AnyView {
    let first = StoredValue::new(first);
    let signal = StoredValue::new(signal);
    let key_seed = StoredValue::new(key_seed);
    let drawn = reactive(move || {
        let Some(chosen) = state.selected.get() else {
            return ().into_any();
        };
        // Where the row was last seen; it stays on screen after the process has ended.
        let found = untrack(|| {
            state
                .rows
                .with(|rows| rows.iter().find(|row| key(row) == chosen).cloned())
                .or_else(|| first.get_value().filter(|row| key(row) == chosen))
        });
        match found {
            Some(row) => {
                view! { <Process state row signal=signal.get_value() key_seed=key_seed.get_value()/> }
            }
            // The process that this page was asked about no longer runs.
            None => {
                let title = "This process has ended".into_any();
                view! {
                    <Drawer title close=state.grid.href("")>
                        <p>"It is not in the table any more. Its number may already belong to another process."</p>
                    </Drawer>
                }
            }
        }
    });
    drawn.into_any()
}

#[component]
fn Process(state: TableState, row: ProcessRow, signal: Option<ActionSpec>, key_seed: String) -> AnyView {
    let chosen = key(&row);
    let title = row.name.clone().into_any();
    let prefill = Params::from([
        ("pid".to_owned(), row.pid.to_string()),
        ("start_ms".to_owned(), row.start_ms.to_string()),
    ]);
    // The panels of two processes never share a key.
    let key_seed = format!("{key_seed}-{}-{}", row.pid, row.start_ms);
    // What it was when it was last seen stays on screen.
    let kept = StoredValue::new(Some(row));
    let live = Memo::new(move |_| {
        let now = state
            .rows
            .with(|rows| rows.iter().find(|row| key(row) == chosen).cloned());
        if now.is_some() {
            kept.set_value(now.clone());
        }
        now
    });
    let row = Signal::derive(move || live.get().or_else(|| kept.get_value()).unwrap_or_default());
    view! {
        <Drawer title close=state.grid.href("")>
            {move || {
                (live.with(Option::is_none) && state.grid.scroll.get().row_height > 0.0)
                    .then(|| {
                        view! {
                            <Notice
                                tone=Tone::Info
                                title="Not in the table now"
                                text="It has ended, or is not among the rows that this page has. These are its last values."
                            />
                        }
                    }).into_any()
            }}
            <Fields row/>
            {signal.map(|spec| view! { <ActionPanel spec prefill key_seed/> })}
        </Drawer>
    }
}

#[component]
fn Fields(row: Signal<ProcessRow>) -> AnyView {
    let fact = move |title: &'static str, read: fn(&ProcessRow) -> String| {
        view! {
            <div>
                <dt>{title}</dt>
                <dd>{move || row.with(read)}</dd>
            </div>
        }
    };
    view! {
        <dl class="facts rows">
            {fact("PID", |row| row.pid.to_string())} {fact("Parent", |row| row.parent.to_string())}
            {fact("User", |row| row.user.clone())} {fact("State", |row| row.state.clone())}
            {fact("CPU", |row| format!("{:.1} % of one core", f64::from(row.cpu_percent)))}
            {fact("Memory", |row| bytes(row.memory_bytes as f64))}
            {fact("Read", |row| rate(row.io_known, row.read_bytes_per_second))}
            {fact("Written", |row| rate(row.io_known, row.written_bytes_per_second))}
            {fact("Threads", |row| row.threads.to_string())} <div>
                <dt>"Started"</dt>
                <dd>
                    <Moment at_ms=Signal::derive(move || row.with(|row| row.start_ms))/>
                </dd>
            </div>
        </dl>
        <div class="field">
            <h3>"Command line"</h3>
            <pre tabindex="0">{move || row.with(|row| row.command.clone())}</pre>
        </div>
    }
}
