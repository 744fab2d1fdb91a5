#![no_main]

use retake_testkit::fuzz;
use retake_wire::postgres::Postgres;

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz::tap(&Postgres, input));
