//! Colours of output (ECMA-48 SGR) as classes. The server sends pieces that are complete in themselves and hold no other
//! escape sequences, see `server/src/actions/output/ansi.rs`.

/// What is in force.
#[derive(Default)]
struct Style {
    /// 0 to 7 and, bright, 8 to 15.
    colour: Option<u32>,
    bold: bool,
    dim: bool,
}

impl Style {
    fn take(&mut self, codes: &str) {
        let mut codes = codes.split(';').map(|code| code.parse::<u32>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Style::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                22 => (self.bold, self.dim) = (false, false),
                30..=37 => self.colour = Some(code - 30),
                90..=97 => self.colour = Some(code - 82),
                39 => self.colour = None,
                // Colours of 256 or more: the first sixteen are ours, others stay as they are.
                38 | 48 => {
                    let number = match codes.next() {
                        Some(5) => codes.next(),
                        _ => codes.nth(2).and(None),
                    };
                    if code == 38 {
                        self.colour = number.filter(|number| *number < 16);
                    }
                }
                _ => {}
            }
        }
    }

    fn class(&self) -> String {
        let mut class = self
            .colour
            .map_or_else(String::new, |colour| format!("a{colour}"));
        if self.bold {
            class.push_str(" ab");
        }
        if self.dim {
            class.push_str(" ad");
        }
        class
    }
}

/// Parts of a piece, each with the class that it has.
pub fn parts(text: &str) -> Vec<(String, String)> {
    let mut style = Style::default();
    let mut parts = Vec::new();
    for (index, part) in text.split("\x1b[").enumerate() {
        let words = match part.split_once('m').filter(|_| index > 0) {
            Some((codes, words)) => {
                style.take(codes);
                words
            }
            None => part,
        };
        if !words.is_empty() {
            parts.push((style.class(), words.to_owned()));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_the_class_of_its_colours() {
        let told: Vec<String> =
            parts("a\x1b[1;31mb\x1b[22;92mc\x1b[0md\x1b[38;5;3me\x1b[38;2;1;2;3mf\x1b[mg")
                .into_iter()
                .map(|(class, words)| format!("{}:{words}", class.trim()))
                .collect();
        assert_eq!(told, [":a", "a1 ab:b", "a10:c", ":d", "a3:e", ":f", ":g"]);
        assert_eq!(parts("plain"), [(String::new(), "plain".to_owned())]);
        assert!(parts("\x1b[31m\x1b[0m").is_empty());
    }
}
