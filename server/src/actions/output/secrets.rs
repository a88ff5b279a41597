//! Secrets in what a run prints: replaced, even when a read cuts one in two.

/// Shorter values are not looked for: they would be found everywhere.
const SHORTEST: usize = 4;
const INSTEAD: &str = "[redacted]";

/// Hides secrets in one stream.
#[derive(Default)]
pub struct Secrets {
    values: Vec<String>,
    /// What may be the beginning of a secret.
    held: String,
}

impl Secrets {
    pub fn new(values: &[String]) -> Self {
        let mut values: Vec<String> = values
            .iter()
            .filter(|value| value.len() >= SHORTEST)
            .cloned()
            .collect();
        // A secret that contains another one is hidden whole.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Secrets {
            values,
            held: String::new(),
        }
    }

    pub fn push(&mut self, text: &str) -> String {
        if self.values.is_empty() {
            return text.to_owned();
        }
        let mut all = std::mem::take(&mut self.held) + text;
        for value in &self.values {
            if all.contains(value.as_str()) {
                all = all.replace(value.as_str(), INSTEAD);
            }
        }
        let begun = self
            .values
            .iter()
            .map(|value| beginning(&all, value))
            .max()
            .unwrap_or_default();
        self.held = all.split_off(all.len() - begun);
        all
    }

    /// What was held back.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// How many bytes at the end of the text may be the beginning of the value.
fn beginning(text: &str, value: &str) -> usize {
    value
        .char_indices()
        .map(|(at, _)| at)
        .skip(1)
        .filter(|length| text.ends_with(&value[..*length]))
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_wherever_it_is_cut() {
        let text = "key=hünter2-hünter2, hünter and hünter2!";
        let cuts = text.char_indices().map(|(at, _)| at);
        for cut in cuts {
            let mut secrets = Secrets::new(&["hünter2".to_owned(), "abc".to_owned()]);
            let all = secrets.push(&text[..cut]) + &secrets.push(&text[cut..]) + &secrets.finish();
            assert_eq!(
                all, "key=[redacted]-[redacted], hünter and [redacted]!",
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn what_only_begins_like_one_comes_in_the_end() {
        let mut secrets = Secrets::new(&["password".to_owned()]);
        assert_eq!(secrets.push("pass"), "");
        assert_eq!(secrets.push(" through pas"), "pass through ");
        assert_eq!(secrets.finish(), "pas");
    }
}
