//! The corpus of the fuzz targets, run through the same functions by the ordinary compiler: what once was worth keeping
//! stays asserted. docs/FUZZING.md says what the targets assert.

#![allow(clippy::expect_used, reason = "helpers of tests fail their test by panicking")]

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// Of one target; the repository holds seeds and findings, not what a search leaves behind.
const FILES: std::ops::RangeInclusive<usize> = 5..=60;
const FILE_BYTES: usize = 4 * 1024;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

fn names(dir: &Path) -> BTreeSet<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("names are text");
    fs::read_dir(dir)
        .expect("the corpus is there")
        .map(|entry| name(entry.expect("it can be listed")))
        .collect()
}

fn run(target: targets::Target, input: &[u8], what: &str) {
    let ran = catch_unwind(AssertUnwindSafe(|| target(input)));
    assert!(ran.is_ok(), "{what} ({} bytes)", input.len());
}

#[test]
fn every_input_of_the_corpus_holds_whole_and_cut_off_anywhere() {
    for (name, target) in targets::ALL {
        let dir = corpus().join(name);
        let files = names(&dir);
        assert!(FILES.contains(&files.len()), "{name} has {} files", files.len());
        for file in files {
            let input = fs::read(dir.join(&file)).expect("it can be read");
            assert!(
                input.len() <= FILE_BYTES,
                "{name}/{file} is larger than {FILE_BYTES}"
            );
            run(target, &input, &format!("{name}/{file}"));
            for end in 0..input.len() {
                run(target, &input[..end], &format!("{name}/{file} cut at {end}"));
            }
        }
    }
}

#[test]
fn every_folder_of_the_corpus_belongs_to_a_target() {
    let targets: BTreeSet<String> = targets::ALL.map(|(name, _)| name.to_owned()).into();
    assert_eq!(names(&corpus()), targets);
    let sources: BTreeSet<String> = names(&corpus().join("../fuzz_targets"));
    let expected: BTreeSet<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(sources, expected);
}
