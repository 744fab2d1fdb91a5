//! Moves the first instructions of a function to another place.
//!
//! Only the instructions that compilers begin a function with are known. Anything else is refused,
//! never guessed: then the function is not replaced.

/// The beginning of a function, moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The instructions as they are at their new place, without the jump back.
    pub code: Vec<u8>,
    /// How many bytes of the function they were.
    pub taken: usize,
}

/// Moves whole instructions of at least `least` bytes from address `from` to address `to`.
///
/// `None` where an instruction is not known, or does not reach its target from the new place.
pub fn relocate(function: &[u8], least: usize, from: u64, to: u64) -> Option<Moved> {
    let mut moved = Moved {
        code: Vec::new(),
        taken: 0,
    };
    while moved.taken < least {
        let rest = function.get(moved.taken..)?;
        let before = from.checked_add(moved.taken as u64)?;
        let after = to.checked_add(moved.code.len() as u64)?;
        moved.taken += one(rest, before, after, &mut moved.code)?;
    }
    Some(moved)
}

/// Whether a branch anywhere in `function` leads into its first `taken` bytes, past the first.
/// Every byte is taken for the beginning of a branch: it may say yes too often, never too rarely.
pub fn branches_into(function: &[u8], taken: usize) -> bool {
    let inside = |end: usize, offset: i64| {
        let target = i64::try_from(end)
            .unwrap_or(i64::MAX)
            .saturating_add(offset);
        target > 0 && target < i64::try_from(taken).unwrap_or(i64::MAX)
    };
    (0..function.len()).any(|at| match function.get(at..).unwrap_or_default() {
        [0x70..=0x7f | 0xeb, offset, ..] if inside(at + 2, i64::from(offset.cast_signed())) => true,
        [0xe8 | 0xe9, a, b, c, d, ..] => {
            inside(at + 5, i64::from(i32::from_le_bytes([*a, *b, *c, *d])))
        }
        [0x0f, 0x80..=0x8f, a, b, c, d, ..] => {
            inside(at + 6, i64::from(i32::from_le_bytes([*a, *b, *c, *d])))
        }
        _ => false,
    })
}

/// Moves one instruction; gives its length. Intel's manual, volume 2, has the encodings.
fn one(code: &[u8], before: u64, after: u64, into: &mut Vec<u8>) -> Option<usize> {
    // A REX prefix says of registers and widths what changes no length here.
    let prefix = usize::from(matches!(code.first(), Some(0x40..=0x4f)));
    let length = match code.get(prefix..)? {
        [0xf3, 0x0f, 0x1e, 0xfa, ..] if prefix == 0 => 4, // endbr64
        [0x50..=0x57, ..] => 1,                           // push
        // mov, xor, cmp, test between registers; movslq.
        [
            0x31 | 0x33 | 0x39 | 0x3b | 0x63 | 0x85 | 0x89 | 0x8b,
            modrm,
            ..,
        ] if *modrm >= 0xc0 => 2,
        [0x83, modrm, _, ..] if *modrm >= 0xc0 => 3, // add, and, sub, cmp with a small number
        [0x81, modrm, _, _, _, _, ..] if *modrm >= 0xc0 => 6, // the same with a large one
        [0xb8..=0xbf, _, _, _, _, ..] if prefix == 0 => 5, // mov of a number
        [0x8d, modrm, a, b, c, d, ..] if modrm & 0xc7 == 0x05 => {
            // lea of an address relative to the next instruction
            let length = (prefix + 6) as u64;
            let offset = i32::from_le_bytes([*a, *b, *c, *d]);
            let target = before
                .checked_add(length)?
                .wrapping_add_signed(i64::from(offset));
            into.extend(code.get(..prefix + 2)?);
            into.extend(distance(after.checked_add(length)?, target)?);
            return Some(prefix + 6);
        }
        [0x0f, condition @ 0x80..=0x8f, a, b, c, d, ..] if prefix == 0 => {
            let offset = i64::from(i32::from_le_bytes([*a, *b, *c, *d]));
            let target = before.checked_add(6)?.wrapping_add_signed(offset);
            into.extend([0x0f, *condition]);
            into.extend(distance(after.checked_add(6)?, target)?);
            return Some(6);
        }
        [condition @ 0x70..=0x7f, offset, ..] if prefix == 0 => {
            let offset = i64::from(offset.cast_signed());
            let target = before.checked_add(2)?.wrapping_add_signed(offset);
            into.extend([0x0f, condition + 0x10]);
            into.extend(distance(after.checked_add(6)?, target)?);
            return Some(2);
        }
        _ => return None,
    };
    into.extend(code.get(..prefix + length)?);
    Some(prefix + length)
}

/// How far it is from the end of an instruction to a target, as the instruction has it. Addresses
/// wrap: what the kernel's code reads lies before the beginning of the image.
pub fn distance(end: u64, target: u64) -> Option<[u8; 4]> {
    let distance = target.wrapping_sub(end).cast_signed();
    i32::try_from(distance).ok().map(i32::to_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(function: &[u8], least: usize, expect: Option<(&[u8], usize)>) {
        // From 0x1000 to 0x1800.
        let got = relocate(function, least, 0x1000, 0x1800);
        let expect = expect.map(|(code, taken)| Moved {
            code: code.to_vec(),
            taken,
        });
        assert_eq!(got, expect, "{function:02x?}");
    }

    #[test]
    fn plain_beginnings_are_moved_as_they_are() {
        // push rbp; mov rbp, rsp; push r14; push rbx
        let begin = [0x55, 0x48, 0x89, 0xe5, 0x41, 0x56, 0x53, 0xf4];
        check(&begin, 5, Some((&begin[..6], 6)));
        // endbr64; sub rsp, 8
        let begin = [0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x08];
        check(&begin, 5, Some((&begin, 8)));
        // cmp dword ptr [rip+..], ..: unknown
        check(&[0x81, 0x3d, 0, 0, 0, 0, 1, 0, 0, 0], 5, None);
        check(&[0x55, 0x48], 5, None);
        check(&[], 1, None);
    }

    #[test]
    fn what_is_relative_still_points_to_its_target() {
        // cmp edi, 15; ja +0x10 -> 0x1000 + 9 + 0x10 = 0x1019; from 0x1800 + 9: -0x7f0
        check(
            &[0x83, 0xff, 0x0f, 0x0f, 0x87, 0x10, 0, 0, 0],
            5,
            Some((&[0x83, 0xff, 0x0f, 0x0f, 0x87, 0x10, 0xf8, 0xff, 0xff], 9)),
        );
        // cmp edi, 15; ja +0x10, short -> 0x1000 + 5 + 0x10 = 0x1015; from 0x1800 + 9: -0x7f4
        check(
            &[0x83, 0xff, 0x0f, 0x77, 0x10],
            5,
            Some((&[0x83, 0xff, 0x0f, 0x0f, 0x87, 0x0c, 0xf8, 0xff, 0xff], 5)),
        );
        // lea r10, [rip - 0x6818]: 0x800 farther down from the new place
        check(
            &[0x4c, 0x8d, 0x15, 0xe8, 0x97, 0xff, 0xff],
            5,
            Some((&[0x4c, 0x8d, 0x15, 0xe8, 0x8f, 0xff, 0xff], 7)),
        );
    }

    #[test]
    fn a_loop_to_the_beginning_is_seen() {
        let mut function = vec![0x90; 32];
        assert!(!branches_into(&function, 6));
        function[10..12].copy_from_slice(&[0xeb, 0xf6]); // to byte 2
        assert!(branches_into(&function, 6));
        function[10..12].copy_from_slice(&[0xeb, 0xf4]); // to byte 0: the new entry, which is fine
        assert!(!branches_into(&function, 6));
    }
}
