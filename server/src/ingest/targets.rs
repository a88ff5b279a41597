//! Who is asked: the address of the configuration, and lists of targets in files as Prometheus' `file_sd` has them
//! (prometheus.io, "Configuration", `file_sd_config`; JSON). A file is read again when it changes; one that is wrong changes nothing
//! and is told.

use super::{
    config::{ScrapeConfig, url_problem},
    sample::is_label_name,
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Largest file of targets, bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Targets of one scrape at most.
pub const MAX_TARGETS: usize = 500;

/// One who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub url: String,
    /// `host:port`.
    pub instance: String,
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

type Stamp = (PathBuf, Option<SystemTime>, u64);

/// See the module. Blocks while it reads.
#[derive(Debug)]
pub struct Targets {
    config: ScrapeConfig,
    /// What the files were when they were read.
    read: Vec<Stamp>,
    found: Vec<Target>,
}

impl Targets {
    pub fn new(config: &ScrapeConfig) -> Targets {
        let found = match (&config.url, config.files.is_empty()) {
            (Some(url), true) => own(url, &config.labels).into_iter().collect(),
            _ => Vec::new(),
        };
        Targets {
            config: config.clone(),
            read: Vec::new(),
            found,
        }
    }

    /// Those there are now. An error is what is wrong with a file; then those of before stay.
    pub fn now(&mut self) -> (&[Target], Option<String>) {
        if self.config.files.is_empty() {
            return (&self.found, None);
        }
        let stamps: Vec<Stamp> = self.config.files.iter().map(|file| stamp(file)).collect();
        let mut wrong = None;
        if stamps != self.read {
            match self.load() {
                Ok(found) => {
                    self.found = found;
                    self.read = stamps;
                }
                Err(error) => wrong = Some(error),
            }
        }
        (&self.found, wrong)
    }

    fn load(&self) -> Result<Vec<Target>, String> {
        let mut all = Vec::new();
        for file in &self.config.files {
            let wrong = |reason: String| format!("{}: {reason}", file.display());
            let text = read(file).map_err(wrong)?;
            let groups: Vec<Group> = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            for group in groups {
                for target in &group.targets {
                    all.push(self.target(target, &group.labels).map_err(wrong)?);
                }
            }
            if all.len() > MAX_TARGETS {
                return Err(wrong(format!("there are more than {MAX_TARGETS} targets")));
            }
        }
        Ok(all)
    }

    /// `host:port` with the labels of its group. Those that begin with `__` steer, as they do there.
    fn target(&self, host: &str, labels: &BTreeMap<String, String>) -> Result<Target, String> {
        let base: Option<http::Uri> = self.config.url.as_deref().and_then(|url| url.parse().ok());
        let scheme = match labels.get("__scheme__") {
            Some(scheme) => scheme.as_str(),
            None => base.as_ref().and_then(|url| url.scheme_str()).unwrap_or("http"),
        };
        let path = match labels.get("__metrics_path__") {
            Some(path) => path.as_str(),
            None => base
                .as_ref()
                .and_then(|url| url.path_and_query())
                .map_or("/metrics", |path| path.as_str()),
        };
        let url = format!("{scheme}://{host}{path}");
        if host.contains('/') || url_problem(&url).is_some() {
            return Err(format!("`{host}` is no target; write host:port"));
        }
        let mut all = self.config.labels.clone();
        for (name, value) in labels.iter().filter(|(name, _)| !name.starts_with("__")) {
            if !is_label_name(name) {
                return Err(format!("`{name}` is no name of a label"));
            }
            all.insert(name.clone(), value.clone());
        }
        all.entry("instance".to_owned())
            .or_insert_with(|| host.to_owned());
        Ok(Target {
            url,
            instance: host.to_owned(),
            labels: all,
        })
    }
}

/// The one of the configuration, which needs no label to be told apart.
fn own(url: &str, labels: &BTreeMap<String, String>) -> Option<Target> {
    let uri: http::Uri = url.parse().ok()?;
    Some(Target {
        url: url.to_owned(),
        instance: uri.authority()?.as_str().to_owned(),
        labels: labels.clone(),
    })
}

fn stamp(file: &Path) -> Stamp {
    let facts = fs::metadata(file).ok();
    let changed = facts.as_ref().and_then(|facts| facts.modified().ok());
    (file.to_owned(), changed, facts.map_or(0, |facts| facts.len()))
}

fn read(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    File::open(file)
        .and_then(|opened| opened.take(MAX_FILE_BYTES + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot be read: {error}"))?;
    match text.len() as u64 > MAX_FILE_BYTES {
        true => Err("is larger than 1 MiB".to_owned()),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_again_when_it_changes_and_a_wrong_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("targets.json");
        let mut targets = Targets::new(&ScrapeConfig {
            files: vec![file.clone()],
            ..Default::default()
        });
        let (none, wrong) = targets.now();
        assert!(none.is_empty() && wrong.unwrap().contains("cannot be read"));
        let text = r#"[{"targets": ["a:1", "b:2"], "labels": {"env": "prod", "__metrics_path__": "/m"}}]"#;
        fs::write(&file, text).unwrap();
        let (two, wrong) = targets.now();
        assert_eq!(wrong, None);
        assert_eq!((two.len(), two[1].url.as_str()), (2, "http://b:2/m"));
        assert_eq!(two[0].labels["env"], "prod");
        assert_eq!(two[0].labels["instance"], "a:1");
        for (bad, reason) in [
            ("[{", "EOF"),
            (r#"[{"targets": ["http://a:1/x"]}]"#, "is no target"),
            (r#"[{"targets": ["a:1"], "labels": {"x-y": ""}}]"#, "`x-y`"),
        ] {
            fs::write(&file, bad).unwrap();
            let (kept, wrong) = targets.now();
            let wrong = wrong.unwrap();
            assert!(kept.len() == 2 && wrong.contains(reason), "{bad}: {wrong}");
            assert!(wrong.contains("targets.json"), "{wrong}");
        }
        fs::write(&file, r#"[{"targets": ["c:3"]}]"#).unwrap();
        assert_eq!(targets.now().0[0].url, "http://c:3/metrics");
    }
}
