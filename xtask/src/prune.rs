//! Takes out of the bundle what no code can reach but the tools keep: classes that wasm-streams exports to JavaScript for
//! streamed bodies. Nothing here streams one, so no instance is ever made; their exports hold 20 KB of wasm alive.

use anyhow::{Result, bail};

/// The classes. Their functions in the wasm start with their names in lower case.
const CLASSES: [&str; 3] = [
    "IntoUnderlyingByteSource",
    "IntoUnderlyingSink",
    "IntoUnderlyingSource",
];

/// Whether an export of the wasm belongs to one of the classes.
pub fn is_dead(export: &str) -> bool {
    let name = export.strip_prefix("__wbg_").unwrap_or(export);
    CLASSES
        .iter()
        .any(|class| name.starts_with(&format!("{}_", class.to_lowercase())))
}

/// The script without the classes.
///
/// # Errors
/// The script makes instances of one, or does not look as this was written for.
pub fn script(mut script: String) -> Result<String> {
    for class in CLASSES {
        if script.contains(&format!("{class}.__wrap")) {
            bail!("the script makes an {class} now; take it off the list in xtask/src/prune.rs");
        }
        let last = format!("{class}.prototype[Symbol.dispose] = {class}.prototype.free;\n");
        cut(&mut script, &format!("export class {class} {{"), &last)?;
        cut(&mut script, &format!("const {class}Finalization ="), "));\n")?;
    }
    Ok(script)
}

/// Removes from the start of `from` to the end of the next `to`.
fn cut(script: &mut String, from: &str, to: &str) -> Result<()> {
    let Some(start) = script.find(from) else {
        bail!("`{from}` is not in the script; see xtask/src/prune.rs");
    };
    let Some(length) = script[start..].find(to) else {
        bail!("`{from}` has no end in the script; see xtask/src/prune.rs");
    };
    script.replace_range(start..start + length + to.len(), "");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(class: &str) -> String {
        format!(
            "export class {class} {{\n  free() {{}}\n}}\nif (Symbol.dispose) {class}.prototype[Symbol.dispose] = \
             {class}.prototype.free;\nconst {class}Finalization = (typeof FinalizationRegistry === 'undefined')\n? {{}}\n\
             : new FinalizationRegistry(ptr => wasm.free(ptr, 1));\n"
        )
    }

    fn whole() -> String {
        format!("let before;\n{}let after;\n", CLASSES.map(written).concat())
    }

    #[test]
    fn the_classes_go_and_the_rest_stays() {
        assert_eq!(script(whole()).unwrap(), "let before;\nlet after;\n");
    }

    #[test]
    fn a_class_that_is_used_is_not_taken_out() {
        let used = whole() + "return IntoUnderlyingSink.__wrap(ptr);";
        assert!(
            script(used)
                .unwrap_err()
                .to_string()
                .contains("IntoUnderlyingSink")
        );
    }

    #[test]
    fn only_exports_of_the_classes_are_dead() {
        assert!(is_dead("intounderlyingsink_close") && is_dead("__wbg_intounderlyingbytesource_free"));
        assert!(!is_dead("hydrate") && !is_dead("__wbindgen_malloc"));
    }
}
