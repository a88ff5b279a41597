//! What a table shows, without any of the drawing: columns, order, and which rows are on screen. Pure.

use std::ops::Range;

/// Rows that the server sends with a page, and that are drawn before anything is measured.
pub const FIRST_ROWS: usize = 200;
/// Rows kept ready above and below what is visible. The window moves in steps of this.
const OVERSCAN: usize = 12;

/// One column. Columns are named by their position in the list of a table's heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The word in addresses and class names.
    pub key: &'static str,
    /// The word in the head.
    pub title: &'static str,
    /// Numbers stand to the right.
    pub numeric: bool,
    /// The first press sorts from the greatest down.
    falls: bool,
    /// Shown until somebody chooses otherwise.
    pub shown: bool,
}

impl Head {
    pub const fn words(key: &'static str, title: &'static str) -> Head {
        Head {
            key,
            title,
            numeric: false,
            falls: false,
            shown: true,
        }
    }

    pub const fn number(key: &'static str, title: &'static str) -> Head {
        Head {
            numeric: true,
            falls: true,
            ..Head::words(key, title)
        }
    }

    /// The first press sorts from the least up.
    pub const fn rising(self) -> Head {
        Head { falls: false, ..self }
    }

    pub const fn hidden(self) -> Head {
        Head { shown: false, ..self }
    }

    /// The class of its cells.
    pub fn class(&self) -> String {
        let number = if self.numeric { "number " } else { "" };
        format!("{number}col-{}", self.key)
    }
}

/// By which column, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    pub column: usize,
    pub descending: bool,
}

impl Sort {
    /// The form in addresses: `cpu-desc`.
    pub fn to_word(self, heads: &[Head]) -> String {
        let key = heads.get(self.column).map_or("", |head| head.key);
        format!("{key}-{}", if self.descending { "desc" } else { "asc" })
    }

    /// None when the text is no such word.
    pub fn parse(text: &str, heads: &[Head]) -> Option<Sort> {
        let (key, way) = text.split_once('-')?;
        let column = heads.iter().position(|head| head.key == key)?;
        let descending = match way {
            "desc" => true,
            "asc" => false,
            _ => return None,
        };
        Some(Sort { column, descending })
    }

    /// What a press on a column's head asks for: the other way, or the column's natural way.
    pub fn pressed(self, column: usize, heads: &[Head]) -> Sort {
        let descending = match self.column == column {
            true => !self.descending,
            false => heads.get(column).is_some_and(|head| head.falls),
        };
        Sort { column, descending }
    }

    /// The value of `aria-sort` on a column's head.
    pub fn aria(self, column: usize) -> Option<&'static str> {
        (self.column == column).then_some(if self.descending {
            "descending"
        } else {
            "ascending"
        })
    }
}

/// Rows that must exist, given how far the table is scrolled. All lengths in pixels.
pub fn window(scroll_top: f64, viewport: f64, row_height: f64, total: usize) -> Range<usize> {
    if row_height <= 0.0 || total == 0 {
        return 0..total.min(FIRST_ROWS);
    }
    let first = (scroll_top.max(0.0) / row_height) as usize;
    let visible = (viewport.max(0.0) / row_height).ceil() as usize + 1;
    let start = (first / OVERSCAN * OVERSCAN).saturating_sub(OVERSCAN);
    let end = (first + visible).div_ceil(OVERSCAN) * OVERSCAN + OVERSCAN;
    start.min(total.saturating_sub(1))..end.min(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: [Head; 3] = [
        Head::words("name", "Name"),
        Head::number("cpu", "CPU"),
        Head::number("pid", "PID").rising().hidden(),
    ];

    #[test]
    fn sort_words_parse_back_and_rubbish_is_none() {
        for column in 0..HEADS.len() {
            for descending in [true, false] {
                let sort = Sort { column, descending };
                assert_eq!(Sort::parse(&sort.to_word(&HEADS), &HEADS), Some(sort));
            }
        }
        for rubbish in ["", "cpu", "cpu-up", "x-desc"] {
            assert_eq!(Sort::parse(rubbish, &HEADS), None);
        }
    }

    #[test]
    fn pressing_a_head_turns_it_and_another_starts_its_natural_way() {
        let sort = Sort {
            column: 1,
            descending: true,
        };
        assert!(!sort.pressed(1, &HEADS).descending);
        assert!(!sort.pressed(0, &HEADS).descending);
        assert!(!sort.pressed(2, &HEADS).descending);
        assert!(sort.pressed(0, &HEADS).pressed(1, &HEADS).descending);
    }

    #[test]
    fn the_window_covers_what_is_visible_and_stays_small_and_inside() {
        for total in [0, 1, 57, 10_000] {
            for scroll in [-50.0, 0.0, 777.0, 359_000.0, 1e9] {
                let range = window(scroll, 800.0, 36.0, total);
                assert!(
                    range.end <= total && range.start <= range.end,
                    "{range:?} of {total}"
                );
                assert!(range.len() <= 23 + 4 * OVERSCAN, "{range:?}");
            }
        }
        let range = window(36.0 * 5000.0, 800.0, 36.0, 10_000);
        assert!(range.start <= 5000 && range.end >= 5023, "{range:?}");
    }

    #[test]
    fn before_anything_is_measured_the_first_rows_are_drawn() {
        assert_eq!(window(0.0, 0.0, 0.0, 10_000), 0..FIRST_ROWS);
    }
}
