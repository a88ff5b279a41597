#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farol_fuzz::json_commands::run(input));
