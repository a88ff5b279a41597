//! What the search finds for somebody, among what that person may see and do. Exists on the server only.

use super::found::Found;
use crate::{
    format::escape,
    pages::{self, containers::fits},
    ports::Ports,
};
use farol_model::{
    Permission, Viewer,
    action::{ActionSpec, Danger, ParamKind, Target},
    connection::ConnectionQuery,
    container::ContainerQuery,
    process::ProcessRow,
    service::ServiceQuery,
};

/// Things of one kind at most, and things in all.
const OF_A_KIND: usize = 6;
const IN_ALL: usize = 40;
/// Longest text that is looked for, characters; the field lets no more in.
const MAX_TEXT: usize = 100;
/// Shortest word that is taken for a part of an order.
const MIN_ORDER: usize = 3;

/// Something with details of its own.
struct Thing {
    name: String,
    about: String,
    /// The address of its details.
    href: String,
    /// In which state a container is; else empty.
    state: String,
}

/// Pages first, then what can be done, then what there is.
pub fn search(ports: &Ports, viewer: &Viewer, text: &str) -> Vec<Found> {
    let text = text.trim().to_lowercase();
    if text.chars().count() > MAX_TEXT {
        return Vec::new();
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let menu = pages::menu(viewer).filter(|page| has(&words, &[page.title, page.about]));
    let mut found: Vec<Found> = menu
        .map(|page| one("Page", page.title, page.about, page.path))
        .collect();
    // Who has typed nothing looks for a page.
    if words.is_empty() {
        return found;
    }
    let mut unnamed = Vec::new();
    for target in Target::ALL {
        for spec in ports.control.specs_on(viewer, Some(target)) {
            if has(&words, &[&spec.title, &spec.group, &spec.id]) {
                unnamed.push(one("Action", &spec.title, "choose which", page_of(target)));
            }
            let of_it = order(&spec, &words);
            let things = of_it.map_or_else(Vec::new, |text| things(ports, viewer, target, &text));
            let fitting = things
                .iter()
                .filter(|thing| thing.state.is_empty() || fits(&spec.id, &thing.state));
            found.extend(fitting.map(|thing| on_thing(&spec, thing)));
        }
    }
    let host = ports.metrics.host().name;
    if has(&words, &[&host, "host"]) {
        found.push(one("Host", &host, "this machine", "/host"));
    }
    let actions = ports.control.specs_on(viewer, None).into_iter();
    let actions = actions.filter(|spec| has(&words, &[&spec.title, &spec.group, &spec.id]));
    let now_ms = ports.metrics.now_ms();
    found.extend(actions.take(OF_A_KIND).map(|spec| action(&spec, now_ms)));
    found.extend(unnamed.into_iter().take(OF_A_KIND));
    for (target, kind) in [
        (Target::Service, "Service"),
        (Target::Container, "Container"),
        (Target::Process, "Process"),
    ] {
        let things = things(ports, viewer, target, &text);
        found.extend(
            things
                .iter()
                .map(|thing| one(kind, &thing.name, &thing.about, &thing.href)),
        );
    }
    found.truncate(IN_ALL);
    found
}

/// Whether each word is in one of the texts.
fn has(words: &[&str], texts: &[&str]) -> bool {
    let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    words
        .iter()
        .all(|word| texts.iter().any(|text| text.contains(word)))
}

/// What is left of the words when those are taken away that name the action: what it is to be done to. None when they do not name
/// it, or say nothing else.
fn order(spec: &ActionSpec, words: &[&str]) -> Option<String> {
    let title = spec.title.to_lowercase();
    let options = spec.params.iter().filter_map(|param| match &param.kind {
        ParamKind::Choice { options } => Some(options),
        _ => None,
    });
    let options: Vec<String> = options
        .flatten()
        .map(|option| option.value.to_lowercase())
        .collect();
    let names = |word: &&&str| {
        word.len() >= MIN_ORDER
            && (title
                .split(' ')
                .chain(spec.id.split('.'))
                .any(|part| part.starts_with(**word))
                || options.iter().any(|option| option == **word))
    };
    let (named, rest): (Vec<&&str>, Vec<&&str>) = words.iter().partition(names);
    let rest: Vec<&str> = rest.into_iter().copied().collect();
    (!named.is_empty() && !rest.is_empty()).then(|| rest.join(" "))
}

/// The page that lists things of a kind.
fn page_of(target: Target) -> &'static str {
    match target {
        Target::Process => "/processes",
        Target::Service => "/services",
        Target::Container => "/containers",
        Target::Connection => "/connections",
    }
}

/// Things of a kind that match. Who may not see them finds none.
fn things(ports: &Ports, viewer: &Viewer, target: Target, text: &str) -> Vec<Thing> {
    let limit = OF_A_KIND as u32;
    let thing = |name: String, about: String, query: String| Thing {
        name,
        about,
        href: format!("{}?{query}", page_of(target)),
        state: String::new(),
    };
    let (text, id) = (text.to_owned(), |id: &str| format!("id={}", escape(id)));
    match target {
        Target::Service => {
            let query = ServiceQuery {
                text,
                limit,
                ..Default::default()
            };
            let page = ports.services.page(viewer, &query).ok();
            let rows = page.into_iter().flat_map(|page| page.rows);
            rows.map(|row| thing(row.name.clone(), row.state.as_str().to_owned(), id(&row.name)))
                .collect()
        }
        Target::Container => {
            let query = ContainerQuery {
                text,
                limit,
                ..Default::default()
            };
            let page = ports.containers.page(viewer, &query).ok();
            let rows = page.into_iter().flat_map(|page| page.rows);
            rows.map(|row| Thing {
                state: row.state.clone(),
                ..thing(row.name, format!("{}, {}", row.state, row.image), id(&row.id))
            })
            .collect()
        }
        Target::Connection => {
            let query = ConnectionQuery {
                text,
                limit,
                ..Default::default()
            };
            let page = ports.connections.page(viewer, &query).ok();
            let rows = page.into_iter().flat_map(|page| page.rows);
            rows.map(|row| thing(row.user, row.address, id(&row.id)))
                .collect()
        }
        Target::Process => {
            if !viewer.may(Permission::ViewProcesses) {
                return Vec::new();
            }
            let words: Vec<&str> = text.split_whitespace().collect();
            let (_, rows) = ports.metrics.processes();
            let named = |row: &&ProcessRow| has(&words, &[&row.name, &row.pid.to_string(), &row.user]);
            let rows = rows.iter().filter(named).take(OF_A_KIND);
            rows.map(|row| {
                let about = format!("{}, {}", row.pid, row.user);
                let query = format!("pid={}&start={}", row.pid, row.start_ms);
                thing(row.name.clone(), about, query)
            })
            .collect()
        }
    }
}

fn one(kind: &str, title: &str, about: &str, href: &str) -> Found {
    [kind, title, about, href, "", ""].map(str::to_owned).into()
}

/// The part of an address that names the panel of an action.
fn panel(spec: &ActionSpec) -> String {
    let id = spec.id.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    format!("#p-{id}-title")
}

/// Leads to its panel; what asks nothing and harms nothing can be started here.
fn action(spec: &ActionSpec, now_ms: i64) -> Found {
    let href = format!("/controls{}", panel(spec));
    let mut found = one("Action", &spec.title, &spec.group, &href);
    if spec.params.is_empty() && spec.danger == Danger::Safe {
        found.truncate(4);
        found.extend([spec.id.clone(), crate::request::key_seed(now_ms)]);
    }
    found
}

/// The details hold the panel of the action, with the thing filled in.
fn on_thing(spec: &ActionSpec, thing: &Thing) -> Found {
    let verb = [" a service", " a container", " a client"]
        .into_iter()
        .find_map(|noun| spec.title.strip_suffix(noun));
    let title = match verb {
        Some(verb) => format!("{verb} {}", thing.name),
        None => format!("{}: {}", spec.title, thing.name),
    };
    let href = format!("{}{}", thing.href, panel(spec));
    one("Action", &title, &thing.about, &href)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::action::{ChoiceOption, ParamSpec};

    #[test]
    fn every_word_must_be_somewhere() {
        assert!(has(&["rest", "nginx"], &["Restart", "nginx.service"]));
        assert!(!has(&["rest", "ssh"], &["Restart", "nginx.service"]));
        assert!(has(&[], &["x"]));
    }

    #[test]
    fn an_order_names_the_action_and_what_it_is_done_to() {
        let mut spec = spec("service.restart", "Restart a service");
        assert_eq!(order(&spec, &["restart", "nginx"]), Some("nginx".to_owned()));
        assert_eq!(order(&spec, &["my", "app", "rest"]), Some("my app".to_owned()));
        assert_eq!(order(&spec, &["restart"]), None);
        assert_eq!(order(&spec, &["kill", "nginx"]), None);
        let options = vec![ChoiceOption {
            value: "KILL".into(),
            label: "Kill".into(),
        }];
        spec.params.push(param(ParamKind::Choice { options }));
        assert_eq!(order(&spec, &["kill", "nginx"]), Some("nginx".to_owned()));
    }

    #[test]
    fn an_action_on_something_leads_to_its_panel_beside_the_thing() {
        let thing = Thing {
            name: "nginx.service".into(),
            about: "active".into(),
            href: "/services?id=nginx.service".into(),
            state: String::new(),
        };
        let found = on_thing(&spec("service.restart", "Restart a service"), &thing);
        assert_eq!(
            found[1..4],
            [
                "Restart nginx.service",
                "active",
                "/services?id=nginx.service#p-service-restart-title"
            ]
        );
        let found = on_thing(&spec("process.signal", "Send a signal"), &thing);
        assert_eq!(found[1], "Send a signal: nginx.service");
    }

    fn spec(id: &str, title: &str) -> ActionSpec {
        ActionSpec {
            id: id.into(),
            title: title.into(),
            summary: String::new(),
            group: "Farol".into(),
            permission: Permission::Administer,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 1,
            params: vec![],
        }
    }

    fn param(kind: ParamKind) -> ParamSpec {
        ParamSpec {
            name: "x".into(),
            label: "X".into(),
            help: String::new(),
            kind,
            default: None,
        }
    }

    #[test]
    fn only_what_asks_nothing_and_harms_nothing_runs_at_once() {
        let mut spec = spec("farol.reload", "Read the configuration again");
        assert_eq!(
            action(&spec, 0)[3..5],
            ["/controls#p-farol-reload-title", "farol.reload"]
        );
        spec.danger = Danger::Dangerous;
        assert_eq!(action(&spec, 0)[4], "");
        spec.danger = Danger::Safe;
        spec.params.push(param(ParamKind::Boolean));
        assert_eq!(action(&spec, 0)[4], "");
    }
}
