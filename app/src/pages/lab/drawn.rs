//! The page as the server draws it. Each `data-` attribute is a place that `public/lab/page.js` fills or listens to, so
//! names here and there go together.

use super::words::{CARRIERS, COUNTED, Carrier, ECHO};
use crate::prelude::*;
use crate::ui::Card;

/// What runs ends when the page has been out of sight for so long, milliseconds.
const HIDDEN_MS: u32 = 60_000;

/// A carrier from which nothing came for so long is dead, milliseconds: the slowest channel speaks once a minute.
const SILENT_MS: u32 = 65_000;

/// Heads of the figures, as the script knows them and as people do.
const FIGURES: [(&str, &str); 8] = [
    ("p50", "Latency p50"),
    ("p99", "p99"),
    ("max", "Max"),
    ("messages", "Messages"),
    ("received", "Received"),
    ("overhead", "Overhead"),
    ("requests", "Requests"),
    ("first", "First"),
];

/// All of it, for somebody who may see these channels.
pub fn lab(channels: Vec<String>) -> String {
    let page = view! {
        <transport-lab class="page lab" data-hidden-ms=HIDDEN_MS.to_string() data-silent-ms=SILENT_MS.to_string()>
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Transport lab"</h1>
                    <p class="prose">
                        "One channel over five carriers, measured here and now. Start them, then stop the server or slow your network down, and see who comes back and how late."
                    </p>
                </div>
                <Starter channels/>
            </div>
            <noscript>
                <p class="notice warn">
                    "Measuring needs JavaScript, because it is your browser that measures. What is written about each carrier holds without."
                </p>
            </noscript>
            <Comparison/>
            <RoundTrip/>
            <Counted/>
        </transport-lab>
    };
    page.to_html()
}

/// Which channel, and all carriers at once.
#[component]
fn Starter(channels: Vec<String>) -> AnyView {
    let preferred = farol_model::channel::Channel::local_metrics("cpu");
    let options = channels
        .into_iter()
        .map(|name| {
            let chosen = name == preferred;
            view! {
                <option value=name.clone() selected=chosen>
                    {name.clone()}
                </option>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <div class="page-head-end">
            <select class="input lab-channel" aria-label="Channel" autocomplete="off" disabled>
                {options}
            </select>
            <button class="button primary" type="button" data-start-all="" disabled>
                "Start all"
            </button>
            <button class="button" type="button" data-stop-all="" disabled>
                "Stop all"
            </button>
        </div>
    }
}

/// A group of two rows for each carrier: its figures, and when to choose it. The roles keep it a table for screen readers
/// where style shows it as cards.
#[component]
fn Comparison() -> AnyView {
    let heads = FIGURES
        .into_iter()
        .map(|(_, title)| {
            view! {
                <th class="number" scope="col" role="columnheader">
                    {title}
                </th>
            }
        })
        .collect::<Vec<_>>();
    let groups = CARRIERS
        .into_iter()
        .map(|carrier| view! { <Group carrier/> })
        .collect::<Vec<_>>();
    view! {
        <section class="card" aria-label="Side by side">
            <div class="card-head">
                <h2>"Side by side"</h2>
                <p class="card-end muted" role="status" data-news="">
                    "Getting ready."
                </p>
            </div>
            <table class="lab-table" role="table" aria-label="Carriers side by side">
                <thead role="rowgroup">
                    <tr role="row">
                        <th class="lab-carrier" scope="col" role="columnheader">
                            "Carrier"
                        </th>
                        {heads}
                        <th class="lab-spark" scope="col" role="columnheader">
                            "Last minute"
                        </th>
                        <th class="lab-toggle" scope="col" role="columnheader">
                            <span class="visually-hidden">"Start or stop"</span>
                        </th>
                    </tr>
                </thead>
                {groups}
            </table>
        </section>
    }
}

#[component]
fn Group(carrier: Carrier) -> AnyView {
    let cells = FIGURES
        .into_iter()
        .map(|(id, title)| {
            view! {
                <td class="number" role="cell" data-label=title data-figure=id>
                    "–"
                </td>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <tbody role="rowgroup" data-carrier=carrier.id>
            <tr role="row">
                <th class="lab-carrier" scope="row" role="rowheader">
                    <span data-name="">{carrier.name}</span>
                    <State/>
                </th>
                {cells}
                <td class="lab-spark" role="cell">
                    <Spark/>
                </td>
                <td class="lab-toggle" role="cell">
                    <Toggle name=carrier.name/>
                </td>
            </tr>
            <tr role="row">
                <td class="lab-when" role="cell" colspan="11" aria-colspan="11">
                    <p>
                        {carrier.when} " " <code>{carrier.address}</code>
                    </p>
                </td>
            </tr>
        </tbody>
    }
}

/// Where a carrier stands, as shape and word.
#[component]
fn State() -> AnyView {
    view! {
        <span class="connection" data-live="stopped">
            <span class="connection-mark" aria-hidden="true"></span>
            <span class="connection-words" data-words="">
                "Stopped"
            </span>
        </span>
    }
}

/// The last minute as a line. The figures beside it speak.
#[component]
fn Spark() -> AnyView {
    view! {
        <svg viewBox="0 0 60 20" preserveAspectRatio="none" aria-hidden="true" focusable="false">
            <polyline vector-effect="non-scaling-stroke"></polyline>
        </svg>
    }
}

#[component]
fn Toggle(name: &'static str) -> AnyView {
    view! {
        <button class="button small" type="button" data-toggle="" disabled>
            <span data-verb="">"Start"</span>
            <span class="visually-hidden">{name}</span>
        </button>
    }
}

#[component]
fn RoundTrip() -> AnyView {
    let figures = [("last", "Last"), ("p50", "p50"), ("p99", "p99")]
        .into_iter()
        .map(|(id, title)| {
            view! {
                <div>
                    <dt>{title}</dt>
                    <dd data-figure=id>"–"</dd>
                </div>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <section class="card" aria-label="Round trip" data-carrier="echo">
            <div class="card-head">
                <h2 data-name="">"Round trip"</h2>
                <State/>
                <div class="card-end">
                    <Toggle name="Round trip"/>
                </div>
            </div>
            <div class="card-body lab-echo">
                <dl class="lab-figures">{figures}</dl>
                <div class="lab-spark">
                    <Spark/>
                </div>
                <p class="prose">
                    {ECHO} " " <code>"GET /live/echo"</code>
                </p>
            </div>
        </section>
    }
}

#[component]
fn Counted() -> AnyView {
    let terms = COUNTED
        .into_iter()
        .map(|(term, words)| {
            view! {
                <div>
                    <dt>{term}</dt>
                    <dd>{words}</dd>
                </div>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <Card title="How it is counted">
            <dl class="lab-terms">
                {terms} <div>
                    <dt>"Clock"</dt>
                    <dd>
                        "The server's is " <span data-clock="">"not measured yet"</span>
                        ". It says its time when it is connected to; half of that round trip is how wrong this can be."
                    </dd>
                </div> <div>
                    <dt>"The script"</dt>
                    <dd>
                        "Small clients, to be read and copied: "
                        <a href="/lab/carriers.js" rel="external">
                            "carriers.js"
                        </a> ", "
                        <a href="/lab/page.js" rel="external">
                            "page.js"
                        </a> " and "
                        <a href="/lab/bytes.js" rel="external">
                            "bytes.js"
                        </a> "."
                    </dd>
                </div>
            </dl>
        </Card>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> String {
        let owner = Owner::new();
        owner.with(|| lab(vec!["metrics/local/memory".into(), "metrics/local/cpu".into()]))
    }

    #[test]
    fn every_carrier_has_a_place_for_every_figure_and_is_stopped() {
        let html = drawn();
        assert_eq!(html.matches("data-carrier=").count(), CARRIERS.len() + 1);
        assert_eq!(
            html.matches("data-figure=").count(),
            CARRIERS.len() * FIGURES.len() + 3
        );
        assert_eq!(html.matches("data-live=\"stopped\"").count(), CARRIERS.len() + 1);
    }

    #[test]
    fn nothing_can_be_pressed_before_the_script_is_there() {
        let html = drawn();
        for tag in ["<button", "<select"] {
            for control in html.split(tag).skip(1) {
                assert!(
                    control.split('>').next().unwrap().contains("disabled"),
                    "{control}"
                );
            }
        }
        assert!(html.contains("<noscript>"));
    }

    #[test]
    fn the_processor_is_chosen_first_and_names_are_escaped() {
        let html = drawn();
        let chosen = html.split("<option").find(|option| option.contains("selected"));
        assert!(chosen.unwrap().contains("metrics/local/cpu"));
        let owner = Owner::new();
        assert!(!owner.with(|| lab(vec!["<b>".into()])).contains("<b>"));
    }
}
