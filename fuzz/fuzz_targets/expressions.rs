#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farol_fuzz::expressions::run(input));
