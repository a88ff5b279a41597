//! Where in a file a key stands, so that what is wrong is told with its line.
//!
//! A key is dotted as problems name it: `http.max_connections`, and of tables in a row their name or number, `check.shop.target`,
//! `scrape.0.url`. What is not there itself is said by the nearest that is: a key that is missing by the head of its table.

use toml_edit::{ImDocument, Item, Table, TableLike};

/// The line of a key, from 1; None where nothing of it is in the file, or it is no TOML.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = ImDocument::parse(text).ok()?;
    let at = find(document.as_table(), key)?;
    let before = text.as_bytes().get(..at)?;
    Some(before.iter().filter(|byte| **byte == b'\n').count() + 1)
}

/// Where the key begins, or the nearest to it that is there, bytes.
fn find(table: &dyn TableLike, key: &str) -> Option<usize> {
    let (name, rest) = table
        .iter()
        .filter_map(|(name, _)| Some((name, after(key, name)?)))
        .max_by_key(|(name, _)| name.len())?;
    let (key, item) = table.get_key_value(name)?;
    let deeper = match item {
        Item::ArrayOfTables(all) => among(all.iter(), rest),
        other => other.as_table_like().and_then(|table| find(table, rest)),
    };
    let head = item.as_table().and_then(Table::span).map(|span| span.start);
    let own = key.span().or_else(|| item.span()).map(|span| span.start);
    deeper.or(head).or(own)
}

/// In one of several tables: that of the name or the number that the key begins with. Of two with one name it is the second that is wrong.
fn among<'a>(all: impl Iterator<Item = &'a Table>, key: &str) -> Option<usize> {
    let named = |(at, table): (usize, &'a Table)| {
        let name = table.get("name").and_then(Item::as_str).unwrap_or_default();
        let number = at.to_string();
        let rest = [name, number.as_str()]
            .into_iter()
            .filter(|name| !name.is_empty())
            .find_map(|name| after(key, name))?;
        Some((table, rest))
    };
    let (table, rest) = all.enumerate().filter_map(named).last()?;
    find(table, rest).or_else(|| table.span().map(|span| span.start))
}

/// What follows a name at the begin of a key.
fn after<'a>(key: &'a str, name: &str) -> Option<&'a str> {
    let rest = key.strip_prefix(name)?;
    match rest.strip_prefix('.') {
        Some(rest) => Some(rest),
        None => rest.is_empty().then_some(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[http]
max_connections = 7

[roles.deployer]
permissions = []

[[check]]
name = \"shop\"
kind = \"tcp\"

[[check]]
name = \"a.b\"
target = \"x:1\"

[[check]]
kind = \"dns\"

[[check]]
name = \"shop\"
fails_after = 2

[statsd]
listen = \"127.0.0.1:8125\"
";

    #[test]
    fn a_key_is_found_by_table_name_and_number_and_what_is_missing_by_what_is_next_to_it() {
        for (key, line) in [
            ("http.max_connections", Some(2)),
            ("http.drain_secs", Some(1)),
            ("roles.deployer.permissions", Some(5)),
            ("check.a.b.target", Some(13)),
            ("check.a.b.kind", Some(11)),
            ("check.2.kind", Some(16)),
            ("check.2.name", Some(15)),
            // It is there twice.
            ("check.shop.name", Some(19)),
            ("check.shop.fails_after", Some(20)),
            ("statsd.listen", Some(23)),
            ("oidc.issuer", None),
        ] {
            assert_eq!(line_of(TEXT, key), line, "{key}");
        }
        assert_eq!(line_of("[http", "http"), None);
    }
}
