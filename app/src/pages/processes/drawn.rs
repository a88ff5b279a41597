//! One process in full as the server draws it: facts, open files, sockets, limits.

use crate::prelude::*;
use crate::ui::{Notice, Tone};
use farol_model::process::{OpenFile, OpenSocket, ProcessDetails, ProcessLimit, Told};

/// HTML of all of it.
pub fn details(details: ProcessDetails) -> String {
    let facts = details
        .facts
        .into_iter()
        .map(|(word, value)| {
            view! {
                <div>
                    <dt>{word}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
        .collect::<Vec<_>>();
    let all = [
        view! { <dl class="facts rows">{facts}</dl> },
        section("Open files", &["Number", "What"], details.files, file),
        section(
            "Sockets",
            &["Number", "Kind", "Own address", "Other end", "State"],
            details.sockets,
            socket,
        ),
        section("Limits", &["Limit", "Soft", "Hard"], details.limits, limit),
    ];
    all.into_iter().map(|part| part.to_html()).collect()
}

/// HTML of why there is nothing.
pub fn refusal(why: String) -> String {
    view! { <Notice tone=Tone::Warn title="It cannot be read" text=why/> }.to_html()
}

/// A heading with how many there are, and a table.
fn section<T>(
    title: &'static str,
    heads: &'static [&'static str],
    told: Told<T>,
    cells: fn(T) -> Vec<String>,
) -> AnyView {
    let (rows, more) = match told {
        Told::Listed { rows, more } => (rows, more),
        Told::Refused(why) => {
            return view! {
                <section class="field" aria-label=title>
                    <h4>{title}</h4>
                    <p class="field-help">{why}</p>
                </section>
            };
        }
    };
    let count = rows.len() + more as usize;
    let heads = heads
        .iter()
        .map(|head| view! { <th scope="col">{*head}</th> })
        .collect::<Vec<_>>();
    let rows = rows
        .into_iter()
        .map(|row| {
            let cells = cells(row)
                .into_iter()
                .map(|cell| {
                    view! { <td title=cell.clone()>{cell.clone()}</td> }
                })
                .collect::<Vec<_>>();
            view! { <tr>{cells}</tr> }
        })
        .collect::<Vec<_>>();
    let table = (count > 0).then(|| {
        view! {
            <div class="table-wrap" tabindex="0" role="region" aria-label=format!("Table: {title}")>
                <table class="table plain-head small-table">
                    <thead>
                        <tr>{heads}</tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    });
    let rest = (more > 0).then(|| view! { <p class="field-help">{format!("{more} more")}</p> });
    let none = (count == 0).then(|| view! { <p class="field-help">"None."</p> });
    view! {
        <section class="field" aria-label=title>
            <h4>{format!("{title} ({count})")}</h4>
            {table}
            {rest}
            {none}
        </section>
    }
}

fn file(file: OpenFile) -> Vec<String> {
    vec![file.fd.to_string(), file.what]
}

fn socket(socket: OpenSocket) -> Vec<String> {
    vec![
        socket.fd.to_string(),
        socket.kind.to_owned(),
        socket.local,
        socket.remote,
        socket.state.to_owned(),
    ]
}

fn limit(limit: ProcessLimit) -> Vec<String> {
    let with_unit = |value: String| match (value.as_str(), limit.unit.as_str()) {
        ("unlimited", _) | (_, "") => value,
        (value, unit) => format!("{value} {unit}"),
    };
    vec![
        limit.name.clone(),
        with_unit(limit.soft.clone()),
        with_unit(limit.hard.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_say_how_many_more_there_are_and_names_are_escaped() {
        let told = ProcessDetails {
            facts: vec![("Nice value".into(), "0".into())],
            files: Told::Listed {
                rows: vec![OpenFile {
                    fd: 3,
                    what: "/tmp/<b>".into(),
                }],
                more: 41,
            },
            sockets: Told::Refused("Only root may.".into()),
            limits: Told::default(),
        };
        let html = Owner::new().with(|| details(told));
        for word in [
            "Open files (42)",
            "41 more",
            "/tmp/&lt;b&gt;",
            "Only root may.",
            "Limits (0)",
            "None.",
        ] {
            assert!(html.contains(word), "{word} in {html}");
        }
    }
}
