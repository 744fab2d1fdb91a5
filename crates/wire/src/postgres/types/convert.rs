//! Which type is converted by what.

use super::{
    array, catalogue, float, geometry, interval, label, moment, network, numeric, range, scalar,
};

/// The text that a server gives for a binary value of the type, under the settings that the
/// module names. None where the type has no conversion or the bytes are not of it.
pub fn to_text(oid: u32, binary: &[u8]) -> Option<String> {
    match oid {
        16 => scalar::bool_text(binary),
        17 => scalar::bytea_text(binary),
        18 => scalar::char_text(binary),
        20 => scalar::int8_text(binary),
        21 => scalar::int2_text(binary),
        22 => array::vector_text(21, binary),
        23 => scalar::int4_text(binary),
        24 | 2202..=2205 | 3734 | 3769 | 4089 | 4096 => scalar::reg_text(binary),
        19 | 25 | 114 | 142 | 194 | 705 | 1042 | 1043 | 1790 | 2275 => scalar::text_text(binary),
        26 | 28 | 29 => scalar::u32_text(binary),
        27 => scalar::tid_text(binary),
        30 => array::vector_text(26, binary),
        600 => geometry::to_text(&geometry::POINT, binary),
        601 => geometry::to_text(&geometry::LSEG, binary),
        602 => geometry::path_text(binary),
        603 => geometry::to_text(&geometry::BOX, binary),
        604 => geometry::polygon_text(binary),
        628 => geometry::to_text(&geometry::LINE, binary),
        718 => geometry::to_text(&geometry::CIRCLE, binary),
        650 | 869 => network::inet_text(binary),
        700 => float::float4_text(binary),
        701 => float::float8_text(binary),
        774 => network::mac_text(binary, 8),
        829 => network::mac_text(binary, 6),
        1082 => moment::date_text(binary),
        1083 => moment::time_text(binary),
        1114 => moment::timestamp_text(binary),
        1184 => moment::timestamptz_text(binary),
        1186 => interval::to_text(binary),
        1266 => moment::timetz_text(binary),
        1560 | 1562 => network::bits_text(binary),
        1700 => numeric::to_text(binary),
        2206 => scalar::regtype_text(binary),
        2278 => scalar::void_text(binary),
        2950 => scalar::uuid_text(binary),
        3220 => scalar::lsn_text(binary),
        3802 | 4072 => scalar::versioned_text(binary),
        5069 => scalar::u64_text(binary),
        oid if label::is_user_defined(oid) => label::to_text(binary),
        _ => match (range_bound(oid), multirange_bound(oid)) {
            (Some(bound), _) => range::range_text(bound, binary),
            (_, Some(bound)) => range::multirange_text(bound, binary),
            _ => array::array_text(catalogue::element(oid)?.oid, binary),
        },
    }
}

/// The binary value that a server gives where its text is `text`. None where the type has no
/// conversion or the text is not of it.
pub fn to_binary(oid: u32, text: &str) -> Option<Vec<u8>> {
    match oid {
        16 => scalar::bool_binary(text),
        17 => scalar::bytea_binary(text),
        18 => scalar::char_binary(text),
        20 => scalar::int8_binary(text),
        21 => scalar::int2_binary(text),
        22 => array::vector_binary(21, text),
        23 => scalar::int4_binary(text),
        24 | 2202..=2205 | 3734 | 3769 | 4089 | 4096 => scalar::reg_binary(text),
        19 | 25 | 114 | 142 | 194 | 705 | 1042 | 1043 | 1790 | 2275 => scalar::text_binary(text),
        26 | 28 | 29 => scalar::u32_binary(text),
        27 => scalar::tid_binary(text),
        30 => array::vector_binary(26, text),
        600 => geometry::to_binary(&geometry::POINT, text),
        601 => geometry::to_binary(&geometry::LSEG, text),
        602 => geometry::path_binary(text),
        603 => geometry::to_binary(&geometry::BOX, text),
        604 => geometry::polygon_binary(text),
        628 => geometry::to_binary(&geometry::LINE, text),
        718 => geometry::to_binary(&geometry::CIRCLE, text),
        650 => network::cidr_binary(text),
        700 => float::float4_binary(text),
        701 => float::float8_binary(text),
        774 => network::mac_binary(text, 8),
        829 => network::mac_binary(text, 6),
        869 => network::inet_binary(text),
        1082 => moment::date_binary(text),
        1083 => moment::time_binary(text),
        1114 => moment::timestamp_binary(text),
        1184 => moment::timestamptz_binary(text),
        1186 => interval::to_binary(text),
        1266 => moment::timetz_binary(text),
        1560 | 1562 => network::bits_binary(text),
        1700 => numeric::to_binary(text),
        2206 => scalar::regtype_binary(text),
        2278 => scalar::void_binary(text),
        2950 => scalar::uuid_binary(text),
        3220 => scalar::lsn_binary(text),
        3802 | 4072 => scalar::versioned_binary(text),
        5069 => scalar::u64_binary(text),
        oid if label::is_user_defined(oid) => label::to_binary(text),
        _ => match (range_bound(oid), multirange_bound(oid)) {
            (Some(bound), _) => range::range_binary(bound, text),
            (_, Some(bound)) => range::multirange_binary(bound, text),
            _ => array::array_binary(catalogue::element(oid)?.oid, text),
        },
    }
}

/// Whether values of the type are converted.
pub fn converts(oid: u32) -> bool {
    let scalar = |oid: u32| !matches!(oid, 790 | 2249 | 2276 | 2277 | 2970 | 3614 | 3615 | 5038);
    match (catalogue::entry(oid), catalogue::element(oid)) {
        (Some(_), _) => scalar(oid),
        (_, Some(element)) => scalar(element.oid),
        _ => false,
    }
}

/// The type of a range's bounds.
fn range_bound(oid: u32) -> Option<u32> {
    match oid {
        3904 => Some(23),
        3906 => Some(1700),
        3908 => Some(1114),
        3910 => Some(1184),
        3912 => Some(1082),
        3926 => Some(20),
        _ => None,
    }
}

/// The type of the bounds of a multirange's ranges.
fn multirange_bound(oid: u32) -> Option<u32> {
    match oid {
        4451 => Some(23),
        4532 => Some(1700),
        4533 => Some(1114),
        4534 => Some(1184),
        4535 => Some(1082),
        4536 => Some(20),
        _ => None,
    }
}
