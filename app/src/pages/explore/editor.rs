//! The choices of one panel: filters, what is combined, which are kept. For who does not know how expressions are written; what
//! was chosen stands in the text above, and the text may be changed instead.

use super::{
    board::{Panel, TITLE},
    build::{Built, COMBINE, FILTERS, Filter, KEEP, SIGNS},
    view::LabelValues,
};
use crate::{
    past::{look::PERIODS, looks::MODES},
    prelude::*,
};

/// The choices of a panel that is open.
pub fn editor(panel: &Panel, labels: &[LabelValues]) -> AnyView {
    let title = view! {
        <div class="field">
            <label for="b-title">"Title"</label>
            <input
                class="input"
                id="b-title"
                name="t"
                value=panel.title.clone()
                maxlength=TITLE.to_string()
                placeholder="As the expression"
                autocomplete="off"
            />
        </div>
    };
    let Some(built) = Built::parse(&panel.expression) else {
        return view! {
            <div class="explore-editor">
                {title} {look(panel)}
                <p class="muted">
                    "This expression says more than can be clicked, or cannot be read. Change its text above."
                </p>
                {ends()}
            </div>
        };
    };
    view! {
        <div class="explore-editor">
            {title} <input type="hidden" name="b-was" value=panel.expression.clone()/>
            <input type="hidden" name="b-metric" value=built.metric.clone()/> {filters(&built, labels)}
            {combine(&built, labels)} {keep(&built)} {look(panel)} {ends()}
        </div>
    }
}

fn ends() -> AnyView {
    view! {
        <div class="button-row">
            <button class="button primary" type="submit" name="do" value="draw">
                "Draw"
            </button>
            <button class="button" type="submit" name="do" value="close">
                "Done"
            </button>
        </div>
    }
}

/// Which series of the metric: one row for each condition, and an empty one.
fn filters(built: &Built, labels: &[LabelValues]) -> AnyView {
    let empty = Filter {
        label: String::new(),
        sign: "=",
        value: String::new(),
    };
    let spare = (built.filters.len() < FILTERS).then_some(&empty);
    let rows = built.filters.iter().chain(spare).enumerate();
    let rows = rows
        .map(|(at, filter)| filter_row(at + 1, filter, labels))
        .collect::<Vec<_>>();
    let lists = labels
        .iter()
        .map(|label| {
            let values = label
                .values
                .iter()
                .map(|value| view! { <option value=value.clone()></option> });
            view! { <datalist id=format!("values-{}", label.name)>{values.collect::<Vec<_>>()}</datalist> }
        })
        .collect::<Vec<_>>();
    let all = labels.iter().flat_map(|label| {
        let of = label.name.clone();
        let option = move |value: &String| view! { <option value=value.clone() label=format!("{value} ({of})")></option> };
        label.values.iter().map(option)
    });
    view! {
        <fieldset>
            <legend>"Only series where"</legend>
            {rows}
            {lists}
            <datalist id="values">{all.collect::<Vec<_>>()}</datalist>
        </fieldset>
    }
}

fn filter_row(at: usize, filter: &Filter, labels: &[LabelValues]) -> AnyView {
    let known = labels.iter().any(|label| label.name == filter.label);
    let mut names: Vec<&str> = labels.iter().map(|label| label.name.as_str()).collect();
    if !names.contains(&"channel") {
        names.push("channel");
    }
    if !filter.label.is_empty() && !names.contains(&filter.label.as_str()) {
        names.push(&filter.label);
    }
    let names = names
        .into_iter()
        .map(|name| option(name, name, filter.label == name))
        .collect::<Vec<_>>();
    let signs = SIGNS
        .into_iter()
        .map(|(sign, words)| option(sign, words, filter.sign == sign))
        .collect::<Vec<_>>();
    let values = if known {
        format!("values-{}", filter.label)
    } else {
        "values".to_owned()
    };
    view! {
        <div class="explore-filter">
            <select class="input" name="b-label" aria-label=format!("Label of condition {at}")>
                <option value="">"label"</option>
                {names}
            </select>
            <select class="input" name="b-sign" aria-label=format!("Comparison of condition {at}")>
                {signs}
            </select>
            <input
                class="input"
                name="b-value"
                value=filter.value.clone()
                list=values
                aria-label=format!("Value of condition {at}")
                placeholder="value"
                autocomplete="off"
                spellcheck="false"
            />
        </div>
    }
}

/// Per second, and many series as fewer.
fn combine(built: &Built, labels: &[LabelValues]) -> AnyView {
    let ways = COMBINE
        .into_iter()
        .map(|(word, words)| option(word, words, built.combine == Some(word)))
        .collect::<Vec<_>>();
    let mut names: Vec<&str> = labels.iter().map(|label| label.name.as_str()).collect();
    for name in &built.by {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let by = names
        .into_iter()
        .map(|name| {
            let checked = built.by.iter().any(|by| by == name);
            view! {
                <label class="check">
                    <input type="checkbox" name="b-by" value=name.to_owned() checked=checked/>
                    <span>{name.to_owned()}</span>
                </label>
            }
        })
        .collect::<Vec<_>>();
    let by = (!by.is_empty()).then(|| {
        view! {
            <div class="field">
                <span class="field-label" id="b-by">
                    "A line for each"
                </span>
                <div class="explore-by" role="group" aria-labelledby="b-by">
                    {by}
                </div>
            </div>
        }
    });
    view! {
        <fieldset>
            <legend>"Function"</legend>
            <label class="check">
                <input type="checkbox" name="b-rate" checked=built.rate.is_some()/>
                <span>"Increase per second (rate), of what only grows"</span>
            </label>
            <input type="hidden" name="b-window" value=built.rate.clone()/>
            <div class="explore-function">
                {chooser("b-combine", "Combine", "nothing", ways)}
                {by}
                <div class="field">
                    <label for="b-q">"Quantile, 0 to 1"</label>
                    <input
                        class="input"
                        id="b-q"
                        name="b-q"
                        type="number"
                        min="0"
                        max="1"
                        step="any"
                        placeholder="0.95"
                        value=built.q.clone()
                    />
                </div>
            </div>
        </fieldset>
    }
}

/// Some of many.
fn keep(built: &Built) -> AnyView {
    let ways = KEEP
        .into_iter()
        .map(|(word, words)| option(word, words, built.keep == Some(word)))
        .collect::<Vec<_>>();
    view! {
        <fieldset>
            <legend>"Show"</legend>
            <div class="explore-function">
                {chooser("b-keep", "Which lines", "All", ways)}
                <div class="field">
                    <label for="b-k">"How many"</label>
                    <input
                        class="input"
                        id="b-k"
                        name="b-k"
                        type="number"
                        min="1"
                        max="100"
                        placeholder="5"
                        value=built.k.clone()
                    />
                </div>
            </div>
        </fieldset>
    }
}

/// How it is drawn.
fn look(panel: &Panel) -> AnyView {
    // One that cannot be read is told where the chart would be; chosen anew it can.
    let look = panel.looked().unwrap_or_default();
    let modes = MODES
        .into_iter()
        .map(|(mode, words)| option(mode.as_str(), words, look.mode == Some(mode)))
        .collect::<Vec<_>>();
    let compared = look
        .compare
        .as_ref()
        .map(|offset| (offset.word.clone(), offset.words()));
    let offered = PERIODS
        .into_iter()
        .map(|(word, words)| (word.to_owned(), words.to_owned()));
    let mut periods: Vec<(String, String)> = offered.collect();
    if let Some(other) = compared.clone().filter(|other| !periods.contains(other)) {
        periods.push(other);
    }
    let periods = periods
        .into_iter()
        .map(|period| option(&period.0, &period.1, compared.as_ref() == Some(&period)))
        .collect::<Vec<_>>();
    view! {
        <fieldset>
            <legend>"Look"</legend>
            <div class="explore-function">
                {chooser("b-mode", "Drawn as", "As usual", modes)}
                {chooser("b-axis", "Axis", "Linear", vec![option("log", "Logarithmic", look.log)])}
                {chooser("b-compare", "Compared with", "nothing", periods)}
            </div>
        </fieldset>
    }
}

/// One of several, or what is usual.
fn chooser(id: &'static str, label: &'static str, usual: &'static str, options: Vec<AnyView>) -> AnyView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <select class="input" id=id name=id>
                <option value="">{usual}</option>
                {options}
            </select>
        </div>
    }
}

fn option(value: &str, words: &str, selected: bool) -> AnyView {
    view! {
        <option value=value.to_owned() selected=selected>
            {words.to_owned()}
        </option>
    }
}
