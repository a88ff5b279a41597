//! Regular expressions of runbooks. The engine runs in time linear in the text (the crate `regex`), whatever is written.

use farol_model::{
    Fault,
    action::{ParamKind, ParamSpec},
};
use regex::{Regex, RegexBuilder};

/// What a compiled expression may take, bytes.
const SIZE_LIMIT: usize = 1024 * 1024;

/// An expression for a whole value.
///
/// # Errors
/// A sentence on what is wrong with it.
pub fn whole(pattern: &str) -> Result<Regex, String> {
    compiled(&format!("^(?:{pattern})$"), pattern)
}

/// An expression for a part of a line.
///
/// # Errors
/// A sentence on what is wrong with it.
pub fn line(pattern: &str) -> Result<Regex, String> {
    compiled(pattern, pattern)
}

fn compiled(text: &str, pattern: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(text).size_limit(SIZE_LIMIT).build();
    regex.map_err(|error| {
        // The last line of a syntax error says what is wrong; the others draw where.
        let told = error.to_string();
        let reason = told
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ");
        format!("`{pattern}` is no regular expression: {reason}")
    })
}

/// Whether a value has the form that its parameter asks for.
///
/// # Errors
/// A fault that names the parameter.
pub fn check(spec: &ParamSpec, value: &str) -> Result<(), Fault> {
    let ParamKind::Pattern { pattern, .. } = &spec.kind else {
        return Ok(());
    };
    match whole(pattern) {
        Ok(regex) if regex.is_match(value) => Ok(()),
        // One that is no expression never came here: runbooks are checked when they are loaded.
        Ok(_) | Err(_) => Err(spec.mismatch(pattern)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_value_must_match_and_a_bad_expression_says_why() {
        let regex = whole("a|b").unwrap();
        assert!(regex.is_match("a") && !regex.is_match("ab") && !regex.is_match("xa"));
        assert!(whole("(").unwrap_err().contains("`(` is no regular expression"));
        assert!(line("x{1000000}").is_err(), "too large");
    }
}
