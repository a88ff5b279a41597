//! What is mounted, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)). Read each time and looked at only when it differs.

use super::{
    CollectError,
    kernel::{Buffer, KernelFile, Words, lines},
};

const PATH: &str = "/proc/self/mountinfo";
/// File systems that hold no files of anybody.
const PSEUDO: [&str; 27] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
    "overlay",
];
/// File systems that are told; the others are counted.
pub const MAX_MOUNTS: usize = 64;

/// One file system. A second place of the same device is left out: it is a bind mount.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    pub place: String,
    pub device: String,
    pub kind: String,
    pub read_only: bool,
    /// What the file system itself was told.
    pub options: String,
}

/// All file systems of people, by their place.
pub struct Mounts {
    file: KernelFile,
    buffer: Buffer,
    /// The text that `all` was read from.
    seen: Vec<u8>,
    all: Vec<Mount>,
    /// How many more there are than are told.
    left_out: usize,
}

impl Default for Mounts {
    fn default() -> Self {
        Mounts {
            file: KernelFile::new(PATH),
            buffer: Buffer::default(),
            seen: Vec::new(),
            all: Vec::new(),
            left_out: 0,
        }
    }
}

impl Mounts {
    /// What is mounted now, and how many more there are.
    pub fn read(&mut self) -> Result<(&[Mount], usize), CollectError> {
        let text = self.file.read(&mut self.buffer);
        let text = text.map_err(|error| CollectError::reading(PATH, &error))?;
        if self.seen != text {
            self.seen.clear();
            self.seen.extend_from_slice(text);
            self.all = parse(text);
            self.left_out = self.all.len().saturating_sub(MAX_MOUNTS);
            self.all.truncate(MAX_MOUNTS);
        }
        Ok((&self.all, self.left_out))
    }

    /// Where hierarchies of control groups are mounted.
    pub fn control_groups(&mut self) -> Vec<Groups> {
        self.file
            .read(&mut self.buffer)
            .map_or_else(|_| Vec::new(), control_groups)
    }
}

/// A hierarchy of control groups.
#[derive(Debug, PartialEq, Eq)]
pub struct Groups {
    pub place: String,
    /// Of version 1, as its options say, with other options among them; None is version 2.
    pub controllers: Option<Vec<String>>,
}

/// The hierarchies of control groups, in the order of their mounts.
pub fn control_groups(text: &[u8]) -> Vec<Groups> {
    let one = |line| {
        let mount = mount(line)?;
        let controllers = match mount.kind.as_str() {
            "cgroup2" => None,
            "cgroup" => Some(mount.options.split(',').map(str::to_owned).collect()),
            _ => return None,
        };
        Some(Groups {
            place: mount.place,
            controllers,
        })
    };
    lines(text).filter_map(one).collect()
}

/// File systems that hold somebody's files, each device once, the shortest place first.
pub fn parse(text: &[u8]) -> Vec<Mount> {
    let mut all: Vec<Mount> = lines(text)
        .filter_map(mount)
        // The file system of a container is an overlay, and the only one of its kind that is `/`.
        .filter(|mount| {
            !PSEUDO.contains(&mount.kind.as_str()) || (mount.kind == "overlay" && mount.place == "/")
        })
        .collect();
    all.sort_by(|a, b| (a.place.len(), &a.place).cmp(&(b.place.len(), &b.place)));
    let mut seen = std::collections::HashSet::new();
    all.retain(|mount| seen.insert(mount.device.clone()));
    all.sort_by(|a, b| a.place.cmp(&b.place));
    all
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`: optional fields end with a dash.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut words = Words(line);
    let place = words.nth(4)?;
    let options = words.next()?;
    words.find(|word| *word == b"-")?;
    let kind = words.text()?.to_owned();
    let device = words.next()?;
    let own = words.text().unwrap_or_default().to_owned();
    Some(Mount {
        place: unescaped(place),
        device: unescaped(device),
        kind,
        read_only: options.split(|byte| *byte == b',').any(|option| option == b"ro"),
        options: own,
    })
}

/// White space and backslashes are written as three octal digits.
fn unescaped(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let octal = after
            .get(..3)
            .filter(|digits| *first == b'\\' && digits.iter().all(|digit| (b'0'..b'8').contains(digit)));
        match octal {
            Some(digits) => {
                let code = digits
                    .iter()
                    .fold(0_u32, |code, digit| code * 8 + u32::from(digit - b'0'));
                bytes.push(code as u8);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"1 0 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
        2 1 254:0 /home /home rw shared:1 - ext4 /dev/vda rw\n\
        3 1 8:1 / /mnt/my\\040disk ro,nosuid master:3 - xfs /dev/sda1 rw\n\
        4 1 0:1 / /proc rw - proc proc rw\n\
        5 1 0:2 / /x rw - overlay overlay rw\n\
        odd\n6 1 0:3 / /y rw ext4\n";

    #[test]
    fn each_device_is_told_once_with_its_place() {
        let all = parse(TEXT);
        let places: Vec<&str> = all.iter().map(|mount| mount.place.as_str()).collect();
        assert_eq!(places, ["/", "/mnt/my disk"]);
        assert_eq!(
            (all[0].read_only, all[1].read_only, all[1].kind.as_str()),
            (false, true, "xfs")
        );
    }

    #[test]
    fn hierarchies_of_control_groups_are_told_with_their_controllers() {
        let text = b"5 1 0:5 / /sys/fs/cgroup/my\\040cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
            6 1 0:6 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n7 1 0:7 / / rw - ext4 /dev/vda rw\n\
            8 1 0:8 / /odd rw - cgroup x\n";
        let found = control_groups(text);
        let words = |at: usize| found[at].controllers.as_deref().map(|words| words.join(" "));
        assert_eq!(
            (found[0].place.as_str(), words(0)),
            ("/sys/fs/cgroup/my cpu", Some("rw cpu cpuacct".into()))
        );
        assert_eq!(
            (found[1].place.as_str(), words(1)),
            ("/sys/fs/cgroup/unified", None)
        );
        assert_eq!((found.len(), words(2)), (3, Some(String::new())));
    }

    #[test]
    fn odd_escapes_stay_as_they_are() {
        assert_eq!(unescaped(b"a\\040b\\04\\999\\"), "a b\\04\\999\\");
        assert_eq!(unescaped(b"\\777"), "\u{fffd}");
    }

    #[test]
    fn this_machine_has_something_mounted_and_it_is_read_once() {
        let mut mounts = Mounts::default();
        let first = mounts.read().unwrap().0.len();
        assert_eq!(mounts.read().unwrap().0.len(), first);
    }
}
