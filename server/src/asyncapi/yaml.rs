//! A JSON value as YAML 1.2 in block style. Texts that could be read as something else are JSON strings, which YAML takes.

use serde_json::Value;

/// The document, with a line break at its end.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    block(&mut text, value, 0);
    text.trim_start_matches('\n').to_owned()
}

/// Writes what stands after a key or a dash: a scalar on the same line, anything else on lines of its own.
fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                line(text, depth);
                field(text, key, value, depth);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                line(text, depth);
                text.push('-');
                dashed(text, item, depth + 1);
            }
        }
        Value::String(words) => {
            text.push(' ');
            text.push_str(&scalar(words));
        }
        // Numbers, booleans, null, and what is empty are written as in JSON.
        other => {
            text.push(' ');
            text.push_str(&other.to_string());
        }
    }
    if depth == 0 {
        text.push('\n');
    }
}

/// Writes an item of a list: the first field of an object stands beside the dash.
fn dashed(text: &mut String, item: &Value, depth: usize) {
    let Value::Object(fields) = item else {
        return block(text, item, depth);
    };
    for (index, (key, value)) in fields.iter().enumerate() {
        match index {
            0 => text.push(' '),
            _ => line(text, depth),
        }
        field(text, key, value, depth);
    }
    if fields.is_empty() {
        text.push_str(" {}");
    }
}

fn field(text: &mut String, key: &str, value: &Value, depth: usize) {
    text.push_str(&scalar(key));
    text.push(':');
    block(text, value, depth + 1);
}

fn line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

/// As it is where nothing else can be read into it.
fn scalar(words: &str) -> String {
    const OTHERS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let plain = words.starts_with(|first: char| first.is_ascii_alphabetic())
        && words
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || "_-./".contains(one))
        && !OTHERS.contains(&words.to_ascii_lowercase().as_str());
    match plain {
        true => words.to_owned(),
        false => Value::from(words).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_could_be_misread_is_quoted() {
        let value = json!({
            "a": "plain/text.x", "b": "No", "c": "1.0", "d": "a: b", "e": [], "f": {}, "g": null,
            "h": [1, {"i": true, "j": ["k"]}, {}, []], "$ref": "#/x",
        });
        let text = concat!(
            "\"$ref\": \"#/x\"\na: plain/text.x\nb: \"No\"\nc: \"1.0\"\nd: \"a: b\"\ne: []\nf: {}\ng: null\n",
            "h:\n  - 1\n  - i: true\n    j:\n      - k\n  - {}\n  - []\n",
        );
        assert_eq!(write(&value), text);
    }
}
