//! A service sees the recorded time, and what waits goes on waiting as long as it should: tried
//! with this test program as the service, and with the runtimes that this machine has.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(
    unsafe_code,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used
)]

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use retake_intercept::capture::{
    Arrived, Clock, Director, Moment, Pid, Plan, Route, Uncaptured, arm, probe,
};

/// 2021-03-04 05:06:07.5 UTC.
const THEN: i64 = 1_614_834_367_500_000_000;
const S: i64 = 1_000_000_000;

struct Nobody;

impl Director for Nobody {
    fn connect(&self, _: SocketAddr, _: Pid) -> Route {
        Route::Leave
    }

    fn adopt(&self, _: Arrived) {}

    fn listens(&self, _: SocketAddr, _: Pid) {}

    fn passed(&self, _: Uncaptured) {}
}

/// What a command prints whose clock began at [`THEN`]. None where there is no such program.
fn run(clock: &Arc<Clock>, command: &mut Command) -> Option<String> {
    let plan = Plan {
        ability: probe(),
        clock: Some(clock.clone()),
        ..Plan::default()
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let armed = arm(command, &plan).expect("armed");
    let child = match command.spawn() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        child => child.expect("started"),
    };
    let supervisor = armed.start(child.id(), Arc::new(Nobody)).expect("answered");
    let output = child.wait_with_output().expect("ended");
    drop(supervisor);
    assert!(output.status.success(), "{command:?}: {output:?}");
    assert_eq!(clock.unfrozen(), None);
    Some(String::from_utf8(output.stdout).expect("text"))
}

/// Whether this machine allows it; said where it does not.
fn can_freeze() -> bool {
    let ability = probe();
    let can = ability.captures() && ability.killable && ability.real_time.is_none();
    if !can {
        eprintln!("skipped: {ability}, {:?}", ability.real_time);
    }
    can
}

fn clock() -> Arc<Clock> {
    Arc::new(Clock::new(THEN, None).expect("this kernel is known"))
}

/// Runs a program that prints lines of a name, the time in seconds, and for how many milliseconds
/// it waited where it should wait for 200.
#[track_caller]
fn check(command: &mut Command) {
    let Some(text) = run(&clock(), command) else {
        return;
    };
    let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split(' ').collect()).collect();
    assert!(!lines.is_empty(), "{command:?} said nothing");
    for line in lines {
        let [name, time, waited] = line[..] else {
            panic!("{line:?}");
        };
        let time: i64 = time.parse().expect(name);
        let waited: i64 = waited.parse().expect(name);
        // As slow as a busy machine may be.
        assert!((THEN / S..THEN / S + 60).contains(&time), "{line:?}");
        assert!((199..20_000).contains(&waited), "{line:?}");
    }
}

fn this(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("our path"));
    command.args(["--exact", test, "--ignored", "--nocapture", "-q"]);
    command
}

#[test]
fn waits_until_a_moment_of_the_wall_clock_last_as_long() {
    if !can_freeze() {
        return;
    }
    let text = run(&clock(), &mut this("waits")).expect("ourselves");
    let waits: Vec<_> = text.lines().filter(|l| l.starts_with("wait ")).collect();
    assert_eq!(waits.len(), 7, "{text}");
    for line in waits {
        let (what, ms) = line.rsplit_once(' ').expect("a time");
        let ms: i64 = ms.parse().expect("a number");
        let range = if what.contains("again") {
            0..150
        } else {
            199..20_000
        };
        assert!(range.contains(&ms), "{line}");
    }
}

#[test]
fn system_calls_without_the_vdso_tell_the_same_time() {
    if !can_freeze() {
        return;
    }
    let text = run(&clock(), &mut this("calls")).expect("ourselves");
    let times: Vec<_> = text
        .lines()
        .filter_map(|l| l.strip_prefix("time "))
        .collect();
    assert_eq!(times.len(), 6, "{text}");
    for time in times {
        let time: i64 = time.parse().expect("a number");
        assert!((THEN / S..THEN / S + 60).contains(&time), "{text}");
    }
}

#[test]
fn each_test_s_time_reaches_running_processes_and_those_to_come() {
    if !can_freeze() {
        return;
    }
    let clock = clock();
    let test = |at: i64| {
        clock.set(Moment {
            at,
            took: Duration::ZERO,
            next: None,
        });
    };
    let plan = Plan {
        ability: probe(),
        clock: Some(clock.clone()),
        ..Plan::default()
    };
    // A shell that tells the time when it is asked, each time by another process.
    let mut command = Command::new("sh");
    command
        .args(["-c", "while read x; do date +%s; done"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let armed = arm(&mut command, &plan).expect("armed");
    let mut child = command.spawn().expect("a shell");
    let _supervisor = armed.start(child.id(), Arc::new(Nobody)).expect("answered");
    let mut to = child.stdin.take().expect("piped");
    let mut from = std::io::BufReader::new(child.stdout.take().expect("piped"));
    for at in [THEN, THEN + 3600 * S, THEN - 86_400 * S, 4_102_444_800 * S] {
        test(at);
        std::io::Write::write_all(&mut to, b"\n").expect("a reader");
        let mut line = String::new();
        std::io::BufRead::read_line(&mut from, &mut line).expect("an answer");
        let seen: i64 = line.trim().parse().expect("a number");
        assert!((at / S..at / S + 60).contains(&seen), "{at}: {seen}");
    }
    drop(to);
    child.wait().expect("ended");
}

#[test]
fn a_program_that_restricts_its_calls_lives_and_is_counted() {
    if !can_freeze() {
        return;
    }
    let clock = clock();
    let plan = Plan {
        ability: probe(),
        clock: Some(clock.clone()),
        ..Plan::default()
    };
    let mut command = this("restricted");
    let armed = arm(&mut command, &plan).expect("armed");
    let mut child = command.stdout(Stdio::null()).spawn().expect("started");
    let supervisor = armed.start(child.id(), Arc::new(Nobody)).expect("answered");
    let status = child.wait().expect("ended");
    drop(supervisor);
    assert_eq!(status.code(), Some(7), "{status}");
    let unfrozen = clock.unfrozen().expect("it had not read the time before");
    assert!(unfrozen.reason.contains("seccomp"), "{unfrozen:?}");
}

/// As on kernels that let only a tracer write into the code of another program (Debian's from 7.2
/// on).
#[test]
fn it_is_the_same_where_only_tracers_may_write() {
    if !can_freeze() {
        return;
    }
    for test in [
        "waits_until_a_moment_of_the_wall_clock_last_as_long",
        "each_test_s_time_reaches_running_processes_and_those_to_come",
        "python_sees_the_time_and_waits",
        "a_program_that_restricts_its_calls_lives_and_is_counted",
    ] {
        let mut command = Command::new(std::env::current_exe().expect("our path"));
        command.args(["--exact", test, "--nocapture", "-q"]);
        let output = command.env("RETAKE_TEST_REFUSE", "proc_mem").output();
        let output = output.expect("started");
        assert!(output.status.success(), "{test}: {output:?}");
    }
}

#[test]
fn python_sees_the_time_and_waits() {
    if !can_freeze() {
        return;
    }
    check(Command::new("python3").args([
        "-c",
        "import time, threading, subprocess\n\
         def say(name, t): print(name, int(time.time()), round((time.monotonic() - t) * 1000))\n\
         t = time.monotonic(); time.sleep(.2); say('sleep', t)\n\
         t = time.monotonic(); threading.Event().wait(.2); say('event', t)\n\
         l = threading.Lock(); l.acquire()\n\
         t = time.monotonic(); l.acquire(timeout=.2); say('lock', t)\n\
         print('child', subprocess.check_output(['date', '+%s']).decode().strip(), 200)",
    ]));
}

#[test]
fn node_sees_the_time_and_waits() {
    if !can_freeze() {
        return;
    }
    check(Command::new("node").args([
        "-e",
        "const t = process.hrtime.bigint(); setTimeout(() => console.log('timeout', \
         Math.floor(Date.now() / 1000), Math.round(Number(process.hrtime.bigint() - t) / 1e6)), 200)",
    ]));
}

#[test]
fn java_sees_the_time_and_waits() {
    if !can_freeze() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("Waits.java");
    let text = r#"
import java.util.concurrent.*;
import java.util.concurrent.locks.*;
public class Waits {
    static void say(String name, long began) {
        System.out.println(name + " " + System.currentTimeMillis() / 1000 + " "
            + (System.nanoTime() - began) / 1000000);
    }
    public static void main(String[] a) throws Exception {
        long t = System.nanoTime(); Thread.sleep(200); say("sleep", t);
        Object o = new Object();
        synchronized (o) { t = System.nanoTime(); o.wait(200); say("wait", t); }
        t = System.nanoTime(); LockSupport.parkUntil(System.currentTimeMillis() + 201); say("parkUntil", t);
        var s = Executors.newScheduledThreadPool(1);
        t = System.nanoTime(); s.schedule(() -> {}, 200, TimeUnit.MILLISECONDS).get(); say("schedule", t);
        s.shutdown();
    }
}
"#;
    std::fs::write(&source, text).expect("written");
    check(Command::new("java").arg(&source));
}

#[test]
#[ignore = "a child of the other tests"]
fn waits() {
    // SAFETY: the pointers are to live values of the types that the calls take.
    unsafe {
        let mut semaphore: libc::sem_t = std::mem::zeroed();
        libc::sem_init(&raw mut semaphore, 0, 0);
        let mut until = soon();
        say("sem_timedwait", || {
            libc::sem_timedwait(&raw mut semaphore, &raw const until)
        });
        say("sem_timedwait again", || {
            libc::sem_timedwait(&raw mut semaphore, &raw const until)
        });
        let (mut mutex, mut condition) = (
            libc::PTHREAD_MUTEX_INITIALIZER,
            libc::PTHREAD_COND_INITIALIZER,
        );
        libc::pthread_mutex_lock(&raw mut mutex);
        until = soon();
        say("pthread_cond_timedwait", || {
            libc::pthread_cond_timedwait(&raw mut condition, &raw mut mutex, &raw const until)
        });
        until = soon();
        say("pthread_mutex_timedlock", || {
            libc::pthread_mutex_timedlock(&raw mut mutex, &raw const until)
        });
        until = soon();
        say("clock_nanosleep", || {
            let clock = libc::CLOCK_REALTIME;
            let nothing = std::ptr::null_mut();
            libc::clock_nanosleep(clock, libc::TIMER_ABSTIME, &raw const until, nothing)
        });
        for (name, clock) in [
            ("timerfd", libc::CLOCK_REALTIME),
            ("timerfd, monotonic", libc::CLOCK_MONOTONIC),
        ] {
            let timer = libc::timerfd_create(clock, 0);
            let mut value: libc::itimerspec = std::mem::zeroed();
            value.it_value = after(clock);
            say(name, || {
                let (flags, nothing) = (libc::TFD_TIMER_ABSTIME, std::ptr::null_mut());
                libc::timerfd_settime(timer, flags, &raw const value, nothing);
                let mut count = 0_u64;
                i32::try_from(libc::read(timer, (&raw mut count).cast(), 8)).expect("eight")
            });
        }
    }
}

fn say(name: &str, wait: impl FnOnce() -> i32) {
    let began = Instant::now();
    wait();
    println!("\nwait {name} {}", began.elapsed().as_millis());
}

fn soon() -> libc::timespec {
    after(libc::CLOCK_REALTIME)
}

/// 200 ms from now.
fn after(clock: libc::clockid_t) -> libc::timespec {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live value.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_nsec += 200_000_000;
    time.tv_sec += time.tv_nsec / S;
    time.tv_nsec %= S;
    time
}

#[test]
#[ignore = "a child of the other tests"]
fn calls() {
    let mut spec = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut val = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    let nothing: *mut libc::c_void = std::ptr::null_mut();
    // SAFETY: the pointers are to live values of the types that the calls take.
    unsafe {
        for clock in [libc::CLOCK_REALTIME, libc::CLOCK_REALTIME_COARSE] {
            libc::syscall(libc::SYS_clock_gettime, clock, &raw mut spec);
            println!("\ntime {}", spec.tv_sec);
        }
        libc::syscall(libc::SYS_gettimeofday, &raw mut val, nothing);
        println!("time {}", val.tv_sec);
        println!("time {}", libc::syscall(libc::SYS_time, nothing));
        // By the C library, and by another thread.
        println!("time {}", libc::time(std::ptr::null_mut()));
    }
    let thread = std::thread::spawn(std::time::SystemTime::now);
    let now = thread.join().expect("a time");
    let since = now.duration_since(std::time::UNIX_EPOCH).expect("after");
    println!("time {}", since.as_secs());
}

/// Allows itself no `mmap` and no `arch_prctl` before it reads the time for the first time.
#[test]
#[ignore = "a child of the other tests"]
fn restricted() {
    let kill = |call: i64| {
        let call = u32::try_from(call).expect("small");
        [
            // SECCOMP_RET_KILL_PROCESS where it is this call.
            libc::sock_filter {
                code: 0x15,
                jt: 0,
                jf: 1,
                k: call,
            },
            libc::sock_filter {
                code: 0x06,
                jt: 0,
                jf: 0,
                k: 0x8000_0000,
            },
        ]
    };
    let mut program = vec![libc::sock_filter {
        code: 0x20,
        jt: 0,
        jf: 0,
        k: 0,
    }];
    program.extend(kill(libc::SYS_arch_prctl));
    program.extend(kill(libc::SYS_mmap));
    program.push(libc::sock_filter {
        code: 0x06,
        jt: 0,
        jf: 0,
        k: 0x7fff_0000,
    });
    let filter = libc::sock_fprog {
        len: u16::try_from(program.len()).expect("short"),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the filter outlives the call; the fork's child calls what is allowed there.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        assert_eq!(libc::syscall(libc::SYS_seccomp, 1, 0, &raw const filter), 0);
        libc::time(std::ptr::null_mut());
        let mut time = after(libc::CLOCK_REALTIME);
        libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time);
        libc::_exit(7);
    }
}
