//! The audit log as the server draws it.

use super::words::{outcome_words, params_words};
use crate::{
    pages::{
        controls::words::took,
        drawn::{counted, href, pager, time},
    },
    prelude::*,
    ui::{Badge, Empty, Glyph, Icon},
};
use farol_model::audit::{AuditEntry, AuditOutcome, AuditPage, AuditQuery};

/// One page of the log, under its filter.
pub fn audit(page: &AuditPage, query: &AuditQuery) -> String {
    let drawn = view! {
        <div class="page">
            <div class="page-head">
                <div class="page-head-words">
                    <h1>"Audit"</h1>
                    <p>"Who did what, from where, and how it ended. Nothing here can be changed or removed."</p>
                </div>
            </div>
            {filter(query)}
            {log(page, query)}
        </div>
    };
    drawn.to_html()
}

/// The page that goes on before this entry, with the same filter.
fn address(query: &AuditQuery, before: i64) -> String {
    let before = if before > 0 {
        before.to_string()
    } else {
        String::new()
    };
    let words = [
        ("text", query.text.as_str()),
        ("outcome", query.outcome.as_str()),
        ("before", before.as_str()),
    ];
    href("/audit", &words)
}

fn is_filtered(query: &AuditQuery) -> bool {
    !query.text.is_empty() || !query.outcome.is_empty()
}

fn filter(query: &AuditQuery) -> AnyView {
    let filtered = is_filtered(query);
    let options = AuditOutcome::ALL
        .into_iter()
        .map(|choice| {
            let word = outcome_words(choice).2;
            view! {
                <option value=choice.as_str() selected=choice.as_str() == query.outcome>
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
                    <input class="input" id="audit-text" type="search" name="text" maxlength="200" value=query.text.clone()/>
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

fn log(page: &AuditPage, query: &AuditQuery) -> AnyView {
    // Never only a colour: the sentence says it.
    let class = match page.chain_broken {
        true => "notice crit",
        false => "muted",
    };
    let chain = view! { <p class=class>{page.chain.clone()}</p> };
    if page.entries.is_empty() {
        let (title, words) = if is_filtered(query) {
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
    let newest = (query.before > 0).then(|| (address(query, 0), "Newest", "first"));
    let older = page
        .next_before
        .map(|next| (address(query, next), "Older", "next"));
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
                        {page.entries.iter().map(row).collect::<Vec<_>>()}
                    </tbody>
                </table>
            </div>
            {pager(counted(page.total, "entry"), ().into_any(), [newest, older])}
        </div>
    }
}

fn row(entry: &AuditEntry) -> AnyView {
    let (tone, glyph, word) = outcome_words(entry.outcome);
    let params = params_words(&entry.params);
    let what = match &entry.run {
        Some(run) => view! {
            <a class="link" href=format!("/controls/runs/{run}")>
                {entry.what.clone()}
            </a>
        },
        None => entry.what.clone().into_any(),
    };
    view! {
        <tr>
            <td>
                {time(entry.at_ms)}
                <span class="sub">{format!("#{}", entry.id)}</span>
            </td>
            <td>
                {entry.who.clone()}
                <span class="sub">{entry.from.clone()}</span>
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
            <td class="wrap">{entry.detail.clone()}</td>
            <td class="number">{entry.duration_ms.map(took)}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_filter() {
        let query = AuditQuery {
            text: "a&b".into(),
            ..Default::default()
        };
        assert_eq!(address(&query, 7), "/audit?text=a%26b&before=7");
        assert_eq!(address(&AuditQuery::default(), 0), "/audit");
    }
}
