use retake_model::{Timestamp, TokenKind};

use super::*;

fn check(text: &str, expected: &[(TokenKind, &str)]) {
    let mut found = Vec::new();
    scan(text, |token| {
        assert_eq!(text.get(token.start..token.end()), Some(token.text));
        found.push((token.kind, token.text));
    });
    assert_eq!(found, expected, "{text}");
}

#[test]
fn finds_each_kind_anywhere_in_a_text() {
    use TokenKind::*;
    let uuid = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
    check(uuid, &[(Uuid, uuid)]);
    check(
        &format!("/orders/{uuid}/items?x={uuid}"),
        &[(Uuid, uuid), (Uuid, uuid)],
    );
    check(&format!("order_{uuid}"), &[(Uuid, uuid)]);
    check(&format!("?where=%22{uuid}%22&x=1"), &[(Uuid, uuid)]);
    check(&format!("?where=%2c{uuid}%2C"), &[(Uuid, uuid)]);
    check(&format!("name like '%{uuid}%'"), &[(Uuid, uuid)]);
    check(&format!("{{\"id\":\"{uuid}\",\"n\":1}}"), &[(Uuid, uuid)]);
    check(
        "0b7ad2ee2f3c4d0e9b1a5f6e7d8c9b0a",
        &[(Uuid, "0b7ad2ee2f3c4d0e9b1a5f6e7d8c9b0a")],
    );
    check(
        "id=01ARZ3NDEKTSV4RRFFQ69G5FAV;",
        &[(Ulid, "01ARZ3NDEKTSV4RRFFQ69G5FAV")],
    );
    check(
        "507f1f77bcf86cd799439011",
        &[(ObjectId, "507f1f77bcf86cd799439011")],
    );
    for moment in [
        "2026-03-01T10:20:30Z",
        "2026-03-01T10:20:30.123456789Z",
        "2026-03-01T10:20:30+01:00",
        "2026-03-01 10:20:30",
        "2026-03-01 10:20:30.123456",
        "2026-03-01 10:20:30.123456+00",
        "2026-03-01T10%3A20%3A30%2B00%3A00",
        "20260301T102030Z",
        "Sun, 01 Mar 2026 09:20:30 GMT",
        "Sun, 01 Mar 2026 09:20:30 UTC",
        "Sun, 01 Mar 2026 09:20:30 +0000",
    ] {
        check(moment, &[(Timestamp, moment)]);
        check(&format!("at <{moment}>, said"), &[(Timestamp, moment)]);
    }
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_w";
    check(&format!("Bearer {jwt}"), &[(Jwt, jwt)]);
    let secret = "redacted-0123456789abcdef01234567";
    check(&format!("token={secret}&x=1"), &[(Secret, secret)]);
    let bcrypt = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
    check(&format!("('a', '{bcrypt}')"), &[(PasswordHash, bcrypt)]);
    let django = "pbkdf2_sha256$870000$zhCb2cQKcXY6$k1v9nYQYV0y1hB6mSAVhUmqXk1a3y0yQe8YJm4vQz3A=";
    check(django, &[(PasswordHash, django)]);
    let argon = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG";
    check(argon, &[(PasswordHash, argon)]);
}

#[test]
fn takes_no_ordinary_words_and_numbers() {
    for text in [
        "",
        "a",
        "2026-03-01",
        "abcdefghijklmnopqrstuvwxyz",
        "ABCDEFGHJKMNPQRSTVWXYZ0123",
        "12345678901234567890123456",
        "123456789012345678901234",
        "1234567890123456789012345678901234567890",
        "deadbeef-dead-beef-dead-beefdeadbeef",
        "886313e1-3b8a-5372-9b90-0c9aee199e5d", // version 5: computed from a name
        "00000000-0000-0000-0000-000000000000",
        "2026-13-01T10:20:30Z",
        "2026-03-01T99:20:30Z",
        "Sunshine, all of the day and night",
        "x0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a",
        "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0ax",
        "redacted-zz",
        "$1 $2 and more than sixteen bytes",
        "eyJ.not.a-token-at-all",
        "ünïcödé is stepped over, byte by byte",
    ] {
        check(text, &[]);
    }
}

#[test]
fn finds_random_text_and_no_names_before_it() {
    use TokenKind::*;
    let check = |text: &str, expected: &str| check(text, &[(Random, expected)]);
    check(
        "d41d8cd98f00b204e9800998ecf8427e",
        "d41d8cd98f00b204e9800998ecf8427e",
    );
    check("req_5f3a9c0d1e2b4a68", "5f3a9c0d1e2b4a68");
    check("/files/V1StGXR8_Z5jdHi6B-myT/raw", "V1StGXR8_Z5jdHi6B-myT");
    check(
        "k=-TJeEYzLDNgvUfCwJSMlDi1M3I_;v",
        "-TJeEYzLDNgvUfCwJSMlDi1M3I_",
    );
    check(
        "sha256=n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
        "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg",
    );
    // Base64 of a moment, as cursors are.
    check(
        "MjAyNi0wMy0wMVQxMDoyMDozMC4xMjM0NTYrMDA6MDA=",
        "MjAyNi0wMy0wMVQxMDoyMDozMC4xMjM0NTYrMDA6MDA",
    );
}

#[test]
fn random_text_with_an_id_in_it_is_that_id() {
    let uuid = "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a";
    check(&format!("ORDER-Number-{uuid}"), &[(TokenKind::Uuid, uuid)]);
    // Base64 of a text without a value that could be made.
    check("eyJwYWdlIjozLCJzb3J0IjoibmFtZSJ9", &[]);
}

#[test]
fn numbers_are_moments_only_near_the_recording() {
    let near = Near::recorded(retake_model::Timestamp(1_772_356_830_000_000_000));
    for (text, expected) in [
        ("1772356830", Some(TokenKind::EpochSeconds)),
        ("1772356830.123", Some(TokenKind::EpochSeconds)),
        ("1772356830123", Some(TokenKind::EpochMillis)),
        ("1772356830123456", Some(TokenKind::EpochMicros)),
        ("1772356830", Some(TokenKind::EpochSeconds)),
        ("1771000000", None),
        ("1772956830123", Some(TokenKind::EpochMillis)), // a week later: it expires then
        ("4006381333931", None),                         // an EAN
        ("42", None),
        ("17723568301", None),
        ("1772356830.", None),
        ("+772356830", None),
        ("2026-03-01", Some(TokenKind::Timestamp)),
        ("2026-04-01", None),
    ] {
        assert_eq!(whole_token(text, near), expected, "{text}");
        assert_eq!(whole_token(text, Near::default()), None, "{text}");
    }
}

#[test]
fn a_moment_far_from_the_recording_is_a_constant() {
    let near = Near::recorded(Timestamp(1_772_356_830_000_000_000));
    assert!(near.plausible(TokenKind::Timestamp, "2026-03-01T10:20:30Z"));
    assert!(near.plausible(TokenKind::Timestamp, "2027-03-01T10:20:30Z"));
    assert!(!near.plausible(TokenKind::Timestamp, "1990-05-01T00:00:00Z"));
    assert!(near.plausible(TokenKind::Uuid, "0b7ad2ee-2f3c-4d0e-9b1a-5f6e7d8c9b0a"));
}

proptest::proptest! {
    #[test]
    fn tokens_are_in_order_and_apart(text in "[0-9a-f$. TZ:eyJ-]{0,80}|\\PC{0,60}") {
        let mut last = 0;
        scan(&text, |token| {
            assert!(token.start >= last);
            last = token.end();
            assert!(text.is_char_boundary(last));
        });
    }
}

#[test]
fn a_key_in_base64_is_one_token_wherever_its_letters_part() {
    use base64::Engine;
    for parts_at in [17_u8, 23, 200] {
        let mut der = vec![0x30, 0x82, 0x04, 0xa0];
        // A slash after as many letters, and later others.
        der.extend(
            (0..0x4a0_u16).map(|n| match n % 51 == u16::from(parts_at) % 51 {
                true => 0xff,
                false => 0x41,
            }),
        );
        let key = base64::engine::general_purpose::STANDARD.encode(der);
        assert!(key.starts_with("MII") && key.contains('/'));
        check(&key, &[(TokenKind::Random, &key)]);
        check(
            &format!("{{\"key\":\"{key}\"}}"),
            &[(TokenKind::Random, &key)],
        );
    }
}
