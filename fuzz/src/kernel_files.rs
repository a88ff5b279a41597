//! Files of the kernel and messages of its list of sockets, as collectors read them. The first byte of the input chooses the
//! parser; the second says where the first of two texts ends, in 256ths.
//!
//! Asserts: as many values as specs, none infinite; the same text again has the same layout, and nothing has happened.

use farol::collectors::{Reading, parsers::ALL};
use std::time::{Duration, Instant};

pub fn run(input: &[u8]) {
    let [kind, place, bytes @ ..] = input else {
        return;
    };
    let (_, parser) = ALL[usize::from(*kind) % ALL.len()];
    let mut parser = parser();
    let (first, second) = bytes.split_at(bytes.len() * usize::from(*place) / 256);
    let (mut reading, start) = (Reading::default(), Instant::now());
    for (secs, text) in [first, second, second].into_iter().enumerate() {
        let before = reading.schema().clone();
        reading.begin(start + Duration::from_secs(secs as u64));
        parser(text, &mut reading);
        reading.end();
        assert_eq!(reading.schema().len(), reading.values().len());
        assert!(reading.values().iter().all(|value| !value.is_infinite()));
        if secs == 2 {
            assert_eq!(reading.schema(), &before);
            for (spec, value) in reading.schema().iter().zip(reading.values()) {
                assert!(
                    !spec.name.ends_with("_per_second")
                        || *value == 0.0
                        || value.is_nan()
                        || spec.name.contains("speed")
                );
            }
        }
    }
}
