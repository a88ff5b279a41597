//! One container in full. Variables and labels are told by name only: their values are where secrets are, and nobody needs them
//! to see how a container is made.

use super::{error::plain, wire::Inspect};
use farol_model::container::ContainerDetails;

/// Names of variables, labels and mounts that are told at most.
const MAX_NAMES: usize = 40;

/// See the module.
pub fn details(inspect: &Inspect) -> ContainerDetails {
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |word: &str, value: String| {
        if !value.is_empty() {
            facts.push((word.to_owned(), plain(&value, 2000)));
        }
    };
    let (config, host, state) = (&inspect.config, &inspect.host_config, &inspect.state);
    let mut command = vec![inspect.path.as_str()];
    command.extend(inspect.args.iter().map(String::as_str));
    fact("Command", command.join(" "));
    fact("Image id", inspect.image.clone());
    fact(
        "Process",
        if state.pid > 0 {
            state.pid.to_string()
        } else {
            String::new()
        },
    );
    fact("Started", time(&state.started_at));
    fact(
        "Ended",
        if state.running {
            String::new()
        } else {
            time(&state.finished_at)
        },
    );
    fact(
        "Exit code",
        if state.running {
            String::new()
        } else {
            state.exit_code.to_string()
        },
    );
    fact(
        "Out of memory",
        if state.oom_killed {
            "it was killed for it"
        } else {
            ""
        }
        .to_owned(),
    );
    fact("Error", state.error.clone());
    fact("Health", health(inspect));
    fact(
        "Restarts",
        format!("{}, policy {}", inspect.restart_count, policy(inspect)),
    );
    fact("User", config.user.clone());
    fact("Folder", config.working_dir.clone());
    fact("Terminal", if config.tty { "yes" } else { "" }.to_owned());
    fact(
        "Privileged",
        if host.privileged {
            "yes: it may do what the machine may"
        } else {
            ""
        }
        .to_owned(),
    );
    fact("Memory limit", limit(host.memory, 1024 * 1024, "MiB"));
    fact("CPU limit", limit(host.nano_cpus, 1_000_000_000, "cores"));
    fact("Network mode", host.network_mode.clone());
    let networks = inspect.network_settings.networks.iter();
    let networks = networks.map(|(name, end)| match end.address.as_str() {
        "" => name.clone(),
        address => format!("{name} ({address})"),
    });
    fact("Networks", listed(networks));
    fact(
        "Mounts",
        listed(inspect.mounts.iter().map(|mount| {
            let way = if mount.writable { "" } else { ", read only" };
            format!("{} from {} {}{way}", mount.destination, mount.kind, mount.source)
        })),
    );
    let names = config
        .env
        .iter()
        .map(|pair| pair.split('=').next().unwrap_or_default().to_owned());
    fact("Variables, by name only", listed(names));
    fact("Labels, by name only", listed(config.labels.keys().cloned()));
    ContainerDetails { facts }
}

fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    let shown: Vec<String> = names.take(MAX_NAMES).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{}, {more} more", shown.join(", ")),
    }
}

/// A time of the engine; nothing for the year 1, which means never.
fn time(text: &str) -> String {
    match text.starts_with("0001-") {
        true => String::new(),
        false => text
            .get(..19)
            .map_or(String::new(), |whole| format!("{} UTC", whole.replace('T', " "))),
    }
}

fn health(inspect: &Inspect) -> String {
    let health = &inspect.state.health;
    match (health.status.as_str(), health.failing_streak) {
        ("" | "none", _) => String::new(),
        (status, 0) => status.to_owned(),
        (status, streak) => format!("{status}, failed {streak} times in a row"),
    }
}

fn policy(inspect: &Inspect) -> &str {
    match inspect.host_config.restart_policy.name.as_str() {
        "" => "no",
        name => name,
    }
}

fn limit(value: i64, per: i64, unit: &str) -> String {
    match value {
        1.. => format!("{} {unit}", (value as f64 / per as f64 * 100.0).round() / 100.0),
        _ => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_podman_recorded_is_told_without_a_value_of_a_variable_or_label() {
        let text = include_str!("../../tests/containers/recorded/podman-inspect.json");
        assert!(text.contains("SECRET_TOKEN=abc"), "the recording has a secret");
        let inspect: Inspect = serde_json::from_str(text).unwrap();
        let details = details(&inspect);
        let value = |word: &str| {
            let fact = details.facts.iter().find(|(name, _)| name == word);
            fact.map(|(_, value)| value.as_str())
        };
        assert_eq!(
            value("Variables, by name only"),
            Some("PATH, TERM, container, SECRET_TOKEN, HOSTNAME")
        );
        assert_eq!(value("Labels, by name only"), Some("a"));
        assert_eq!(value("Started"), Some("2026-11-25 21:15:47 UTC"));
        assert_eq!(value("Restarts"), Some("0, policy no"));
        assert_eq!(value("Ended"), None);
        assert!(!format!("{details:?}").contains("abc"));
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let names: Vec<String> = (0..MAX_NAMES + 5).map(|n| format!("n{n}")).collect();
        assert!(listed(names.into_iter()).ends_with(", n39, 5 more"));
    }
}
