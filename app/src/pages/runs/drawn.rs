//! The pages of runs as the server draws them.

use crate::{
    pages::{
        controls::words::{ago, params_words, status_words, took},
        drawn::{counted, href, pager, time},
    },
    ports::Ports,
    prelude::*,
    ui::{Badge, Empty, Glyph, moment::utc},
};
use farol_model::{
    Fault, Viewer,
    action::{Change, Comparison, DiffLine, Run, RunStatus, RunsPage, RunsQuery},
};

/// Spans of time to choose from: hours and words.
const SPANS: [(u32, &str); 4] = [
    (0, "Any time"),
    (1, "Last hour"),
    (24, "Last day"),
    (168, "Last week"),
];

/// The list with its filter.
pub async fn runs(ports: &Ports, viewer: &Viewer, query: RunsQuery) -> Result<String, Fault> {
    let page = ports.runs.list(viewer, query.clone()).await?;
    let waiting = RunsQuery {
        status: RunStatus::Awaiting.as_str().to_owned(),
        ..RunsQuery::default()
    };
    let waiting = ports.runs.list(viewer, waiting).await?;
    let now_ms = ports.metrics.now_ms();
    let again: Vec<String> = ports
        .control
        .specs(viewer)
        .into_iter()
        .map(|spec| spec.id)
        .collect();
    let drawn = view! {
        <div class="page">
        <div class="page-head">
            <div class="page-head-words">
                <h1>"Runs"</h1>
                <p>"Everything that was run here, newest first. Choose two to compare what they printed."</p>
            </div>
        </div>
        {waits(&waiting, now_ms)}
        {filter(&query)}
        {table(&page, &query, &again, now_ms)}
        </div>
    };
    Ok(drawn.to_html())
}

/// What waits for a second person.
fn waits(waiting: &RunsPage, now_ms: i64) -> AnyView {
    if waiting.runs.is_empty() {
        return ().into_any();
    }
    let rows = waiting
        .runs
        .iter()
        .map(|run| {
            view! {
                <li data-key=run.id.clone()>
                    <Badge tone=crate::ui::Tone::Warn glyph=Glyph::Eye word="Needs approval"/>
                    <div class="list-main">
                        <a class="link" href=format!("/controls/runs/{}", run.id)>
                            {run.title.clone()}
                        </a>
                        <small>{about(run)}</small>
                    </div>
                    <span class="list-end" title=utc(run.queued_ms)>
                        {ago(run.queued_ms, now_ms)}
                    </span>
                </li>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <section class="card" data-key="waiting" aria-label="Waiting for approval">
            <div class="card-head">
                <h2>"Waiting for approval"</h2>
            </div>
            <div class="card-body flush">
                <ul class="list">{rows}</ul>
            </div>
        </section>
    }
}

fn about(run: &Run) -> String {
    match params_words(&run.params) {
        with if with.is_empty() => run.who.clone(),
        with => format!("{} · {with}", run.who),
    }
}

fn filter(query: &RunsQuery) -> AnyView {
    let filtered = *query != RunsQuery::default();
    let states = RunStatus::ALL
        .into_iter()
        .map(|status| {
            view! {
                <option value=status.as_str() selected=status.as_str() == query.status>
                    {status_words(status).2}
                </option>
            }
        })
        .collect::<Vec<_>>();
    let spans = SPANS
        .into_iter()
        .map(|(hours, words)| {
            view! {
                <option value=hours.to_string() selected=hours == query.hours>
                    {words}
                </option>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <form class="filter-bar" method="get" action="/runs" role="search" data-key="filter">
            <div class="field">
                <label for="runs-action">"Action"</label>
                <input class="input" id="runs-action" type="search" name="action" maxlength="100" value=query.action.clone()/>
            </div>
            <div class="field narrow">
                <label for="runs-who">"Person"</label>
                <input class="input" id="runs-who" type="search" name="who" maxlength="100" value=query.who.clone()/>
            </div>
            <div class="field narrow">
                <label for="runs-status">"State"</label>
                <select class="input" id="runs-status" name="status">
                    <option value="">"Any"</option>
                    {states}
                </select>
            </div>
            <div class="field narrow">
                <label for="runs-hours">"Time"</label>
                <select class="input" id="runs-hours" name="hours">
                    {spans}
                </select>
            </div>
            <button class="button" type="submit">
                "Filter"
            </button>
            {filtered
                .then(|| {
                    view! {
                        <a class="button plain" href="/runs">
                            "Clear"
                        </a>
                    }
                })}
        </form>
    }
}

fn table(page: &RunsPage, query: &RunsQuery, again: &[String], now_ms: i64) -> AnyView {
    if page.runs.is_empty() {
        let (title, text) = match *query == RunsQuery::default() {
            true => (
                "No runs yet",
                "What is started from a panel, a script or the command line is listed here.",
            ),
            false => (
                "Nothing matches",
                "No run is of this action, person, state and time. Clear the filter to see all.",
            ),
        };
        return view! {
            <div class="card">
                <Empty glyph=Glyph::Play title text/>
            </div>
        };
    }
    let newest = (!query.before.is_empty()).then(|| (address(query, ""), "Newest", "first"));
    let older = page
        .next_before
        .as_ref()
        .map(|next| (address(query, next), "Older", "next"));
    let compare = view! {
        <button class="button small" type="submit">
            "Compare the two chosen"
        </button>
    };
    let rows = page
        .runs
        .iter()
        .map(|run| row(run, again.contains(&run.action), now_ms))
        .collect::<Vec<_>>();
    view! {
        <form class="card" method="get" action="/runs/compare" data-key="runs">
            <div class="table-wrap" tabindex="0" role="region" aria-label="Runs">
                <table class="table">
                    <caption class="visually-hidden">"Runs, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Action"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Asked"</th>
                            <th scope="col">"Who"</th>
                            <th scope="col">"Outcome"</th>
                            <th scope="col" class="number">
                                "Took"
                            </th>
                            <th scope="col">
                                <span class="visually-hidden">"Compare: "</span>
                                <span class="pick" title="Compare the first with the second">
                                    <span>"1st"</span>
                                    <span>"2nd"</span>
                                </span>
                            </th>
                            <th scope="col">
                                <span class="visually-hidden">"Again"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {pager(counted(page.total, "run"), compare.into_any(), [newest, older])}
        </form>
    }
}

fn row(run: &Run, again: bool, now_ms: i64) -> AnyView {
    let (tone, glyph, word) = status_words(run.status);
    let params = params_words(&run.params);
    let named = |which: &str| format!("{which}: {}, {}", run.title, utc(run.queued_ms));
    view! {
        <tr data-key=run.id.clone()>
            <td>
                <a class="link" href=format!("/controls/runs/{}", run.id)>
                    {run.title.clone()}
                </a>
                <span class="sub" title=params.clone()>
                    {params.clone()}
                </span>
            </td>
            <td>
                <Badge tone glyph word/>
            </td>
            <td title=ago(run.queued_ms, now_ms)>{time(run.queued_ms)}</td>
            <td>{run.who.clone()}</td>
            <td class="wrap">{run.detail.clone()}</td>
            <td class="number">{run.ended_ms.map(|ended_ms| took(ended_ms - run.queued_ms))}</td>
            <td>
                <span class="pick">
                    <input type="radio" name="first" value=run.id.clone() required aria-label=named("First")/>
                    <input type="radio" name="second" value=run.id.clone() required aria-label=named("Second")/>
                </span>
            </td>
            <td>
                {again
                    .then(|| {
                        view! {
                            <a class="link" href=format!("/controls?again={}", run.id) aria-label=named("Run again")>
                                "Again"
                            </a>
                        }
                    })}
            </td>
        </tr>
    }
}

/// The page that goes on before this run, with the same filter.
fn address(query: &RunsQuery, before: &str) -> String {
    let hours = query.hours.to_string();
    let words = [
        ("action", query.action.as_str()),
        ("who", query.who.as_str()),
        ("status", query.status.as_str()),
        ("hours", if query.hours == 0 { "" } else { hours.as_str() }),
        ("before", before),
    ];
    href("/runs", &words)
}

/// Two outputs, line by line.
pub fn comparison(compared: &Comparison) -> String {
    let same = compared.lines.is_empty();
    let lines = compared.lines.iter().map(line).collect::<Vec<_>>();
    let body = match same {
        true => view! {
            <div class="card">
                <Empty glyph=Glyph::Check title="No difference" text="Both runs printed the same."/>
            </div>
        },
        false => view! {
            <div class="card">
                <div class="table-wrap" tabindex="0" role="region" aria-label="Differences">
                    <table class="table diff">
                        <caption class="visually-hidden">"Lines that were removed and added from the first run to the second"</caption>
                        <thead>
                            <tr>
                                <th scope="col" class="number">"First"</th>
                                <th scope="col" class="number">"Second"</th>
                                <th scope="col">"Change"</th>
                                <th scope="col">"Line"</th>
                            </tr>
                        </thead>
                        <tbody>{lines}</tbody>
                    </table>
                </div>
            </div>
        },
    };
    let cut = compared.cut.then(|| {
        view! { <p class="muted">"Only a part is compared or shown here; download both outputs to see all."</p> }
    });
    let drawn = view! {
        <div class="page">
        <div class="page-head">
            <div class="page-head-words">
                <h1>"Compare runs"</h1>
                <p>
                    <a class="link" href="/runs">
                        "All runs"
                    </a>
                </p>
            </div>
        </div>
        <div class="compared">{side("First", &compared.first)} {side("Second", &compared.second)}</div>
        {body}
        {cut}
        </div>
    };
    drawn.to_html()
}

fn side(which: &'static str, run: &Run) -> AnyView {
    let (tone, glyph, word) = status_words(run.status);
    view! {
        <section class="card" aria-label=which>
            <div class="card-body">
                <p class="muted">{which}</p>
                <p>
                    <a class="link" href=format!("/controls/runs/{}", run.id)>
                        {run.title.clone()}
                    </a>
                    " "
                    <Badge tone glyph word/>
                </p>
                <p class="muted">{about(run)} ", " {time(run.queued_ms)}</p>
            </div>
        </section>
    }
}

fn line(line: &DiffLine) -> AnyView {
    let (class, mark, words) = match line.change {
        Change::Same => ("", "", ""),
        Change::Removed => ("removed", "−", "Removed"),
        Change::Added => ("added", "+", "Added"),
        Change::Skipped => ("skipped", "⋯", "Lines that are alike were left out"),
    };
    view! {
        <tr class=class>
            <td class="number">{line.first}</td>
            <td class="number">{line.second}</td>
            <td>
                <span aria-hidden="true">{mark}</span>
                <span class="visually-hidden">{words}</span>
            </td>
            <td class="code">{line.text.clone()}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::action::Params;

    fn run(title: &str) -> Run {
        Run {
            id: "01".into(),
            action: "a".into(),
            title: title.into(),
            who: "ana".into(),
            params: Params::new(),
            status: RunStatus::Failed,
            detail: String::new(),
            queued_ms: 0,
            ended_ms: Some(5),
            exit_code: None,
        }
    }

    #[test]
    fn what_programs_print_is_never_html() {
        let compared = Comparison {
            first: run("<b>one</b>"),
            second: run("two"),
            lines: vec![DiffLine {
                change: Change::Added,
                first: None,
                second: Some(1),
                text: "<script>x</script>".into(),
            }],
            cut: false,
        };
        let html = comparison(&compared);
        assert!(
            html.contains("&lt;script&gt;") && !html.contains("<script>"),
            "{html}"
        );
        assert!(!html.contains("<b>one") && !html.contains("style="), "{html}");
    }

    #[test]
    fn a_page_address_keeps_the_filter() {
        let query = RunsQuery {
            action: "a b&c".into(),
            hours: 24,
            ..RunsQuery::default()
        };
        assert_eq!(address(&query, "01"), "/runs?action=a%20b%26c&hours=24&before=01");
        assert_eq!(address(&RunsQuery::default(), ""), "/runs");
    }
}
