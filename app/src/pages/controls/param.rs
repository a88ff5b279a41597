//! One parameter of an action as a form field. The check is the one that the server runs.

use crate::prelude::*;
use crate::ui::field::Field;
use farol_model::action::{ParamKind, ParamSpec, Params};

/// The value that a field starts with: prefilled, default, or the first choice.
pub fn first_value(param: &ParamSpec, prefill: &Params) -> String {
    if let Some(value) = prefill.get(&param.name).or(param.default.as_ref()) {
        return value.clone();
    }
    match &param.kind {
        ParamKind::Choice { options } => options
            .first()
            .map(|option| option.value.clone())
            .unwrap_or_default(),
        ParamKind::Boolean => "false".to_owned(),
        _ => String::new(),
    }
}

/// What is wrong with a value, as the runner would say it. An empty value falls back to the default.
pub fn fault_of(param: &ParamSpec, value: &str) -> Option<String> {
    match (value.is_empty(), &param.default) {
        (true, Some(_)) => None,
        (true, None) => Some(format!("{} is missing.", param.label)),
        (false, _) => match (param.check(value), &param.kind) {
            (Err(fault), _) => Some(fault.message),
            (Ok(()), ParamKind::Pattern { pattern, .. }) if !crate::browser::matches(pattern, value) => {
                Some(param.mismatch(pattern).message)
            }
            _ => None,
        },
    }
}

/// The field. `touched` says whether the person may be told yet that something is missing.
#[component]
pub fn ParamField(
    param: ParamSpec,
    /// Start of the element id, unique on the page.
    prefix: String,
    values: RwSignal<Params>,
    touched: RwSignal<bool>,
) -> AnyView {
    let id = format!("{prefix}-{}", param.name);
    let note = format!("{id}-note");
    let name = format!("params[{}]", param.name);
    let edited = RwSignal::new(false);
    let value = {
        let key = param.name.clone();
        Signal::derive(move || values.with(|all| all.get(&key).cloned().unwrap_or_default()))
    };
    let fault = {
        let param = param.clone();
        Signal::derive(move || {
            (touched.get() || edited.get())
                .then(|| fault_of(&param, &value.get()))
                .flatten()
        })
    };
    let set = {
        let key = param.name.clone();
        move |text: String| {
            edited.set(true);
            values.update(|all| drop(all.insert(key.clone(), text)));
        }
    };
    let invalid = reactive(move || fault.get().is_some().then(|| "true".to_owned()));
    let required = param.default.is_none();
    let control = match param.kind.clone() {
        ParamKind::Choice { options } => {
            let options = options
                .into_iter()
                .map(|option| (option.value, option.label))
                .collect();
            view! { <Select id=id.clone() note name options value set/> }
        }
        ParamKind::Boolean => {
            let options = vec![
                ("true".to_owned(), "Yes".to_owned()),
                ("false".to_owned(), "No".to_owned()),
            ];
            view! { <Select id=id.clone() note name options value set/> }
        }
        kind => {
            let pattern = match &kind {
                ParamKind::Pattern { pattern, .. } => Some(pattern.clone()),
                _ => None,
            };
            let (kind, mode, limit) = input_of(&kind);
            view! {
                <input
                    class="input"
                    id=id.clone()
                    name=name
                    type=kind
                    inputmode=mode
                    maxlength=limit
                    autocomplete="off"
                    spellcheck="false"
                    required=required
                    pattern=pattern
                    aria-describedby=note
                    aria-invalid=invalid
                    value=value.get_untracked()
                    prop:value=move || value.get()
                    on:input:target=move |event| set(event.target().value())
                />
            }
        }
    };
    let class = if matches!(param.kind, ParamKind::Text { max_chars } if max_chars > 80) {
        "full"
    } else {
        ""
    };
    view! {
        <Field id label=param.label help=param.help fault class>
            {control}
        </Field>
    }
}

/// Type, input mode and length limit of a text-like field. Numbers stay text fields: a wheel must never change a pid.
fn input_of(kind: &ParamKind) -> (&'static str, &'static str, Option<String>) {
    match kind {
        ParamKind::Integer { .. } => ("text", "numeric", Some("20".to_owned())),
        ParamKind::Secret { max_chars } => ("password", "text", Some(max_chars.to_string())),
        ParamKind::Text { max_chars } | ParamKind::Pattern { max_chars, .. } => {
            ("text", "text", Some(max_chars.to_string()))
        }
        ParamKind::Boolean | ParamKind::Choice { .. } => ("text", "text", None),
    }
}

#[component]
fn Select(
    id: String,
    note: String,
    name: String,
    /// Value and label.
    options: Vec<(String, String)>,
    value: Signal<String>,
    set: impl Fn(String) + Send + Sync + 'static,
) -> AnyView {
    let first = value.get_untracked();
    let options = options
        .into_iter()
        .map(|(value, label)| {
            let selected = value == first;
            view! {
                <option value=value selected=selected>
                    {label}
                </option>
            }
        })
        .collect::<Vec<_>>();
    view! {
        <select
            class="input"
            id=id
            name=name
            aria-describedby=note
            prop:value=move || value.get()
            on:change:target=move |event| set(event.target().value())
        >
            {options}
        </select>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(default: Option<&str>) -> ParamSpec {
        ParamSpec {
            name: "pid".into(),
            label: "Process".into(),
            help: String::new(),
            kind: ParamKind::Integer { min: 2, max: 99 },
            default: default.map(str::to_owned),
        }
    }

    #[test]
    fn the_page_says_what_the_runner_would_say() {
        assert_eq!(fault_of(&pid(None), "7"), None);
        assert!(fault_of(&pid(None), "1").unwrap().contains("from 2 to 99"));
        assert!(fault_of(&pid(None), "").unwrap().contains("missing"));
        assert_eq!(fault_of(&pid(Some("5")), ""), None);
    }

    #[test]
    fn a_prefilled_value_wins_over_the_default() {
        let prefill = Params::from([("pid".to_owned(), "8".to_owned())]);
        assert_eq!(first_value(&pid(Some("5")), &prefill), "8");
        assert_eq!(first_value(&pid(Some("5")), &Params::new()), "5");
        assert_eq!(first_value(&pid(None), &Params::new()), "");
    }
}
