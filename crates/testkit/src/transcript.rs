//! Conversations as text files.
//!
//! A line that begins with `> ` holds bytes that the client sent, `< ` the server; a line that
//! begins with two spaces goes on with the one before it. Other bytes than printable ASCII are
//! written `\n`, `\r`, `\t`, `\0`, `\xNN`, a backslash `\\`. `>|` and `<|` are the end of a
//! side's stream; both come at the end where the file has none. `#` begins a comment line.

use std::path::Path;

use retake_model::Side;

/// What both sides of a connection sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transcript {
    /// The pieces in the order in which they were sent.
    pub pieces: Vec<Piece>,
}

/// What one side sent at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Who sent it.
    pub side: Side,
    /// The bytes; empty for the end of the side's stream.
    pub bytes: Vec<u8>,
}

/// Why a text is no transcript.
#[derive(Debug, thiserror::Error)]
pub enum BadTranscript {
    /// The file cannot be read.
    #[error("{0}: cannot be read")]
    Read(String, #[source] std::io::Error),
    /// A line is not of the form.
    #[error(
        "line {0}: expected `> `, `< `, two spaces, `>|`, `<|` or `#`, and bytes as the form says"
    )]
    Line(usize),
}

impl Transcript {
    /// The transcript of a file.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn load(path: &Path) -> Result<Transcript, BadTranscript> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| BadTranscript::Read(path.display().to_string(), e))?;
        Self::parse(&text)
    }

    /// The transcript of a text.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Transcript, BadTranscript> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let bad = || BadTranscript::Line(number + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (mark, rest) = line.split_at_checked(2).ok_or_else(bad)?;
            let side = match mark {
                "> " | ">|" => Side::Client,
                "< " | "<|" => Side::Server,
                "  " => {
                    let bytes = unescape(rest).ok_or_else(bad)?;
                    pieces.last_mut().ok_or_else(bad)?.bytes.extend(bytes);
                    continue;
                }
                _ => return Err(bad()),
            };
            let bytes = unescape(rest).ok_or_else(bad)?;
            pieces.push(Piece { side, bytes });
        }
        for side in [Side::Client, Side::Server] {
            if !pieces.iter().any(|p| p.side == side && p.bytes.is_empty()) {
                let bytes = Vec::new();
                pieces.push(Piece { side, bytes });
            }
        }
        Ok(Transcript { pieces })
    }

    /// How many bytes both sides sent.
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes.len()).sum()
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes of one side.
    pub fn of(&self, side: Side) -> Vec<u8> {
        self.pieces
            .iter()
            .filter(|piece| piece.side == side)
            .flat_map(|piece| piece.bytes.iter().copied())
            .collect()
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'0' => 0,
                b'\\' => b'\\',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pieces_of_one_side() {
        let text = "# a comment\n> a\\x00b\\\\\n  \\n\n< c\\0\n\n>|\n";
        let piece = |side, bytes: &[u8]| Piece {
            side,
            bytes: bytes.to_vec(),
        };
        assert_eq!(
            Transcript::parse(text).unwrap().pieces,
            [
                piece(Side::Client, b"a\0b\\\n"),
                piece(Side::Server, b"c\0"),
                piece(Side::Client, b""),
                piece(Side::Server, b""),
            ]
        );
    }

    #[test]
    fn bad_lines_are_named() {
        for bad in [
            "x",
            "> \\q",
            "> \\x0",
            "  begins with nothing to go on with",
        ] {
            assert!(
                matches!(Transcript::parse(bad), Err(BadTranscript::Line(1))),
                "{bad}"
            );
        }
    }
}
