//! Where an engine may listen: what the configuration says, else `DOCKER_HOST`, else the usual places.

use std::path::{Path, PathBuf};

/// What the environment says. Taken as a value, so that tests have surroundings of their own.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `DOCKER_HOST`, e.g. `unix:///run/docker.sock`.
    pub docker_host: Option<String>,
    /// `XDG_RUNTIME_DIR`, e.g. `/run/user/1000`, where a rootless Podman listens.
    pub runtime_dir: Option<PathBuf>,
}

impl Surroundings {
    pub fn of_process() -> Self {
        let filled = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Surroundings {
            docker_host: filled("DOCKER_HOST"),
            runtime_dir: filled("XDG_RUNTIME_DIR").map(PathBuf::from),
        }
    }
}

/// One place to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Socket(PathBuf),
    /// Something in `DOCKER_HOST` that is no Unix socket.
    Elsewhere(String),
}

/// The places in the order in which they are tried.
pub fn places(configured: Option<&Path>, surroundings: &Surroundings) -> Vec<Place> {
    if let Some(socket) = configured {
        return vec![Place::Socket(socket.to_owned())];
    }
    let named = surroundings.docker_host.as_deref().map(|host| {
        host.strip_prefix("unix://").map_or_else(
            || Place::Elsewhere(host.chars().take(100).collect()),
            |path| Place::Socket(path.into()),
        )
    });
    let own = surroundings
        .runtime_dir
        .as_ref()
        .map(|dir| Place::Socket(dir.join("podman/podman.sock")));
    let usual = ["/run/docker.sock", "/var/run/docker.sock"];
    let mut places: Vec<Place> = named.into_iter().collect();
    places.extend(usual.map(|path| Place::Socket(path.into())));
    places.extend(own);
    places.push(Place::Socket("/run/podman/podman.sock".into()));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(places: Vec<Place>) -> Vec<String> {
        let one = |place| match place {
            Place::Socket(path) => path.display().to_string(),
            Place::Elsewhere(host) => format!("not {host}"),
        };
        places.into_iter().map(one).collect()
    }

    #[test]
    fn what_is_configured_is_the_only_place() {
        let surroundings = Surroundings {
            docker_host: Some("unix:///a.sock".into()),
            runtime_dir: None,
        };
        assert_eq!(
            shown(places(Some(Path::new("/b.sock")), &surroundings)),
            ["/b.sock"]
        );
    }

    #[test]
    fn the_environment_comes_before_the_usual_places() {
        let surroundings = Surroundings {
            docker_host: Some("unix:///a.sock".into()),
            runtime_dir: Some("/run/user/7".into()),
        };
        assert_eq!(
            shown(places(None, &surroundings)),
            [
                "/a.sock",
                "/run/docker.sock",
                "/var/run/docker.sock",
                "/run/user/7/podman/podman.sock",
                "/run/podman/podman.sock"
            ]
        );
        let far = Surroundings {
            docker_host: Some("tcp://10.0.0.1:2375".into()),
            runtime_dir: None,
        };
        assert_eq!(shown(places(None, &far))[0], "not tcp://10.0.0.1:2375");
    }
}
