use super::*;
use proptest::prelude::*;

fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// `golden.tsv` was written by a real server (see `golden.py`): type, binary in hex, text.
fn golden() -> impl Iterator<Item = (&'static str, Vec<u8>, &'static str)> {
    include_str!("golden.tsv").lines().map(|line| {
        let mut parts = line.splitn(3, '\t');
        let mut next = || parts.next().unwrap();
        (next(), unhex(next()), next())
    })
}

#[test]
fn both_directions_are_what_a_real_server_gives() {
    let mut wrong = Vec::new();
    for (kind, binary, text) in golden() {
        let oid = oid(kind).unwrap();
        if to_text(oid, &binary).as_deref() != Some(text) {
            wrong.push(format!("{kind} {text}: text {:?}", to_text(oid, &binary)));
        }
        if to_binary(oid, text).as_ref() != Some(&binary) {
            let ours = to_binary(oid, text);
            wrong.push(format!(
                "{kind} {text}: binary {ours:02x?} not {binary:02x?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_not_of_a_type_has_no_conversion() {
    for (kind, text) in [
        ("int4", "2147483648"),
        ("int4", ""),
        ("float8", "inf"),
        ("float8", "1e400"),
        ("numeric", ""),
        ("numeric", "1e5"),
        ("numeric", "--1"),
        ("date", "2026-02-30"),
        ("date", "2026-2-3"),
        ("date", "0000-01-01"),
        ("time", "24:00:01"),
        ("timestamp", "2026-01-01 00:00:00+00"),
        ("timetz", "12:00:00"),
        ("interval", ""),
        ("interval", "1 fortnight"),
        ("interval", "P1D"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"),
        ("inet", "10.0.0.1/33"),
        ("bit", "102"),
        ("bytea", "\\x0"),
        ("bytea", "\\9"),
        ("text", "a\0b"),
        ("int4[]", ""),
        ("int4[]", "{1"),
        ("int4[]", "{1,{2}}"),
        ("int4[]", "{{1},2}"),
        ("int4[]", "{{1},{2,3}}"),
        ("int4[]", "{1}x"),
        ("int4[]", "[1:3]={1,2}"),
        ("int4[]", "{1,}"),
        ("int4[]", "{{{{{{{1}}}}}}}"),
        ("int4range", "[1,2"),
        ("int4range", "[1;2)"),
        ("int4multirange", "{[1,2)[3,4)}"),
    ] {
        assert_eq!(to_binary(oid(kind).unwrap(), text), None, "{kind} {text}");
    }
}

#[test]
fn moments_are_read_with_any_offset() {
    let zoned = oid("timestamptz").unwrap();
    let check = |text: &str, utc: &str| {
        let back = to_binary(zoned, text).and_then(|binary| to_text(zoned, &binary));
        assert_eq!(back.as_deref(), Some(utc), "{text}");
    };
    check("2026-01-01 00:30:00+01", "2025-12-31 23:30:00+00");
    check("2026-01-01T00:00:00Z", "2026-01-01 00:00:00+00");
    check("2026-01-01 00:00:00-03:30", "2026-01-01 03:30:00+00");
    check("2026-01-01 00:00:00", "2026-01-01 00:00:00+00");
    check("0001-01-01 00:00:00+01", "0001-12-31 23:00:00+00 BC");
}

#[test]
fn bytea_is_read_in_both_outputs() {
    let bytea = oid("bytea").unwrap();
    assert_eq!(to_binary(bytea, "\\x00fF"), Some(vec![0, 255]));
    assert_eq!(to_binary(bytea, "a\\\\\\000b"), Some(b"a\\\0b".to_vec()));
}

#[test]
fn names_and_oids_are_one_to_one() {
    for wanted in 1..10_000 {
        if let Some(found) = name(wanted) {
            assert_eq!(oid(found), Some(wanted), "{found}");
        }
    }
    assert_eq!(name(16_385), None);
    assert_eq!((size(23), size(25), size(705)), (4, -1, -2));
}

/// Every type that has a conversion.
fn converted() -> Vec<u32> {
    let mut kinds: Vec<u32> = golden().map(|(kind, ..)| oid(kind).unwrap()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn floats_come_back(bits: u64, narrow: u32) {
        for (kind, binary) in [("float8", bits.to_be_bytes().to_vec()), ("float4", narrow.to_be_bytes().to_vec())] {
            let oid = oid(kind).unwrap();
            let text = to_text(oid, &binary).unwrap();
            if text != "NaN" {
                prop_assert_eq!(to_binary(oid, &text), Some(binary));
            }
        }
    }

    #[test]
    fn fixed_fields_come_back(bytes in prop::collection::vec(any::<u8>(), 16), small in -10_i32..10) {
        for kind in ["int2", "int4", "int8", "oid", "uuid", "date", "timestamp", "timestamptz", "interval", "pg_lsn", "macaddr", "macaddr8", "xid8", "tid"] {
            let oid = oid(kind).unwrap();
            let mut binary = bytes[..usize::try_from(size(oid)).unwrap()].to_vec();
            if kind == "interval" {
                binary[12..].copy_from_slice(&small.to_be_bytes());
            }
            let Some(text) = to_text(oid, &binary) else { continue };
            // Moments that no server has (years beyond its range) may have no way back.
            if let Some(back) = to_binary(oid, &text) {
                prop_assert_eq!(back, binary, "{} {}", kind, text);
            } else {
                prop_assert!(matches!(kind, "date" | "timestamp" | "timestamptz" | "interval"), "{} {}", kind, text);
            }
        }
    }

    #[test]
    fn days_and_microseconds_come_back(days in -2_451_507_i32..200_000_000, micros in -210_866_803_200_000_000_i64..9_223_371_331_200_000_000) {
        for (kind, binary) in [("date", days.to_be_bytes().to_vec()), ("timestamp", micros.to_be_bytes().to_vec()), ("timestamptz", micros.to_be_bytes().to_vec())] {
            let oid = oid(kind).unwrap();
            let text = to_text(oid, &binary).unwrap();
            prop_assert_eq!(to_binary(oid, &text), Some(binary), "{}", text);
        }
    }

    #[test]
    fn arrays_of_text_come_back(items in prop::collection::vec(prop::option::of("[a-zA-Z{}\",\\\\ \t\n;é]{0,6}"), 0..6), rows in 1_usize..3) {
        let mut binary = Vec::new();
        let total = items.len() * rows;
        let dimensions: &[usize] = if total == 0 { &[] } else { &[rows, items.len()] };
        binary.extend(i32::try_from(dimensions.len()).unwrap().to_be_bytes());
        let nulls = items.iter().any(Option::is_none);
        binary.extend(i32::from(nulls).to_be_bytes());
        binary.extend(25_u32.to_be_bytes());
        for length in dimensions {
            binary.extend(i32::try_from(*length).unwrap().to_be_bytes());
            binary.extend(1_i32.to_be_bytes());
        }
        for _ in 0..rows {
            for item in &items {
                cursor::put_field(&mut binary, item.as_ref().map(String::as_bytes)).unwrap();
            }
        }
        let text = to_text(1009, &binary).unwrap();
        prop_assert_eq!(to_binary(1009, &text), Some(binary), "{}", text);
    }

    #[test]
    fn garbage_is_refused_or_has_a_text_that_is_stable(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        for oid in converted() {
            if let Some(text) = to_text(oid, &bytes)
                && let Some(back) = to_binary(oid, &text)
            {
                prop_assert_eq!(to_text(oid, &back), Some(text), "{:?}", name(oid));
            }
        }
    }

    #[test]
    fn damaged_values_do_not_panic(at in 0_usize..2_000, byte: u8, cut in 0_usize..80) {
        for (kind, mut binary, text) in golden().skip(at % 300).step_by(97) {
            let oid = oid(kind).unwrap();
            binary.truncate(cut);
            let length = binary.len();
            if let Some(place) = length.checked_sub(1).and_then(|last| binary.get_mut(at.min(last))) {
                *place = byte;
            }
            let _ = to_text(oid, &binary);
            let cut: String = text.chars().take(cut).collect();
            let _ = to_binary(oid, &cut);
        }
    }
}
