//! Short names for what script and wasm call each other by. wasm-bindgen's names end in hashes, which do not compress, and
//! stand in both files.

use anyhow::{Result, bail};
use std::collections::HashMap;

/// What wasm-bindgen makes up, by how it begins; the names of our own exports stay.
const GENERATED: [&str; 4] = ["__wbg_", "__wbindgen_", "__externref_", "wasm_bindgen__"];

/// New names by the old ones. The same name is the same in imports, exports and script.
#[derive(Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// Gives a name of the wasm its short form, when it is a generated one.
    pub fn shorten(&mut self, name: &mut String) {
        if GENERATED.iter().any(|start| name.starts_with(start)) {
            let next = short(self.0.len());
            *name = self.0.entry(std::mem::take(name)).or_insert(next).clone();
        }
    }

    /// The script with the new names.
    ///
    /// # Errors
    /// It has a word that looks like one of them already.
    pub fn script(&self, script: &str) -> Result<String> {
        let mut renamed = String::with_capacity(script.len());
        let mut rest = script;
        while let Some(from) = rest.find(is_word) {
            let (before, word) = rest.split_at(from);
            let (word, after) = word.split_at(word.find(|c| !is_word(c)).unwrap_or(word.len()));
            if word
                .strip_prefix('$')
                .is_some_and(|rest| (1..=2).contains(&rest.len()))
            {
                bail!("the script has a word `{word}` of its own now; see xtask/src/short.rs");
            }
            renamed.push_str(before);
            renamed.push_str(self.0.get(word).map_or(word, String::as_str));
            rest = after;
        }
        renamed.push_str(rest);
        Ok(renamed)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

/// `$a` to `$z`, `$aa`, `$ba` and so on.
fn short(mut number: usize) -> String {
    let mut name = "$".to_owned();
    loop {
        name.push(char::from(b'a' + (number % 26) as u8));
        if number < 26 {
            return name;
        }
        number = number / 26 - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_and_wasm_get_the_same_names_and_our_own_stay() {
        let mut wasm = ["__wbg_get_1f2e", "hydrate", "__wbindgen_malloc", "__wbg_get_1f2e"].map(String::from);
        let mut names = Names::default();
        for name in &mut wasm {
            names.shorten(name);
        }
        assert_eq!(wasm, ["$a", "hydrate", "$b", "$a"]);
        let script =
            "__wbg_get_1f2e: function() { wasm.__wbindgen_malloc(1); wasm.hydrate(); __wbg_get_1f2e2(); }";
        assert_eq!(
            names.script(script).unwrap(),
            "$a: function() { wasm.$b(1); wasm.hydrate(); __wbg_get_1f2e2(); }"
        );
    }

    #[test]
    fn no_name_is_given_twice() {
        let all: std::collections::HashSet<_> = (0..2000).map(short).collect();
        assert_eq!(all.len(), 2000);
    }

    #[test]
    fn a_word_that_could_be_one_of_the_new_names_is_refused() {
        let error = Names::default().script("let $ab = 1;").unwrap_err().to_string();
        assert!(error.contains("$ab"), "{error}");
        assert!(Names::default().script("let $abcd = `${a}`;").is_ok());
    }
}
