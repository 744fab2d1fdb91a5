//! Content codings (RFC 9110, section 8.4.1; `br`: RFC 7932; `zstd`: RFC 8878).

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many bytes a body may have once it is decoded. What is larger is kept as it came.
pub const DECODED_LIMIT: usize = 64 << 20;

/// How many codings may be applied one upon the other.
const CODINGS_LIMIT: usize = 3;

/// The largest window that a zstd body may ask for, as a power of two: 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// Whether a `content-encoding` changes nothing.
pub fn is_identity(encoding: &str) -> bool {
    codings(encoding).all(|coding| coding == "identity")
}

/// Whether bodies can be encoded so.
pub(super) fn is_known(encoding: &str) -> bool {
    let known = |coding| {
        matches!(
            coding,
            "gzip" | "x-gzip" | "deflate" | "br" | "zstd" | "identity"
        )
    };
    let mut all = codings(encoding).peekable();
    all.peek().is_some() && all.all(known)
}

/// The bytes that were encoded; none where the coding is not known, the bytes are not of it, or
/// there are more than [`DECODED_LIMIT`] of them.
pub fn decode(encoding: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    decode_within(encoding, bytes, DECODED_LIMIT)
}

/// Like [`decode`], with another limit.
pub(super) fn decode_within(encoding: &str, bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    let codings: Vec<&str> = codings(encoding).collect();
    if codings.is_empty() || codings.len() > CODINGS_LIMIT {
        return None;
    }
    // The codings are listed in the order in which they were applied.
    let mut decoded = None;
    for coding in codings.iter().rev() {
        let bytes = decoded.as_deref().unwrap_or(bytes);
        decoded = Some(decode_one(coding, bytes, limit)?);
    }
    decoded
}

/// The bytes encoded; none where the coding is not known.
pub fn encode(encoding: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    codings(encoding).try_fold(bytes.to_vec(), |bytes, coding| encode_one(coding, &bytes))
}

fn codings(encoding: &str) -> impl Iterator<Item = &str> {
    let names = encoding.split(',').map(str::trim);
    names.filter(|name| !name.is_empty())
}

fn decode_one(coding: &str, bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    // The decoders are others' code on outside input: a panic in one is a body that cannot be
    // decoded.
    catch_unwind(AssertUnwindSafe(|| match coding {
        "gzip" | "x-gzip" => read_all(flate2::bufread::MultiGzDecoder::new(bytes), limit),
        // The name means zlib; some send bare deflate under it, and clients accept both.
        "deflate" => whole(bytes, |rest| {
            read_all(flate2::bufread::ZlibDecoder::new(rest), limit)
        })
        .or_else(|| {
            whole(bytes, |rest| {
                read_all(flate2::bufread::DeflateDecoder::new(rest), limit)
            })
        }),
        "br" => read_all(brotli::Decompressor::new(bytes, 4096), limit),
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).ok()?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).ok()?;
            read_all(decoder, limit)
        }
        "identity" => Some(bytes.to_vec()),
        _ => None,
    }))
    .unwrap_or_default()
}

/// What was decoded, where all bytes were used for it.
fn whole(mut bytes: &[u8], decode: impl FnOnce(&mut &[u8]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    decode(&mut bytes).filter(|_| bytes.is_empty())
}

/// Everything that a decoder gives, where it is no more than may be.
fn read_all(decoder: impl Read, limit: usize) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let one_more = u64::try_from(limit).ok()?.checked_add(1)?;
    decoder.take(one_more).read_to_end(&mut decoded).ok()?;
    (decoded.len() <= limit).then_some(decoded)
}

fn encode_one(coding: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    use flate2::Compression;
    match coding {
        "gzip" | "x-gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).ok()?;
            encoder.finish().ok()
        }
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).ok()?;
            encoder.finish().ok()
        }
        "br" => {
            // Quality 5 of 11 and a window of 4 MiB: what servers use for answers made on the fly.
            let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
            encoder.write_all(bytes).ok()?;
            Some(encoder.into_inner())
        }
        "zstd" => zstd::stream::encode_all(bytes, 0).ok(),
        "identity" => Some(bytes.to_vec()),
        _ => None,
    }
}
