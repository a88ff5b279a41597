#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farol_fuzz::container_frames::run(input));
