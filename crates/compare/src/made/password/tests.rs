use retake_model::TokenKind;

use crate::made::scan;

/// Pairs of hashes of one password, by the libraries themselves where there is a pair.
const SCRYPT: [&str; 2] = [
    "scrypt:32768:8:1$p8Ue8AmBjNWcFbNt$ee26265cf4b51b46f759d9979cdeaedaeaa1b3db8d6761bda5e6872030ba54748734bfc2fbd7c9070e9927d630265264f2a62c54005b8cd6bcb240c021176a18",
    "scrypt:32768:8:1$CAi8lU1A0XwETOXe$cd5f2c33b0d5c719b44dfbf4f4ee1979357a0b232a938c9c715f1711dca1b676ff0c33c2ac415174228373c4a2db813334dc954cee1e2bd3afdc52a4802093e1",
];
const SCRYPT_CHEAPER: &str = "scrypt:16384:8:1$frSXTOjHyurzZPaK$40ff54a31c776072e3ff4b4d9f5c0be7dbc1bd9dc581746dd02fa1138664400ff1233f21132fd40a66479e063b656abd1639222fd66f0acfd83c71c67f4733f5";
const WERKZEUG: [&str; 2] = [
    "pbkdf2:sha256:1000$Wauh7SLP7Zxj6Eiy$2fecf888051d3e744ec3111e0226dbf1ecc9505a3b52b6a6572ccae66789eaf1",
    "pbkdf2:sha256:1000$XL256SYWKF4LxIKQ$a220e5cbb310b4302f271ec097c280b29594c03c6eb446164f634151c8b898c5",
];
const WERKZEUG_512: &str = "pbkdf2:sha512:1000$ZGC8EL7wR2htFseX$ca4906b1745477773612eaaed2a7bf63ad48ecacd9aa322bf4d1a53720df3c97fc0ade7c64114ab575ec6bb12b921714895b1d8355c725db51991475ee1fe9a7";
const WERKZEUG_1: &str =
    "pbkdf2:sha1:1000$qVdn9UDVypj89fGq$3983d39ca6fa6c2ab18d48a5b3fa172a5c7f4253";
const DJANGO: [&str; 2] = [
    "pbkdf2_sha256$870000$zhCb2cQKcXY6DYFO5pTGqm$+4beo7VBHjSclCfgwZHfUqVDyxri4Mg09hhaFnLuDT8=",
    "pbkdf2_sha256$870000$abCb2cQKcXY6DYFO5pTGqm$Eh179IeY95S0JO/sbE0EI5Twfs50S8rIFWo2NfrJK6E=",
];
const DJANGO_1: &str = "pbkdf2_sha1$1000$abCb2cQKcXY6$vyAbpD2/U1KfYQGE84tenPbXNgs=";
const BCRYPT: [&str; 2] = [
    "$2b$12$R9h/cIPz0gi.URNNX3kh2OFZpuItF3WweSp8FEkv/0/5FZHApM3fe",
    "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
];
const SHA256: [&str; 2] = [
    "$5$NaccQchxjf948Ui3$fJfHWGOoDN/VTX8GbB/V8l7cgJ696Lqj..Cg8WdVdy6",
    "$5$U68pMK7jus5WdQwU$nV2OuFIABAtM7p49s.7LIUXHecfCe8ZLpxi/FqKjBT2",
];
const SHA512: [&str; 2] = [
    "$6$6./IEBz4EkHZ65d6$8We0oSjB1lnVNgdjAx0Ct0f8IfXm6mZE9A0b1frsN1eIYcoZQm64l2LYJvAG6Otx90gNIualF8UupGBN8kaTU0",
    "$6$7rllFzkGnfr/KvKa$DwBh/fNH7.pmvB0ea4LWjL.SWNzoCZA0e2UpIU7ujOkFuaSe4mWjLYiRf4AgjtuIgaCKe880B/y7ZsSxczfcR/",
];
const SHA512_ROUNDS: &str = "$6$rounds=10000$saltsaltsalt$k4YDsiehbro4cjz8jCcA8XGLbyqHKcyXA22PlcZzXq8aU5Imzcgae3nZuY.8AW2.BhMzDD6TvMaTOwJq61/Pu0";
const YESCRYPT: &str = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2";
const PASSLIB: &str =
    "$pbkdf2-sha256$29000$3lZKnob6XAIpfqK3YHREMA$W82y0EnCVvG.tiZS5dVuLgMTntkR0H50eN2/bypMO.E";
const PASSLIB_512: &str = "$pbkdf2-sha512$25000$zwRLIMZgHcWewY09laQxEw$bvvr1txInXmJh4XSWH/eGAJbl6fXfQL3gFhari88mbX7lKtbWC.jxGGPo68lx5DwCDRTZSkCA14aO1Q0qhQzUg";
const PASSLIB_1: &str = "$pbkdf2$131000$4avwX890GwN6AnzqLR9zUA$OMdMjeRbHxkx.IWe/6oFVw38cXI";
const ARGON2: &str = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG";

const PHC_PBKDF2: &str = "$pbkdf2-sha256$i=25000,l=32$75U8DPQndSqM1FPXPH3wwg$qP+GarEdoWkj/NrIYUOpuA5U8DPQndSqM1FPXPH3wwg";
const PHC_SCRYPT: &str =
    "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E";

/// One hash of each algorithm and cost.
const EACH: &[&str] = &[
    SCRYPT[0],
    SCRYPT_CHEAPER,
    WERKZEUG[0],
    WERKZEUG_512,
    WERKZEUG_1,
    DJANGO[0],
    DJANGO_1,
    BCRYPT[0],
    SHA256[0],
    SHA512[0],
    SHA512_ROUNDS,
    YESCRYPT,
    PASSLIB,
    PASSLIB_512,
    PASSLIB_1,
    ARGON2,
    PHC_PBKDF2,
    PHC_SCRYPT,
];

/// Whether the hash may be of any length.
fn is_of_any_length(hash: &str) -> bool {
    hash.starts_with("$argon2") || hash == PHC_PBKDF2 || hash == PHC_SCRYPT
}

fn found(text: &str) -> Vec<(TokenKind, &str)> {
    let mut found = Vec::new();
    // A part of a hash is random text.
    scan(text, |token| match token.kind {
        TokenKind::Random => {}
        kind => found.push((kind, token.text)),
    });
    found
}

#[test]
fn hashes_of_the_usual_libraries_are_found_whole() {
    let pairs = [
        SCRYPT[1],
        WERKZEUG[1],
        DJANGO[1],
        BCRYPT[1],
        SHA256[1],
        SHA512[1],
    ];
    for hash in EACH.iter().copied().chain(pairs) {
        let expected = [(TokenKind::PasswordHash, hash)];
        assert_eq!(found(hash), expected);
        assert_eq!(found(&format!("('a', '{hash}', 1)")), expected);
        assert_eq!(found(&format!("{{\"hash\":\"{hash}\"}}")), expected);
    }
}

#[test]
fn a_hash_that_is_not_whole_is_an_ordinary_text() {
    for hash in EACH {
        // One more: another alphabet, more fields.
        for text in [
            format!("{hash}a"),
            format!("{hash}$"),
            format!("{hash}="),
            format!("{hash}/"),
        ] {
            if !is_of_any_length(hash) || text.ends_with(['$', '=']) {
                assert_eq!(found(&text), [], "{text}");
            }
        }
        // Each part cut off by one, but for salts and hashes of free length.
        let one_less = hash.get(..hash.len() - 1).unwrap_or_default();
        if !is_of_any_length(hash) {
            assert_eq!(found(one_less), [], "{one_less}");
        }
        let no_salt = hash.rsplit_once('$').map(|(head, tail)| {
            let head = head.rsplit_once('$').map_or(head, |(head, _)| head);
            format!("{head}$${tail}")
        });
        let no_salt = no_salt.unwrap_or_default();
        assert_eq!(found(&no_salt), [], "{no_salt}");
    }
    for text in [
        "scrypt:32768:8$salt$ee26265cf4b51b46f759d9979cdeaedaeaa1b3db8d6761bda5e6872030ba5474",
        "scrypt:032768:8:1$p8Ue8AmBjNWcFbNt$ee26265cf4b51b46f759d9979cdeaedaeaa1b3db8d6761bda5e6872030ba54748734bfc2fbd7c9070e9927d630265264f2a62c54005b8cd6bcb240c021176a18",
        "pbkdf2:md5:1000$Wauh7SLP7Zxj6Eiy$2fecf888051d3e744ec3111e0226dbf1",
        "pbkdf2:sha256$Wauh7SLP7Zxj6Eiy$2fecf888051d3e744ec3111e0226dbf1ecc9505a3b52b6a6572ccae66789eaf1",
        "pbkdf2:sha256:1000$Wauh7SLP7Zxj6Eiy$2FECF888051D3E744EC3111E0226DBF1ECC9505A3B52B6A6572CCAE66789EAF1",
        "pbkdf2_sha256$87e4$zhCb2cQKcXY6DYFO5pTGqm$+4beo7VBHjSclCfgwZHfUqVDyxri4Mg09hhaFnLuDT8=",
        "$2c$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "$2b$xx$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "$2b$12$R9h+cIPz0gi+URNNX3kh2OPST9/PgBkqquzi+Ss7KIUgO2t0jWMUW",
        "$6$saltthatislongerthansixteen$k4YDsiehbro4cjz8jCcA8XGLbyqHKcyXA22PlcZzXq8aU5Imzcgae3nZuY.8AW2.BhMzDD6TvMaTOwJq61/Pu0",
        "$argon2id$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
        "$argon2id$v=19$m=65536,t=3$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
        "select $5, $6 from hashes where a = $5 and b = $6 and c in ($7, $8, $9)",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn only_the_salt_may_change() {
    for [a, b] in [SCRYPT, WERKZEUG, DJANGO, BCRYPT, SHA256, SHA512] {
        assert!(super::style(a).is_some());
        assert_eq!(super::style(a), super::style(b), "{a} {b}");
    }
    // Another algorithm, and another cost.
    for (i, a) in EACH.iter().enumerate() {
        for b in EACH.iter().skip(i + 1) {
            assert_ne!(super::style(a), super::style(b), "{a} {b}");
        }
    }
    for (hash, from, to) in [
        (SCRYPT[0], ":8:1$", ":8:2$"),
        (SCRYPT[0], ":8:1$", ":9:1$"),
        (SCRYPT[0], "$p8Ue8AmBjNWcFbNt", "$p8Ue8AmBjNWcFbN"),
        (WERKZEUG[0], ":1000$", ":1001$"),
        (DJANGO[0], "$870000$", "$1000000$"),
        (BCRYPT[0], "$12$", "$10$"),
        (BCRYPT[0], "$2b$", "$2a$"),
        (YESCRYPT, "$j9T$", "$jAT$"),
        (PASSLIB, "$29000$", "$30000$"),
        (ARGON2, "m=65536", "m=65537"),
        (ARGON2, "t=3", "t=4"),
        (ARGON2, "p=4", "p=1"),
        (ARGON2, "$argon2id", "$argon2i"),
    ] {
        let other = hash.replacen(from, to, 1);
        assert_eq!(found(&other), [(TokenKind::PasswordHash, other.as_str())]);
        assert_ne!(super::style(hash), super::style(&other), "{other}");
    }
    assert_eq!(super::style("2026-03-01T10:20:30Z"), None);
    assert_eq!(super::style(&format!("{PASSLIB} ")), None);
}
