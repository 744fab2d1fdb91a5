//! The built-in types: their OIDs, names and sizes, as `pg_type` has them in every supported
//! version (OIDs below 10000 are fixed for ever; PostgreSQL, `src/include/catalog/pg_type.dat`).

/// One built-in type and the type of its arrays.
pub(super) struct Entry {
    /// The OID of the type.
    pub(super) oid: u32,
    /// The OID of its array type; 0 where it has none.
    pub(super) array: u32,
    /// The name in `pg_type`.
    pub(super) name: &'static str,
    /// The name of its array type, as retake writes it.
    pub(super) array_name: &'static str,
    /// The size in bytes; -1 where it varies, -2 for C strings.
    pub(super) size: i16,
    /// The name that `format_type` gives (what `regtype` shows), where it is another one.
    pub(super) sql_name: &'static str,
}

macro_rules! entries {
    ($($oid:literal $array:literal $name:literal $size:literal $($sql:literal)?;)*) => {
        &[$(Entry {
            oid: $oid,
            array: $array,
            name: $name,
            array_name: concat!($name, "[]"),
            size: $size,
            sql_name: entries!(@sql $name $($sql)?),
        }),*]
    };
    (@sql $name:literal) => { $name };
    (@sql $name:literal $sql:literal) => { $sql };
}

/// Sorted by OID.
static ENTRIES: &[Entry] = entries! {
    16 1000 "bool" 1 "boolean";
    17 1001 "bytea" -1;
    18 1002 "char" 1 "\"char\"";
    19 1003 "name" 64;
    20 1016 "int8" 8 "bigint";
    21 1005 "int2" 2 "smallint";
    22 1006 "int2vector" -1;
    23 1007 "int4" 4 "integer";
    24 1008 "regproc" 4;
    25 1009 "text" -1;
    26 1028 "oid" 4;
    27 1010 "tid" 6;
    28 1011 "xid" 4;
    29 1012 "cid" 4;
    30 1013 "oidvector" -1;
    114 199 "json" -1;
    142 143 "xml" -1;
    194 0 "pg_node_tree" -1;
    600 1017 "point" 16;
    601 1018 "lseg" 32;
    602 1019 "path" -1;
    603 1020 "box" 32;
    604 1027 "polygon" -1;
    628 629 "line" 24;
    650 651 "cidr" -1;
    700 1021 "float4" 4 "real";
    701 1022 "float8" 8 "double precision";
    705 0 "unknown" -2;
    718 719 "circle" 24;
    774 775 "macaddr8" 8;
    790 791 "money" 8;
    829 1040 "macaddr" 6;
    869 1041 "inet" -1;
    1042 1014 "bpchar" -1 "character";
    1043 1015 "varchar" -1 "character varying";
    1082 1182 "date" 4;
    1083 1183 "time" 8 "time without time zone";
    1114 1115 "timestamp" 8 "timestamp without time zone";
    1184 1185 "timestamptz" 8 "timestamp with time zone";
    1186 1187 "interval" 16;
    1266 1270 "timetz" 12 "time with time zone";
    1560 1561 "bit" -1;
    1562 1563 "varbit" -1 "bit varying";
    1700 1231 "numeric" -1;
    1790 2201 "refcursor" -1;
    2202 2207 "regprocedure" 4;
    2203 2208 "regoper" 4;
    2204 2209 "regoperator" 4;
    2205 2210 "regclass" 4;
    2206 2211 "regtype" 4;
    2249 2287 "record" -1;
    2275 1263 "cstring" -2;
    2276 0 "any" 4 "\"any\"";
    2277 0 "anyarray" -1;
    2278 0 "void" 4;
    2950 2951 "uuid" 16;
    2970 2949 "txid_snapshot" -1;
    3220 3221 "pg_lsn" 8;
    3614 3643 "tsvector" -1;
    3615 3645 "tsquery" -1;
    3734 3735 "regconfig" 4;
    3769 3770 "regdictionary" 4;
    3802 3807 "jsonb" -1;
    3904 3905 "int4range" -1;
    3906 3907 "numrange" -1;
    3908 3909 "tsrange" -1;
    3910 3911 "tstzrange" -1;
    3912 3913 "daterange" -1;
    3926 3927 "int8range" -1;
    4072 4073 "jsonpath" -1;
    4089 4090 "regnamespace" 4;
    4096 4097 "regrole" 4;
    4451 6150 "int4multirange" -1;
    4532 6151 "nummultirange" -1;
    4533 6152 "tsmultirange" -1;
    4534 6153 "tstzmultirange" -1;
    4535 6155 "datemultirange" -1;
    4536 6157 "int8multirange" -1;
    5038 5039 "pg_snapshot" -1;
    5069 271 "xid8" 8;
};

/// The entry of the type with that OID.
pub(super) fn entry(oid: u32) -> Option<&'static Entry> {
    let at = ENTRIES.binary_search_by_key(&oid, |e| e.oid).ok()?;
    ENTRIES.get(at)
}

/// The entry of the type whose arrays have that OID.
pub(super) fn element(array: u32) -> Option<&'static Entry> {
    (array != 0).then(|| ENTRIES.iter().find(|e| e.array == array))?
}

/// The entry of the type that `format_type` gives that name.
pub(super) fn by_sql_name(name: &str) -> Option<&'static Entry> {
    ENTRIES
        .iter()
        .find(|e| e.sql_name == name)
        .or_else(|| ENTRIES.iter().find(|e| e.name == name))
}

/// The name of a built-in type as `docs/format.md` writes it: `int4`, `text`, `int4[]`. None for
/// types that are not built in.
pub fn name(oid: u32) -> Option<&'static str> {
    match entry(oid) {
        Some(entry) => Some(entry.name),
        None => element(oid).map(|e| e.array_name),
    }
}

/// The names of the built-in types that are no arrays.
pub(in crate::postgres) fn names() -> Vec<&'static str> {
    ENTRIES.iter().map(|entry| entry.name).collect()
}

/// The OID of a built-in type by the name that [`name`] gives.
pub fn oid(name: &str) -> Option<u32> {
    match name.strip_suffix("[]") {
        Some(element) => {
            let entry = ENTRIES.iter().find(|e| e.name == element)?;
            (entry.array != 0).then_some(entry.array)
        }
        None => ENTRIES.iter().find(|e| e.name == name).map(|e| e.oid),
    }
}

/// The size in bytes that `RowDescription` gives for a type: -1 where it varies (also for types
/// that are not built in), -2 for C strings.
pub fn size(oid: u32) -> i16 {
    entry(oid).map_or(-1, |e| e.size)
}
