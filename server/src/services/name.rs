//! Names of services: which are looked at, and which of them people cut themselves off with.

use farol_model::Fault;

/// Longest name of a unit, bytes (systemd.unit(5)).
const MAX_NAME_BYTES: usize = 255;

/// The whole name of a service, from a name with or without `.service`.
///
/// # Errors
/// It is no name of a service that can run. What passes holds only characters of systemd.unit(5) and begins with none that
/// a command line would read as an option.
pub fn check(name: &str) -> Result<String, Fault> {
    let refuse = |why: String| Err(Fault::invalid("service", why));
    let whole = match name.ends_with(".service") {
        true => name.to_owned(),
        false => format!("{name}.service"),
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    let stem = whole.trim_end_matches(".service");
    if stem.is_empty() || stem.starts_with(['-', '.', '@']) || !whole.bytes().all(fits) {
        return refuse("This is no name of a service. Write it as systemd does: nginx.service.".to_owned());
    }
    if whole.len() > MAX_NAME_BYTES {
        return refuse(format!(
            "No name of a service is longer than {MAX_NAME_BYTES} bytes."
        ));
    }
    if is_template(&whole) {
        return refuse(
            "This is a template and not a service. Name an instance of it: name@instance.service.".to_owned(),
        );
    }
    Ok(whole)
}

/// Whether it stands for services that have a word between `@` and `.service`.
pub fn is_template(name: &str) -> bool {
    name.ends_with("@.service")
}

/// Why stopping or restarting this service takes more thought than others; None when it does not.
pub fn vital(name: &str, own: Option<&str>) -> Option<String> {
    /// Services that carry the ways into a machine, or its other services. A name that ends with `@` stands for all of its
    /// instances.
    const WAYS_IN: [&str; 12] = [
        "ssh",
        "ssh@",
        "sshd",
        "sshd@",
        "dropbear",
        "NetworkManager",
        "networking",
        "systemd-networkd",
        "systemd-resolved",
        "tailscaled",
        "wg-quick@",
        "openvpn@",
    ];
    const GROUND: [&str; 7] = [
        "dbus",
        "dbus-broker",
        "systemd-logind",
        "systemd-journald",
        "systemd-udevd",
        "polkit",
        "user@",
    ];
    if own == Some(name) {
        return Some("This is Farol itself: it ends the page that you look at.".to_owned());
    }
    let stem = name.trim_end_matches(".service");
    let is = |known: &&str| match known.ends_with('@') {
        true => stem.starts_with(*known),
        false => stem == *known,
    };
    if WAYS_IN.iter().any(is) {
        return Some("It carries a way into this machine. Without it you may not get back in.".to_owned());
    }
    if GROUND.iter().any(is) {
        return Some("Other services stand on it, and some of them end with it.".to_owned());
    }
    None
}

/// The service that this process runs as, by its control group (cgroups(7)).
pub fn own() -> Option<String> {
    of_cgroup(&std::fs::read_to_string("/proc/self/cgroup").ok()?)
}

fn of_cgroup(text: &str) -> Option<String> {
    let last = |line: &str| line.rsplit(['/', ':']).next().map(str::to_owned);
    let mut names = text.lines().filter_map(last);
    names.find(|name| name.ends_with(".service"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_whole_and_what_is_none_is_refused() {
        assert_eq!(check("nginx").unwrap(), "nginx.service");
        assert_eq!(check("getty@tty1.service").unwrap(), "getty@tty1.service");
        assert_eq!(check(r"a\x2db:c").unwrap(), r"a\x2db:c.service");
        let long = "a".repeat(256);
        for bad in [
            "", ".service", "-u", "--help", "a b", "a/b", "../a", "a;b", "a\n", "ü", "tty@", &long,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_carries_the_way_in_is_vital_and_names_that_start_alike_are_not() {
        for name in [
            "ssh.service",
            "sshd@1-2.service",
            "dbus.service",
            "mine.service",
            "user@1000.service",
        ] {
            assert!(vital(name, Some("mine.service")).is_some(), "{name}");
        }
        for name in ["nginx.service", "ssh-agent.service", "dbus-x.service"] {
            assert_eq!(vital(name, None), None, "{name}");
        }
    }

    #[test]
    fn the_own_service_is_read_from_either_kind_of_cgroup() {
        assert_eq!(
            of_cgroup("0::/system.slice/farol.service\n").as_deref(),
            Some("farol.service")
        );
        let old = "9:name=systemd:/system.slice/farol.service\n8:pids:/\n";
        assert_eq!(of_cgroup(old).as_deref(), Some("farol.service"));
        assert_eq!(of_cgroup("0::/user.slice/session-1.scope\n"), None);
    }
}
