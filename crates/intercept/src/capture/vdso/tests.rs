//! The patch, tried on a process of our own: this test program, started again.

#![allow(unsafe_code)]

use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::super::page::TimePage;
use super::super::timeline::Slot;
use super::*;

const CHILD: &str = "RETAKE_TEST_VDSO_CHILD";
const S: i64 = 1_000_000_000;
/// 2021-03-04 05:06:07.089
const THEN: i64 = 1_614_834_367_089_000_000;

fn monotonic() -> i64 {
    clock(libc::CLOCK_MONOTONIC)
}

fn clock(id: libc::clockid_t) -> i64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live value.
    assert_eq!(unsafe { libc::clock_gettime(id, &raw mut t) }, 0);
    t.tv_sec * S + t.tv_nsec
}

#[test]
fn a_patched_process_sees_the_given_time_and_the_true_monotonic_clock() {
    check("patched");
}

#[test]
fn where_the_last_page_is_full_the_code_takes_the_place_of_another() {
    check("full");
}

#[track_caller]
fn check(how: &str) {
    let status = Command::new(std::env::current_exe().expect("our path"))
        .args([
            "--exact",
            "capture::vdso::tests::child",
            "--ignored",
            "--nocapture",
        ])
        .env(CHILD, how)
        .status()
        .expect("started");
    assert!(status.success());
}

/// What runs in the process of its own: everything here sees another time afterwards.
#[test]
#[ignore = "a child of the other tests"]
fn child() {
    let before = cost();
    let image = Image::own().expect("a vDSO");
    let full = std::env::var(CHILD).is_ok_and(|how| how == "full");
    let image = if full { image.full() } else { image };
    let patch = match Patch::of(&image) {
        // Older kernels' `gettimeofday` is shorter than our code: then there is no other place.
        Err(PatchError::Room(length)) if full => {
            let function = image.function("__vdso_gettimeofday").expect("a function");
            assert!(function.code.len() < length + JUMP + 16, "it has room");
            return;
        }
        patch => patch.expect("this kernel is known"),
    };
    let me = std::process::id();
    allow_writes();
    assert!(patch.apply(me).expect("written"));
    assert!(!patch.apply(me).expect("seen"), "a second time is harmless");

    // Nobody answers the request for a page: the real time, and no other harm.
    let real = clock(libc::CLOCK_REALTIME);
    assert!(real > THEN + S, "{real}");
    assert!(!patch.knows_page(me));

    let page = TimePage::new(Slot::running(THEN, monotonic())).expect("a page");
    // The address of our own mapping serves as well as another.
    let address = std::fs::read_to_string("/proc/self/maps")
        .expect("maps")
        .lines()
        .find(|line| line.contains("retake-time"))
        .and_then(|line| u64::from_str_radix(line.split('-').next()?, 16).ok())
        .expect("mapped");
    patch.tell(me, address).expect("written");
    assert!(patch.knows_page(me));

    let near = |time: i64, what: &str| {
        assert!((THEN..THEN + 2 * S).contains(&time), "{what}: {time}");
    };
    near(clock(libc::CLOCK_REALTIME), "clock_gettime");
    near(clock(libc::CLOCK_REALTIME_COARSE), "coarse");
    let std_time = SystemTime::now().duration_since(UNIX_EPOCH).expect("after");
    near(i64::try_from(std_time.as_nanos()).expect("fits"), "std");
    let mut tv = libc::timeval {
        tv_sec: 0,
        tv_usec: -1,
    };
    // SAFETY: the pointer is to a live value.
    unsafe { libc::gettimeofday(&raw mut tv, std::ptr::null_mut()) };
    assert!((0..1_000_000).contains(&tv.tv_usec), "{}", tv.tv_usec);
    near(tv.tv_sec * S + tv.tv_usec * 1000, "gettimeofday");
    let mut t = 0;
    // SAFETY: the pointer is to a live value.
    assert_eq!(unsafe { libc::time(&raw mut t) }, t);
    assert!((THEN / S..THEN / S + 2).contains(&t), "{t}");

    // The words of the page and the code of the hook agree with the reckoning in Rust.
    for slot in [
        Slot {
            since: monotonic() - 10 * S,
            time: THEN,
            free: 2 * S,
        },
        Slot::running(999_999_999, monotonic()),
        Slot::running(0, monotonic()),
        Slot::running(4_102_444_799_999_999_999, monotonic()),
    ] {
        page.change(|_| slot);
        let from = slot.at(monotonic());
        let seen = clock(libc::CLOCK_REALTIME);
        let to = slot.at(monotonic());
        assert!((from..=to).contains(&seen), "{slot:?}: {from} {seen} {to}");
    }

    // Readers never see half a time while it is changed.
    page.change(|_| Slot::running(S, monotonic()));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !done.load(std::sync::atomic::Ordering::Relaxed) {
                        let seen = clock(libc::CLOCK_REALTIME);
                        let part = seen % (1000 * S);
                        // A reader that took the monotonic clock just before the change is as
                        // much before the new time.
                        assert!((S / 2..100 * S).contains(&part), "{seen}");
                    }
                })
            })
            .collect();
        for round in 0..200_000 {
            page.change(|_| Slot::running((round % 1000) * 1000 * S + S, monotonic()));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for reader in readers {
            reader.join().expect("no torn time");
        }
    });

    // The other clocks are the kernel's.
    assert_eq!(clock(libc::CLOCK_BOOTTIME) / (3600 * S), uptime() / 3600);
    let began = Instant::now();
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert!(began.elapsed().as_millis() >= 20);
    patch.tell(me, hook::REAL_TIME).expect("written");
    assert!(clock(libc::CLOCK_REALTIME) > real);
    patch.tell(me, address).expect("written");
    page.change(|_| Slot::running(THEN, monotonic()));
    println!("ns a call, before and after: {before:?} {:?}", cost());
}

/// Some kernels let nobody but a tracer write where we may not, and a process is not its own.
fn allow_writes() {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
    let line = maps.lines().find(|line| line.ends_with("[vdso]"));
    let (from, to) = line
        .and_then(|line| line.split(' ').next()?.split_once('-'))
        .expect("mapped");
    let address = |hex| usize::from_str_radix(hex, 16).expect("an address");
    let (from, to) = (address(from), address(to));
    let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    let at = std::ptr::with_exposed_provenance_mut(from);
    // SAFETY: the mapping stays where it is; only what may be done with it changes.
    assert_eq!(unsafe { libc::mprotect(at, to - from, all) }, 0);
}

fn uptime() -> i64 {
    let text = std::fs::read_to_string("/proc/uptime").expect("uptime");
    text.split('.')
        .next()
        .and_then(|s| s.parse().ok())
        .expect("seconds")
}

/// Nanoseconds a call: realtime, monotonic.
fn cost() -> [i64; 2] {
    [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC].map(|id| {
        (0..5)
            .map(|_| {
                let began = Instant::now();
                for _ in 0..100_000 {
                    std::hint::black_box(clock(id));
                }
                i64::try_from(began.elapsed().as_nanos() / 100_000).expect("small")
            })
            .min()
            .expect("five")
    })
}
