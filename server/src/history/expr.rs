//! Functions over what is asked: a part of PromQL, evaluated on one grid over the store's own answers. docs/HISTORY.md says which part,
//! and where it means something else than Prometheus does.
//!
//! | file | owns |
//! |---|---|
//! | [`parse`], [`tree`] | from text to what is meant, and back |
//! | [`eval`] | bounds, reading, and the way through the tree |
//! | [`over`] | functions over time: `rate`, `increase`, `..._over_time` |
//! | [`gather`] | functions over series: `sum by`, `quantile`, `topk`, `histogram_quantile` |
//! | [`binary`] | arithmetic |
//! | [`lines`], [`point`] | what is calculated with |
//! | [`units`], [`names`] | what the result is measured in, and called |
//!
//! What must hold: no value of the time that a point stands for is below its minimum or above its maximum, wherever docs/HISTORY.md does
//! not say that this is unknown; what has no value has none in the result either; whatever is typed is answered or refused with its place.

mod binary;
mod eval;
mod gather;
mod lines;
mod names;
mod over;
mod parse;
mod point;
mod tree;
mod units;

pub use eval::{MAX_TIME, MAX_TOUCHED};
pub use parse::MAX_BYTES;
use tree::Node;

/// The parameter that expressions come in.
const FIELD: &str = "expr";

/// What was typed, understood. Written out, it is what was understood, in short.
#[derive(Debug, Clone)]
pub struct Expression {
    root: Node,
}

impl std::fmt::Display for Expression {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.root.fmt(out)
    }
}

#[cfg(test)]
#[path = "expr/property_tests.rs"]
mod property_tests;
#[cfg(test)]
#[path = "expr/tests.rs"]
mod tests;
