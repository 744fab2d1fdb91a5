//! What Linux gives for capture: the only place with unsafe code, each file one subject.

pub(super) mod address;
pub(super) mod attempt;
pub(super) mod filter;
pub(super) mod install;
pub(super) mod interrupt;
pub(super) mod memory;
pub(super) mod notify;
pub(super) mod options;
pub(super) mod process;
// Some conditions are for the clock alone.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) mod tell;
// For the clock alone.
#[cfg(target_arch = "x86_64")]
pub(super) mod trace;
