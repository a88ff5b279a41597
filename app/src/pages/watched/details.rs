//! Everything about one row: facts, the lines that belong to it, and panels that act on it.

use super::{Watched, state::TableState, table::Row};
use crate::prelude::*;
use crate::{
    pages::controls::ActionPanel,
    ui::{Moment, Notice, TimeStyle, Tone, drawer::Drawer},
};
use farol_model::action::{ActionSpec, Danger, Params};

/// Open while the address names one.
pub fn details(state: TableState, actions: Vec<ActionSpec>) -> AnyView {
    let drawn = reactive(move || {
        if state.chosen.with(String::is_empty) {
            return ().into_any();
        }
        let title = reactive(move || {
            let id = state.chosen.get();
            (state.subject.name)(&id, &|at| state.fact(at))
        });
        let title = title.into_any();
        let actions = actions.clone();
        view! {
            <Drawer title close=state.grid.href("")>
                {move || gone(state)}
                {panels(state, actions)}
                {facts(state)}
                <Lines state/>
            </Drawer>
        }
    });
    drawn.into_any()
}

/// Drawn anew for another one, and when the server says that it takes more care.
fn panels(state: TableState, actions: Vec<ActionSpec>) -> AnyView {
    let which = Memo::new(move |_| {
        let id = state.chosen.get();
        state
            .view
            .with(|view| (view.id == id).then(|| (id, view.vital.clone())))
    });
    let drawn = reactive(move || {
        let Some((id, vital)) = which.get() else {
            return ().into_any();
        };
        // Each answer brings another, so the panels of two never share a key.
        let key_seed = state.view.with_untracked(|view| view.key_seed.clone());
        let prefill = Params::from([(state.subject.param.to_owned(), id)]);
        let care = !vital.is_empty();
        let warning = care.then(|| view! { <Notice tone=Tone::Warn title="Take care" text=vital/> });
        let panels = actions
            .iter()
            .cloned()
            .map(|mut spec| {
                if care {
                    spec.danger = Danger::Dangerous;
                }
                view! { <ActionPanel spec prefill=prefill.clone() key_seed=key_seed.clone()/> }
            })
            .collect::<Vec<_>>();
        view! { {warning} <div class="orders">{panels}</div> }
    });
    drawn.into_any()
}

/// Says that the chosen one is not there now. Tracks.
pub fn gone(state: TableState) -> AnyView {
    let gone = state.view.with(|view| view.gone && view.id == state.chosen.get());
    if !gone {
        return ().into_any();
    }
    let [title, text] = state.subject.gone;
    view! { <Notice tone=Tone::Info title text/> }
}

/// The details of the chosen one under their titles.
pub fn facts(state: TableState) -> AnyView {
    let facts = state.subject.facts.iter().enumerate().map(|(at, title)| {
        view! {
            <div>
                <dt>{*title}</dt>
                <dd>{move || state.fact(at)}</dd>
            </div>
        }
    });
    view! { <dl class="facts rows watched-facts">{facts.collect::<Vec<_>>()}</dl> }
}

/// Lines that are read when somebody asks for them, each press being another address, or followed.
#[component]
fn Lines(state: TableState) -> AnyView {
    let href = move || state.ask_again();
    // They are drawn again when others have come, and not with each look at the table.
    let which = Memo::new(move |_| {
        state.view.with(|view| {
            let last = view.lines.iter().map(|line| line.join(" "));
            format!("{} {} {}", view.id, view.lines_why, last.collect::<String>())
        })
    });
    let list = reactive(move || {
        // To be told of changes it must have been read once.
        which.with(|_| ());
        let drawn = |view: &Watched| {
            let lines = view.lines.iter().map(line).collect::<Vec<_>>();
            view! {
                <p class="field-help">{view.lines_why.clone()}</p>
                {lines}
            }
        };
        state.view.with_untracked(drawn)
    });
    let [title, help] = state.subject.lines;
    let button = state.subject.read.map(|words| {
        view! {
            <div>
                <a class="button small" href=href data-noscroll="true">
                    {words}
                </a>
            </div>
        }
    });
    view! {
        <div class="field">
            <h3>{title}</h3>
            <p class="field-help">{help}</p>
            {button}
            <div class="frames">{list}</div>
        </div>
    }
}

fn line(line: &Row) -> AnyView {
    let [t_ms, about, text] = line.as_slice() else {
        return ().into_any();
    };
    let t_ms: i64 = t_ms.parse().unwrap_or_default();
    view! {
        <p>
            <Moment at_ms=t_ms style=TimeStyle::Time/>
            " "
            {about.clone()}
        </p>
        <pre>{text.clone()}</pre>
    }
}
