//! Escape sequences in what programs print. Colours stay (ECMA-48 SGR), each piece of output complete in itself; whatever
//! moves a cursor, rings or names windows goes, because the output is read as text.

/// Longest sequence that is waited for across two pieces, bytes.
const MAX_SEQUENCE: usize = 64;
/// Longest list of colours and styles that is carried on, bytes; above it they begin anew.
const MAX_STYLE: usize = 64;

/// Cleans one stream piece by piece.
#[derive(Debug, Default)]
pub struct Ansi {
    /// The beginning of a sequence, or a carriage return whose line feed may come.
    rest: String,
    /// Codes in force at the end of the last piece.
    style: String,
}

impl Ansi {
    /// The piece with its colours, beginning with those that are in force and ending with none.
    pub fn push(&mut self, text: &str) -> String {
        let all = std::mem::take(&mut self.rest) + text;
        let mut out = String::with_capacity(all.len() + 16);
        if !self.style.is_empty() {
            out.push_str(&format!("\x1b[{}m", self.style));
        }
        let begun = out.len();
        let mut rest = all.as_str();
        while let Some(c) = rest.chars().next() {
            let length = match c {
                '\x1b' => match sequence(rest) {
                    Sequence::Unfinished if rest.len() < MAX_SEQUENCE => {
                        self.rest = rest.to_owned();
                        break;
                    }
                    Sequence::Unfinished => 1,
                    Sequence::Colour(length) => {
                        self.set(&rest[2..length - 1]);
                        out.push_str(&rest[..length]);
                        length
                    }
                    Sequence::Other(length) => length,
                },
                '\r' if rest.len() == 1 => {
                    self.rest = rest.to_owned();
                    break;
                }
                '\r' => {
                    if !rest[1..].starts_with('\n') {
                        out.push('\n');
                    }
                    1
                }
                '\n' | '\t' => {
                    out.push(c);
                    1
                }
                c if c.is_control() => c.len_utf8(),
                c => {
                    out.push(c);
                    c.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        if out.len() == begun {
            return String::new();
        }
        if !self.style.is_empty() {
            out.push_str("\x1b[0m");
        }
        out
    }

    /// What was waited for at the end. A carriage return at the very end is a line's end.
    pub fn finish(&mut self) -> String {
        match std::mem::take(&mut self.rest).as_str() {
            "\r" => "\n".to_owned(),
            _ => String::new(),
        }
    }

    fn set(&mut self, codes: &str) {
        // A reset anywhere forgets what stood before it.
        let after = codes
            .split(';')
            .collect::<Vec<_>>()
            .rsplit(|code| code.trim_start_matches('0').is_empty())
            .next()
            .map(|codes| codes.join(";"))
            .unwrap_or_default();
        if after.len() != codes.len() {
            self.style.clear();
        }
        if !after.is_empty() {
            if !self.style.is_empty() {
                self.style.push(';');
            }
            self.style.push_str(&after);
        }
        if self.style.len() > MAX_STYLE {
            self.style.clear();
        }
    }
}

enum Sequence {
    Unfinished,
    /// Its length, bytes.
    Colour(usize),
    Other(usize),
}

/// The sequence at the beginning, which is ESC.
fn sequence(text: &str) -> Sequence {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        None => Sequence::Unfinished,
        Some(b'[') => match bytes[2..].iter().position(|byte| !(0x20..=0x3f).contains(byte)) {
            None => Sequence::Unfinished,
            Some(at)
                if bytes[2 + at] == b'm'
                    && bytes[2..2 + at].iter().all(|b| b.is_ascii_digit() || *b == b';') =>
            {
                Sequence::Colour(at + 3)
            }
            Some(at) if bytes[2 + at].is_ascii() => Sequence::Other(at + 3),
            Some(at) => Sequence::Other(at + 2),
        },
        // A string for the terminal, up to BEL or ST.
        Some(b']' | b'P' | b'_' | b'^') => {
            let bell = text.find('\x07').map(|at| at + 1);
            let end = text[2..].find("\x1b\\").map(|at| at + 4);
            match bell.into_iter().chain(end).min() {
                Some(length) => Sequence::Other(length),
                None => Sequence::Unfinished,
            }
        }
        // Such as the choice of a character set.
        Some(0x20..=0x2f) => match bytes.get(2) {
            None => Sequence::Unfinished,
            Some(byte) => Sequence::Other(if byte.is_ascii() { 3 } else { 2 }),
        },
        Some(byte) if byte.is_ascii() => Sequence::Other(2),
        Some(_) => Sequence::Other(1),
    }
}

/// Text without its colours.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        out.push_str(&rest[..at]);
        rest = match sequence(&rest[at..]) {
            Sequence::Colour(length) | Sequence::Other(length) => &rest[at + length..],
            Sequence::Unfinished => &rest[at + 1..],
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(pieces: &[&str]) -> Vec<String> {
        let mut ansi = Ansi::default();
        pieces.iter().map(|piece| ansi.push(piece)).collect()
    }

    #[test]
    fn colours_stay_and_each_piece_is_complete_in_itself() {
        assert_eq!(
            all(&["a\x1b[1;31mred", "still", "\x1b[0mplain", "x"]),
            [
                "a\x1b[1;31mred\x1b[0m",
                "\x1b[1;31mstill\x1b[0m",
                "\x1b[1;31m\x1b[0mplain",
                "x"
            ]
        );
    }

    #[test]
    fn a_sequence_cut_anywhere_is_put_together() {
        let text = "a\x1b[32mb\x1b[0mc\x1b[2Jd\x1b]0;title\x07e";
        for cut in 0..text.len() {
            let mut ansi = Ansi::default();
            let joined = ansi.push(&text[..cut]) + &ansi.push(&text[cut..]) + &ansi.finish();
            assert_eq!(plain(&joined), "abcde", "cut at {cut}");
        }
    }

    #[test]
    fn what_moves_rings_or_never_ends_is_not_kept() {
        assert_eq!(all(&["a\x1b[10;20Hb\x07c\x08\x1b(Bd"]), ["abcd"]);
        assert_eq!(all(&["10%\r20%\r\n"]), ["10%\n20%\n"]);
        let mut ansi = Ansi::default();
        let long = format!("\x1b[{}", "1;".repeat(200));
        assert!(ansi.push(&long).len() < 500);
        assert!(ansi.rest.len() < MAX_SEQUENCE);
        for _ in 0..100 {
            ansi.push("\x1b[38;5;200mx");
        }
        assert!(ansi.style.len() <= MAX_STYLE);
    }
}
