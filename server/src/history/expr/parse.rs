//! From text to a tree: recursive descent, bounded in length, depth and parts. Every refusal names the byte and what would be right.

use super::{
    Expression, FIELD,
    tree::{Gather, Grouping, Kind, Node, Operator, Over, Select, UNITS},
};
use crate::history::{query::MAX_SERIES, selector::Reader};
use farol_model::Fault;

/// Bytes of an expression at most.
pub const MAX_BYTES: usize = 2048;
/// Parentheses within each other at most.
const MAX_DEPTH: usize = 32;
/// Parts of an expression at most: series, numbers, functions, operators.
const MAX_PARTS: usize = 64;
/// Labels of one `by` or `without` at most.
const MAX_LABELS: usize = 16;
/// For the longest time.
const YEAR_MS: i64 = 365 * 86_400_000;
/// Letters of a word that is quoted in a refusal.
const SHOWN: usize = 40;

const GATHERERS: [&str; 8] = ["sum", "avg", "min", "max", "count", "quantile", "topk", "bottomk"];
/// Of names of metrics.
const NAME: &str = "_:";
/// Of names of labels.
const LABEL: &str = "_";
/// What PromQL has and this has not.
const ABSENT: [&str; 11] = [
    "and",
    "or",
    "unless",
    "offset",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "by",
    "without",
];

impl Expression {
    /// Reads one, or says what is wrong with it, where, and what would be right.
    pub fn parse(text: &str) -> Result<Expression, Fault> {
        if text.len() > MAX_BYTES {
            return Err(Fault::invalid(
                FIELD,
                format!(
                    "An expression may have {MAX_BYTES} bytes at most; this one has {}.",
                    text.len()
                ),
            ));
        }
        if text.trim().is_empty() {
            return Err(Fault::invalid(
                FIELD,
                "An expression is missing: a metric, or a function of one, as sum by (device) (disk_read_bytes_per_second).",
            ));
        }
        let mut parser = Parser {
            reader: Reader::new(text, "expression", FIELD),
            depth: 0,
            parts: 0,
        };
        let root = parser.expression(0)?;
        if !parser.reader.rest.is_empty() {
            return Err(parser.left_over());
        }
        Ok(Expression { root })
    }
}

struct Parser<'a> {
    reader: Reader<'a>,
    depth: usize,
    parts: usize,
}

impl Parser<'_> {
    /// Operators that bind at least so strongly, and what is between them.
    fn expression(&mut self, least: u8) -> Result<Node, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self
                .reader
                .wrong(&format!("is more than {MAX_DEPTH} parentheses deep here")));
        }
        let mut left = self.signed()?;
        while let Some((_, operator)) = Operator::ALL.into_iter().find(|(sign, operator)| {
            operator.strength() >= least.max(1) && self.reader.rest.starts_with(*sign)
        }) {
            let at = self.reader.at();
            self.reader.eat(operator.sign().encode_utf8(&mut [0; 4]));
            // The same strength once more belongs to the left, but for powers.
            let right = self.expression(operator.strength() + u8::from(operator != Operator::Power))?;
            left = self.part(at, Kind::Binary(operator, Box::new(left), Box::new(right)))?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn part(&mut self, at: usize, kind: Kind) -> Result<Node, Fault> {
        self.parts += 1;
        match self.parts > MAX_PARTS {
            true => Err(self.reader.wrong(&format!(
                "may have {MAX_PARTS} parts at most (series, numbers, functions, operators), and has more before this"
            ))),
            false => Ok(Node { at, kind }),
        }
    }

    fn signed(&mut self) -> Result<Node, Fault> {
        let at = self.reader.at();
        if self.reader.eat("+") {
            return self.expression(Operator::Power.strength());
        }
        if self.reader.eat("-") {
            let of = self.expression(Operator::Power.strength())?;
            return match of.kind {
                Kind::Number(number) => Ok(Node {
                    at,
                    kind: Kind::Number(-number),
                }),
                _ => self.part(at, Kind::Negative(Box::new(of))),
            };
        }
        let found = self.primary()?;
        if self.reader.rest.starts_with('[') {
            return Err(self.reader.wrong(&format!(
                "has a time in brackets here, which only {} take, around a metric: rate(name[5m])",
                names(&Over::ALL.map(|(name, _)| name))
            )));
        }
        Ok(found)
    }

    fn primary(&mut self) -> Result<Node, Fault> {
        let at = self.reader.at();
        if self.reader.eat("(") {
            let inner = self.expression(0)?;
            self.closed()?;
            return Ok(inner);
        }
        if self
            .reader
            .rest
            .starts_with(|c: char| c.is_ascii_digit() || c == '.')
        {
            let number = self.number()?;
            return self.part(at, Kind::Number(number));
        }
        let before = self.reader.rest;
        let name = self.reader.while_in(NAME);
        if self.is_call(name) {
            return self.call(at, name);
        }
        self.reader.rest = before;
        let select = self.select()?;
        self.part(at, Kind::Select(select))
    }

    /// Whether a function begins with this name, and no metric.
    fn is_call(&self, name: &str) -> bool {
        let follows = |word: &str| {
            let rest = self.reader.rest.strip_prefix(word);
            rest.is_some_and(|rest| rest.trim_start().starts_with('('))
        };
        !name.is_empty()
            && (self.reader.rest.starts_with('(')
                || GATHERERS.contains(&name) && (follows("by") || follows("without")))
    }

    fn select(&mut self) -> Result<Select, Fault> {
        let (at, from) = (self.reader.at(), self.reader.rest);
        if !from.starts_with(|c: char| c.is_ascii_alphabetic() || "_:{".contains(c)) {
            return Err(self
                .reader
                .wrong("needs a metric, a number, a function or `(` here, for example rate(name) or name{label=\"value\"}"));
        }
        let name = self.reader.while_in(NAME);
        if ABSENT.contains(&name) {
            return Err(absent(name, at));
        }
        let selector = self.reader.selector(name)?;
        if selector.is_empty() {
            return Err(self
                .reader
                .wrong("has {} without a name or a condition, which would be every series, before this"));
        }
        let text = from[..from.len() - self.reader.rest.len()].trim_end().to_owned();
        Ok(Select { selector, text, at })
    }

    fn call(&mut self, at: usize, name: &str) -> Result<Node, Fault> {
        if let Some((_, over)) = Over::ALL.into_iter().find(|(known, _)| *known == name) {
            return self.over(at, over);
        }
        if GATHERERS.contains(&name) {
            return self.gather(at, name);
        }
        match name {
            "abs" => {
                self.opened()?;
                let of = self.expression(0)?;
                self.closed()?;
                self.part(at, Kind::Abs(Box::new(of)))
            }
            "histogram_quantile" => {
                self.opened()?;
                let share = self.share()?;
                let of = self.expression(0)?;
                self.closed()?;
                self.part(at, Kind::HistogramQuantile(share, Box::new(of)))
            }
            name if ABSENT.contains(&name) => Err(absent(name, at)),
            name => {
                let known: Vec<&str> = Over::ALL.iter().map(|(name, _)| *name).chain(GATHERERS).collect();
                let shown: String = name.chars().take(SHOWN).collect();
                Err(Fault::invalid(
                    FIELD,
                    format!(
                        "The expression has `{shown}(` at byte {at}, which is no function here; there are {}, abs and \
                         histogram_quantile.",
                        known.join(", ")
                    ),
                ))
            }
        }
    }

    fn over(&mut self, at: usize, over: Over) -> Result<Node, Fault> {
        self.opened()?;
        let before = self.reader.rest;
        let name = self.reader.while_in(NAME);
        if self.is_call(name) || before.starts_with('(') {
            self.reader.rest = before;
            return Err(self.reader.wrong(&format!(
                "needs a metric as it is kept inside {over}, no function of one, as sum({over}(name)) has it, here"
            )));
        }
        self.reader.rest = before;
        let select = self.select()?;
        let window_ms = match self.reader.eat("[") {
            true => Some(self.window()?),
            false => None,
        };
        self.closed()?;
        self.part(at, Kind::Over(over, select, window_ms))
    }

    /// A length of time and its bracket.
    fn window(&mut self) -> Result<i64, Fault> {
        let mut all = 0_i64;
        while !self.reader.eat("]") {
            let wrong =
                |reader: &Reader| reader.wrong("needs a time and `]`, as [30s], [5m] or [1h30m], here");
            let rest = self.reader.rest;
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let count: Option<i64> = rest[..digits].parse().ok().filter(|count| *count > 0);
            let unit = UNITS.iter().find(|(unit, _)| rest[digits..].starts_with(unit));
            let (Some(count), Some((unit, ms))) = (count, unit) else {
                return Err(wrong(&self.reader));
            };
            let length = count.checked_mul(*ms).and_then(|ms| ms.checked_add(all));
            all = length
                .filter(|all| *all <= 10 * YEAR_MS)
                .ok_or_else(|| self.reader.wrong("has a time of more than ten years here"))?;
            self.reader.rest = rest[digits + unit.len()..].trim_start();
        }
        match all {
            0 => Err(self
                .reader
                .wrong("has an empty time before this; [5m] is five minutes")),
            all => Ok(all),
        }
    }

    fn gather(&mut self, at: usize, name: &str) -> Result<Node, Fault> {
        let mut grouping = self.grouping()?;
        self.opened()?;
        let how = match name {
            "sum" => Gather::Sum,
            "avg" => Gather::Avg,
            "min" => Gather::Min,
            "max" => Gather::Max,
            "count" => Gather::Count,
            "quantile" => Gather::Quantile(self.share()?),
            "topk" => Gather::TopK(self.how_many()?),
            _ => Gather::BottomK(self.how_many()?),
        };
        let of = self.expression(0)?;
        self.closed()?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let grouping = grouping.unwrap_or(Grouping::By(Vec::new()));
        self.part(at, Kind::Gather(how, grouping, Box::new(of)))
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, Fault> {
        let before = self.reader.rest;
        let make = match self.reader.while_in(LABEL) {
            "by" => Grouping::By as fn(Vec<String>) -> Grouping,
            "without" => Grouping::Without,
            _ => {
                self.reader.rest = before;
                return Ok(None);
            }
        };
        self.opened()?;
        let mut labels: Vec<String> = Vec::new();
        while !self.reader.eat(")") {
            let label = self.reader.while_in(LABEL);
            if label.is_empty() {
                return Err(self.reader.wrong("needs the name of a label or `)` here"));
            }
            if labels.len() == MAX_LABELS {
                return Err(self
                    .reader
                    .wrong(&format!("may name {MAX_LABELS} labels at most, before this")));
            }
            if !labels.iter().any(|known| known == label) {
                labels.push(label.to_owned());
            }
            if !self.reader.eat(",") && !self.reader.rest.starts_with(')') {
                return Err(self.reader.wrong("needs `,` or `)` here"));
            }
        }
        Ok(Some(make(labels)))
    }

    /// From 0 to 1, and a comma.
    fn share(&mut self) -> Result<f64, Fault> {
        let before = self.reader.rest;
        let number = self.number().ok().filter(|share| (0.0..=1.0).contains(share));
        let Some(share) = number else {
            self.reader.rest = before;
            return Err(self
                .reader
                .wrong("needs a number from 0 to 1 first, as in quantile(0.9, name), here"));
        };
        self.comma()?;
        Ok(share)
    }

    /// A count of series, and a comma.
    fn how_many(&mut self) -> Result<usize, Fault> {
        let before = self.reader.rest;
        let number = self.number().ok().filter(|number| number.fract() == 0.0);
        let count = number.map(|number| number as usize);
        let Some(count) = count.filter(|count| (1..=MAX_SERIES).contains(count)) else {
            self.reader.rest = before;
            return Err(self.reader.wrong(&format!(
                "needs a whole number from 1 to {MAX_SERIES} first, as in topk(5, name), here"
            )));
        };
        self.comma()?;
        Ok(count)
    }

    fn number(&mut self) -> Result<f64, Fault> {
        let rest = self.reader.rest;
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let mut end = digits(rest);
        if rest[end..].starts_with('.') {
            end += 1 + digits(&rest[end + 1..]);
        }
        if let Some(power) = rest[end..].strip_prefix(['e', 'E']) {
            let sign = usize::from(power.starts_with(['+', '-']));
            end += match digits(&power[sign..]) {
                0 => 0,
                count => 1 + sign + count,
            };
        }
        let number = rest[..end].parse().ok().filter(|number: &f64| number.is_finite());
        let joined = rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let Some(number) = number.filter(|_| !joined) else {
            return Err(self.reader.wrong("needs a number here, as 8, 0.5 or 1e6"));
        };
        self.reader.rest = rest[end..].trim_start();
        Ok(number)
    }

    fn opened(&mut self) -> Result<(), Fault> {
        match self.reader.eat("(") {
            true => Ok(()),
            false => Err(self.reader.wrong("needs `(` here")),
        }
    }

    fn comma(&mut self) -> Result<(), Fault> {
        match self.reader.eat(",") {
            true => Ok(()),
            false => Err(self.reader.wrong("needs `,` here")),
        }
    }

    fn closed(&mut self) -> Result<(), Fault> {
        match self.reader.eat(")") {
            true => Ok(()),
            false if self.reader.rest.is_empty() => Err(self.reader.wrong("needs `)` here")),
            false => Err(self.left_over()),
        }
    }

    /// What follows where nothing or an operator could.
    fn left_over(&mut self) -> Fault {
        let (at, rest) = (self.reader.at(), self.reader.rest);
        let word = self.reader.while_in(LABEL);
        self.reader.rest = rest;
        if ABSENT.contains(&word) {
            return absent(word, at);
        }
        if rest.starts_with(['=', '!', '<', '>', '@']) {
            return self.reader.wrong(
                "has a comparison or an `@` here, which this part of PromQL has not; there are + - * / % ^",
            );
        }
        self.reader
            .wrong("needs an operator (+ - * / % ^) or the end here")
    }
}

/// A word of PromQL that means nothing here.
fn absent(word: &str, at: usize) -> Fault {
    if ["by", "without"].contains(&word) {
        return Fault::invalid(
            FIELD,
            format!(
                "The expression has `{word}` at byte {at}, which belongs beside {} only: sum by (label) (name).",
                names(&GATHERERS)
            ),
        );
    }
    Fault::invalid(
        FIELD,
        format!(
            "The expression has `{word}` at byte {at}, which this part of PromQL has not. There are + - * / % ^ between series of \
             the same labels, and functions."
        ),
    )
}

fn names(of: &[&str]) -> String {
    match of {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        all => all.concat(),
    }
}
