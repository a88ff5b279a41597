//! What a container prints, as the engine sends it. The first byte says whether there is a terminal (no frames) and how the rest is
//! cut.
//!
//! Asserts: text and error do not depend on how the bytes are cut; each stream has no more characters than it has bytes and no orders
//! to a terminal but line ends and tabs.

use super::pieces;
use farol::containers::frames::{Decoder, NoFrame};
use farol_model::action::OutputStream;

pub fn run(input: &[u8]) {
    let Some((seed, bytes)) = input.split_first() else {
        return;
    };
    let tty = seed & 1 == 1;
    let whole = read(tty, [bytes]);
    let cut = [read(tty, pieces(bytes, *seed)), read(tty, bytes.chunks(1))];
    for other in &cut {
        assert_eq!(whole.is_some(), other.is_some());
    }
    // What came before a frame that is none depends on the cut.
    let Some(whole) = whole else { return };
    for other in cut.into_iter().flatten() {
        assert_eq!(whole, other);
    }
    let printed: usize = whole.iter().map(|text| text.chars().count()).sum();
    assert!(
        printed <= bytes.len(),
        "{printed} characters from {} bytes",
        bytes.len()
    );
    for text in &whole {
        let order = text
            .chars()
            .find(|letter| letter.is_control() && !matches!(letter, '\n' | '\t'));
        assert_eq!(order, None, "an order to a terminal in {text:?}");
    }
}

/// What each stream printed; None when something was no frame.
fn read<'a>(tty: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<[String; 2]> {
    let mut decoder = Decoder::new(tty);
    let mut printed = [String::new(), String::new()];
    for piece in pieces {
        match decoder.push(piece) {
            Ok(found) => {
                for (stream, text) in found {
                    printed[usize::from(stream == OutputStream::Stderr)].push_str(&text);
                }
            }
            Err(NoFrame) => return None,
        }
    }
    Some(printed)
}
