use super::*;
use crate::actions::pinned::tests::sleeper;
use std::time::Instant;

fn rows(collector: &mut Processes, reading: &mut Reading) -> Vec<ProcessRow> {
    reading.begin(Instant::now());
    collector.collect(reading).unwrap();
    reading.end();
    reading.take_table().unwrap()
}

#[test]
fn this_process_is_in_the_table_with_its_name_and_start() {
    let (mut collector, mut reading) = (Processes::default(), Reading::default());
    let table = rows(&mut collector, &mut reading);
    let own = table.iter().find(|row| row.pid == std::process::id()).unwrap();
    assert_eq!(own.start_ms, procstat::start_ms(own.pid).unwrap());
    assert!(own.memory_bytes > 0 && own.threads > 0 && !own.command.is_empty());
    assert!(!own.io_known, "a rate needs two readings");
    let table = rows(&mut collector, &mut reading);
    let own = table.iter().find(|row| row.pid == std::process::id()).unwrap();
    assert!(own.io_known, "and may be had of one's own process");
}

#[test]
fn processor_time_and_traffic_are_of_the_time_between() {
    let (mut collector, mut reading) = (Processes::default(), Reading::default());
    rows(&mut collector, &mut reading);
    let begun = Instant::now();
    let mut sum = 0_u64;
    while begun.elapsed().as_millis() < 300 {
        sum = sum.wrapping_add(begun.elapsed().as_nanos() as u64);
    }
    assert!(sum > 0);
    let table = rows(&mut collector, &mut reading);
    let own = table.iter().find(|row| row.pid == std::process::id()).unwrap();
    assert!(own.cpu_percent > 5.0, "{}", own.cpu_percent);
}

#[test]
fn a_child_comes_and_goes() {
    let (mut collector, mut reading) = (Processes::default(), Reading::default());
    let (mut child, start_ms) = sleeper();
    let pid = child.id();
    let table = rows(&mut collector, &mut reading);
    assert_eq!(
        table.iter().find(|row| row.pid == pid).unwrap().start_ms,
        start_ms
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        rows(&mut collector, &mut reading)
            .iter()
            .all(|row| row.pid != pid)
    );
}

#[test]
fn programs_and_users_are_summed_up() {
    let children: Vec<_> = (0..3).map(|_| sleeper().0).collect();
    let (mut collector, mut reading) = (Processes::default(), Reading::default());
    rows(&mut collector, &mut reading);
    let value = |name: &str, label: &str, of: &str| {
        let mut all = reading.schema().iter().zip(reading.values());
        let found = all.find(|(spec, _)| spec.name == name && spec.label_value(label) == Some(of));
        found.map(|(_, value)| *value)
    };
    assert!(value("program_processes", "program", "sleep").is_some_and(|count| count >= 3.0));
    let user = user_names().remove(&rustix::process::getuid().as_raw()).unwrap();
    assert!(value("user_memory_bytes", "user", &user).unwrap() > 0.0);
    assert!(value("processes", "state", "sleeping").unwrap() >= 3.0);
    for mut child in children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn traffic_is_read_from_its_lines_or_not_at_all() {
    assert_eq!(
        traffic(b"rchar: 5\nread_bytes: 4096\nwrite_bytes: 1\n"),
        Some((4096, 1))
    );
    assert_eq!(traffic(b"read_bytes: 4096\n"), None);
    assert_eq!(traffic(b"read_bytes: x\nwrite_bytes: 1\n"), None);
}

#[test]
fn threads_of_the_kernel_are_told_by_their_kind() {
    for (name, kind) in [
        ("kworker/0:1H-kblockd", "[kworker]"),
        ("ksoftirqd/1", "[ksoftirqd]"),
        ("kswapd0", "[kswapd]"),
        ("rcu_preempt", "[rcu_preempt]"),
        ("jbd2/vda-8", "[jbd]"),
    ] {
        assert_eq!(kind_of_thread(name), kind);
    }
}
