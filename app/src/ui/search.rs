//! What the search finds for somebody, among what that person may see and do. Exists on the server only.

use super::found::Found;
use crate::{pages, ports::Ports};
use farol_model::{
    Permission, Viewer,
    action::{ActionSpec, Danger},
    process::ProcessRow,
    service::{ServiceQuery, ServiceRow},
};

/// Things of one kind at most.
const OF_A_KIND: usize = 6;
/// Longest text that is looked for, characters; the field lets no more in.
const MAX_TEXT: usize = 100;
/// Orders that may stand before the name of a service, with the action of each.
const ORDERS: [&str; 6] = ["restart", "start", "stop", "reload", "enable", "disable"];

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
    let specs = ports.control.specs(viewer);
    if let Some((order, name)) = order(&words) {
        let may = specs.iter().any(|spec| spec.id == format!("service.{order}"));
        let matching = if may {
            services(ports, viewer, name)
        } else {
            Vec::new()
        };
        found.extend(matching.iter().map(|row| on_service(order, row)));
    }
    // Who has typed nothing looks for a page.
    if words.is_empty() {
        return found;
    }
    let host = ports.metrics.host().name;
    if has(&words, &[&host, "host"]) {
        found.push(one("Host", &host, "this machine", "/host"));
    }
    let actions = specs
        .iter()
        .filter(|spec| has(&words, &[&spec.title, &spec.group, &spec.id]));
    let now_ms = ports.metrics.now_ms();
    found.extend(actions.take(OF_A_KIND).map(|spec| action(spec, now_ms)));
    found.extend(services(ports, viewer, &text).iter().map(service));
    if viewer.may(Permission::ViewProcesses) {
        let (_, rows) = ports.metrics.processes();
        let named = |row: &&ProcessRow| has(&words, &[&row.name, &row.pid.to_string(), &row.user]);
        found.extend(rows.iter().filter(named).take(OF_A_KIND).map(process));
    }
    found
}

/// Whether each word is in one of the texts.
fn has(words: &[&str], texts: &[&str]) -> bool {
    let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
    words
        .iter()
        .all(|word| texts.iter().any(|text| text.contains(word)))
}

/// An order and the name of a service, when the words begin with an order.
fn order<'a>(words: &[&'a str]) -> Option<(&'static str, &'a str)> {
    let [verb, name, ..] = words else { return None };
    let order = ORDERS.into_iter().find(|order| order == verb)?;
    Some((order, name))
}

fn services(ports: &Ports, viewer: &Viewer, text: &str) -> Vec<ServiceRow> {
    let query = ServiceQuery {
        text: text.to_owned(),
        limit: OF_A_KIND as u32,
        ..Default::default()
    };
    // Who may not see services finds none.
    ports
        .services
        .page(viewer, &query)
        .map(|page| page.rows)
        .unwrap_or_default()
}

fn one(kind: &str, title: &str, about: &str, href: &str) -> Found {
    [kind, title, about, href, "", ""].map(str::to_owned).into()
}

/// Leads to its panel; what asks nothing and harms nothing can be started here.
fn action(spec: &ActionSpec, now_ms: i64) -> Found {
    let panel = spec.id.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let mut found = one(
        "Action",
        &spec.title,
        &spec.group,
        &format!("/controls#p-{panel}-title"),
    );
    if spec.params.is_empty() && spec.danger == Danger::Safe {
        found.truncate(4);
        found.extend([spec.id.clone(), crate::request::key_seed(now_ms)]);
    }
    found
}

fn details(row: &ServiceRow) -> String {
    format!("/services?id={}", pages::audit::escape(&row.name))
}

fn service(row: &ServiceRow) -> Found {
    one("Service", &row.name, row.state.as_str(), &details(row))
}

/// The details hold the panel of the order, with the service filled in.
fn on_service(order: &str, row: &ServiceRow) -> Found {
    let (first, rest) = order.split_at(1);
    let title = format!("{}{rest} {}", first.to_uppercase(), row.name);
    one("Action", &title, row.state.as_str(), &details(row))
}

fn process(row: &ProcessRow) -> Found {
    let about = format!("{}, {}", row.pid, row.user);
    one(
        "Process",
        &row.name,
        &about,
        &format!("/processes?pid={}&start={}", row.pid, row.start_ms),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use farol_model::action::{ParamKind, ParamSpec};

    #[test]
    fn every_word_must_be_somewhere() {
        assert!(has(&["rest", "nginx"], &["Restart", "nginx.service"]));
        assert!(!has(&["rest", "ssh"], &["Restart", "nginx.service"]));
        assert!(has(&[], &["x"]));
    }

    #[test]
    fn an_order_wants_its_whole_word_and_a_name() {
        assert_eq!(order(&["restart", "nginx"]), Some(("restart", "nginx")));
        assert_eq!(order(&["restart"]), None);
        assert_eq!(order(&["kill", "nginx"]), None);
    }

    #[test]
    fn only_what_asks_nothing_and_harms_nothing_runs_at_once() {
        let mut spec = ActionSpec {
            id: "farol.reload".into(),
            title: "Read the configuration again".into(),
            summary: String::new(),
            group: "Farol".into(),
            permission: Permission::Administer,
            danger: Danger::Safe,
            confirm: None,
            time_limit_secs: 1,
            params: vec![],
        };
        assert_eq!(
            action(&spec, 0)[3..5],
            ["/controls#p-farol-reload-title", "farol.reload"]
        );
        spec.danger = Danger::Dangerous;
        assert_eq!(action(&spec, 0)[4], "");
        spec.danger = Danger::Safe;
        spec.params.push(ParamSpec {
            name: "x".into(),
            label: "X".into(),
            help: String::new(),
            kind: ParamKind::Boolean,
            default: None,
        });
        assert_eq!(action(&spec, 0)[4], "");
    }
}
