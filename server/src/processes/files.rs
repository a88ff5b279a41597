//! Open files and sockets of one process: `/proc/PID/fd`, and for sockets the kernel's own tables.

use super::{plain, refusal, sockets};
use farol_model::process::{OpenFile, OpenSocket, Told};
use std::{collections::HashMap, fs};

/// Rows of each list that are told.
const MAX_ROWS: usize = 200;
/// File descriptors that are looked at; the kernel's usual limit for one process is a million.
const MAX_LOOKED: usize = 100_000;

/// See the module.
pub fn open(pid: u32) -> (Told<OpenFile>, Told<OpenSocket>) {
    open_up_to(pid, MAX_ROWS)
}

fn open_up_to(pid: u32, most: usize) -> (Told<OpenFile>, Told<OpenSocket>) {
    let entries = match fs::read_dir(format!("/proc/{pid}/fd")) {
        Ok(entries) => entries,
        Err(error) => {
            return (
                Told::Refused(refusal(&error, "open files")),
                Told::Refused(refusal(&error, "sockets")),
            );
        }
    };
    let mut fds: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .take(MAX_LOOKED)
        .collect();
    fds.sort_unstable();
    let mut files = List::of(most);
    let mut found: Vec<(u32, u64)> = Vec::new();
    for fd in fds {
        // What cannot be read was closed since it was listed.
        let Ok(link) = fs::read_link(format!("/proc/{pid}/fd/{fd}")) else {
            continue;
        };
        let text = link.to_string_lossy();
        match inode(&text) {
            Some(inode) => found.push((fd, inode)),
            None => files.add(|| OpenFile {
                fd,
                what: plain(&text),
            }),
        }
    }
    let known = match found.is_empty() {
        true => HashMap::new(),
        false => sockets::known(pid, &found.iter().map(|(_, inode)| *inode).collect()),
    };
    let mut sockets = List::of(most);
    for (fd, inode) in found {
        sockets.add(|| match known.get(&inode) {
            Some(socket) => OpenSocket { fd, ..socket.clone() },
            None => OpenSocket {
                fd,
                kind: "other",
                local: String::new(),
                remote: String::new(),
                state: "",
            },
        });
    }
    (files.told(), sockets.told())
}

/// `socket:[4711]`.
fn inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

struct List<T> {
    rows: Vec<T>,
    most: usize,
    more: u32,
}

impl<T> List<T> {
    fn of(most: usize) -> Self {
        List {
            rows: Vec::new(),
            most,
            more: 0,
        }
    }

    fn add(&mut self, row: impl FnOnce() -> T) {
        match self.rows.len() < self.most {
            true => self.rows.push(row()),
            false => self.more += 1,
        }
    }

    fn told(self) -> Told<T> {
        Told::Listed {
            rows: self.rows,
            more: self.more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        net::{TcpListener, TcpStream, UdpSocket},
        os::{fd::AsRawFd, unix::net::UnixListener},
    };

    fn listed<T>(told: Told<T>) -> (Vec<T>, u32) {
        match told {
            Told::Listed { rows, more } => (rows, more),
            Told::Refused(why) => panic!("{why}"),
        }
    }

    #[test]
    fn own_files_and_sockets_of_every_kind_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = fs::File::create(dir.path().join("open.txt")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let six = TcpListener::bind("[::1]:0").ok();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let path = dir.path().join("u.sock");
        let unix = UnixListener::bind(&path).unwrap();
        // Other tests have files open beside these.
        let (files, sockets) = open_up_to(std::process::id(), usize::MAX);
        let (files, _) = listed(files);
        let (sockets, _) = listed(sockets);
        let of = |fd: i32| {
            let found = sockets.iter().find(|socket| socket.fd == fd as u32);
            found.unwrap_or_else(|| panic!("{fd} in {sockets:?}"))
        };
        let open = files
            .iter()
            .find(|one| one.fd == file.as_raw_fd() as u32)
            .unwrap();
        assert!(open.what.ends_with("open.txt"), "{open:?}");
        let listening = of(listener.as_raw_fd());
        assert_eq!(
            (listening.kind, listening.local.as_str(), listening.state),
            ("tcp", address.to_string().as_str(), "listen")
        );
        let connected = of(client.as_raw_fd());
        assert_eq!(
            (connected.remote.as_str(), connected.state),
            (address.to_string().as_str(), "established")
        );
        if let Some(six) = six {
            let told = of(six.as_raw_fd());
            assert_eq!(
                (told.kind, &told.local),
                ("tcp6", &six.local_addr().unwrap().to_string())
            );
        }
        assert_eq!(of(udp.as_raw_fd()).local, udp.local_addr().unwrap().to_string());
        let told = of(unix.as_raw_fd());
        assert_eq!((told.kind, told.local.as_str()), ("unix", path.to_str().unwrap()));
    }

    #[test]
    fn more_than_the_list_holds_is_counted() {
        let script = "import os,time\nfds=[os.open('/dev/null',os.O_RDONLY) for _ in range(300)]\nprint('up',flush=True)\ntime.sleep(600)";
        let mut child = std::process::Command::new("python3")
            .args(["-c", script])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let (rows, more) = listed(open(child.id()).0);
        assert_eq!(rows.len(), MAX_ROWS);
        assert!(more >= 100, "{more}");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_process_that_is_not_there_is_told_as_ended() {
        assert!(matches!(open(4_194_304).0, Told::Refused(why) if why.contains("ended")));
    }
}
