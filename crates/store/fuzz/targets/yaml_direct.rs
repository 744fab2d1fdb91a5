#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| retake_store::fuzz_both_ways(input));
