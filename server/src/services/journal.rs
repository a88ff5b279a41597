//! The journal, through journalctl(1): its JSON is the one stable interface that needs no library of systemd's. Names are
//! checked before they get here and are one item of the command line each; no shell is involved.

use super::bus::Address;
use farol_model::{Fault, json::Json, service::LogLine};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

/// Lines that are given at once.
pub const MAX_LINES: usize = 500;
/// Longest text of a line, characters.
const MAX_TEXT: usize = 4000;
/// Bytes that are read of one answer. journalctl leaves out fields of more than 4 KiB by itself.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(10);
/// The fields that are shown.
const FIELDS: &str = "--output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_PID";

/// Which journal.
#[derive(Debug, Clone)]
pub struct Source {
    /// A folder of journal files instead of this machine's own.
    dir: Option<PathBuf>,
    /// Services of the account's own manager.
    user: bool,
}

impl Source {
    pub fn new(address: &Address, dir: Option<PathBuf>) -> Self {
        Source {
            dir,
            user: *address == Address::User,
        }
    }

    /// The last lines of a service, oldest first.
    pub async fn last(&self, service: &str, count: usize) -> Result<Vec<LogLine>, Fault> {
        let mut child = self.command(service, count).spawn().map_err(missing)?;
        let reading = read(&mut child);
        let text = tokio::time::timeout(LIMIT, reading)
            .await
            .map_err(|_| Fault::unavailable("The journal did not answer in time. Try again."))?
            .map_err(|_| Fault::unavailable("The journal could not be read. Try again."))?;
        Ok(text.lines().filter_map(line).collect())
    }

    fn command(&self, service: &str, count: usize) -> Command {
        let mut command = Command::new("journalctl");
        command.args(["--quiet", "--no-pager", "--output=json", FIELDS]);
        command.arg(format!("--lines={}", count.min(MAX_LINES)));
        if let Some(dir) = &self.dir {
            command.arg("--directory").arg(dir);
        }
        command.arg(format!("--unit={service}"));
        if self.user {
            // Besides, not instead: of a process that has ended before its line was read, journald knows only the name that
            // came with the line, and files it as that of a unit of the system.
            command.arg(format!("--user-unit={service}"));
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

async fn read(child: &mut Child) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_BYTES).read_to_end(&mut bytes).await?;
    }
    child.wait().await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn missing(error: std::io::Error) -> Fault {
    tracing::debug!(%error, "journalctl cannot be started");
    Fault::unavailable("There is no journal here: journalctl is not installed beside Farol.")
}

/// One line of journalctl's JSON; None when it is none.
pub fn line(text: &str) -> Option<LogLine> {
    let mut fields = farol_model::json::read::<Json>(text).ok()?.object().ok()?;
    let mut word = |name: &str| match fields.take::<Option<Json>>(name) {
        Ok(Some(Json::Text(text))) => text,
        // Bytes that are no UTF-8 come as a list of numbers.
        Ok(Some(Json::List(bytes))) => {
            String::from_utf8_lossy(&bytes.iter().filter_map(byte).collect::<Vec<u8>>()).into_owned()
        }
        _ => String::new(),
    };
    let t_us: i64 = word("__REALTIME_TIMESTAMP").parse().ok()?;
    let (who, comm, pid) = (word("SYSLOG_IDENTIFIER"), word("_COMM"), word("_PID"));
    let who = if who.is_empty() { comm } else { who };
    let said = word("MESSAGE");
    let said = if said.is_empty() {
        "(a line that is empty or too long to show)".to_owned()
    } else {
        said
    };
    Some(LogLine {
        t_ms: t_us / 1000,
        priority: word("PRIORITY")
            .parse()
            .ok()
            .filter(|priority| *priority <= 7)
            .unwrap_or(6),
        source: if pid.is_empty() {
            who
        } else {
            format!("{who}[{pid}]")
        },
        text: said
            .replace(|c: char| c.is_control() && c != '\n' && c != '\t', "")
            .chars()
            .take(MAX_TEXT)
            .collect(),
    })
}

fn byte(json: &Json) -> Option<u8> {
    match json {
        Json::Whole(number) => u8::try_from(*number).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_who_says_it_and_how_grave_it_is() {
        let text = r#"{"__REALTIME_TIMESTAMP":"1795434067000123","PRIORITY":"3","SYSLOG_IDENTIFIER":"nginx","_PID":"8","MESSAGE":"no \u001b[31mroom"}"#;
        let read = line(text).unwrap();
        assert_eq!(
            (read.t_ms, read.priority, read.source.as_str()),
            (1_795_434_067_000, 3, "nginx[8]")
        );
        assert_eq!(read.text, "no [31mroom", "no control character is left");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_far_as_they_go_and_a_missing_text_is_said() {
        let read =
            |message: &str| line(&format!(r#"{{"__REALTIME_TIMESTAMP":"1","MESSAGE":{message}}}"#)).unwrap();
        assert_eq!(read("[104,105,255]").text, "hi\u{fffd}");
        assert!(read("null").text.contains("too long"), "{:?}", read("null"));
        assert_eq!(read("\"x\"").priority, 6);
        assert_eq!(line("no json"), None);
        assert_eq!(line("{}"), None);
    }

    #[test]
    fn the_service_is_one_item_of_the_command_line() {
        let source = Source::new(&Address::User, Some("/tmp/x".into()));
        let command = source.command("a b.service", 9999);
        let items: Vec<_> = command
            .as_std()
            .get_args()
            .map(|item| item.to_string_lossy().into_owned())
            .collect();
        assert!(items.contains(&"--user-unit=a b.service".to_owned()), "{items:?}");
        assert!(items.contains(&format!("--lines={MAX_LINES}")), "{items:?}");
    }
}
