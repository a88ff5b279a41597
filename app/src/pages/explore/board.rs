//! What a board is, and how much of it there may be.

use crate::{
    pages::drawn::pairs,
    past::{Look, range::RANGES},
};
use farol_model::Fault;

/// Panels of a board.
pub const PANELS: usize = 24;
/// Bytes of an expression.
pub const EXPRESSION: usize = 1000;
/// Characters of a title, of a board or a panel.
pub const TITLE: usize = 100;
/// Bytes of the words that say how a panel looks.
pub const LOOK: usize = 400;
/// Bytes of all expressions, titles and looks together: what is built stands in an address, which browsers and proxies cut.
pub const WHOLE: usize = 12_000;

/// Charts side by side under a title.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Board {
    pub title: String,
    /// Word of the range that it opens with; empty for the usual one.
    pub range: String,
    pub panels: Vec<Panel>,
}

/// One chart of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Panel {
    /// Empty: the expression is the title.
    pub title: String,
    pub expression: String,
    /// As wide as the page, not half of it.
    pub wide: bool,
    /// How it looks: the query of a [`Look`]. What charts do not understand is kept as it came.
    pub look: String,
}

impl Panel {
    pub fn of(expression: &str) -> Panel {
        Panel {
            expression: expression.to_owned(),
            ..Panel::default()
        }
    }

    /// How it looks.
    ///
    /// # Errors
    /// As [`Look::of_query`].
    pub fn looked(&self) -> Result<Look, Fault> {
        Look::of_query(&self.look)
    }

    /// Looks otherwise in some ways; an empty value is as usual. All else that the look says stays.
    pub fn look_as(&mut self, ways: &[(String, String)]) {
        let stay = pairs(&self.look)
            .into_iter()
            .filter(|(name, _)| !ways.iter().any(|(way, _)| way == name));
        let stay: Vec<(String, String)> = stay.collect();
        let all = stay.iter().chain(ways).filter(|(_, value)| !value.is_empty());
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        self.look = text.extend_pairs(all).finish();
    }

    /// What stands above the chart.
    pub fn heading(&self) -> &str {
        match self.title.is_empty() {
            true => &self.expression,
            false => &self.title,
        }
    }

    /// What is wrong with it: which field, and why.
    pub fn wrong(&self) -> Option<(&'static str, String)> {
        if self.expression.trim().is_empty() {
            return Some(("expression", "must not be empty".to_owned()));
        }
        if self.expression.len() > EXPRESSION {
            return Some(("expression", format!("may have {EXPRESSION} bytes at most")));
        }
        if self.title.chars().count() > TITLE {
            return Some(("title", format!("may have {TITLE} characters at most")));
        }
        if self.look.len() > LOOK {
            return Some(("look", format!("may have {LOOK} bytes at most")));
        }
        let texts = [
            ("expression", &self.expression),
            ("title", &self.title),
            ("look", &self.look),
        ];
        let odd = texts
            .into_iter()
            .find(|(_, text)| text.chars().any(char::is_control));
        odd.map(|(field, _)| (field, "must be one line without control characters".to_owned()))
    }

    fn bytes(&self) -> usize {
        self.title.len() + self.expression.len() + self.look.len()
    }
}

impl Board {
    /// Whether the panels may be shown together, whatever the title.
    ///
    /// # Errors
    /// Too many, too long, or one that is wrong; the words say which and what would do.
    pub fn check_panels(&self) -> Result<(), Fault> {
        if self.panels.len() > PANELS {
            let text = format!("A board has {PANELS} panels at most. Remove one, or begin another board.");
            return Err(Fault::invalid("panel", text));
        }
        for (at, panel) in self.panels.iter().enumerate() {
            if let Some((field, why)) = panel.wrong() {
                return Err(Fault::invalid(field, format!("Panel {}: {field} {why}.", at + 1)));
            }
        }
        if self.panels.iter().map(Panel::bytes).sum::<usize>() > WHOLE {
            let text = format!(
                "All expressions and titles of a board together may have {WHOLE} bytes. Make two boards of it."
            );
            return Err(Fault::invalid("panel", text));
        }
        Ok(())
    }

    /// Whether it can be kept.
    ///
    /// # Errors
    /// As [`check_panels`](Self::check_panels), and what is wrong with title or range.
    pub fn check(&self) -> Result<(), Fault> {
        check_title(&self.title)?;
        if !self.range.is_empty() && !RANGES.iter().any(|(word, ..)| *word == self.range) {
            let words: Vec<&str> = RANGES.iter().map(|(word, ..)| *word).collect();
            let text = format!("range must be one of {}.", words.join(", "));
            return Err(Fault::invalid("range", text));
        }
        if self.panels.is_empty() {
            let text = "There is no panel yet. Find a metric and add it; then the board can be kept.";
            return Err(Fault::invalid("panel", text));
        }
        self.check_panels()
    }
}

/// Whether a board may be called so.
///
/// # Errors
/// Empty, too long, or not one line.
pub fn check_title(title: &str) -> Result<(), Fault> {
    let wrong = match title.trim() {
        "" => "A board needs a title: say what it shows.".to_owned(),
        long if long.chars().count() > TITLE => {
            format!("The title of a board may have {TITLE} characters at most.")
        }
        odd if odd.chars().any(char::is_control) => "The title of a board must be one line.".to_owned(),
        _ => return Ok(()),
    };
    Err(Fault::invalid("title", wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(panels: Vec<Panel>) -> Board {
        Board {
            title: "Disks".into(),
            range: "1h".into(),
            panels,
        }
    }

    #[test]
    fn what_is_beyond_a_bound_says_which_and_what_would_do() {
        let of = |board: &Board| board.check().map_err(|fault| fault.message);
        assert_eq!(of(&board(vec![Panel::of("a"); PANELS])), Ok(()));
        let told = |board: Board| of(&board).unwrap_err();
        assert!(told(board(vec![Panel::of("a"); PANELS + 1])).contains("24 panels"));
        assert!(told(board(vec![Panel::of("a"), Panel::of(" ")])).contains("Panel 2: expression must not"));
        assert!(told(board(vec![Panel::of(&"a".repeat(EXPRESSION + 1))])).contains("1000 bytes"));
        assert!(told(board(vec![Panel::of(&"a".repeat(EXPRESSION)); 13])).contains("two boards"));
        assert!(told(board(vec![Panel::of("a\nb")])).contains("one line"));
        assert!(told(board(vec![])).contains("no panel"));
        let long = Panel {
            title: "ü".repeat(TITLE + 1),
            ..Panel::of("a")
        };
        assert!(told(board(vec![long])).contains("title may have 100"));
        let mut other = board(vec![Panel::of("a")]);
        other.range = "2y".into();
        assert!(of(&other).unwrap_err().contains("15m, 1h"));
        other.title = "  ".into();
        assert!(of(&other).unwrap_err().contains("needs a title"));
    }
}
