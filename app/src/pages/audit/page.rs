use super::{
    api::get_audit,
    words::{outcome_words, page_href, params_words},
};
use crate::prelude::*;
use crate::{
    page_data::{load, page_data},
    ui::{Badge, Empty, Glyph, Icon, Moment},
};
use farol_model::audit::{AuditEntry, AuditOutcome, AuditPage};
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn AuditLogPage() -> AnyView {
    let query = use_query_map();
    let asked = move || {
        let query = query.get();
        let word = |name: &str| query.get_str(name).unwrap_or_default().to_owned();
        (
            word("text"),
            word("outcome"),
            word("before").parse::<i64>().unwrap_or_default(),
        )
    };
    let resource = page_data(
        move || {
            let (text, outcome, before) = asked();
            page_href(&text, &outcome, before)
        },
        move |_| {
            let (text, outcome, before) = untrack(asked);
            get_audit(text, outcome, before)
        },
    );
    view! {
        <Title text="Audit"/>
        <div class="page">
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Audit"</h1>
                    <p>"Who did what, from where, and how it ended. Nothing here can be changed or removed."</p>
                </div>
            </div>
            {move || {
                let (text, outcome, _) = asked();
                view! { <Filter text outcome/> }
            }}
            {load(
                resource,
                move |page| {
                    let (text, outcome, before) = untrack(asked);
                    view! { <Log page text outcome before/> }
                },
            )}
        </div>
    }
}

#[component]
fn Filter(text: String, outcome: String) -> AnyView {
    let filtered = !text.is_empty() || !outcome.is_empty();
    let options = AuditOutcome::ALL
        .into_iter()
        .map(|choice| {
            let word = outcome_words(choice).2;
            view! {
                <option value=choice.as_str() selected=choice.as_str() == outcome>
                    {word}
                </option>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <form class="filter-bar" method="get" action="/audit" role="search">
            <div class="field">
                <label for="audit-text">"Person, action, address or words"</label>
                <div class="search-input">
                    <Icon glyph=Glyph::Search/>
                    <input class="input" id="audit-text" type="search" name="text" maxlength="200" value=text/>
                </div>
            </div>
            <div class="field narrow">
                <label for="audit-outcome">"Outcome"</label>
                <select class="input" id="audit-outcome" name="outcome">
                    <option value="">"Any"</option>
                    {options}
                </select>
            </div>
            <button class="button" type="submit">
                "Filter"
            </button>
            {filtered
                .then(|| {
                    view! {
                        <a class="button plain" href="/audit">
                            "Clear"
                        </a>
                    }
                })}
        </form>
    }
}

#[component]
fn Log(page: AuditPage, text: String, outcome: String, before: i64) -> impl IntoView {
    let filtered = !text.is_empty() || !outcome.is_empty();
    // Never only a colour: the sentence says it.
    let class = match page.chain_broken {
        true => "notice crit",
        false => "muted",
    };
    let chain = view! { <p class=class>{page.chain}</p> };
    if page.entries.is_empty() {
        let (title, words) = if filtered {
            (
                "Nothing matches",
                "No entry has these words and this outcome. Clear the filter to see all.",
            )
        } else {
            (
                "Nothing yet",
                "Sign-ins and everything that somebody does here will be listed.",
            )
        };
        return view! {
            <div class="card">
                <Empty glyph=Glyph::Audit title text=words/>
                <div class="card-body">{chain}</div>
            </div>
        };
    }
    let total = match page.total {
        1 => "1 entry".to_owned(),
        total => format!("{total} entries"),
    };
    let newer = (before > 0).then(|| {
        let href = page_href(&text, &outcome, 0);
        view! {
            <a class="button small" href=href>
                "Newest"
            </a>
        }
    });
    let older = page.next_before.map(|next| {
        let href = page_href(&text, &outcome, next);
        view! {
            <a class="button small" href=href rel="next">
                "Older"
            </a>
        }
    });
    view! {
        <div class="card">
            <div class="card-body">{chain}</div>
            <div class="table-wrap" tabindex="0" role="region" aria-label="Audit entries">
                <table class="table">
                    <caption class="visually-hidden">"Audit entries, newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Time"</th>
                            <th scope="col">"Who"</th>
                            <th scope="col">"Action"</th>
                            <th scope="col">"Outcome"</th>
                            <th scope="col">"Details"</th>
                            <th scope="col" class="number">
                                "Took"
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {page.entries.into_iter().map(|entry| view! { <Row entry/> }).collect::<Vec<_>>()}
                    </tbody>
                </table>
            </div>
            <div class="pager">
                <span>{total}</span>
                <span class="button-row">{newer} {older}</span>
            </div>
        </div>
    }
}

#[component]
fn Row(entry: AuditEntry) -> AnyView {
    let (tone, glyph, word) = outcome_words(entry.outcome);
    let params = params_words(&entry.params);
    let what = match entry.run {
        Some(run) => view! {
            <a class="link" href=format!("/controls/runs/{run}")>
                {entry.what}
            </a>
        },
        None => entry.what.into_any(),
    };
    view! {
        <tr>
            <td>
                <Moment at_ms=entry.at_ms/>
                <span class="sub">{format!("#{}", entry.id)}</span>
            </td>
            <td>
                {entry.who}
                <span class="sub">{entry.from}</span>
            </td>
            <td>
                {what}
                <span class="sub" title=params.clone()>
                    {params.clone()}
                </span>
            </td>
            <td>
                <Badge tone glyph word/>
            </td>
            <td class="wrap">{entry.detail}</td>
            <td class="number">{entry.duration_ms.map(crate::pages::controls::words::took)}</td>
        </tr>
    }
}
