use super::*;
use crate::collectors::mounts::Groups;
use std::{
    collections::HashMap,
    fs::{create_dir_all, remove_dir_all, write},
    path::Path,
    time::{Duration, Instant},
};

fn unified(root: &Path) -> Hierarchies {
    Hierarchies::of(&[Groups {
        place: root.display().to_string(),
        controllers: None,
    }])
}

/// Hierarchies of version 1, a folder for each controller as they are mounted by most.
fn legacy(root: &Path) -> Hierarchies {
    let of = |name: &&str| Groups {
        place: root.join(name).display().to_string(),
        controllers: Some(vec!["rw".to_owned(), (*name).to_owned()]),
    };
    Hierarchies::of(&hierarchies::CONTROLLERS.iter().map(of).collect::<Vec<_>>())
}

/// Writes a recorded tree: `== path`, and then what the file held.
fn lay_out(root: &Path, recorded: &str) {
    for file in recorded.split("== ").filter(|file| !file.is_empty()) {
        let (path, text) = file.split_once('\n').unwrap();
        let path = root.join(path);
        create_dir_all(path.parent().unwrap()).unwrap();
        write(path, text).unwrap();
    }
}

/// Bytes read that the recorded trees tell.
const WEB_READ: (f64, f64) = (422_789_120.0, 660_815_872.0);

fn make(root: &Path, name: &str, usage: u64) {
    let folder = root.join(name);
    create_dir_all(&folder).unwrap();
    write(
        folder.join("cpu.stat"),
        format!("usage_usec {usage}\nuser_usec 1\nsystem_usec 2\n"),
    )
    .unwrap();
    write(folder.join("memory.current"), format!("{usage}\n")).unwrap();
    write(
        folder.join("io.stat"),
        format!("8:0 rbytes={usage} wbytes=0 rios=1 wios=0\n8:16 rbytes=1 odd wios=x\n"),
    )
    .unwrap();
    write(
        folder.join("memory.pressure"),
        format!("some avg10=0.00 avg60=0.00 avg300=0.00 total={usage}\n"),
    )
    .unwrap();
}

fn read(cgroups: &mut Cgroups, reading: &mut Reading, at: Instant) {
    reading.begin(at);
    cgroups.said(reading);
    reading.end();
}

#[test]
fn groups_are_told_by_their_path_and_only_with_what_their_controllers_tell() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), "system.slice/a.service", 1_000_000);
    let (mut cgroups, mut reading, start) = (Cgroups::default(), Reading::default(), Instant::now());
    cgroups.look(&unified(dir.path()));
    read(&mut cgroups, &mut reading, start);
    make(dir.path(), "system.slice/a.service", 1_500_000);
    read(&mut cgroups, &mut reading, start + Duration::from_secs(1));
    let value = |name: &str| reading.value_of(name);
    assert_eq!(
        reading.schema()[0].label_value("cgroup"),
        Some("system.slice/a.service")
    );
    assert_eq!(value("cgroup_cpu_percent"), Some(50.0));
    assert_eq!(value("cgroup_memory_bytes"), Some(1_500_000.0));
    assert_eq!(value("cgroup_read_bytes_per_second"), Some(500_000.0));
    assert_eq!(value("cgroup_stalled_percent"), Some(50.0));
    assert_eq!(
        (value("cgroup_tasks"), value("cgroup_cpu_throttled_percent")),
        (None, None)
    );
}

#[test]
fn one_that_went_has_no_value_until_the_next_look_and_then_no_series() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), "a", 1);
    let (mut cgroups, mut reading) = (Cgroups::default(), Reading::default());
    cgroups.look(&unified(dir.path()));
    read(&mut cgroups, &mut reading, Instant::now());
    remove_dir_all(dir.path().join("a")).unwrap();
    let mut again = Cgroups::default();
    again.look(&unified(dir.path()));
    read(&mut again, &mut Reading::default(), Instant::now());
    cgroups.look(&unified(dir.path()));
    assert!(cgroups.groups.iter().all(|group| group.name == "/"));
}

#[test]
fn above_the_limit_the_largest_are_told_those_told_stay_and_the_others_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..MAX_GROUPS as u64 + 10 {
        make(dir.path(), &format!("g{number:03}"), number);
    }
    let mut cgroups = Cgroups::default();
    cgroups.look(&unified(dir.path()));
    // The root has a place only when there is one left.
    assert_eq!((cgroups.groups.len(), cgroups.left_out), (MAX_GROUPS, 11));
    let has = |cgroups: &Cgroups, name: &str| cgroups.groups.iter().any(|group| group.name == name);
    assert!(has(&cgroups, "g057") && !has(&cgroups, "g000"));
    make(dir.path(), "g000", 1_000_000);
    cgroups.look(&unified(dir.path()));
    assert!(!has(&cgroups, "g000"), "a place is not taken away");
    remove_dir_all(dir.path().join("g057")).unwrap();
    cgroups.look(&unified(dir.path()));
    assert!(has(&cgroups, "g000"));
}

/// Recorded on Linux 6.18 while a program in a group with a processor limit wrote and read a file, two seconds apart.
#[test]
fn groups_of_version_1_are_told_as_those_of_version_2() {
    let (dir, start) = (tempfile::tempdir().unwrap(), Instant::now());
    let (mut cgroups, mut reading) = (Cgroups::default(), Reading::default());
    lay_out(dir.path(), include_str!("../fixtures/cgroup_v1_first"));
    cgroups.look(&legacy(dir.path()));
    read(&mut cgroups, &mut reading, start);
    lay_out(dir.path(), include_str!("../fixtures/cgroup_v1_second"));
    read(&mut cgroups, &mut reading, start + Duration::from_secs(2));
    let of_service =
        |spec: &farol_model::metric::MetricSpec| spec.label_value("cgroup") == Some("shop.slice/web.service");
    let told: HashMap<String, f64> = reading
        .schema()
        .iter()
        .zip(reading.values())
        .filter(|(spec, _)| of_service(spec))
        .map(|(spec, value)| match spec.label_value("part") {
            Some(part) => (part.to_owned(), *value),
            None => (spec.name.clone(), *value),
        })
        .collect();
    let near = |name: &str, wanted: f64| {
        let value = told[name];
        assert!((value - wanted).abs() < 0.01, "{name}: {value}, not {wanted}");
    };
    near(
        "cgroup_cpu_percent",
        (1_068_546_145_f64 - 705_401_635.0) / 2e9 * 100.0,
    );
    near("cgroup_cpu_user_percent", 8.0 / 2.0);
    near("cgroup_cpu_system_percent", 28.0 / 2.0);
    near("cgroup_cpu_throttled_percent", 0.0);
    near("cgroup_memory_bytes", 10_858_496.0);
    near("cgroup_swap_bytes", 0.0);
    near("cgroup_tasks", 1.0);
    near("cgroup_oom_kills_per_second", 0.0);
    near("cgroup_read_bytes_per_second", (WEB_READ.1 - WEB_READ.0) / 2.0);
    assert!(told["cgroup_written_operations_per_second"] > 100.0);
    for part in ["anon", "file", "shmem", "kernel", "sock"] {
        assert!(told[part] >= 0.0, "{part}");
    }
    assert!(told["anon"] > 1e6 && told["kernel"] > 1e5, "{told:?}");
    assert!(!told.contains_key("slab"), "version 1 does not tell it");
}

#[test]
fn parts_of_memory_are_read_in_turn_and_told_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let stat = |anon: u64| {
        let folder = dir.path().join("a");
        create_dir_all(&folder).unwrap();
        write(
            folder.join("memory.stat"),
            format!("anon {anon}\nfile 7\nkernel 3\nsock 0\nanon_thp 9\n"),
        )
        .unwrap();
    };
    stat(1);
    let (mut cgroups, mut reading, start) = (Cgroups::default(), Reading::default(), Instant::now());
    cgroups.look(&unified(dir.path()));
    let mut seen = Vec::new();
    for step in 0..2 * STAT_EVERY as u64 {
        read(&mut cgroups, &mut reading, start + Duration::from_secs(step));
        let parts: Vec<&str> = reading
            .schema()
            .iter()
            .filter_map(|spec| spec.label_value("part"))
            .collect();
        assert_eq!(
            parts,
            ["anon", "file", "kernel", "sock"],
            "what is not told has no series"
        );
        seen.push(reading.value_of("cgroup_memory_part_bytes").unwrap());
        stat(step + 2);
    }
    // Each step writes its number; it is told for as long as the turn lasts.
    let changes = seen.windows(2).filter(|two| two[0] != two[1]).count();
    assert!((1..=3).contains(&changes), "{seen:?}");
    // The kernel answers nothing for a group that has gone.
    write(dir.path().join("a/memory.stat"), "").unwrap();
    let layout = reading.schema().clone();
    for step in 0..STAT_EVERY as u64 {
        read(
            &mut cgroups,
            &mut reading,
            start + Duration::from_secs(100 + step),
        );
    }
    assert!(reading.values()[0].is_nan());
    assert!(std::sync::Arc::ptr_eq(&layout, reading.schema()));
}

#[test]
fn in_a_hybrid_the_controllers_are_of_version_1_and_pressure_is_of_version_2() {
    let dir = tempfile::tempdir().unwrap();
    make(&dir.path().join("unified"), "a", 1_000_000);
    for (file, text) in [
        ("memory/a/memory.usage_in_bytes", "5\n"),
        ("cpuacct/a/cpuacct.usage", "9\n"),
    ] {
        lay_out(dir.path(), &format!("== {file}\n{text}"));
    }
    let place = |name: &str| dir.path().join(name).display().to_string();
    let mounted = [
        ("memory", Some("memory")),
        ("cpuacct", Some("cpuacct")),
        ("unified", None),
    ];
    let mounted = mounted.map(|(name, controller)| Groups {
        place: place(name),
        controllers: controller.map(|controller| vec![controller.to_owned()]),
    });
    let (mut cgroups, mut reading) = (Cgroups::default(), Reading::default());
    cgroups.look(&Hierarchies::of(&mounted));
    read(&mut cgroups, &mut reading, Instant::now());
    let count = |name: &str| reading.schema().iter().filter(|spec| spec.name == name).count();
    assert_eq!(
        (count("cgroup_cpu_percent"), count("cgroup_cpu_user_percent")),
        (1, 0)
    );
    assert_eq!(count("cgroup_stalled_percent"), 1);
    // A group that has the file in both is told once.
    assert_eq!(
        (
            count("cgroup_memory_bytes"),
            count("cgroup_read_bytes_per_second")
        ),
        (1, 1)
    );
}

#[test]
fn odd_lines_of_version_1_do_no_harm() {
    assert_eq!(
        transfers(b"8:0 Read 5\n8:16 Read 6\n8:0 Write x\n8:0 Sync 9\nTotal 11\n8:0\n"),
        [11, 0]
    );
    assert_eq!(
        transfers(b"8:0 Read 18446744073709551615\n8:1 Read 1\n8:0 Write"),
        [u64::MAX, 0]
    );
}
