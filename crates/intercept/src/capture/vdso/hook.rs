//! The code that answers an app's time functions, as bytes to be copied into its vDSO.
//!
//! It is position independent and carries its own data. Three words of it are filled in for each
//! process: the moved beginning of the kernel's own `clock_gettime` ([`Hook::original`]) and the
//! address of the page that holds the time ([`Hook::page`]; zero until the process has mapped it).
//!
//! Other clocks than the two realtime ones go to the kernel's own code after two comparisons.
//! Realtime is the monotonic clock, moved: what the page says of it is in
//! [`Slot`](super::super::timeline::Slot), and [`Slot::at`](super::super::timeline::Slot::at) is
//! the same reckoning in Rust.
//!
//! The first call in a process maps the page: it asks for a descriptor by `arch_prctl` with
//! [`ASK`], maps it, closes it, and tells the address by `arch_prctl` with [`MAPPED`]. Both are
//! answered by the supervisor; where nobody answers, the process sees the real time.

#![allow(unsafe_code)]

use core::arch::global_asm;

/// `arch_prctl` code with which a process asks for the page's descriptor. No code of the kernel.
pub const ASK: u32 = 0x7274_0001;

/// `arch_prctl` code with which a process tells where it mapped the page.
pub const MAPPED: u32 = 0x7274_0002;

/// What stands in the place of the page's address where a process shall see the real time.
pub const REAL_TIME: u64 = 1;

/// How much place there is for the moved beginning of `clock_gettime`, in bytes.
pub const ORIGINAL_SPACE: usize = 64;

/// The code, and where in it things are, as offsets in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Hook {
    /// The code.
    pub code: &'static [u8],
    /// The entry that replaces `clock_gettime`.
    pub clock_gettime: usize,
    /// The entry that replaces `gettimeofday`.
    pub gettimeofday: usize,
    /// The entry that replaces `time`.
    pub time: usize,
    /// Where the moved beginning of the kernel's `clock_gettime` goes: [`ORIGINAL_SPACE`] bytes.
    pub original: usize,
    /// Where the address of the page goes: 8 bytes.
    pub page: usize,
}

/// The code of this build.
pub fn hook() -> Hook {
    // SAFETY: the symbols are defined below, in this order, in one read-only section; only their
    // addresses are taken, and the bytes between the first and the last are initialised.
    unsafe {
        let start = &raw const retake_hook_start;
        let offset = |symbol: *const u8| symbol as usize - start as usize;
        let length = offset(&raw const retake_hook_end);
        Hook {
            code: core::slice::from_raw_parts(start, length),
            clock_gettime: offset(&raw const retake_hook_clock_gettime),
            gettimeofday: offset(&raw const retake_hook_gettimeofday),
            time: offset(&raw const retake_hook_time),
            original: offset(&raw const retake_hook_original),
            page: offset(&raw const retake_hook_page),
        }
    }
}

unsafe extern "C" {
    static retake_hook_start: u8;
    static retake_hook_clock_gettime: u8;
    static retake_hook_original: u8;
    static retake_hook_gettimeofday: u8;
    static retake_hook_time: u8;
    static retake_hook_page: u8;
    static retake_hook_end: u8;
}

global_asm!(
    ".pushsection .rodata.retake_hook, \"a\"",
    ".balign 16",
    ".hidden retake_hook_start, retake_hook_clock_gettime, retake_hook_original",
    ".hidden retake_hook_gettimeofday, retake_hook_time, retake_hook_page, retake_hook_end",
    ".globl retake_hook_start, retake_hook_clock_gettime, retake_hook_original",
    ".globl retake_hook_gettimeofday, retake_hook_time, retake_hook_page, retake_hook_end",
    "retake_hook_start:",
    // int clock_gettime(clockid_t edi, struct timespec *rsi)
    "retake_hook_clock_gettime:",
    "    test edi, edi", // CLOCK_REALTIME
    "    jz 2f",
    "    cmp edi, 5", // CLOCK_REALTIME_COARSE
    "    jz 2f",
    "retake_hook_original:",
    "    .fill {space}, 1, 0xcc",
    "2:  push rsi",
    "    call 20f",
    "    pop rsi",
    "    call 30f",
    "    mov [rsi], rdx",
    "    mov [rsi + 8], rax",
    "    xor eax, eax",
    "    ret",
    // int gettimeofday(struct timeval *rdi, struct timezone *rsi)
    "retake_hook_gettimeofday:",
    "    test rsi, rsi",
    "    jz 2f",
    "    mov qword ptr [rsi], 0", // UTC, no summer time
    "2:  test rdi, rdi",
    "    jz 3f",
    "    push rdi",
    "    call 20f",
    "    pop rdi",
    "    call 30f",
    "    mov [rdi], rdx",
    "    xor edx, edx",
    "    mov ecx, 1000",
    "    div ecx", // below 10^9: 32 bits
    "    mov [rdi + 8], rax",
    "3:  xor eax, eax",
    "    ret",
    // time_t time(time_t *rdi)
    "retake_hook_time:",
    "    push rdi",
    "    call 20f",
    "    pop rdi",
    "    call 30f",
    "    mov rax, rdx",
    "    test rdi, rdi",
    "    jz 2f",
    "    mov [rdi], rax",
    "2:  ret",
    // -> rax: nanoseconds since 1970, as the app shall see them
    "20: mov r8, [rip + retake_hook_page]",
    "    cmp r8, {real_time}",
    "    jb 40f", // not mapped yet
    "    je 50f",
    "21: sub rsp, 24",
    "    mov [rsp + 16], r8",
    "    mov edi, 1", // CLOCK_MONOTONIC
    "    mov rsi, rsp",
    "    call retake_hook_original",
    "    imul rax, [rsp], 1000000000",
    "    add rax, [rsp + 8]",
    "    mov r8, [rsp + 16]",
    "    add rsp, 24",
    "    mov rcx, [r8]", // the slot in force, as an offset
    "    and ecx, {slots}",
    "    add r8, rcx",
    "    sub rax, [r8]", // since the time was set
    "    mov rdx, rax",
    "    sub rdx, [r8 + 16]", // beyond the free run
    "    jle 22f",
    "    sar rdx, {crawl}",
    "    mov rax, [r8 + 16]",
    "    add rax, rdx",
    "22: add rax, [r8 + 8]",
    "    ret",
    // rax -> rdx: seconds, rax: the nanoseconds that remain. Division by 10^9 as a multiplication:
    // (n >> 9) * 0x44b82fa09b5a53 >> 75 is exact for every n below 2^64.
    "30: mov r8, rax",
    "    shr rax, 9",
    "    movabs rcx, 0x44b82fa09b5a53",
    "    mul rcx",
    "    shr rdx, 11",
    "    imul rax, rdx, 1000000000",
    "    sub r8, rax",
    "    mov rax, r8",
    "    ret",
    // Map the page: a descriptor from the supervisor, mmap, close, and the address to the supervisor.
    "40: mov eax, 158", // arch_prctl
    "    mov edi, {ask}",
    "    xor esi, esi",
    "    syscall",
    "    cmp eax, -4", // EINTR: ask again
    "    je 40b",
    "    test eax, eax",
    "    js 50f",
    "    mov r8d, eax",
    "    xor edi, edi",
    "    mov esi, 4096",
    "    mov edx, 1",  // PROT_READ
    "    mov r10d, 1", // MAP_SHARED
    "    xor r9d, r9d",
    "    mov eax, 9", // mmap
    "    syscall",
    "    mov rsi, rax",
    "    mov edi, r8d",
    "    mov eax, 3", // close
    "    syscall",
    "41: mov edi, {mapped}",
    "    mov eax, 158",
    "    syscall",
    "    cmp eax, -4",
    "    je 41b",
    "    cmp rsi, -4096",
    "    ja 50f",
    "    mov r8, rsi",
    "    jmp 21b",
    // The real time.
    "50: sub rsp, 24",
    "    xor edi, edi",
    "    mov rsi, rsp",
    "    call retake_hook_original",
    "    imul rax, [rsp], 1000000000",
    "    add rax, [rsp + 8]",
    "    add rsp, 24",
    "    ret",
    "    .balign 8, 0xcc",
    "retake_hook_page:",
    "    .quad 0",
    "retake_hook_end:",
    ".popsection",
    space = const ORIGINAL_SPACE,
    real_time = const REAL_TIME,
    slots = const super::super::timeline::SLOT_MASK,
    crawl = const super::super::timeline::CRAWL,
    ask = const ASK,
    mapped = const MAPPED,
);
