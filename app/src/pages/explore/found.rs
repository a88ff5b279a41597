//! What is found by typing, each with a button that adds it to the board; and, where nothing is on the board yet, where to begin.

use super::{
    build::Built,
    draft::{Asked, Draft},
};
use crate::{
    pages::drawn::counted,
    past::{FoundName, FoundSeries},
    ports::{MetricsPort, Ports},
    prelude::*,
    ui::{Empty, Glyph, Icon},
};
use farol_model::{Fault, metric::Unit};

/// Metrics that are listed.
const LISTED: usize = 30;

/// Where to begin: an expression over metrics that most machines have, and what it answers.
const BEGINNINGS: [(&str, &str); 7] = [
    ("cpu_usage_percent", "How busy is the processor?"),
    (
        "memory_available_bytes",
        "How much memory can programs still get?",
    ),
    (
        "sum by (device) (disk_written_bytes_per_second)",
        "Which disk is written to, and how much?",
    ),
    (
        "topk(5, disk_used_percent)",
        "Which file systems are the fullest?",
    ),
    (
        "network_received_bytes_per_second",
        "What comes in over the network?",
    ),
    ("avg(cpu_core_usage_percent)", "The mean of all cores"),
    ("load1", "Who waits for a processor or a disk?"),
];

/// What is found, by itself: for who types.
pub async fn only(ports: &Ports, query: &str) -> String {
    let Asked { draft, .. } = Draft::ask(query);
    let found = find(ports.metrics.as_ref(), &draft).await;
    list(&draft, found.as_ref()).to_html()
}

/// What is looked for. None: nothing is.
pub async fn find(metrics: &dyn MetricsPort, draft: &Draft) -> Option<Result<FoundSeries, Fault>> {
    if draft.find.trim().is_empty() {
        return None;
    }
    Some(metrics.find(&draft.find, LISTED).await)
}

/// The list below the field.
pub fn list(draft: &Draft, found: Option<&Result<FoundSeries, Fault>>) -> AnyView {
    let note = |glyph, text: String| {
        view! {
            <div class="unavailable">
                <Icon glyph/>
                <p>{text}</p>
            </div>
        }
    };
    let found = match found {
        None => return ().into_any(),
        Some(Err(fault)) => return note(Glyph::Alert, fault.message.clone()),
        Some(Ok(found)) if found.names.is_empty() => {
            let text = format!(
                "Nothing is called \u{201c}{}\u{201d}. Try fewer letters, or a word of what it measures: disk, wait, memory.",
                draft.find
            );
            return note(Glyph::Info, text);
        }
        Some(Ok(found)) => found,
    };
    let listed: usize = found.names.iter().map(|name| name.count).sum();
    let mut words = format!(
        "{}, {} series",
        counted(found.names.len() as u64, "metric"),
        found.total
    );
    if found.total > listed {
        words = format!("The first {words} in all. More letters find fewer.",);
    }
    let rows = found.names.iter().map(row).collect::<Vec<_>>();
    view! {
        <div class="explore-found-head">
            <span class="muted" role="status">
                {words}
            </span>
            <button class="button plain small" type="submit" name="do" value="found">
                "Close the list"
            </button>
        </div>
        <ul class="list explore-list" tabindex="0" aria-label="Metrics that were found">
            {rows}
        </ul>
    }
}

fn row(found: &FoundName) -> AnyView {
    let mut about = vec![unit_words(found.unit).to_owned()];
    about.push(format!("{} series", found.count));
    if !found.labels.is_empty() {
        about.push(format!("by {}", found.labels.join(", ")));
    }
    view! {
        <li>
            <button
                class="button small"
                type="submit"
                name="add"
                value=found.name.clone()
                aria-label=format!("Add {}", found.name)
            >
                "Add"
            </button>
            <div class="list-main">
                <span class="mono" title=found.name.clone()>
                    {found.name.clone()}
                </span>
                <small title=found.help.clone()>{found.help.clone()}</small>
            </div>
            <span class="list-end" title=found.channel.clone()>
                {about.join(" · ")}
            </span>
        </li>
    }
}

/// Where nothing is on the board: what one does here, and this machine's own metrics to begin with.
pub async fn beginnings(metrics: &dyn MetricsPort, draft: &Draft) -> AnyView {
    let mut links = Vec::new();
    let mut broken = None;
    for (expression, words) in BEGINNINGS {
        let metric = Built::parse(expression).map_or_else(String::new, |built| built.metric);
        match metrics.find(&metric, 1).await {
            Ok(found) if found.names.iter().any(|name| name.name == metric) => {
                links.push(beginning(draft, expression, words));
            }
            Ok(_) => {}
            Err(fault) => broken = Some(fault.message),
        }
    }
    let text = match (broken, links.is_empty()) {
        (Some(fault), _) => fault,
        (None, true) => "Nothing has been written down yet. Load the page again in a few seconds.".to_owned(),
        (None, false) => {
            "Find a metric above and add it, as often as you like; then choose what is combined, and keep the board. Or begin with one of these:"
                .to_owned()
        }
    };
    view! {
        <div class="card">
            <Empty glyph=Glyph::Load title="Nothing is on this board yet" text/>
            <ul class="explore-begin">{links}</ul>
        </div>
    }
}

fn beginning(draft: &Draft, expression: &str, words: &'static str) -> AnyView {
    view! {
        <li>
            <a href=draft.with(expression)>
                <span>{words}</span>
                <code>{expression.to_owned()}</code>
            </a>
        </li>
    }
}

/// A unit as a person reads it.
pub fn unit_words(unit: i32) -> &'static str {
    match Unit::try_from(unit).unwrap_or(Unit::None) {
        Unit::None => "a number",
        Unit::Percent => "percent",
        Unit::Bytes => "bytes",
        Unit::BytesPerSecond => "bytes per second",
        Unit::PerSecond => "per second",
        Unit::Seconds => "seconds",
        Unit::Celsius => "degrees Celsius",
        Unit::Hertz => "hertz",
        Unit::Count => "count",
        Unit::Watts => "watts",
        Unit::Volts => "volts",
        Unit::Amperes => "amperes",
        Unit::Rpm => "turns per minute",
    }
}
