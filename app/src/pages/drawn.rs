//! What pages share that the server alone draws: times, addresses, the foot of a list, a button that is armed first.

use crate::{
    format::escape,
    prelude::*,
    ui::moment::{machine, utc},
};

/// A moment in UTC; the browser writes it in the viewer's zone.
pub fn time(at_ms: i64) -> AnyView {
    written(at_ms, utc(at_ms))
}

/// The same in these words, until the browser writes its own.
pub fn written(at_ms: i64, text: String) -> AnyView {
    view! {
        <time class="nowrap" datetime=machine(at_ms) title=utc(at_ms) data-ms=at_ms.to_string()>
            {text}
        </time>
    }
}

/// `3 users`, `1 user`, `2 entries`.
pub fn counted(count: u64, one: &str) -> String {
    match (count, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (many, Some(stem)) => format!("{many} {stem}ies"),
        (many, None) => format!("{many} {one}s"),
    }
}

/// The pairs of a query, with or without `?`, in their order: what [`href`] writes.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
    pairs.into_owned().collect()
}

/// The address of a page of a list. Empty values are left out.
pub fn href(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    match pairs.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", pairs.join("&")),
    }
}

/// One way to another part of a list: where, what the button says, how that part stands to this one.
pub type Way = (String, &'static str, &'static str);

/// How many there are, what can be done with them, and the ways to the others.
pub fn pager(total: String, tools: AnyView, ways: [Option<Way>; 2]) -> AnyView {
    let ways = ways
        .into_iter()
        .flatten()
        .map(|(href, word, rel)| {
            view! {
                <a class="button small" href=href rel=rel>
                    {word}
                </a>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <div class="pager">
            <span role="status">{total}</span>
            <span class="button-row">{tools} {ways}</span>
        </div>
    }
}

/// A button that shows what will happen first. Works without script.
pub fn armed(verb: String, what_happens: String, action: String, fields: &[(&'static str, &str)]) -> AnyView {
    let fields = fields
        .iter()
        .map(|(name, value)| view! { <input type="hidden" name=*name value=(*value).to_owned()/> })
        .collect::<Vec<_>>();
    view! {
        <details class="armed">
            <summary class="button danger small">{format!("{verb}\u{2026}")}</summary>
            <form method="post" action=action>
                {fields}
                <p>{what_happens}</p>
                <button class="button danger armed small" type="submit">
                    {verb}
                </button>
            </form>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_address_is_escaped_and_empty_values_are_left_out() {
        assert_eq!(
            href("/settings/users", &[("text", ""), ("page", "")]),
            "/settings/users"
        );
        assert_eq!(
            href("/x", &[("text", "a&b ü"), ("page", "2")]),
            "/x?text=a%26b%20%C3%BC&page=2"
        );
    }

    #[test]
    fn one_is_one_and_many_are_many() {
        assert_eq!(counted(1, "entry"), "1 entry");
        assert_eq!(counted(2, "entry"), "2 entries");
        assert_eq!(counted(0, "run"), "0 runs");
    }
}
