#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farol_fuzz::metrics_in::run(input));
