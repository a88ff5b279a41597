//! Everything about one connection: facts, its last frames on demand, and the panel that ends it.

use super::table::{FACT_ADDRESS, FACT_USER, FACTS};
use crate::prelude::*;
use crate::{
    format::NO_VALUE,
    pages::controls::ActionPanel,
    ui::{Moment, Notice, TimeStyle, Tone, drawer::Drawer},
    watched::{Row, TableState, TableView, ask_more, facts},
};
use farol_model::action::{ActionSpec, Params};

/// Open while the address names a connection.
#[component]
pub fn Details(state: TableState, disconnect: Option<ActionSpec>) -> AnyView {
    let drawn = reactive(move || {
        let id = state.chosen.get();
        if id.is_empty() {
            return ().into_any();
        }
        let prefill = Params::from([("connection".to_owned(), id)]);
        // Each answer brings another, so the panels of two connections never share a key.
        let key_seed = state.view.with_untracked(|view| view.key_seed.clone());
        let panel = disconnect
            .clone()
            .map(|spec| view! { <ActionPanel spec prefill key_seed/> });
        let title = reactive(move || title(state)).into_any();
        view! {
            <Drawer title close=state.grid.href("")>
                {move || gone(state)}
                {facts(state, &FACTS)}
                <Frames state/>
                {panel}
            </Drawer>
        }
    });
    drawn.into_any()
}

/// Whose connection it is, or from where while nobody has said who it is.
fn title(state: TableState) -> String {
    let whose = match state.fact(FACT_USER) {
        unknown if unknown == NO_VALUE => state.fact(FACT_ADDRESS),
        user => user,
    };
    format!("Connection of {whose}")
}

fn gone(state: TableState) -> AnyView {
    let gone = state.view.with(|view| view.gone && view.id == state.chosen.get());
    if !gone {
        return ().into_any();
    }
    view! {
        <Notice
            tone=Tone::Info
            title="Not connected now"
            text="It has ended; its client may be back as another connection. These are its last values."
        />
    }
}

/// The last frames, read when somebody asks for them: each press is another address.
#[component]
fn Frames(state: TableState) -> AnyView {
    let href = move || ask_more(state);
    // They are drawn again when others have come, and not with each look at the table.
    let which = Memo::new(move |_| {
        state.view.with(|view| {
            let times = view.more.iter().filter_map(|frame| frame.first()).cloned();
            format!("{} {}", view.id, times.collect::<String>())
        })
    });
    let list = reactive(move || {
        // To be told of changes it must have been read once.
        which.with(|_| ());
        let drawn = |view: &TableView| view.more.iter().map(frame).collect::<Vec<_>>();
        state.view.with_untracked(drawn).into_any()
    });
    view! {
        <div class="field">
            <h3>"Last frames"</h3>
            <p class="field-help">"Up to 50, the oldest first. Tokens and parameters are not in them."</p>
            <div>
                <a class="button small" href=href data-noscroll="true">
                    "Read the last frames"
                </a>
            </div>
            <div class="frames">{list}</div>
        </div>
    }
}

fn frame(frame: &Row) -> AnyView {
    let [t_ms, about, text] = frame.as_slice() else {
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
