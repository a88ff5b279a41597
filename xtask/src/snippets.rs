//! Puts script that a crate brings along (`#[wasm_bindgen(module = "/...")]`) into the bound script, so that the bundle
//! stays one script to fetch, to hash and to allow.

use anyhow::{Context, Result, bail};
use std::collections::HashMap;

const EXPORT: &str = "export ";

/// The script with each import of a local module replaced by what the module exports.
///
/// # Errors
/// A module is not there, imports itself, or exports in a way that this does not know.
pub fn inline(script: &str, modules: &HashMap<String, String>) -> Result<String> {
    let mut whole = String::with_capacity(script.len());
    // A module is imported once for its names and once for each function that the wasm calls without glue.
    let mut placed: Vec<&str> = Vec::new();
    for line in script.split_inclusive('\n') {
        let Some((names, path)) = local_import(line)? else {
            whole += line;
            continue;
        };
        let number = match placed.iter().position(|known| *known == path) {
            Some(number) => number,
            None => {
                let text = modules
                    .get(path)
                    .with_context(|| format!("the script imports {path}, which no crate brings"))?;
                whole += &module(placed.len(), text)
                    .with_context(|| format!("{path} cannot be put into the bundle"))?;
                placed.push(path);
                placed.len() - 1
            }
        };
        whole += &format!("const {names} = local{number};\n");
    }
    Ok(whole)
}

/// What is declared by an import of `./snippets/PATH`, and the path.
fn local_import(line: &str) -> Result<Option<(String, &str)>> {
    let import = line.strip_prefix("import ");
    let Some((names, from)) = import.and_then(|import| import.split_once(" from ")) else {
        return Ok(None);
    };
    let path = from
        .trim_end_matches([';', '\n', '\r'])
        .trim_matches(['"', '\'', '`']);
    let Some(path) = path.strip_prefix("./snippets/") else {
        return Ok(None);
    };
    match names.strip_prefix("* as ") {
        Some(name) => Ok(Some((name.to_owned(), path))),
        None if names.starts_with('{') => Ok(Some((names.replace(" as ", ": "), path))),
        None => bail!("xtask/src/snippets.rs does not know this form of import: {line}"),
    }
}

fn module(number: usize, text: &str) -> Result<String> {
    let mut body = String::new();
    let mut exported = Vec::new();
    for line in text.lines() {
        if line.starts_with("import ") {
            bail!("`{line}`: a module of the bundle imports nothing");
        }
        let inner = match line.strip_prefix(EXPORT) {
            None => line,
            Some(inner) => {
                exported.push(declared(inner).with_context(|| format!("`{line}`"))?);
                inner
            }
        };
        body.push_str(inner);
        body.push('\n');
    }
    Ok(format!(
        "const local{number} = (() => {{\n{body}return {{ {} }};\n}})();\n",
        exported.join(", ")
    ))
}

/// The name that a declaration gives.
fn declared(line: &str) -> Result<&str> {
    let kinds = ["async function ", "function ", "const "];
    let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind));
    let name = rest.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
    match name {
        Some(name) if !name.is_empty() => Ok(name),
        _ => bail!("only `export function` and `export const` are known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(text: &str) -> HashMap<String, String> {
        HashMap::from([("app-1/src/a.js".to_owned(), text.to_owned())])
    }

    const SCRIPT: &str = "import { f, g as g2 } from './snippets/app-1/src/a.js';\n\
                          import * as import1 from \"./snippets/app-1/src/a.js\"\nf();\n";

    #[test]
    fn what_a_module_exports_is_there_under_the_names_of_the_imports_and_the_module_once() {
        let text =
            "const hidden = 1;\nexport function f() {\n  return hidden;\n}\nexport const g = () => 2;\n";
        let expected = "const local0 = (() => {\nconst hidden = 1;\nfunction f() {\n  return hidden;\n}\n\
                        const g = () => 2;\nreturn { f, g };\n})();\nconst { f, g: g2 } = local0;\n\
                        const import1 = local0;\nf();\n";
        assert_eq!(inline(SCRIPT, &modules(text)).unwrap(), expected);
    }

    #[test]
    fn a_script_without_imports_stays_as_it_is() {
        assert_eq!(
            inline("let a;\nlet b;", &HashMap::new()).unwrap(),
            "let a;\nlet b;"
        );
    }

    #[test]
    fn what_cannot_be_put_in_is_refused_with_its_reason() {
        let refused = |script: &str, text: &str| format!("{:#}", inline(script, &modules(text)).unwrap_err());
        assert!(refused(SCRIPT, "export default 1;").contains("only `export function`"));
        assert!(refused(SCRIPT, "import x from 'y';").contains("imports nothing"));
        assert!(refused("import { a } from './snippets/b.js';\n", "").contains("no crate brings"));
        assert!(refused("import a from './snippets/app-1/src/a.js';\n", "").contains("form"));
    }
}
