//! What an expression means, as a tree.

use crate::history::selector::Selector;
use std::fmt;

/// Units of time, milliseconds.
pub const UNITS: [(&str, i64); 7] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("w", 7 * 86_400_000),
    ("y", 365 * 86_400_000),
];

/// A part of an expression, and where it begins.
#[derive(Debug, Clone)]
pub struct Node {
    /// Byte of the text.
    pub at: usize,
    pub kind: Kind,
}

/// See the module.
#[derive(Debug, Clone)]
pub enum Kind {
    Number(f64),
    Select(Select),
    Over(Over, Select, Option<i64>),
    Abs(Box<Node>),
    Negative(Box<Node>),
    Gather(Gather, Grouping, Box<Node>),
    HistogramQuantile(f64, Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
}

/// Series as they are kept.
#[derive(Debug, Clone)]
pub struct Select {
    pub selector: Selector,
    /// As it was typed, with its place.
    pub text: String,
    pub at: usize,
}

/// What is made of a series over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Rate,
    Increase,
    Avg,
    Min,
    Max,
}

/// What is made of several series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gather {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Quantile(f64),
    TopK(usize),
    BottomK(usize),
}

/// Which series go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

/// Between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

impl Over {
    pub const ALL: [(&'static str, Over); 5] = [
        ("rate", Over::Rate),
        ("increase", Over::Increase),
        ("avg_over_time", Over::Avg),
        ("min_over_time", Over::Min),
        ("max_over_time", Over::Max),
    ];
}

impl fmt::Display for Over {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Over::ALL.iter().find(|(_, over)| over == self);
        out.write_str(name.map_or("", |(name, _)| name))
    }
}

impl Operator {
    pub const ALL: [(char, Operator); 6] = [
        ('+', Operator::Add),
        ('-', Operator::Subtract),
        ('*', Operator::Multiply),
        ('/', Operator::Divide),
        ('%', Operator::Modulo),
        ('^', Operator::Power),
    ];

    /// What binds more strongly has more.
    pub fn strength(self) -> u8 {
        match self {
            Operator::Add | Operator::Subtract => 1,
            Operator::Multiply | Operator::Divide | Operator::Modulo => 2,
            Operator::Power => 3,
        }
    }

    pub fn sign(self) -> char {
        let found = Operator::ALL.iter().find(|(_, operator)| *operator == self);
        found.map_or('+', |(sign, _)| *sign)
    }
}

impl Gather {
    fn name(self) -> &'static str {
        match self {
            Gather::Sum => "sum",
            Gather::Avg => "avg",
            Gather::Min => "min",
            Gather::Max => "max",
            Gather::Count => "count",
            Gather::Quantile(_) => "quantile",
            Gather::TopK(_) => "topk",
            Gather::BottomK(_) => "bottomk",
        }
    }
}

impl fmt::Display for Grouping {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grouping::By(labels) if labels.is_empty() => Ok(()),
            Grouping::By(labels) => write!(out, " by ({})", labels.join(", ")),
            Grouping::Without(labels) => write!(out, " without ({})", labels.join(", ")),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, 0)
    }
}

impl Node {
    /// In parentheses, if it binds less strongly than `least`.
    fn write(&self, out: &mut fmt::Formatter<'_>, least: u8) -> fmt::Result {
        let within = |strength: u8| if strength < least { ("(", ")") } else { ("", "") };
        match &self.kind {
            Kind::Number(number) if number.is_sign_negative() => {
                let (open, close) = within(Operator::Power.strength());
                write!(out, "{open}{number}{close}")
            }
            Kind::Number(number) => write!(out, "{number}"),
            Kind::Select(select) => out.write_str(&select.text),
            Kind::Over(over, select, window_ms) => {
                write!(out, "{over}({}", select.text)?;
                if let Some(window_ms) = window_ms {
                    let unit = UNITS.iter().rev().find(|(_, ms)| window_ms % ms == 0);
                    let (unit, ms) = unit.unwrap_or(&UNITS[0]);
                    write!(out, "[{}{unit}]", window_ms / ms)?;
                }
                out.write_str(")")
            }
            Kind::Abs(of) => write!(out, "abs({of})"),
            Kind::Negative(of) => {
                let (open, close) = within(Operator::Power.strength());
                write!(out, "{open}-")?;
                of.write(out, Operator::Power.strength())?;
                out.write_str(close)
            }
            Kind::Gather(how, grouping, of) => {
                let gap = if *grouping == Grouping::By(Vec::new()) {
                    ""
                } else {
                    " "
                };
                write!(out, "{}{grouping}{gap}(", how.name())?;
                match how {
                    Gather::Quantile(share) => write!(out, "{share}, ")?,
                    Gather::TopK(count) | Gather::BottomK(count) => write!(out, "{count}, ")?,
                    _ => {}
                }
                write!(out, "{of})")
            }
            Kind::HistogramQuantile(share, of) => write!(out, "histogram_quantile({share}, {of})"),
            Kind::Binary(operator, left, right) => {
                let (open, close) = within(operator.strength());
                let power = u8::from(*operator == Operator::Power);
                out.write_str(open)?;
                left.write(out, operator.strength() + power)?;
                write!(out, " {} ", operator.sign())?;
                right.write(out, operator.strength() + 1 - power)?;
                out.write_str(close)
            }
        }
    }
}
