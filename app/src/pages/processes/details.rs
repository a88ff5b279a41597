//! Everything about one process, and the panels that act on it.

use super::{
    api::{ProcessesView, get_processes},
    cells::rate,
    state::TableState,
    table::{Key, key},
};
use crate::prelude::*;
use crate::{
    call::Call,
    feed::bytes,
    pages::controls::ActionPanel,
    ui::{Moment, Notice, Tone, drawer::Drawer},
};
use farol_model::{
    action::{ActionSpec, Params},
    process::ProcessRow,
};
use leptos_router::hooks::use_query_map;

/// What the details are made of, beside the table.
#[derive(Clone)]
pub struct About {
    /// What the server found when it drew the page.
    pub first: Option<ProcessRow>,
    /// Its open files and so on, if they were asked for then.
    pub more: String,
    pub panels: Vec<ActionSpec>,
    pub key_seed: String,
}

/// Open while the address names a process.
#[component]
pub fn Details(state: TableState, about: About) -> AnyView {
    let drawn = reactive(move || {
        let Some(chosen) = state.selected.get() else {
            return ().into_any();
        };
        // Where the row was last seen; it stays on screen after the process has ended.
        let found = untrack(|| {
            state
                .rows
                .with(|rows| rows.iter().find(|row| key(row) == chosen).cloned())
                .or_else(|| about.first.clone().filter(|row| key(row) == chosen))
        });
        match found {
            Some(row) => {
                view! { <Process state row about=about.clone()/> }
            }
            // The process that this page was asked about no longer runs.
            None => {
                let title = "This process has ended".into_any();
                view! {
                    <Drawer title close=state.address("")>
                        <p>"It is not in the table any more. Its number may already belong to another process."</p>
                    </Drawer>
                }
            }
        }
    });
    drawn.into_any()
}

#[component]
fn Process(state: TableState, row: ProcessRow, about: About) -> AnyView {
    let chosen = key(&row);
    let title = row.name.clone().into_any();
    let prefill = Params::from([
        ("pid".to_owned(), row.pid.to_string()),
        ("start_ms".to_owned(), row.start_ms.to_string()),
    ]);
    // The panels of two processes never share a key.
    let key_seed = format!("{}-{}-{}", about.key_seed, row.pid, row.start_ms);
    // What was read when the page was drawn is of the process that the address named then.
    let same = about.first.as_ref().is_some_and(|first| key(first) == chosen);
    let more = if same { about.more } else { String::new() };
    let may_act = !about.panels.is_empty();
    let panels = about
        .panels
        .into_iter()
        .map(|spec| {
            view! { <ActionPanel spec prefill=prefill.clone() key_seed=key_seed.clone()/> }
        })
        .collect::<Vec<_>>();
    let link = state.href(&row);
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
        <Drawer title close=state.address("")>
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
            {panels}
            {may_act.then(|| view! { <More chosen link first=more/> })}
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

/// Open files, sockets and limits, read when somebody asks: each press is another address.
#[component]
fn More(chosen: Key, link: String, first: String) -> AnyView {
    let query = use_query_map();
    let asked = Memo::new(move |_| query.get().get_str("more").unwrap_or_default().to_owned());
    // What the address asked for came with the page.
    let read = StoredValue::new(asked.get_untracked());
    let call = Call::new();
    effect(move || {
        let asked = asked.get();
        if !asked.is_empty() && read.get_value() != asked {
            read.set_value(asked);
            let number = chosen.0.to_string();
            call.start(get_processes(String::new(), number, Some(chosen.0), false, true));
        }
    });
    let href = move || {
        let times: u32 = asked.get().parse().unwrap_or_default();
        format!("{link}&more={}", times.wrapping_add(1))
    };
    let html = move || match call.answer() {
        Some(Ok(data)) => match data.read::<ProcessesView>() {
            Ok(view) if view.selected.iter().any(|row| key(row) == chosen) => view.more,
            _ => "It has ended.".to_owned(),
        },
        _ => first.clone(),
    };
    view! {
        <div class="field">
            <h3>"Open files, sockets, limits"</h3>
            <p class="field-help">"Read from the kernel when you ask. The environment is never read: it holds secrets."</p>
            <div>
                <a class="button small" href=href data-noscroll="true">
                    "Read them now"
                </a>
            </div>
            <span class="field-fault" role="status">{move || call.error().map_or_else(String::new, |error| error.to_string())}</span>
            <div class="process-more" inner_html=html></div>
        </div>
    }
}
