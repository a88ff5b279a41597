//! Where control groups are: the unified hierarchy, and those of version 1 by their controller. A group has the same name in all in
//! which it is; not all have all of them.

use crate::collectors::{
    kernel::{Buffer, KernelFile},
    mounts::Groups,
    sysfs::folders,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Groups that are looked at to choose those that are told.
const MAX_SEEN: usize = 2000;
/// How deep below the root. Below that are groups that services and containers make for themselves.
const MAX_DEPTH: usize = 4;

/// Controllers of version 1 that are read, by the words of their mounts. Which of them share a hierarchy is up to who mounted them.
pub(super) const CONTROLLERS: [&str; 5] = ["cpu", "cpuacct", "memory", "blkio", "pids"];

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Hierarchies {
    unified: Option<PathBuf>,
    /// By the places of [`CONTROLLERS`].
    legacy: [Option<PathBuf>; CONTROLLERS.len()],
}

impl Hierarchies {
    pub(super) fn of(mounted: &[Groups]) -> Hierarchies {
        let mut found = Hierarchies::default();
        for groups in mounted {
            let place = || Some(PathBuf::from(&groups.place));
            match &groups.controllers {
                None => found.unified = found.unified.or_else(place),
                Some(controllers) => {
                    for (known, legacy) in CONTROLLERS.iter().zip(&mut found.legacy) {
                        if legacy.is_none() && controllers.iter().any(|controller| controller == known) {
                            *legacy = place();
                        }
                    }
                }
            }
        }
        found
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unified.is_none() && self.legacy.iter().all(Option::is_none)
    }

    /// Names of all groups in any of them, the root as `/`.
    pub(super) fn names(&self) -> Vec<String> {
        let mut roots: Vec<&PathBuf> = self.unified.iter().chain(self.legacy.iter().flatten()).collect();
        roots.sort();
        roots.dedup();
        let mut found = BTreeSet::new();
        for root in roots {
            find(root, String::new(), 0, &mut found);
        }
        found.into_iter().collect()
    }

    /// A file of a group in the unified hierarchy, if it is there.
    pub(super) fn unified(&self, group: &str, file: &str) -> Option<KernelFile> {
        there(self.unified.as_ref()?, group, file)
    }

    /// A file of a group in the hierarchy of a controller of version 1, if it is there.
    pub(super) fn legacy(&self, controller: &str, group: &str, file: &str) -> Option<KernelFile> {
        let place = CONTROLLERS.iter().position(|known| *known == controller)?;
        there(self.legacy[place].as_ref()?, group, file)
    }

    /// How much memory a group has, if that is told.
    pub(super) fn memory(&self, group: &str) -> Option<u64> {
        let unified = self.unified(group, "memory.current");
        let mut file = unified.or_else(|| self.legacy("memory", group, "memory.usage_in_bytes"))?;
        file.number(&mut Buffer::default())
    }
}

fn there(root: &Path, group: &str, file: &str) -> Option<KernelFile> {
    let path = root.join(group.trim_start_matches('/')).join(file);
    path.is_file().then(|| KernelFile::at(path.display().to_string()))
}

/// Groups below a folder, the folder itself first.
fn find(folder: &Path, name: String, depth: usize, found: &mut BTreeSet<String>) {
    if found.len() >= MAX_SEEN {
        return;
    }
    found.insert(match name.is_empty() {
        true => "/".to_owned(),
        false => name.clone(),
    });
    if depth == MAX_DEPTH {
        return;
    }
    for child in folders(folder) {
        let path = folder.join(&child);
        let name = match name.is_empty() {
            true => child,
            false => format!("{name}/{child}"),
        };
        find(&path, name, depth + 1, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_controller_is_where_it_is_mounted() {
        let of = |text: &str| Hierarchies::of(&crate::collectors::mounts::control_groups(text.as_bytes()));
        let hybrid = of("1 0 0:1 / /g tmpfs rw - tmpfs tmpfs rw\n\
             2 1 0:2 / /g/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
             3 1 0:3 / /g/memory rw - cgroup cgroup rw,memory\n\
             4 1 0:4 / /g/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
             5 1 0:5 / /g/unified rw - cgroup2 cgroup2 rw,nsdelegate\n");
        assert_eq!(hybrid.unified, Some("/g/unified".into()));
        let place = |at: usize| {
            hybrid.legacy[at]
                .as_deref()
                .map(Path::display)
                .map(|path| path.to_string())
        };
        assert_eq!(
            [0, 1, 2, 3, 4].map(place),
            [
                Some("/g/cpu,cpuacct".into()),
                Some("/g/cpu,cpuacct".into()),
                Some("/g/memory".into()),
                None,
                None
            ]
        );
        assert!(!of("5 1 0:5 / /sys/fs/cgroup rw - cgroup2 none rw\n").is_empty());
        assert!(of("1 0 254:0 / / rw - ext4 /dev/vda rw\n").is_empty());
    }
}
