//! Calls that are told to us only with certain arguments, as the filter can see them.
//!
//! A call that is told always costs its round trip; one that is told for some arguments costs the
//! filter alone otherwise, so conditions are chosen to let through what programs do often.

use super::filter::{
    Instruction, JUMP_EQ, JUMP_GE, JUMP_SET, LOAD, NOTIFY, RETURN, jump, statement,
};

/// Where `struct seccomp_data` has its parts, in bytes.
const NUMBER: u32 = 0;
const INSTRUCTION_HIGH: u32 = 12;
const ARGUMENTS: u32 = 16;

/// A call, and what must be true of its arguments.
#[derive(Debug, Clone)]
pub struct Tell {
    /// The number of the call.
    pub call: i64,
    /// All of them must hold.
    pub when: Vec<When>,
}

/// Something true of an argument. Numbers are compared by their lower halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The argument is this number.
    Is(u32, u32),
    /// The argument is one of these two.
    Either(u32, u32, u32),
    /// The argument has one of these bits.
    Has(u32, u32),
    /// The argument has none of these bits.
    Lacks(u32, u32),
    /// The argument is no null pointer.
    Pointer(u32),
    /// The argument has none of these bits, or the call comes from code in the lowest 4 GB: a
    /// program that is linked to a fixed address and calls the kernel by itself, as Go's are.
    LacksUnlessFixed(u32, u32),
}

impl Tell {
    /// A call with its conditions.
    pub fn new(call: i64, when: &[When]) -> Self {
        Tell {
            call,
            when: when.to_vec(),
        }
    }

    /// The instructions; they fall through where the call is another, or a condition fails.
    pub fn instructions(&self) -> Vec<Instruction> {
        // From the end, so that each condition knows how far it is to the end of the block.
        let mut block = vec![statement(RETURN, NOTIFY)];
        for when in self.when.iter().rev() {
            let skip = u8::try_from(block.len()).unwrap_or(u8::MAX);
            let mut test = when.instructions(skip);
            test.append(&mut block);
            block = test;
        }
        let skip = u8::try_from(block.len()).unwrap_or(u8::MAX);
        let number = u32::try_from(self.call).unwrap_or(u32::MAX);
        let mut all = vec![statement(LOAD, NUMBER), jump(JUMP_EQ, number, 0, skip)];
        all.append(&mut block);
        all
    }
}

impl When {
    /// `skip` is the number of instructions behind these until the end of the block.
    fn instructions(self, skip: u8) -> Vec<Instruction> {
        let low = |index: u32| statement(LOAD, ARGUMENTS + 8 * index);
        let high = |index: u32| statement(LOAD, ARGUMENTS + 8 * index + 4);
        match self {
            When::Is(index, number) => vec![low(index), jump(JUMP_EQ, number, 0, skip)],
            When::Either(index, one, other) => vec![
                low(index),
                jump(JUMP_EQ, one, 1, 0),
                jump(JUMP_EQ, other, 0, skip),
            ],
            When::Has(index, bits) => vec![low(index), jump(JUMP_SET, bits, 0, skip)],
            When::Lacks(index, bits) => vec![low(index), jump(JUMP_SET, bits, skip, 0)],
            When::Pointer(index) => vec![
                low(index),
                jump(JUMP_EQ, 0, 0, 2),
                high(index),
                jump(JUMP_EQ, 0, skip, 0),
            ],
            When::LacksUnlessFixed(index, bits) => vec![
                low(index),
                jump(JUMP_SET, bits, 0, 2),
                statement(LOAD, INSTRUCTION_HIGH),
                jump(JUMP_GE, 1, skip, 0),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::filter::ARCH;
    use super::super::filter::tests::run_with;
    use super::*;

    const ALLOW: u32 = 0x7fff_0000;

    fn check(when: &[When], call: i64, instruction: u64, arguments: [u64; 6], told: bool) {
        // Two blocks of one call: the second is reached where the first fails.
        let mut program = Tell::new(7, &[When::Is(5, 99)]).instructions();
        program.extend(Tell::new(7, when).instructions());
        program.push(statement(RETURN, ALLOW));
        let expect = if told { NOTIFY } else { ALLOW };
        let got = run_with(&program, ARCH, call, instruction, arguments);
        assert_eq!(
            got, expect,
            "{when:?} {call} {instruction:x} {arguments:x?}"
        );
    }

    #[test]
    fn a_call_is_told_where_all_conditions_hold() {
        let a = |first| [first, 0, 0, 0, 0, 0];
        check(&[], 7, 0, a(0), true);
        check(&[], 8, 0, a(0), false);
        check(&[When::Is(0, 5)], 7, 0, a(5), true);
        check(&[When::Is(0, 5)], 7, 0, a(4), false);
        check(&[When::Either(0, 5, 0)], 7, 0, a(0), true);
        check(&[When::Either(0, 5, 0)], 7, 0, a(5), true);
        check(&[When::Either(0, 5, 0)], 7, 0, a(1), false);
        check(&[When::Has(0, 6)], 7, 0, a(4), true);
        check(&[When::Has(0, 6)], 7, 0, a(9), false);
        check(&[When::Lacks(0, 6)], 7, 0, a(9), true);
        check(&[When::Lacks(0, 6)], 7, 0, a(2), false);
        check(&[When::Pointer(0)], 7, 0, a(0), false);
        check(&[When::Pointer(0)], 7, 0, a(1), true);
        check(&[When::Pointer(0)], 7, 0, a(1 << 40), true);
        let both = [When::Has(0, 1), When::Pointer(1), When::Is(2, 3)];
        check(&both, 7, 0, [1, 1 << 33, 3, 0, 0, 0], true);
        check(&both, 7, 0, [1, 0, 3, 0, 0, 0], false);
        check(&both, 7, 0, [0, 1, 3, 0, 0, 0], false);
        check(&both, 7, 0, [1, 1, 2, 0, 0, 0], false);
        check(&both, 7, 0, [0, 0, 0, 0, 0, 99], true);
    }

    #[test]
    fn code_at_a_fixed_address_is_told_apart() {
        let when = [When::LacksUnlessFixed(0, 8)];
        let (fixed, elsewhere) = (0x40_1000, 0x7f00_0000_1000);
        for (instruction, argument, told) in [
            (fixed, 0, true),
            (fixed, 8, true),
            (elsewhere, 0, true),
            (elsewhere, 8, false),
        ] {
            check(&when, 7, instruction, [argument, 0, 0, 0, 0, 0], told);
        }
    }
}
