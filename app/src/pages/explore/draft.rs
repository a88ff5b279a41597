//! What is being built, as it stands in the address, and what a form on the page does to it.
//!
//! A panel is `p` (its expression), with `t` (title), `w=full` and `l` (look) after it. `board` and `v` name the saved board that it
//! came from, and of which version. Words that are not known here are kept as they came: other parts of the page may know them.

use super::{
    board::{Board, PANELS, Panel},
    build::{Built, COMBINE, FILTERS, Filter, KEEP, SIGNS, known},
};
use crate::{
    pages::drawn::{href, pairs},
    past::range::RANGES,
};

/// Words that are kept though nobody here knows them, and the bytes of each at most.
const OTHERS: usize = 16;
const OTHER_BYTES: usize = 200;
/// Letters of what is looked for.
pub const FIND: usize = 100;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// What is looked for.
    pub find: String,
    pub board: Board,
    /// The saved board that this is a change of, and its version then.
    pub of: Option<(i64, i64)>,
    /// Which panel is open for changes.
    pub edit: Option<usize>,
    /// `range`, or `from` and `to`.
    pub range: String,
    pub from: String,
    pub to: String,
    /// Key of what a form has to say. Not kept in links.
    pub said: String,
    /// See the module.
    pub others: Vec<(String, String)>,
}

/// A draft as a request has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    pub draft: Draft,
    /// The address that says the same and nothing else, where a form has made another. Then one goes there first.
    pub go: Option<String>,
}

impl Draft {
    /// Reads an address, and does what a form asks for.
    pub fn ask(query: &str) -> Asked {
        Draft::of_pairs(pairs(query))
    }

    /// The same of a form that was posted.
    pub fn of_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Asked {
        let (mut draft, mut form) = (Draft::default(), Form::default());
        let mut id = None;
        let mut version = 0;
        for (name, value) in pairs {
            let value = value.trim().to_owned();
            match name.as_str() {
                "p" => draft.board.panels.push(Panel::of(&value)),
                "t" | "w" | "l" => {
                    if let Some(panel) = draft.board.panels.last_mut() {
                        match name.as_str() {
                            "t" => panel.title = value,
                            "w" => panel.wide = value == "full",
                            _ => panel.look = value,
                        }
                    }
                }
                "find" => draft.find = value.chars().take(FIND).collect(),
                "title" => draft.board.title = value,
                "board" => id = value.parse().ok(),
                "v" => version = value.parse().unwrap_or_default(),
                "edit" => draft.edit = value.parse().ok(),
                "range" => draft.range = value,
                "from" => draft.from = value,
                "to" => draft.to = value,
                "said" => draft.said = value,
                _ => form.take(name, value, &mut draft.others),
            }
        }
        draft.of = id.map(|id| (id, version));
        let came = form.came;
        form.apply(&mut draft);
        // What was left empty in a form is no panel.
        let empty = draft.board.panels.iter().any(|panel| panel.expression.is_empty());
        draft.board.panels.retain(|panel| !panel.expression.is_empty());
        draft.edit = draft.edit.filter(|at| *at < draft.board.panels.len());
        if RANGES.iter().any(|(word, ..)| *word == draft.range) {
            draft.board.range = draft.range.clone();
        }
        let go = (came || empty).then(|| {
            let mut there = draft.href();
            if let Some(at) = form.stay {
                there += &format!(
                    "#panel-{}",
                    at.min(draft.board.panels.len().saturating_sub(1)) + 1
                );
            }
            there
        });
        Asked { draft, go }
    }

    /// The saved board as something to be changed.
    pub fn of_board(id: i64, version: i64, board: &Board) -> Draft {
        Draft {
            board: board.clone(),
            of: Some((id, version)),
            range: board.range.clone(),
            ..Draft::default()
        }
    }

    /// Its address without the time, in pairs.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                pairs.push((name.to_owned(), value.to_owned()));
            }
        };
        add("find", &self.find);
        add("title", &self.board.title);
        if let Some((id, version)) = self.of {
            add("board", &id.to_string());
            add("v", &version.to_string());
        }
        for panel in &self.board.panels {
            add("p", &panel.expression);
            add("t", &panel.title);
            add("w", if panel.wide { "full" } else { "" });
            add("l", &panel.look);
        }
        add("edit", &self.edit.map(|at| at.to_string()).unwrap_or_default());
        for (name, value) in &self.others {
            add(name, value);
        }
        pairs
    }

    /// Its address.
    pub fn href(&self) -> String {
        let mut pairs = self.pairs();
        for (name, value) in [("range", &self.range), ("from", &self.from), ("to", &self.to)] {
            pairs.push((name.to_owned(), value.clone()));
        }
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        href("/explore", &pairs)
    }

    /// The same with one more panel.
    pub fn with(&self, expression: &str) -> String {
        let mut draft = self.clone();
        draft.board.panels.push(Panel::of(expression));
        draft.href()
    }
}

/// What stands in a form beside the draft: the button, and the choices for the panel that is open.
#[derive(Debug, Default)]
struct Form {
    came: bool,
    action: String,
    add: Vec<String>,
    /// The expression that the choices were drawn from.
    was: Option<String>,
    built: Built,
    labels: Vec<String>,
    signs: Vec<&'static str>,
    values: Vec<String>,
    window: String,
    /// How the panel is to look, see [`Panel::look_as`].
    look: Vec<(String, String)>,
    /// The panel to be shown again.
    stay: Option<usize>,
}

impl Form {
    fn take(&mut self, name: String, value: String, others: &mut Vec<(String, String)>) {
        match name.as_str() {
            "do" => self.action = value,
            "add" => self.add.push(value),
            "b-was" => self.was = Some(value),
            "b-metric" => self.built.metric = value,
            "b-label" => self.labels.push(value),
            "b-sign" => self.signs.push(known(&SIGNS, &value).unwrap_or("=")),
            "b-value" => self.values.push(value),
            "b-mode" | "b-axis" | "b-compare" => {
                let way = name.trim_start_matches("b-").to_owned();
                self.look.push((way, value));
            }
            "b-rate" => self.built.rate = Some(String::new()),
            "b-window" => self.window = value,
            "b-combine" => self.built.combine = known(&COMBINE, &value),
            "b-by" => self.built.by.push(value),
            "b-q" => self.built.q = value,
            "b-keep" => self.built.keep = known(&KEEP, &value),
            "b-k" => self.built.k = value,
            _ => {
                if !name.is_empty() && others.len() < OTHERS && name.len() + value.len() <= OTHER_BYTES {
                    others.push((name, value));
                }
                return;
            }
        }
        self.came = true;
    }

    /// The choices first, then the button.
    fn apply(&mut self, draft: &mut Draft) {
        if let Some(was) = self.was.take()
            && let Some(at) = draft.edit
            && let Some(panel) = draft.board.panels.get_mut(at)
        {
            // Whoever has changed the text means the text.
            if panel.expression == was {
                panel.expression = self.chosen();
            }
            self.stay = Some(at);
        }
        if let Some(panel) = draft.edit.and_then(|at| draft.board.panels.get_mut(at))
            && !self.look.is_empty()
        {
            panel.look_as(&self.look);
            self.stay = draft.edit;
        }
        draft
            .board
            .panels
            .extend(self.add.drain(..).map(|expression| Panel::of(&expression)));
        let (verb, at) = self.action.split_once('.').unwrap_or((&self.action, ""));
        let at = at
            .parse::<usize>()
            .ok()
            .filter(|at| *at < draft.board.panels.len());
        if let Some(at) = at {
            self.stay = act(verb, at, draft).or(self.stay);
        } else if verb == "close" {
            draft.edit = None;
        } else if verb == "found" {
            draft.find.clear();
        }
    }

    fn chosen(&mut self) -> String {
        let labels = self
            .labels
            .drain(..)
            .zip(self.signs.drain(..))
            .zip(self.values.drain(..));
        self.built.filters = labels
            .filter(|((label, _), _)| !label.is_empty())
            .take(FILTERS)
            .map(|((label, sign), value)| Filter { label, sign, value })
            .collect();
        if let Some(rate) = &mut self.built.rate {
            rate.clone_from(&self.window);
        }
        self.built.text()
    }
}

/// Does something to a panel. Which is to be shown after it.
fn act(verb: &str, at: usize, draft: &mut Draft) -> Option<usize> {
    let panels = &mut draft.board.panels;
    match verb {
        "remove" => {
            panels.remove(at);
            draft.edit = match draft.edit {
                Some(open) if open == at => None,
                Some(open) if open > at => Some(open - 1),
                open => open,
            };
            Some(at)
        }
        "up" | "down" => {
            let other = if verb == "up" { at.checked_sub(1)? } else { at + 1 };
            if other >= panels.len() {
                return Some(at);
            }
            panels.swap(at, other);
            draft.edit = draft.edit.map(|open| match open {
                open if open == at => other,
                open if open == other => at,
                open => open,
            });
            Some(other)
        }
        "width" => {
            panels[at].wide = !panels[at].wide;
            Some(at)
        }
        "copy" if panels.len() < PANELS => {
            panels.insert(at + 1, panels[at].clone());
            Some(at + 1)
        }
        "edit" => {
            draft.edit = Some(at);
            Some(at)
        }
        "top" => {
            panels[at].expression = format!("topk(10, {})", panels[at].expression);
            Some(at)
        }
        _ => Some(at),
    }
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
