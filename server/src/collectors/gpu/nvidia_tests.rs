use super::*;
use rustix::event::{PollFd, PollFlags, poll};
use std::{os::unix::fs::PermissionsExt, time::Instant};

/// What the program is documented to write for two cards, of which the second tells less, with a warning of the driver between.
const WRITTEN: &str = "0, 35, 12, 1024, 24576, 54, 120.53, 1710, 9501, 30\n\
    WARNING: infoROM is corrupted at gpu 0000:01:00.0\n\
    1, [N/A], [Not Supported], 512, 8192, 41, [Unknown Error], 300, 405, [N/A]\n";

fn values(lines: &Lines) -> Vec<(String, f64)> {
    let mut reading = Reading::default();
    reading.begin(Instant::now());
    lines.said(&mut reading);
    reading.end();
    let name = |spec: &farol_model::metric::MetricSpec| format!("{} {}", spec.name, spec.labels[0].value);
    reading
        .schema()
        .iter()
        .map(name)
        .zip(reading.values().iter().copied())
        .collect()
}

#[test]
fn lines_are_taken_in_whatever_pieces_they_come() {
    for piece in [1, 7, 4096] {
        let mut lines = Lines::default();
        WRITTEN
            .as_bytes()
            .chunks(piece)
            .for_each(|bytes| lines.take(bytes));
        let told = values(&lines);
        assert_eq!(told.len(), 2 * ASKED.len());
        assert_eq!(told[0], ("nvidia_busy_percent nvidia0".to_owned(), 35.0));
        assert_eq!(told[2].1, 1024.0 * 1_048_576.0);
        assert_eq!((told[5].1, told[6].1), (120.53, 1.71e9));
        let second = &told[ASKED.len()..];
        assert!(second[0].1.is_nan() && second[1].1.is_nan() && second[5].1.is_nan());
        assert_eq!(second[4], ("nvidia_temperature_celsius nvidia1".to_owned(), 41.0));
    }
}

#[test]
fn what_is_no_line_of_a_card_is_passed_over_and_the_newest_counts() {
    let mut lines = Lines::default();
    lines.take(b"No devices were found\n0, 1\n0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10\n\xff\n, , \n-1, 1, 2, 3, 4, 5, 6, 7, 8, 9\n");
    assert!(values(&lines).is_empty());
    lines.take(b"3, 1, 1, 1, 1, 1, 1, 1, 1, 1\n3, 90, 1, 1, 1, 1, 1, 1, 1, -4\n3, 9");
    let told = values(&lines);
    assert_eq!((told[0].1, told.len()), (90.0, ASKED.len()));
    assert!(told[8].1.is_nan(), "below zero is no share");
    lines.take(&vec![b'x'; MAX_UNREAD + 1]);
    assert!(lines.rest.is_empty(), "what never ends is not kept");
}

/// A program that plays the lines, for as long as it is read; and its end.
#[test]
fn the_program_is_read_while_it_runs_and_its_end_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("smi");
    let go_on = dir.path().join("go-on");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &go_on,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$@\" >&2\ncat <<'E'\n{WRITTEN}E\nread word < {}\nexit 9\n",
        go_on.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut program = Program::at(path.to_str().unwrap());
    let mut reading = Reading::default();
    let mut read = |program: &mut Program| {
        reading.begin(Instant::now());
        let result = program.said(&mut reading);
        reading.end();
        result.map(|()| reading.values().len())
    };
    // Nothing waits: there may be no line yet.
    read(&mut program).unwrap();
    let wait = |program: &Program| {
        let (_, output) = program.running.as_ref().unwrap();
        poll(&mut [PollFd::new(output, PollFlags::IN)], None).unwrap();
    };
    while read(&mut program).unwrap() < 2 * ASKED.len() {
        wait(&program);
    }
    assert_eq!(
        read(&mut program).unwrap(),
        2 * ASKED.len(),
        "the last line holds"
    );
    std::fs::write(&go_on, "x\n").unwrap();
    wait(&program);
    let ended = read(&mut program).unwrap_err().to_string();
    assert!(ended.contains("exit status: 9"), "{ended}");
    // It is started again, and ends with whoever reads it.
    read(&mut program).unwrap();
    let pid = program.running.as_ref().unwrap().0.id();
    drop(program);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_program_that_is_not_there_is_said() {
    let mut program = Program::at("/no/such/smi");
    let error = program.said(&mut Reading::default()).unwrap_err();
    assert!(matches!(error, CollectError::Unavailable(reason) if reason.contains("/no/such/smi")));
}

#[test]
fn power_is_read_as_the_driver_writes_it() {
    let on = "Runtime D3 status:          Disabled by default\nVideo Memory:               Active\n\nGPU Hardware Support:\n Video Memory Self Refresh:  Supported\n";
    assert_eq!(
        powered(on),
        Powered {
            awake: Some(true),
            may_sleep: false
        }
    );
    let off = "Runtime D3 status: Enabled (coarse-grained)\nVideo Memory: Off\n";
    assert_eq!(
        powered(off),
        Powered {
            awake: Some(false),
            may_sleep: true
        }
    );
    assert_eq!(
        powered("Runtime D3 status: ?\nVideo Memory: ?\n"),
        Powered {
            awake: None,
            may_sleep: false
        }
    );
}
