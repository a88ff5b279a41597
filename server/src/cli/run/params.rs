//! Values of parameters as they are typed. A secret is never taken from the command line, which every user of the machine can
//! read, and never shown.

use anyhow::{Context, bail};
use farol_model::action::{ActionSpec, ParamKind, ParamSpec, Params};
use std::io::IsTerminal;

/// Largest file that is taken as a value, bytes.
const MAX_FILE: u64 = 64 * 1024;

/// `NAME=VALUE`.
pub fn parse(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, NAME=@FILE or NAME=?".to_owned()),
    }
}

/// The values, read and asked for. The server checks them again.
pub fn resolve(spec: &ActionSpec, given: Vec<(String, String)>) -> anyhow::Result<Params> {
    let mut params = Params::new();
    for (name, value) in given {
        let param = spec.params.iter().find(|param| param.name == name);
        let param = param.with_context(|| unknown(spec, &name))?;
        let value = value_of(param, &value)?;
        if params.insert(name.clone(), value).is_some() {
            bail!("{name} is given twice");
        }
    }
    for param in &spec.params {
        let wanted = param.default.is_none() && !params.contains_key(&param.name);
        if wanted && is_secret(param) && std::io::stdin().is_terminal() {
            params.insert(param.name.clone(), ask(param)?);
        }
    }
    Ok(spec.check(&params)?)
}

fn unknown(spec: &ActionSpec, name: &str) -> String {
    let names: Vec<&str> = spec.params.iter().map(|param| param.name.as_str()).collect();
    match names.is_empty() {
        true => format!("{} takes no parameters", spec.id),
        false => format!(
            "{} has no parameter `{name}`; it has {}",
            spec.id,
            names.join(", ")
        ),
    }
}

fn value_of(param: &ParamSpec, text: &str) -> anyhow::Result<String> {
    if text == "?" {
        return ask(param);
    }
    match text.strip_prefix('@') {
        Some(literal) if literal.starts_with('@') && !is_secret(param) => Ok(literal.to_owned()),
        Some(file) => from_file(file),
        None if is_secret(param) => bail!(
            "{} is a secret, and other users see command lines: give it as {name}=@FILE or {name}=?",
            param.label,
            name = param.name
        ),
        None => Ok(text.to_owned()),
    }
}

/// What the file says, without the line end that editors put there.
fn from_file(file: &str) -> anyhow::Result<String> {
    let cannot = || format!("cannot read {file}");
    let size = std::fs::metadata(file).with_context(cannot)?.len();
    anyhow::ensure!(size <= MAX_FILE, "{file} is larger than {MAX_FILE} bytes");
    let text = std::fs::read_to_string(file).with_context(cannot)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn ask(param: &ParamSpec) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "there is no terminal to ask for {} on; use {}=@FILE",
            param.label,
            param.name
        );
    }
    match is_secret(param) {
        true => rpassword::prompt_password(format!("{}: ", param.label)).context("cannot ask"),
        false => super::question(&format!("{}: ", param.label)),
    }
}

fn is_secret(param: &ParamSpec) -> bool {
    matches!(param.kind, ParamKind::Secret { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::{Permission, action::Danger};

    fn param(name: &str, kind: ParamKind, default: Option<&str>) -> ParamSpec {
        ParamSpec {
            name: name.into(),
            label: name.into(),
            help: String::new(),
            kind,
            default: default.map(str::to_owned),
        }
    }

    fn resolved(given: &[&str]) -> Result<Params, String> {
        let spec = ActionSpec {
            id: "a".into(),
            title: "A".into(),
            summary: String::new(),
            group: String::new(),
            permission: Permission::RunActions,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 1,
            params: vec![
                param("text", ParamKind::Text { max_chars: 9 }, Some("d")),
                param("key", ParamKind::Secret { max_chars: 9 }, Some("none")),
            ],
        };
        let given = given.iter().map(|text| parse(text).unwrap()).collect();
        resolve(&spec, given).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_value_is_literal_or_from_a_file_and_a_secret_never_literal() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("v");
        std::fs::write(&file, "hunter2\r\n").unwrap();
        let file = file.display();
        let get = |given: &str, name: &str| resolved(&[given]).unwrap().get(name).cloned().unwrap();
        assert_eq!(get("text=a=b", "text"), "a=b");
        assert_eq!(get("text=@@x", "text"), "@x");
        assert_eq!(get(&format!("text=@{file}"), "text"), "hunter2");
        assert_eq!(get(&format!("key=@{file}"), "key"), "hunter2");
        let error = resolved(&["key=hunter2"]).unwrap_err();
        assert!(
            error.contains("key=@FILE") && !error.contains("hunter2"),
            "{error}"
        );
        for (given, words) in [
            ("text=@/nonexistent/x", "cannot read /nonexistent/x"),
            ("other=1", "it has text, key"),
            ("text=0123456789", "longer than 9"),
        ] {
            let error = resolved(&[given]).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(resolved(&["text=1", "text=2"]).unwrap_err().contains("twice"));
        assert!(parse("text").is_err() && parse("=x").is_err());
    }
}
