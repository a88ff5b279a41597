use super::{COUNT, FIRST_TOTAL, LOOKED, Question, Subject, Watched, state::TableState};
use crate::prelude::*;
use crate::{
    page_data::{load, page_data},
    pages::controls::CameBack,
    ui::{
        Empty, Notice, Tone,
        grid::{Asked, FIRST_ROWS, Grid, GridTools},
    },
};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// The whole page.
#[component]
pub fn WatchedPage(subject: &'static Subject) -> AnyView {
    let asked = Asked::read(subject.path, subject.heads, subject.usual);
    let query = use_query_map().get_untracked();
    let word = |name: &str| query.get_str(name).unwrap_or_default().to_owned();
    let question = Question {
        sort: asked.sort.to_word(subject.heads),
        text: asked.text.clone(),
        from: 0,
        count: FIRST_ROWS as u32,
        id: word("id"),
        lines: subject.read.is_none() || !word(subject.word).is_empty(),
        charts: true,
        by_itself: false,
    };
    let resource = page_data(String::new, move |_| (subject.ask)(question.clone()));
    view! {
        <Title text=subject.title/>
        <div class="page">
            <CameBack/>
            {load(resource, move |view| view! { <Table subject view asked=asked.clone()/> })}
        </div>
    }
}

#[component]
fn Table(subject: &'static Subject, view: Watched, asked: Asked) -> AnyView {
    let actions = view.actions.clone();
    let cut = view.matching as usize > view.rows.len();
    let state = TableState::new(subject, view, asked);
    state.keep_fresh();
    let grid = state.grid;
    let notice = Memo::new(move |_| state.view.with(|view| view.notice.clone()));
    view! {
        <form
            class="section"
            class:stale=move || !state.trouble.with(String::is_empty)
            method="get"
            action=subject.path
            on:submit=|event| event.prevent_default()
        >
            <div class="page-head">
                <div class="page-head-words">
                    <h1>{subject.title}</h1>
                    <p role="status">{head(state, COUNT)}</p>
                </div>
                <GridTools state=grid label=subject.filter fixed=subject.link/>
            </div>
            {move || trouble(state)}
            <div class="watched-notice" inner_html=move || notice.get()></div>
            <Totals state/>
            <Grid state=grid class=subject.class label=subject.title row=move |index| state.row(index)/>
            {cut.then(|| view! { <p class="no-js-only">"These are the first ones. Filter to see others."</p> })}
            {move || nobody(state)}
        </form>
        {(subject.details)(state, actions)}
    }
}

/// A word of the head. Tracks.
fn head(state: TableState, at: usize) -> AnyView {
    let word = move || {
        state
            .view
            .with(|view| view.head.get(at).cloned().unwrap_or_default())
    };
    reactive(word).into_any()
}

/// Why the numbers are old, and since when.
fn trouble(state: TableState) -> AnyView {
    let why = state.trouble.get();
    if why.is_empty() {
        return ().into_any();
    }
    let seen = state
        .view
        .with(|view| view.head.get(LOOKED).cloned().unwrap_or_default());
    let text = format!("{why} What is shown is of {seen}. Trying again each second.");
    view! { <Notice tone=Tone::Warn title="These numbers are old" text/> }
}

fn nobody(state: TableState) -> AnyView {
    if state.grid.total.get() > 0 {
        return ().into_any();
    }
    let subject = state.subject;
    let [title, text] = match state.grid.choice.text.with(String::is_empty) {
        // What the server says of itself goes first: there may be a reason.
        true => match state.view.with(|view| view.absent.clone()).as_slice() {
            [title, text] => [title.clone(), text.clone()],
            _ => subject.nobody.map(str::to_owned),
        },
        false => subject.no_match.map(str::to_owned),
    };
    view! { <Empty glyph=subject.glyph title text/> }
}

#[component]
fn Totals(state: TableState) -> AnyView {
    let totals = state.subject.totals.iter().enumerate().map(|(at, title)| {
        view! {
            <div>
                <dt>{*title}</dt>
                <dd>{head(state, FIRST_TOTAL + at)}</dd>
            </div>
        }
    });
    view! { <dl class="totals">{totals.collect::<Vec<_>>()}</dl> }
}
