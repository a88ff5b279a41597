//! What the server alone draws of controls and runs, as HTML that crosses as text: none of it is in the wasm.

use super::{
    api::DecideRun,
    words::{ago, params_words, status_words, took},
};
use crate::{
    ports::Ports,
    prelude::*,
    ui::{Badge, Empty, Glyph, Notice, Tone, moment::utc},
};
use farol_model::{
    Fault, Viewer,
    action::{ActionSpec, FileFault, ParamKind, Params, Run, RunFacts, RunStatus, RunsQuery, Target},
};
use leptos::server_fn::ServerFn;

/// Things that have their controls beside themselves: what they are called, and where they are.
const BESIDE: [(Target, &str, &str); 4] = [
    (Target::Service, "Services", "/services"),
    (Target::Container, "Containers", "/containers"),
    (Target::Process, "Processes", "/processes"),
    (Target::Connection, "Connections", "/connections"),
];

/// What stands above the panels, or in their place where there are none.
pub fn above(ports: &Ports, viewer: &Viewer, any: bool) -> String {
    let may = |target| !ports.control.specs_on(viewer, Some(target)).is_empty();
    let places: Vec<_> = BESIDE.into_iter().filter(|(target, ..)| may(*target)).collect();
    let none = match (any, places.is_empty()) {
        (true, _) => String::new(),
        (false, true) => none(
            "Nothing for your role",
            "You may see runs but start none. An administrator can give you the operator role.",
        ),
        (false, false) => none(
            "No runbooks yet",
            "What is put into the folder of runbooks has its panel here within seconds. The manual says how one is written.",
        ),
    };
    beside(&places) + &faults(&ports.runs.faults()) + &none
}

fn none(title: &'static str, text: &'static str) -> String {
    let card = view! {
        <div class="card">
            <Empty glyph=Glyph::Controls title text/>
        </div>
    };
    card.to_html()
}

/// Where the panels are of what is done to one thing.
fn beside(places: &[(Target, &'static str, &'static str)]) -> String {
    let links = places
        .iter()
        .map(|(_, all, path)| {
            view! {
                " "
                <a class="link" href=*path>
                    {*all}
                </a>
            }
        })
        .collect::<Vec<_>>();
    match links.is_empty() {
        true => String::new(),
        false => {
            view! { <p class="beside">"What is done to one of them stands beside it:" {links}</p> }.to_html()
        }
    }
}

/// Files of runbooks that cannot be used, with the line at fault.
fn faults(faults: &[FileFault]) -> String {
    if faults.is_empty() {
        return String::new();
    }
    let rows = faults
        .iter()
        .map(|fault| {
            let at = match fault.line {
                0 => fault.file.clone(),
                line => format!("{}:{line}", fault.file),
            };
            view! {
                <li>
                    <code>{at}</code>
                    " "
                    {fault.reason.clone()}
                </li>
            }
        })
        .collect::<Vec<_>>();
    let page = view! {
        <section class="card bad-files" aria-label="Runbooks that cannot be used">
            <div class="card-head">
                <h2>"Runbooks that cannot be used"</h2>
                <Badge tone=Tone::Crit glyph=Glyph::Alert word="Left out"/>
            </div>
            <div class="card-body">
                <p>"Mend these files; they are read again within seconds. All others can be used."</p>
                <ul class="fault-lines">{rows}</ul>
            </div>
        </section>
    };
    page.to_html()
}

/// Runs as a list, each leading to its page.
pub fn run_list(runs: &[Run], now_ms: i64) -> String {
    if runs.is_empty() {
        let none = view! {
            <Empty glyph=Glyph::Controls title="No runs yet" text="What you start from a panel is listed here, with its output."/>
        };
        return none.to_html();
    }
    let rows = runs
        .iter()
        .map(|run| {
            let (tone, glyph, word) = status_words(run.status);
            let about = match params_words(&run.params) {
                with if with.is_empty() => run.who.clone(),
                with => format!("{} · {with}", run.who),
            };
            view! {
                <li>
                    <Badge tone glyph word/>
                    <div class="list-main">
                        <a class="link" href=format!("/controls/runs/{}", run.id)>
                            {run.title.clone()}
                        </a>
                        <small title=about.clone()>{about.clone()}</small>
                    </div>
                    <span class="list-end" title=utc(run.queued_ms)>
                        {ago(run.queued_ms, now_ms)}
                    </span>
                </li>
            }
        })
        .collect::<Vec<_>>();
    view! { <ul class="list">{rows}</ul> }.to_html()
}

/// What exactly would run.
pub fn preview(lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let text = lines.join("\n");
    let drawn = view! {
        <div class="preview">
            <p class="preview-title">"This is what would run. Nothing has been started."</p>
            <pre class="output" tabindex="0" role="region" aria-label="What would run">
                {text}
            </pre>
        </div>
    };
    drawn.to_html()
}

/// The values of a run as far as they may be used again: secrets are asked for anew.
pub fn values_again(specs: &[ActionSpec], run: &Run) -> Params {
    let spec = specs.iter().find(|spec| spec.id == run.action);
    let params = spec.into_iter().flat_map(|spec| &spec.params);
    params
        .filter(|param| !matches!(param.kind, ParamKind::Secret { .. }))
        .filter_map(|param| Some((param.name.clone(), run.params.get(&param.name)?.clone())))
        .collect()
}

/// Whether what was typed is what this action wants to see typed.
pub fn typed_right(ports: &Ports, viewer: &Viewer, action: &str, typed: &str) -> bool {
    let specs = ports.control.specs(viewer);
    let spec = specs.into_iter().find(|spec| spec.id == action);
    spec.is_some_and(|spec| {
        let notes = ports.runs.notes(&[spec]);
        notes
            .first()
            .is_some_and(|notes| !notes.typed.is_empty() && notes.typed == typed)
    })
}

/// What else there is to say of a run and to do with it. Empty where this viewer may not know.
pub async fn more(ports: &Ports, viewer: &Viewer, run: &Run) -> String {
    let Ok(facts) = ports.runs.facts(viewer, &run.id).await else {
        return String::new();
    };
    let before = before(ports, viewer, run).await;
    let awaiting = run.status == RunStatus::Awaiting;
    let why_not = ports.runs.why_not(viewer, &run.id);
    let may_again = ports
        .control
        .specs(viewer)
        .iter()
        .any(|spec| spec.id == run.action);
    let drawn = view! {
        {awaiting.then(|| decision(run, &facts, why_not, ports.metrics.now_ms()))}
        {known(run, &facts)}
        <div class="button-row run-tools">
            {may_again
                .then(|| {
                    view! {
                        <a class="button small" href=format!("/controls?again={}", run.id)>
                            "Run again"
                        </a>
                    }
                })}
            {(!facts.output_gone)
                .then(|| {
                    view! {
                        <a class="button small" rel="external" href=format!("/controls/runs/{}/output.txt", run.id) download=format!("{}.txt", run.id)>
                            "Download output"
                        </a>
                    }
                })}
            {before
                .map(|before| {
                    view! {
                        <a class="button small" href=format!("/runs/compare?first={before}&second={}", run.id)>
                            "Compare with the one before"
                        </a>
                    }
                })}
        </div>
    };
    drawn.to_html()
}

/// The run of the same action before this one.
async fn before(ports: &Ports, viewer: &Viewer, run: &Run) -> Option<String> {
    let query = RunsQuery {
        action: run.action.clone(),
        before: run.id.clone(),
        ..RunsQuery::default()
    };
    let page = ports.runs.list(viewer, query).await.ok()?;
    page.runs
        .into_iter()
        .find(|other| other.action == run.action)
        .map(|other| other.id)
}

/// The buttons of the second person, or why this viewer is none.
fn decision(run: &Run, facts: &RunFacts, why_not: Option<Fault>, now_ms: i64) -> AnyView {
    let until = facts.approve_by_ms.map(utc).unwrap_or_default();
    let left = facts
        .approve_by_ms
        .map(|at| took((at - now_ms).max(0)))
        .unwrap_or_default();
    let asked = format!("{} asked for this {}.", run.who, ago(run.queued_ms, now_ms));
    let body = match why_not {
        Some(fault) => view! { <p>{fault.message}</p> },
        None => view! {
            <form class="button-row" method="post" action=DecideRun::url()>
                <input type="hidden" name="run" value=run.id.clone()/>
                <button class="button primary" type="submit" name="word" value="approve">
                    "Approve"
                </button>
                <button class="button danger" type="submit" name="word" value="deny">
                    "Deny"
                </button>
            </form>
        },
    };
    view! {
        <section class="notice warn approval" aria-label="Approval">
            <div class="notice-words">
                <p class="notice-title">"A second person has to approve this"</p>
                <p title=until>{asked} " It expires in " {left} "."</p>
                {body}
            </div>
        </section>
    }
}

/// What is known beside the state.
fn known(run: &Run, facts: &RunFacts) -> AnyView {
    let mut rows: Vec<(&str, String)> = Vec::new();
    if let Some(by) = &facts.approver {
        let word = if run.status == RunStatus::Denied {
            "Denied by"
        } else {
            "Approved by"
        };
        rows.push((word, by.clone()));
    }
    if let Some(pid) = facts.pid {
        rows.push(("Process", pid.to_string()));
    }
    if run.status.ended() {
        rows.push(("Output kept", crate::feed::bytes(facts.output_bytes as f64)));
    }
    let rows = rows
        .into_iter()
        .map(|(name, value)| {
            view! {
                <div>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
        .collect::<Vec<_>>();
    let gone = facts.output_gone.then(|| {
        view! {
            <Notice tone=Tone::Info title="Its output is gone" text="It was removed to make room for newer ones. How it ended is kept for good."/>
        }
    });
    view! {
        <dl class="facts">{rows}</dl>
        {gone}
    }
}
