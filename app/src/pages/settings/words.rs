//! Words of the settings. Pure.

use farol_model::Permission;

/// What a permission is for, as an administrator reads it.
pub fn permission_words(permission: Permission) -> &'static str {
    match permission {
        Permission::ViewMetrics => "See metrics, facts about the host, and the health of collectors",
        Permission::ViewProcesses => "See processes with their command lines",
        Permission::ViewRuns => "See runs and what they print",
        Permission::ViewLogs => "Read the journal and what containers print",
        Permission::RunActions => "Run actions, and cancel runs",
        Permission::Approve => "Approve runs of others",
        Permission::Administer => "Change Farol itself",
        Permission::ViewAudit => "Read the audit log",
        Permission::ViewConnections => "See live connections and what is said to them",
        Permission::ManageUsers => "Make and change users, and end sessions and tokens of others",
        Permission::PushMetrics => "Send metrics of applications",
    }
}

/// A browser and a system as people call them; what is not known is shown as it came, cut.
pub fn device_words(agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(mark, _)| agent.contains(mark))
            .map(|(_, name)| *name)
    };
    // The order counts: each of these calls itself by the later ones too.
    let browser = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if agent.trim().is_empty() => "Unknown device".to_owned(),
        _ => agent.chars().take(60).collect(),
    }
}

/// How long until then, in the largest unit that is not zero.
pub fn until(at_ms: i64, now_ms: i64) -> String {
    match (at_ms - now_ms).max(0) / 1000 {
        secs if secs < 60 => "in less than a minute".to_owned(),
        secs if secs < 3600 => format!("in {} min", secs / 60),
        secs if secs < 2 * 86_400 => format!("in {} h", secs / 3600),
        secs => format!("in {} d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_have_the_names_that_people_use() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        assert_eq!(device_words(chrome), "Chrome on Linux");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1";
        assert_eq!(device_words(phone), "Safari on iPhone");
        assert_eq!(device_words("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(device_words(" "), "Unknown device");
        assert_eq!(device_words(&"é".repeat(300)).chars().count(), 60);
    }

    #[test]
    fn the_time_left_is_told_in_the_unit_that_fits() {
        assert_eq!(until(59_000, 0), "in less than a minute");
        assert_eq!(until(90 * 86_400_000, 0), "in 90 d");
        assert_eq!(until(86_400_000, 0), "in 24 h");
        assert_eq!(until(0, 86_400_000), "in less than a minute");
    }
}
