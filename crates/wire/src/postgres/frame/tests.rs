use proptest::prelude::*;

use super::*;

/// A tag, and a body or the length of one that was passed over.
type Found = (u8, Result<Vec<u8>, usize>);

/// The pieces of `bytes` when they come in chunks of these sizes, over and over.
fn pieces(
    bytes: &[u8],
    framing: Framing,
    max_body: usize,
    sizes: &[usize],
) -> Result<Vec<Found>, FrameError> {
    let mut reader = FrameReader::new(framing, max_body);
    let mut found = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (mut chunk, later) = rest.split_at((*size).clamp(1, rest.len()));
        rest = later;
        while let Some(piece) = reader.next(&mut chunk)? {
            found.push(match piece {
                Piece::Frame { tag, body } => (tag, Ok(body.to_vec())),
                Piece::TooLong { tag, length } => (tag, Err(length)),
            });
        }
        assert!(chunk.is_empty(), "every byte of a chunk is taken");
    }
    assert_eq!(reader.taken(), bytes.len() as u64);
    Ok(found)
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn a_frame_that_lies_whole_in_a_chunk_is_borrowed_from_it() {
    let bytes = [frame(b'Q', b"select 1\0"), frame(b'S', b"")].concat();
    let mut chunk = bytes.as_slice();
    let mut reader = FrameReader::new(Framing::Tagged, MAX_BODY);
    let Ok(Some(Piece::Frame { tag: b'Q', body })) = reader.next(&mut chunk) else {
        panic!("no frame")
    };
    assert_eq!(body.as_ptr(), bytes[5..].as_ptr());
}

#[test]
fn frames_too_long_to_hold_are_passed_over_and_said() {
    let bytes = [frame(b'D', &[7; 100]), frame(b'C', b"SELECT 1\0")].concat();
    for size in 1..bytes.len() {
        assert_eq!(
            pieces(&bytes, Framing::Tagged, 50, &[size]),
            Ok(vec![(b'D', Err(100)), (b'C', Ok(b"SELECT 1\0".to_vec()))])
        );
    }
}

#[test]
fn lengths_outside_the_protocol_are_errors() {
    let check = |framing, bytes: &[u8], expect: FrameError| {
        for size in [1, 100] {
            assert_eq!(
                pieces(bytes, framing, MAX_BODY, &[size]),
                Err(expect),
                "{bytes:?}"
            );
        }
    };
    let tagged = Framing::Tagged;
    check(tagged, b"Q\0\0\0\x03", FrameError::TooShort(b'Q', 3, 4));
    check(
        tagged,
        b"Q\xff\xff\xff\xff",
        FrameError::TooShort(b'Q', -1, 4),
    );
    check(
        tagged,
        b"Q\x7f\xff\xff\xff",
        FrameError::TooLong(b'Q', 0x7fff_ffff, MAX_FRAME),
    );
    let startup = Framing::Startup;
    check(startup, b"\0\0\0\x07", FrameError::TooShort(0, 7, 8));
    check(
        startup,
        b"GET ",
        FrameError::TooLong(0, 0x4745_5420, MAX_STARTUP),
    );
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        bodies in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..8),
        sizes in prop::collection::vec(1_usize..30, 1..8),
        max_body in 10_usize..50,
    ) {
        let bytes: Vec<u8> = bodies.iter().flat_map(|(tag, body)| frame(*tag, body)).collect();
        let whole = pieces(&bytes, Framing::Tagged, max_body, &[bytes.len().max(1)]);
        prop_assert_eq!(whole.as_ref().map(Vec::len), Ok(bodies.len()));
        prop_assert_eq!(pieces(&bytes, Framing::Tagged, max_body, &sizes), whole);
    }
}
