#![no_main]

use retake_testkit::fuzz;
use retake_wire::http1::Http1;

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::tap(&Http1, input));
