//! A board as TOML: what is downloaded, what is read in, and what is kept. docs/EXPLORE.md describes it.
//!
//! Reading is strict: a word that is not known is refused with its line, so that nothing of a file is lost unsaid.

use farol_app::pages::explore::board::{Board, Panel};
use serde::Deserialize;
use std::{fmt::Write, ops::Range};
use toml::Spanned;

/// Bytes of a file at most.
pub const MAX_BYTES: usize = 32 * 1024;
/// The format that is written here.
const VERSION: i64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoardFile {
    version: Spanned<i64>,
    title: Spanned<String>,
    #[serde(default)]
    range: Option<Spanned<String>>,
    #[serde(default)]
    panel: Vec<Spanned<PanelFile>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PanelFile {
    #[serde(default)]
    title: Option<Spanned<String>>,
    expression: Spanned<String>,
    #[serde(default)]
    width: Option<Spanned<String>>,
    #[serde(default)]
    look: Option<Spanned<String>>,
}

/// Reads one.
///
/// # Errors
/// What is wrong, with the line and the field, in words for who wrote it.
pub fn read(text: &str) -> Result<Board, String> {
    if text.len() > MAX_BYTES {
        return Err(format!(
            "The file has {} bytes; a board has {MAX_BYTES} at most.",
            text.len()
        ));
    }
    let at = |span: &Range<usize>| format!("Line {}", line_of(text, span.start));
    let file: BoardFile = toml::from_str(text).map_err(|error| {
        let place = error
            .span()
            .map_or_else(|| "The file".to_owned(), |span| at(&span));
        format!(
            "{place}: {}.",
            error.message().trim_end_matches('.').replace('\n', ", ")
        )
    })?;
    if *file.version.get_ref() != VERSION {
        let place = at(&file.version.span());
        return Err(format!(
            "{place}: version is {}; this Farol reads version {VERSION}.",
            file.version.get_ref()
        ));
    }
    let mut board = Board {
        title: file.title.get_ref().trim().to_owned(),
        range: file
            .range
            .as_ref()
            .map_or_else(String::new, |range| range.get_ref().clone()),
        panels: Vec::new(),
    };
    for one in &file.panel {
        let (panel, span) = panel(one, &at)?;
        if let Some((field, why)) = panel.wrong() {
            return Err(format!("{}: {field} {why}.", at(&span(field))));
        }
        board.panels.push(panel);
    }
    board.check().map_err(|fault| {
        let span = match (fault.field.as_deref(), &file.range) {
            (Some("range"), Some(range)) => Some(range.span()),
            (Some("title"), _) => Some(file.title.span()),
            _ => file.panel.last().map(Spanned::span),
        };
        match span {
            Some(span) => format!("{}: {}", at(&span), fault.message),
            None => fault.message,
        }
    })?;
    Ok(board)
}

/// Where a field of a panel stands.
type Place<'a> = Box<dyn Fn(&str) -> Range<usize> + 'a>;

fn panel<'a>(
    one: &'a Spanned<PanelFile>,
    at: &dyn Fn(&Range<usize>) -> String,
) -> Result<(Panel, Place<'a>), String> {
    let file = one.get_ref();
    let text = |field: &Option<Spanned<String>>| {
        field
            .as_ref()
            .map_or_else(String::new, |field| field.get_ref().trim().to_owned())
    };
    let wide = match &file.width {
        None => false,
        Some(width) => match width.get_ref().as_str() {
            "half" => false,
            "full" => true,
            other => {
                let shown: String = other.chars().take(40).collect();
                return Err(format!(
                    "{}: width is `{shown}`; it can be half or full.",
                    at(&width.span())
                ));
            }
        },
    };
    let panel = Panel {
        title: text(&file.title),
        expression: file.expression.get_ref().trim().to_owned(),
        wide,
        look: text(&file.look),
    };
    let place = move |field: &str| {
        let span = match field {
            "title" => file.title.as_ref().map(Spanned::span),
            "look" => file.look.as_ref().map(Spanned::span),
            _ => Some(file.expression.span()),
        };
        span.unwrap_or_else(|| one.span())
    };
    Ok((panel, Box::new(place)))
}

/// Lines are counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Writes one. What it writes, [`read`] reads as it was.
pub fn write(board: &Board) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} = {}", quoted(value));
    };
    line("title", &board.title);
    if !board.range.is_empty() {
        line("range", &board.range);
    }
    let mut panels = String::new();
    for panel in &board.panels {
        panels.push_str("\n[[panel]]\n");
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(panels, "{name} = {}", quoted(value));
        };
        if !panel.title.is_empty() {
            line("title", &panel.title);
        }
        line("expression", &panel.expression);
        if panel.wide {
            line("width", "full");
        }
        if !panel.look.is_empty() {
            line("look", &panel.look);
        }
    }
    format!("# A board of Farol.\nversion = {VERSION}\n{text}{panels}")
}

/// As TOML writes text: literally where that can be, which leaves the quotes of selectors as they are.
fn quoted(text: &str) -> String {
    if text.contains('"') && !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Board {
        let panel = |expression: &str, title: &str| Panel {
            title: title.into(),
            wide: title.is_empty(),
            look: "style=stack&scale=log".into(),
            ..Panel::of(expression)
        };
        Board {
            title: "My \"disks\" \\ 'n' ü 🗼".into(),
            range: "6h".into(),
            panels: vec![
                panel("topk(5, sum by (device) (disk_read_bytes{device=~\"sd.*\"}))", ""),
                panel("a{b=\"it's\"}", "It's"),
                Panel::of("load1"),
            ],
        }
    }

    #[test]
    fn a_board_is_read_as_it_was_written() {
        let board = full();
        let text = write(&board);
        assert_eq!(read(&text), Ok(board), "{text}");
        assert!(text.contains("expression = 'topk(5, sum by (device) (disk_read_bytes{device=~\"sd.*\"}))'"));
        insta::assert_snapshot!(write(&Board {
            title: "Disks".into(),
            range: String::new(),
            panels: vec![Panel { wide: true, ..Panel::of("disk_used_percent") }],
        }), @r#"
        # A board of Farol.
        version = 1
        title = "Disks"

        [[panel]]
        expression = "disk_used_percent"
        width = "full"
        "#);
    }

    #[test]
    fn what_is_wrong_is_told_with_line_and_field() {
        let head = "version = 1\ntitle = \"t\"\n";
        let panel = "[[panel]]\nexpression = \"a\"\n";
        for (text, words) in [
            (String::new(), "missing field `version`"),
            (
                "version = 2\ntitle = \"t\"".to_owned(),
                "Line 1: version is 2; this Farol reads version 1.",
            ),
            (
                format!("{head}colour = 1\n{panel}"),
                "Line 3: unknown field `colour`, expected one of",
            ),
            (
                format!("{head}{panel}colour = \"red\""),
                "Line 5: unknown field `colour`",
            ),
            (
                format!("{head}[[panel]]\ntitle = \"x\""),
                "missing field `expression`",
            ),
            (
                format!("{head}{panel}width = \"huge\""),
                "Line 5: width is `huge`; it can be half or full.",
            ),
            (format!("{head}{panel}title = 7"), "Line 5: invalid type"),
            (
                format!("{head}{panel}look = \"{}\"", "x".repeat(401)),
                "Line 5: look may have 400 bytes",
            ),
            (
                format!("{head}\n[[panel]]\n\nexpression = \" \""),
                "Line 6: expression must not be empty.",
            ),
            (
                format!("version = 1\ntitle = \" \"\n{panel}"),
                "Line 2: A board needs a title",
            ),
            (
                format!("{head}range = \"2y\"\n{panel}"),
                "Line 3: range must be one of 5m",
            ),
            (head.to_owned(), "no panel yet"),
            (
                format!("{head}{}", panel.repeat(25)),
                "Line 51: A board has 24 panels at most",
            ),
            (format!("{head}{panel}title = \"x\" y"), "Line 5: "),
            (
                format!("{head}{panel}expression = \"b\""),
                "Line 5: duplicate key",
            ),
        ] {
            let told = read(&text).unwrap_err();
            assert!(told.contains(words), "{text}\n{told}");
            assert!(!told.contains('\n'), "{told}");
        }
        assert!(
            read(&"#".repeat(MAX_BYTES + 1))
                .unwrap_err()
                .contains("32768 at most")
        );
    }
}
