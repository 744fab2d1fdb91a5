//! What the directors decide, without a service.
#![cfg(target_os = "linux")]

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use retake_intercept::capture::{Arrived, Director, Names, Route, Uncaptured};
use retake_model::{Answer, Call, DependencyInfo, Direction, SetInfo, Value};
use retake_proxy::Clock;
use retake_proxy::record::RecordProxy;
use retake_proxy::replay::{MockServers, Oracle};
use retake_wire::Reading;

use super::{Known, RecordDirector, ReplayDirector};

const REFUSED: i32 = 111;

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn stream() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    TcpStream::connect(listener.local_addr().expect("bound")).expect("connected")
}

fn arrived(wanted: &str, name: Option<&str>, direction: Direction) -> Arrived {
    Arrived {
        client: stream(),
        upstream: Some(stream()),
        peer: None,
        wanted: addr(wanted),
        name: name.map(Into::into),
        process: Some(1),
        direction,
    }
}

fn known(name: &str, host: &str, port: Option<u16>) -> Known {
    Known {
        name: name.into(),
        host: host.to_owned(),
        port,
    }
}

#[test]
fn what_is_recorded_has_a_name_its_hosts_and_its_addresses() {
    let (proxy, _events) = RecordProxy::start(Vec::new(), Default::default()).expect("a relay");
    let names = Arc::new(Names::default());
    names.learn("pay.example", addr("10.0.0.7:1").ip());
    let rules = vec![
        known("db", "127.0.0.1", Some(5432)),
        known("cache", "10.0.0.9", None),
    ];
    let own = vec![addr("0.0.0.0:8080")];
    let director = RecordDirector::new(proxy.adopter(), own, Vec::new(), rules, names);
    assert_eq!(director.connect(addr("127.0.0.1:8080"), 1), Route::Leave);
    assert_eq!(director.connect(addr("127.0.0.1:5432"), 1), Route::Relay);
    for wanted in [
        "127.0.0.1:5432",
        "10.0.0.7:443",
        "10.0.0.7:8443",
        "10.0.0.9:6379",
        "10.0.0.8:80",
    ] {
        director.adopt(arrived(wanted, None, Direction::Outbound));
    }
    let socket = "/run/postgresql/.s.PGSQL.5432";
    director.adopt(arrived("127.0.0.1:5432", Some(socket), Direction::Outbound));
    director.refused(addr("10.0.0.1:25"), REFUSED, 1);
    director.refused(addr("10.0.0.8:80"), REFUSED, 1);
    director.passed(Uncaptured::Datagrams(addr("10.0.0.8:80")));
    director.passed(Uncaptured::Datagrams(addr("10.0.0.5:123")));
    director.listens(addr("0.0.0.0:9090"), 1);
    assert_eq!(director.serves(), Some(addr("0.0.0.0:9090")));
    director.adopt(arrived("127.0.0.1:3000", None, Direction::Inbound));
    assert_eq!(director.serves(), Some(addr("127.0.0.1:3000")));

    let shown: Vec<String> = director
        .dependencies(&[])
        .iter()
        .map(|d| {
            let fails = d.fails.as_deref().unwrap_or("-");
            format!("{} {:?} {:?} {fails}", d.name, d.hosts, d.addresses)
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"10.0.0.1:25 [] ["10.0.0.1:25"] ECONNREFUSED"#,
            r#"10.0.0.8:80 [] ["10.0.0.8:80"] -"#,
            r#"cache [] ["10.0.0.9:6379"] -"#,
            r#"db [] ["127.0.0.1:5432"] -"#,
            r#"pay.example ["pay.example:443"] ["10.0.0.7:443"] -"#,
            r#"pay.example:8443 ["pay.example:8443"] ["10.0.0.7:8443"] -"#,
            r#"postgres ["/run/postgresql/.s.PGSQL.5432"] [] -"#,
        ]
    );
    for name in ["Pay.example", "pay.example.lan", "statsd.internal"] {
        director.looked_up(name);
    }
    let hosts = ["pay.example".to_owned()].into();
    assert_eq!(director.names_beside(&hosts), ["statsd.internal"]);
    let standing = DependencyInfo {
        name: "db".into(),
        ..DependencyInfo::default()
    };
    let others = director.dependencies(&[standing]);
    assert!(others.iter().all(|d| &*d.name != "db"));
    assert_eq!(
        director.notes(),
        ["not captured: datagrams (UDP) to 10.0.0.5:123"]
    );
    proxy.stop(Duration::ZERO);
}

/// Nobody is asked in these tests.
struct Silent;

impl Oracle for Silent {
    fn ask(&self, _: Call, _: Reading) -> Answer {
        Answer::Serve(Arc::new(Value::Null))
    }
}

fn dependency(name: &str, host: &str, address: &str) -> DependencyInfo {
    DependencyInfo {
        name: name.into(),
        hosts: vec![host.to_owned()],
        addresses: vec![address.to_owned()],
        ..DependencyInfo::default()
    }
}

/// Remembers what it is asked.
#[derive(Default)]
struct Told(std::sync::Mutex<Vec<String>>);

impl Oracle for Told {
    fn ask(&self, call: Call, _: Reading) -> Answer {
        let field = |name| {
            call.request
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or("-")
        };
        let text = format!("{}: {} {}", call.to, field("method"), field("path"));
        self.0.lock().expect("no panic").push(text);
        Answer::Serve(Arc::new(Value::Null))
    }
}

fn replaying(allow_egress: bool) -> (ReplayDirector, MockServers, Arc<Told>) {
    let told = Arc::new(Told::default());
    let names = Arc::new(Names::default());
    names.learn("pay.example", addr("10.9.9.9:1").ip());
    let mut down = dependency("down", "down.example:25", "10.0.0.1:25");
    down.fails = Some("ETIMEDOUT".to_owned());
    let dependencies = vec![
        dependency("pay", "PAY.example:443", "10.0.0.7:443"),
        dependency("db", "/run/.s.PGSQL.5432", "127.0.0.1:5432"),
        dependency("mail", "mail.example:587", "10.0.0.3:587"),
        down,
    ];
    let servers = MockServers::start(Vec::new(), Arc::new(Silent), Clock::new()).expect("servers");
    let live = vec!["mail".to_owned()];
    let own = vec![addr("127.0.0.1:18080")];
    let info = SetInfo {
        dependencies,
        names: vec!["nowhere.example".to_owned()],
        ..SetInfo::default()
    };
    let director = ReplayDirector::new(
        servers.adopter(),
        Arc::clone(&told) as Arc<dyn Oracle>,
        own,
        &info,
        live,
        names,
        allow_egress,
    );
    (director, servers, told)
}

#[test]
fn what_was_recorded_is_served_and_nothing_else_leaves() {
    let (director, servers, told) = replaying(false);
    for (wanted, route) in [
        ("10.0.0.7:443", Route::Serve),
        // The name has another address now.
        ("10.9.9.9:443", Route::Serve),
        ("127.0.0.1:5432", Route::Serve),
        ("10.0.0.3:587", Route::Relay),
        ("10.0.0.1:25", Route::Refuse(110)),
        ("127.0.0.1:18080", Route::Leave),
        ("10.9.9.9:80", Route::Refuse(REFUSED)),
        ("10.9.9.9:80", Route::Refuse(REFUSED)),
    ] {
        assert_eq!(director.connect(addr(wanted), 1), route, "{wanted}");
    }
    let path = |path: &str| director.connect_unix(Path::new(path), 1);
    assert_eq!(path("/run/.s.PGSQL.5432"), Route::Serve);
    let folder = tempfile::tempdir().expect("a folder");
    let there = folder.path().join(".s.PGSQL.5432");
    std::fs::write(&there, "").expect("written");
    let there = there.to_str().expect("a path");
    assert_eq!(path(there), Route::Refuse(REFUSED));
    assert_eq!(path("/no/such/folder/.s.PGSQL.5432"), Route::Leave);
    director.unknown_name("other.example");
    // One that was looked up when it was recorded, too.
    director.unknown_name("nowhere.example");
    let told = told.0.lock().expect("no panic");
    assert_eq!(
        told.as_slice(),
        [
            "pay.example:80: CONNECT pay.example:80",
            "pay.example:80: CONNECT pay.example:80",
            &*format!("the unix socket {there}: CONNECT the unix socket {there}"),
            "other.example: RESOLVE other.example",
        ]
    );
    let notes = director.notes();
    assert!(
        notes
            .iter()
            .any(|note| note.contains("refused, 2 times: a connection to pay.example:80,")),
        "{notes:?}"
    );
    assert!(
        notes.iter().all(|note| note.contains("hint: ")),
        "{notes:?}"
    );
    servers.stop();
}

#[test]
fn what_was_not_recorded_may_leave_where_that_is_allowed() {
    let (director, servers, told) = replaying(true);
    assert_eq!(director.connect(addr("10.9.9.9:80"), 1), Route::Leave);
    assert_eq!(director.connect(addr("10.0.0.7:443"), 1), Route::Serve);
    assert!(told.0.lock().expect("no panic").is_empty());
    servers.stop();
}
