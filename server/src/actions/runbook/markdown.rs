//! Descriptions of runbooks as HTML. HTML in them is shown as text, pictures are left out, and a link leads to http, https or
//! mail only, so nothing that a description says becomes more than words.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// Longest description that is shown, bytes.
const MAX_BYTES: usize = 16 * 1024;

/// Safe HTML of a text in Markdown.
pub fn html(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    let mut out = String::new();
    let events =
        Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).filter_map(safe);
    html::push_html(&mut out, events);
    out
}

fn safe(event: Event<'_>) -> Option<Event<'_>> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => None,
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let dest_url = if leads_out(&dest_url) {
                dest_url
            } else {
                "#".into()
            };
            Some(Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }))
        }
        // The page has headings of its own above; these are of the panel.
        Event::Start(Tag::Heading { .. }) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::Heading(_)) => Some(Event::End(TagEnd::Paragraph)),
        // The columns' alignment would be an inline style, which the content security policy forbids.
        Event::Start(Tag::Table(columns)) => Some(Event::Start(Tag::Table(vec![
                pulldown_cmark::Alignment::None;
                columns.len()
            ]))),
        other => Some(other),
    }
}

fn leads_out(address: &str) -> bool {
    let lower = address.to_ascii_lowercase();
    ["https://", "http://", "mailto:", "/"]
        .iter()
        .any(|start| lower.starts_with(start))
        && !lower.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_formatted_and_everything_else_is_words() {
        let html = html(
            "# Rotate\n\nMoves **logs**, see [docs](https://example.org) and `code`.\n\n- one\n- two\n\n<script>alert(1)</script>\n\n\
             a <b onclick=x>b</b> [bad](javascript:alert(1)) [worse](JaVaScRiPt:x) ![pic](http://x/y.png)\n\n|a|\n|:-:|\n|b|\n",
        );
        assert!(
            html.contains("<strong>logs</strong>") && html.contains("<li>one</li>"),
            "{html}"
        );
        assert!(
            html.contains("<a href=\"https://example.org\">docs</a>"),
            "{html}"
        );
        for bad in [
            "<script",
            "<b ",
            "javascript:",
            "JaVaScRiPt",
            "<img",
            "style=",
            "<h1",
        ] {
            assert!(!html.contains(bad), "{bad} in {html}");
        }
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }
}
