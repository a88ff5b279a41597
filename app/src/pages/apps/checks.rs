//! The page of health checks as the server draws it.

use super::{
    drawn::when,
    words::{check_kind_words, check_words, counted},
};
use crate::{
    format::{duration, format},
    prelude::*,
    ui::{Badge, Card, Empty, Glyph},
};
use farol_model::{
    ingest::{Check, CheckState},
    metric::Unit,
};

/// Changes that are listed.
const CHANGES: usize = 40;
/// Width of one try in the strip, and of the strip in tries.
const TICK: usize = 4;
const TICKS: usize = 60;

/// All of it.
pub fn checks(all: &[Check], now_ms: i64) -> String {
    let body = match all.is_empty() {
        true => view! { <NoChecks/> },
        false => view! {
            <Table all=all.to_vec() now_ms/>
            <Changes all=all.to_vec() now_ms/>
        },
    };
    let numbers = (!all.is_empty()).then(|| {
        view! {
            <div class="page-head-end">
                <a class="button" href="/apps/checks">
                    "Charts"
                </a>
            </div>
        }
    });
    let page = view! {
        <div class="page-head">
            <div class="page-head-words">
                <h1>"Health checks"</h1>
                <p>{summary(all)}</p>
            </div>
            {numbers}
        </div>
        {body}
    };
    page.to_html()
}

fn summary(all: &[Check]) -> String {
    let failing: Vec<&str> = all
        .iter()
        .filter(|check| check.state == CheckState::Failing)
        .map(|check| check.name.as_str())
        .collect();
    let waiting = all
        .iter()
        .filter(|check| check.state == CheckState::Waiting)
        .count();
    match (all.len(), &failing[..], waiting) {
        (0, ..) => "What should answer is asked again and again.".to_owned(),
        (all, [], 0) => format!("{}, all well.", counted(all, "check", "checks")),
        (all, [], waiting) => format!(
            "{}, {} not tried yet.",
            counted(all, "check", "checks"),
            counted(waiting, "is", "are").replace(' ', "\u{a0}")
        ),
        (all, [one], _) => format!("{one} is failing. {} in all.", counted(all, "check", "checks")),
        (all, many, _) => format!("{} of {} are failing: {}.", many.len(), all, many.join(", ")),
    }
}

#[component]
fn NoChecks() -> AnyView {
    view! {
        <div class="card">
            <Empty
                glyph=Glyph::Check
                title="Nothing is checked yet"
                text="Say in farol.toml what should answer, then restart Farol. Kinds are http, tcp, tls, dns, process and unit."
            />
            <div class="card-body">
                <pre class="apps-code" tabindex="0" aria-label="Example of a check">
                    <code>
                        "[[check]]\nname = \"shop\"\nkind = \"http\"\ntarget = \"https://shop.example.org/health\"\ninterval_secs = 30\nfails_after = 2"
                    </code>
                </pre>
            </div>
        </div>
    }
}

#[component]
fn Table(all: Vec<Check>, now_ms: i64) -> AnyView {
    let mut all = all;
    // What fails stands first; the others as in the configuration.
    all.sort_by_key(|check| check.state);
    let rows = all
        .into_iter()
        .map(|check| view! { <Row check now_ms/> })
        .collect::<Vec<_>>();
    view! {
        <Card title="Checks" flush=true>
            <div class="table-wrap" tabindex="0" role="region" aria-label="Table of checks">
                <table class="table plain-head">
                    <thead>
                        <tr>
                            <th scope="col">"State"</th>
                            <th scope="col">"Check"</th>
                            <th scope="col">"Since"</th>
                            <th scope="col">"Last try"</th>
                            <th scope="col" class="number">
                                "Took"
                            </th>
                            <th scope="col">"Recent tries"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Card>
    }
}

#[component]
fn Row(check: Check, now_ms: i64) -> AnyView {
    let (tone, glyph, word) = check_words(check.state);
    let took = check
        .duration_secs
        .map_or_else(|| "—".to_owned(), |secs| format(secs, Unit::Seconds).to_string());
    let since = match check.since_ms {
        Some(at_ms) => when(at_ms, now_ms),
        None => view! { <span class="muted">"—"</span> },
    };
    let last = check
        .last_ms
        .map(|at_ms| view! { <span class="sub">{when(at_ms, now_ms)}</span> });
    let ends = check.tls_expiry_secs.map(|secs| {
        let words = match secs < 0 {
            true => "The certificate has ended".to_owned(),
            false => format!("Certificate: {} left", duration(secs.saturating_mul(1000))),
        };
        view! { <span class="sub">{words}</span> }
    });
    view! {
        <tr>
            <td>
                <Badge tone glyph word/>
            </td>
            <td title=check.at.clone()>
                <strong>{check.name.clone()}</strong>
                <span class="sub">{format!("{}: {}", check_kind_words(check.kind), check.at)}</span>
            </td>
            <td>{since}</td>
            <td class="wrap">{check.message.clone()} {last} {ends}</td>
            <td class="number">{took}</td>
            <td>{strip(&check.recent)}</td>
        </tr>
    }
}

/// The last tries, the newest at the right. One that failed is taller as well as of another colour.
fn strip(recent: &[bool]) -> AnyView {
    let well = recent.iter().filter(|ok| **ok).count();
    let words = match recent.len() {
        0 => "not tried yet".to_owned(),
        all => format!("{well} of the last {all} tries went well"),
    };
    let from = TICKS.saturating_sub(recent.len());
    let ticks = recent
        .iter()
        .enumerate()
        .map(|(at, ok)| {
            let (class, y, height) = if *ok { ("ok", 6, 12) } else { ("crit", 0, 24) };
            view! {
                <rect
                    class=class
                    x=((from + at) * TICK).to_string()
                    y=y.to_string()
                    width=(TICK - 1).to_string()
                    height=height.to_string()
                ></rect>
            }
        })
        .collect::<Vec<_>>();
    let size = (TICKS * TICK).to_string();
    let title = words.clone();
    view! {
        <svg class="check-strip" width=size.clone() height="24" viewBox=format!("0 0 {size} 24") role="img" aria-label=words>
            <title>{title}</title>
            {ticks}
        </svg>
    }
}

#[component]
fn Changes(all: Vec<Check>, now_ms: i64) -> AnyView {
    let mut changes: Vec<(String, farol_model::ingest::CheckChange)> = all
        .into_iter()
        .flat_map(|check| {
            let name = check.name;
            check
                .changes
                .into_iter()
                .map(move |change| (name.clone(), change))
        })
        .collect();
    changes.sort_by_key(|(_, change)| std::cmp::Reverse(change.t_ms));
    if changes.is_empty() {
        return view! {
            <Card title="What changed">
                <p class="muted">"Nothing yet."</p>
            </Card>
        };
    }
    let rows = changes
        .into_iter()
        .take(CHANGES)
        .map(|(name, change)| {
            let (tone, glyph, word) = check_words(change.state);
            view! {
                <tr>
                    <td>{when(change.t_ms, now_ms)}</td>
                    <td>{name}</td>
                    <td>
                        <Badge tone glyph word/>
                    </td>
                    <td class="wrap">{change.message}</td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <Card title="What changed" flush=true>
            <div class="table-wrap" tabindex="0" role="region" aria-label="Table of changes">
                <table class="table plain-head">
                    <thead>
                        <tr>
                            <th scope="col">"When"</th>
                            <th scope="col">"Check"</th>
                            <th scope="col">"Became"</th>
                            <th scope="col">"Why"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Card>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::ingest::{CheckChange, CheckKind};

    fn check(name: &str, state: CheckState) -> Check {
        Check {
            name: name.into(),
            kind: CheckKind::Http,
            at: "https://shop.example.org".into(),
            state,
            since_ms: Some(1_000),
            last_ms: Some(2_000),
            message: "answers <500>".into(),
            duration_secs: Some(0.012),
            tls_expiry_secs: Some(-5),
            interval_secs: 30,
            recent: vec![true, false],
            changes: vec![CheckChange {
                t_ms: 1_000,
                state,
                message: "answers 500".into(),
            }],
        }
    }

    fn drawn(all: &[Check]) -> String {
        Owner::new().with(|| checks(all, 61_000))
    }

    #[test]
    fn what_fails_stands_first_and_is_named_in_words() {
        let html = drawn(&[check("blog", CheckState::Ok), check("shop", CheckState::Failing)]);
        assert!(html.contains("shop is failing. 2 checks in all."), "{html}");
        assert!(html.find("<strong>shop").unwrap() < html.find("<strong>blog").unwrap());
        assert!(html.contains("1 of the last 2 tries went well"));
        assert!(html.contains("The certificate has ended"));
        assert!(html.contains("answers &lt;500&gt;") && !html.contains("<500>"));
    }

    #[test]
    fn an_empty_page_says_what_to_write() {
        let html = drawn(&[]);
        assert!(html.contains("Nothing is checked yet") && html.contains("[[check]]"));
    }
}
