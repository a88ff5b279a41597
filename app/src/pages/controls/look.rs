//! What would run, before it does, where there are no scripts: choose, give values, see exactly what would run, confirm. Links and
//! plain forms that the server draws; with scripts the panel does all of it in its place.
//!
//! Values travel in the address, so secrets do not: they are asked for in the last step, and shown in none.

use super::{
    api::RunAction,
    drawn::preview,
    param::{ParamField, first_value},
    words::run_key,
};
use crate::{
    ports::Ports,
    prelude::*,
    ui::{Notice, Tone},
};
use farol_model::{
    Viewer,
    action::{ActionSpec, Danger, PanelNotes, ParamKind, ParamSpec, Params},
};
use leptos::server_fn::ServerFn;
use leptos_router::location::Url;

/// What the query's `again` begins with when it names an action to look at, and no run.
const LOOK: &str = "look:";

/// The card of this step; None when this is about something else.
pub fn look(ports: &Ports, viewer: &Viewer, again: &str, query: &str) -> Option<String> {
    let action = again.strip_prefix(LOOK)?;
    let specs = ports.control.specs(viewer);
    let Some(spec) = specs.into_iter().find(|spec| spec.id == action) else {
        return Some(String::new());
    };
    let notes = ports.runs.notes(std::slice::from_ref(&spec)).pop();
    let notes = notes.filter(|notes| notes.previews).unwrap_or_default();
    let (given, seen) = given(query);
    let shown = seen.then(|| {
        let mut params = given.clone();
        for param in spec.params.iter().filter(|param| secret(param)) {
            params.insert(param.name.clone(), "s".to_owned());
        }
        ports.runs.preview(viewer, &spec.id, &params)
    });
    let body = match shown {
        Some(Ok(lines)) => confirm(&spec, &notes, &given, &lines, ports.metrics.now_ms()),
        Some(Err(fault)) => {
            let fields = values(&spec, &given);
            view! {
                <Notice tone=Tone::Crit title="This cannot be run" text=fault.message/>
                {fields}
            }
            .into_any()
        }
        None => values(&spec, &given),
    };
    let card = view! {
        <section class="card" aria-label=format!("{}: what would run", spec.title)>
            <div class="card-head">
                <h2>{spec.title.clone()}</h2>
            </div>
            <div class="card-body">
                <p>{spec.summary.clone()}</p>
                {body}
            </div>
        </section>
    };
    Some(card.to_html())
}

/// The values of a query, and whether what would run is to be shown.
fn given(query: &str) -> (Params, bool) {
    let mut params = Params::new();
    let mut seen = false;
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let plain = |text: &str| Url::unescape(&text.replace('+', " "));
        let name = plain(name);
        if name == "seen" {
            seen = true;
        }
        let param = name
            .strip_prefix("params[")
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(param) = param {
            params.insert(param.to_owned(), plain(value));
        }
    }
    (params, seen)
}

fn secret(param: &ParamSpec) -> bool {
    matches!(param.kind, ParamKind::Secret { .. })
}

fn fields(spec: &ActionSpec, given: &Params, secrets: bool) -> Vec<AnyView> {
    let params = spec.params.iter().filter(|param| secret(param) == secrets);
    let first: Params = params
        .clone()
        .map(|param| (param.name.clone(), first_value(param, given)))
        .collect();
    let values = RwSignal::new(first);
    params
        .map(|param| {
            view! { <ParamField param=param.clone() prefix="look".to_owned() values touched=RwSignal::new(false)/> }
        })
        .collect()
}

/// The first step: values but for secrets.
fn values(spec: &ActionSpec, given: &Params) -> AnyView {
    let fields = fields(spec, given, false);
    view! {
        <form class="stack" method="get" action="/controls">
            <input type="hidden" name="again" value=format!("{LOOK}{}", spec.id)/>
            <input type="hidden" name="seen" value="true"/>
            {fields}
            <button class="button" type="submit">
                "Show what would run"
            </button>
        </form>
    }
    .into_any()
}

/// The second: what would run, what is secret, and the word of the person.
fn confirm(spec: &ActionSpec, notes: &PanelNotes, given: &Params, lines: &[String], now_ms: i64) -> AnyView {
    let held = given
        .iter()
        .map(|(name, value)| {
            view! { <input type="hidden" name=format!("params[{name}]") value=value.clone()/> }
        })
        .collect::<Vec<_>>();
    let dangerous = spec.danger == Danger::Dangerous;
    let typed = notes.typed.clone();
    let word = match (dangerous, typed.is_empty()) {
        (false, _) => ().into_any(),
        (true, false) => view! {
            <label class="confirm-box">
                <span>"Type " <code>{typed.clone()}</code> " to confirm. This cannot be undone."</span>
                <input class="input" name="typed" required autocomplete="off" pattern=typed/>
            </label>
        }
        .into_any(),
        (true, true) => view! {
            <label class="check confirm-box">
                <input type="checkbox" name="confirm" value="true" required/>
                <span>"I mean it: this cannot be undone."</span>
            </label>
        }
        .into_any(),
    };
    let key = run_key(&crate::request::key_seed(now_ms), &spec.id, 0);
    let secrets = fields(spec, &Params::new(), true);
    let class = if dangerous {
        "button danger"
    } else {
        "button primary"
    };
    view! {
        <div inner_html=preview(lines)></div>
        <form class="stack" method="post" action=RunAction::url()>
            <input type="hidden" name="action" value=spec.id.clone()/>
            <input type="hidden" name="key" value=key/>
            {held}
            {secrets}
            {word}
            <div class="button-row">
                <button class=class type="submit">
                    {spec.title.clone()}
                </button>
                <a class="button" href=format!("/controls?again={LOOK}{}", spec.id)>
                    "Other values"
                </a>
            </div>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_an_address_are_read_as_a_form_writes_them() {
        let (params, seen) = given("again=look%3Ax&seen=true&params%5Bwho%5D=a+b%26c&params[n]=1&x=y");
        assert!(seen);
        let wanted: Params = [("who", "a b&c"), ("n", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(params, wanted);
        assert_eq!(given(""), (Params::new(), false));
    }
}
