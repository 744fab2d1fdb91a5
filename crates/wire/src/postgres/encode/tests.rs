use super::*;
use crate::postgres::message::Backend;

/// Each message is read back by the reader of the recording side, tag, length and body.
#[track_caller]
fn check(write: impl FnOnce(&mut Encoder), is: impl FnOnce(Backend<'_>) -> bool) {
    let mut encoder = Encoder::default();
    write(&mut encoder);
    let bytes = encoder.take();
    let (tag, rest) = bytes.split_first().unwrap();
    let (length, body) = rest.split_first_chunk::<4>().unwrap();
    assert_eq!(
        usize::try_from(i32::from_be_bytes(*length)).unwrap(),
        rest.len()
    );
    let message = Backend::parse(*tag, body).unwrap();
    assert!(is(message), "{message:?}");
}

#[test]
fn session_messages_are_read_back() {
    check(Encoder::authentication_ok, |m| {
        matches!(m, Backend::Authentication { kind: 0, data: b"" })
    });
    check(
        |e| e.parameter_status(b"TimeZone", b"UTC"),
        |m| {
            m == Backend::ParameterStatus {
                name: b"TimeZone",
                value: b"UTC",
            }
        },
    );
    check(
        |e| e.backend_key(7, b"abcd"),
        |m| {
            m == Backend::BackendKeyData {
                pid: 7,
                key: b"abcd",
            }
        },
    );
    check(
        |e| e.negotiate(0, &[b"_pq_.a", b"_pq_.b"]),
        |m| match m {
            Backend::NegotiateProtocolVersion { minor: 0, unknown } => {
                unknown.iter().eq([b"_pq_.a", b"_pq_.b"])
            }
            _ => false,
        },
    );
    check(
        |e| e.ready(Transaction::Failed),
        |m| m == Backend::ReadyForQuery(Transaction::Failed),
    );
    check(
        |e| e.notification(9, b"ch", b"p"),
        |m| {
            m == Backend::NotificationResponse {
                pid: 9,
                channel: b"ch",
                payload: b"p",
            }
        },
    );
}

#[test]
fn results_are_read_back() {
    let column = ColumnOut {
        name: b"id",
        oid: 23,
        size: 4,
        modifier: -1,
        format: Format::Binary,
    };
    check(
        |e| e.row_description(&[column, column]),
        |m| match m {
            Backend::RowDescription(columns) => columns.iter().all(|c| {
                (
                    c.name, c.table, c.number, c.oid, c.size, c.modifier, c.format,
                ) == (b"id", 0, 0, 23, 4, -1, Format::Binary)
            }),
            _ => false,
        },
    );
    check(
        |e| e.data_row(&[Some(&b"1"[..]), None, Some(b"")]),
        |m| match m {
            Backend::DataRow(values) => values.iter().eq([Some(&b"1"[..]), None, Some(b"")]),
            _ => false,
        },
    );
    check(
        |e| e.parameter_description(&[23, 25]),
        |m| match m {
            Backend::ParameterDescription(types) => types.iter().eq([23, 25]),
            _ => false,
        },
    );
    check(
        |e| e.report(b'E', &[(b'C', b"42P01"), (b'M', b"no")]),
        |m| match m {
            Backend::ErrorResponse(report) => report.get(b'C') == Some(b"42P01"),
            _ => false,
        },
    );
    check(
        |e| e.copy_response(b'H', Format::Binary, 2),
        |m| match m {
            Backend::CopyOutResponse(copy) => {
                copy.overall == Format::Binary && copy.columns.len() == 2
            }
            _ => false,
        },
    );
    check(
        |e| e.function_result(None),
        |m| m == Backend::FunctionCallResponse(None),
    );
    check(
        |e| e.command_complete("SELECT 1"),
        |m| m == Backend::CommandComplete(b"SELECT 1"),
    );
    for tag in *b"123nsIc" {
        check(|e| e.bare(tag), |m| !matches!(m, Backend::Unknown { .. }));
    }
}

#[test]
fn a_zero_byte_cannot_break_the_frame() {
    check(
        |e| e.command_complete("SEL\0ECT"),
        |m| m == Backend::CommandComplete(b"SEL"),
    );
}
