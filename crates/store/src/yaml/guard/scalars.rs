//! Walks over scalars: quoted, in blocks, plain, and over tags.

use super::Scanner;

impl Scanner<'_> {
    pub(super) fn skip_tag(&mut self) {
        while let Some(byte) = self.peek(0) {
            if byte.is_ascii_whitespace() || (self.flow > 0 && b",[]{}".contains(&byte)) {
                break;
            }
            self.pos += 1;
        }
    }

    pub(super) fn skip_double_quoted(&mut self) {
        self.tagged = false;
        self.pos += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => {
                    self.pos += 1;
                    return;
                }
                b'\\' if self.peek(1) != Some(b'\n') => self.pos += 2,
                b'\n' => self.newline(),
                _ => self.pos += 1,
            }
        }
    }

    pub(super) fn skip_single_quoted(&mut self) {
        self.tagged = false;
        self.pos += 1;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\'' if self.peek(1) == Some(b'\'') => self.pos += 2,
                b'\'' => {
                    self.pos += 1;
                    return;
                }
                b'\n' => self.newline(),
                _ => self.pos += 1,
            }
        }
    }

    /// A literal or folded block: the lines below that are indented by as much as its first one
    /// (or by what its header says), and more than what it stands in.
    pub(super) fn skip_block_scalar(&mut self) {
        self.tagged = false;
        self.key = None;
        let header_end = self.line_end();
        let header = self.text.get(self.pos + 1..header_end).unwrap_or_default();
        let given = header
            .iter()
            .take(2)
            .find(|b| b.is_ascii_digit())
            .map(|b| usize::from(b - b'0'));
        let parent = self.columns.last().copied();
        let least = parent.map_or(1, |column| column + 1);
        let mut indent = given.map(|step| parent.unwrap_or(0) + step);
        self.pos = header_end;
        while self.peek(0) == Some(b'\n') {
            let start = self.pos + 1;
            let rest = self.text.get(start..).unwrap_or_default();
            let spaces = rest.iter().take_while(|b| **b == b' ').count();
            self.looks_at(spaces + 1);
            match rest.get(spaces) {
                None => {
                    self.newline();
                    self.pos += spaces;
                    return;
                }
                Some(b'\n' | b'\r') => {}
                Some(_) => {
                    let indent = *indent.get_or_insert(spaces.max(least));
                    if spaces < indent {
                        return;
                    }
                }
            }
            self.newline();
            self.pos = self.line_end();
        }
    }

    /// A scalar without quotes, with the lines that continue it.
    pub(super) fn skip_plain(&mut self) {
        let start = self.pos;
        let mut end = self.plain_line();
        let first_end = end;
        loop {
            // Looks past line breaks and indentation for a line that goes on.
            let (mut ahead, mut line_start, mut breaks) = (self.pos, self.line_start, 0);
            while let Some(byte) = self.text.get(ahead) {
                match byte {
                    b'\n' => {
                        line_start = ahead + 1;
                        breaks += 1;
                    }
                    b' ' | b'\t' | b'\r' => {}
                    _ => break,
                }
                ahead += 1;
            }
            self.looks_at(ahead - self.pos + 1);
            let column = ahead - line_start;
            let deep_enough = self.flow > 0 || self.columns.last().is_none_or(|c| column > *c);
            let goes_on = breaks > 0
                && deep_enough
                && !self.is_document_mark(ahead, column)
                && self.text.get(ahead).is_some_and(|b| *b != b'#');
            if !goes_on {
                break;
            }
            let before = (self.pos, self.line_start);
            (self.pos, self.line_start) = (ahead, line_start);
            let line_began = self.pos;
            end = self.plain_line();
            if self.pos == line_began {
                (self.pos, self.line_start) = before;
                break;
            }
        }
        if end == first_end && !self.tagged {
            self.plain = Some((start, end));
        }
        self.tagged = false;
    }

    fn is_document_mark(&self, at: usize, column: usize) -> bool {
        let mark = self.text.get(at..at + 3);
        column == 0 && (mark == Some(b"---") || mark == Some(b"..."))
    }

    /// Moves to the end of a scalar's text on this line; returns where its last letter ends.
    fn plain_line(&mut self) -> usize {
        let mut end = self.pos;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' => break,
                b':' if self.ends_at(1) => break,
                b'#' if self.after_space() => break,
                b',' | b'[' | b']' | b'{' | b'}' if self.flow > 0 => break,
                b' ' | b'\t' | b'\r' => self.pos += 1,
                _ => {
                    self.pos += 1;
                    end = self.pos;
                }
            }
        }
        end
    }
}
