#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| farol_fuzz::emulation_request::run(input));
