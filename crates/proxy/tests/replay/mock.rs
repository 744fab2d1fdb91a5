//! Servers in place of the dependencies.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use retake_intercept::Listen;
use retake_model::{
    Answer, Blame, Call, Chunk, ConnInfo, Direction, Exchange, Fault, Miss, ProtocolId, Rules,
    Side, Value,
};
use retake_proxy::Clock;
use retake_proxy::replay::{MockListen, MockServers, Oracle};
use retake_wire::{Detect, Protocol, Reading, Responder, Step, Tap, WireError, http1::Http1};

const LIMIT: Duration = Duration::from_secs(20);

/// A protocol of lines: the server greets, and answers each line; `bye` closes, `tls` begins
/// TLS, `!` is against the protocol, `panic` panics, after `listen` a quiet client is told once.
struct Lines;

const LINES: ProtocolId = ProtocolId("lines");
static RULES: Rules = Rules {
    protocol: LINES,
    identity: &[],
    summary: &[],
};
static KNOWN: &[&dyn Protocol] = &[&Lines, &Http1];

impl Protocol for Lines {
    fn id(&self) -> ProtocolId {
        LINES
    }
    fn detect(&self, first: &[u8], _conn: &ConnInfo) -> Detect {
        match first {
            b"l" => Detect::NeedMore,
            [b'l', b'i', ..] => Detect::Yes,
            _ => Detect::No,
        }
    }
    fn tap(&self, _conn: &ConnInfo) -> Box<dyn Tap> {
        panic!("not of use here")
    }
    fn responder(&self, _conn: &ConnInfo) -> Box<dyn Responder> {
        Box::new(Server {
            line: Vec::new(),
            listens: false,
            steps: vec![Step::Send(b"hello\n".to_vec())],
        })
    }
    fn rules(&self) -> &'static Rules {
        &RULES
    }
    fn describe(&self, _exchange: &mut Exchange) {}

    fn check(&self, _: &mut Value, _: &mut Value) -> Vec<Fault> {
        Vec::new()
    }
}

struct Server {
    line: Vec<u8>,
    listens: bool,
    steps: Vec<Step>,
}

impl Responder for Server {
    fn feed(&mut self, chunk: &Chunk<'_>) -> Result<(), WireError> {
        for byte in chunk.bytes {
            match byte {
                b'!' => {
                    self.steps.push(Step::Send(b"what?\n".to_vec()));
                    return Err(WireError {
                        protocol: LINES,
                        what: "an exclamation".to_owned(),
                        at: 0,
                        side: Side::Client,
                        blame: Blame::App,
                    });
                }
                b'\n' => {
                    let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
                    self.steps.push(match line.as_str() {
                        "bye" => Step::Close,
                        "tls" => Step::StartTls,
                        "wait" => Step::Wait(7),
                        "give up" => Step::GiveUp(7),
                        "listen" => {
                            self.listens = true;
                            Step::Send(b"listening\n".to_vec())
                        }
                        "panic" => panic!("on purpose"),
                        _ => Step::Ask {
                            request: line.into(),
                            trace: None,
                            reading: Reading::Call,
                        },
                    });
                }
                byte => self.line.push(*byte),
            }
        }
        Ok(())
    }
    fn listens(&self) -> bool {
        self.listens
    }
    fn wake(&mut self) {
        self.listens = false;
        self.steps.push(Step::Send(b"news\n".to_vec()));
    }
    fn poll(&mut self) -> Option<Step> {
        (!self.steps.is_empty()).then(|| self.steps.remove(0))
    }
    fn answer(&mut self, answer: &Answer) -> Result<(), WireError> {
        let text = match answer {
            Answer::Serve(value) => value.as_str().unwrap().to_owned(),
            Answer::Miss(miss) => miss.explain(),
        };
        self.steps
            .insert(0, Step::Send(format!("{text}\n").into_bytes()));
        Ok(())
    }
}

/// Answers each request with itself, `large` with much; knows nothing of `unknown`.
#[derive(Default)]
struct Echo {
    calls: Mutex<Vec<String>>,
    told: Mutex<Vec<String>>,
}

impl Oracle for Echo {
    fn ask(&self, call: Call, _reading: Reading) -> Answer {
        let asked = call.request.as_str().unwrap_or_default().to_owned();
        self.calls
            .lock()
            .unwrap()
            .push(format!("{}: {asked}", call.to));
        match asked.as_str() {
            "unknown" => Answer::Miss(Box::new(Miss {
                test: None,
                to: call.to,
                summary: asked,
                nearest: None,
            })),
            "large" => Answer::Serve(Arc::new("x".repeat(LARGE).into())),
            _ => Answer::Serve(Arc::new(format!("you said {asked}").into())),
        }
    }
    fn failed(&self, _conn: &ConnInfo, error: &WireError) {
        self.told.lock().unwrap().push(error.what.clone());
    }
    fn note(&self, _conn: &ConnInfo, text: &str) {
        self.told.lock().unwrap().push(text.to_owned());
    }
    fn live(&self, to: &Arc<str>, exchange: Box<Exchange>) {
        let request = exchange.request.tree().unwrap();
        let path = request.get("path").unwrap().as_str().unwrap();
        self.calls
            .lock()
            .unwrap()
            .push(format!("live {to}: {path}"));
    }
}

const LARGE: usize = 10_000_000;

fn listen(name: &str, protocol: Option<ProtocolId>) -> MockListen {
    MockListen {
        listen: Listen {
            addr: "127.0.0.1:0".parse().unwrap(),
            direction: Direction::Outbound,
            dependency: Some(name.into()),
            protocol,
            upstream: "127.0.0.1:9".to_owned(),
            upstream_tls: false,
            serves_tls: false,
        },
        live: false,
        agrees_to_tls: false,
    }
}

fn start(listens: Vec<MockListen>) -> (MockServers, Arc<Echo>) {
    let echo = Arc::new(Echo::default());
    let oracle: Arc<dyn Oracle> = echo.clone();
    let servers = MockServers::start_with(listens, oracle, Clock::new(), None, KNOWN).unwrap();
    (servers, echo)
}

fn connect(servers: &MockServers, at: usize) -> TcpStream {
    let stream = TcpStream::connect(servers.listens()[at].addr).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Everything up to the end of the connection.
fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn greets_answers_and_closes_when_the_protocol_says_so() {
    let (servers, echo) = start(vec![
        listen("db", Some(LINES)),
        listen("queue", Some(LINES)),
    ]);
    for (at, name) in ["db", "queue"].into_iter().enumerate() {
        let mut client = connect(&servers, at);
        client.write_all(b"one\ntwo\nunknown\nbye\n").unwrap();
        assert_eq!(
            rest(client),
            format!(
                "hello\nyou said one\nyou said two\n\
                 retake: no recorded answer of {name} for unknown\n"
            )
        );
    }
    let calls = echo.calls.lock().unwrap();
    assert_eq!(calls[..3], ["db: one", "db: two", "db: unknown"]);
    assert_eq!(calls[3], "queue: one");
}

#[test]
fn a_quiet_client_that_listens_is_told_what_it_did_not_ask_for() {
    let (servers, _) = start(vec![listen("db", Some(LINES))]);
    let mut client = connect(&servers, 0);
    client.write_all(b"listen\n").unwrap();
    let mut heard = vec![0; "hello\nlistening\nnews\n".len()];
    client.read_exact(&mut heard).unwrap();
    assert_eq!(heard, b"hello\nlistening\nnews\n");
    client.write_all(b"one\nbye\n").unwrap();
    assert_eq!(rest(client), "you said one\n");
}

#[test]
fn an_answer_that_the_client_gave_up_waiting_for_comes_once_it_does_so_on_another_connection() {
    let (servers, _) = start(vec![listen("db", Some(LINES))]);
    let (mut waits, mut other) = (connect(&servers, 0), connect(&servers, 0));
    waits.write_all(b"wait\none\n").unwrap();
    let mut greeting = [0; "hello\n".len()];
    waits.read_exact(&mut greeting).unwrap();
    waits
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    assert!(waits.read(&mut [0]).is_err(), "answered at once");
    other.write_all(b"give up\n").unwrap();
    waits.set_read_timeout(Some(LIMIT)).unwrap();
    let mut answer = [0; "you said one\n".len()];
    waits.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"you said one\n");
}

#[test]
fn a_client_that_closes_its_half_still_gets_its_answers_in_full() {
    let (servers, _) = start(vec![listen("db", Some(LINES))]);
    let mut client = connect(&servers, 0);
    client.write_all(b"large\nlast\n").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let got = rest(client);
    assert_eq!(got.len(), LARGE + "hello\n\nyou said last\n".len());
    assert!(got.ends_with("you said last\n"));
}

#[test]
fn a_protocol_that_was_not_named_is_told_by_its_first_bytes() {
    let (servers, echo) = start(vec![listen("db", None)]);
    let mut client = connect(&servers, 0);
    client.write_all(b"l").unwrap();
    client.write_all(b"ine\nbye\n").unwrap();
    assert_eq!(rest(client), "hello\nyou said line\n");
    let mut client = connect(&servers, 0);
    client.write_all(b"?").unwrap();
    assert_eq!(rest(client), "");
    assert!(echo.told.lock().unwrap()[0].contains("without a mock server"));
}

#[test]
fn what_goes_wrong_on_a_connection_is_told_and_stays_there() {
    let (servers, echo) = start(vec![
        listen("db", Some(LINES)),
        listen("mq", Some(ProtocolId("amqp"))),
    ]);
    let mut bystander = connect(&servers, 0);
    for (at, sent, got, told) in [
        (0, "!", "hello\nwhat?\n", "an exclamation"),
        (0, "tls\n", "hello\n", "began TLS"),
        (0, "panic\n", "hello\n", "panicked"),
        (1, "", "", "no mock server for amqp"),
    ] {
        let mut client = connect(&servers, at);
        client.write_all(sent.as_bytes()).unwrap();
        assert_eq!(rest(client), got);
        let last = echo.told.lock().unwrap().last().unwrap().clone();
        assert!(last.contains(told), "{last}");
    }
    bystander.write_all(b"bye\n").unwrap();
    assert_eq!(rest(bystander), "hello\n");
}

#[test]
fn stopping_closes_open_connections_and_frees_the_address() {
    let (servers, _) = start(vec![listen("db", Some(LINES))]);
    let mut client = connect(&servers, 0);
    let mut greeting = [0; 6];
    client.read_exact(&mut greeting).unwrap();
    let address = servers.listens()[0].addr;
    servers.stop();
    assert_eq!(rest(client), "");
    TcpListener::bind(address).unwrap();
}

#[test]
fn calls_to_a_live_dependency_reach_it_and_are_told() {
    let real = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut live = listen("pay", Some(ProtocolId("http")));
    live.live = true;
    live.listen.upstream = real.local_addr().unwrap().to_string();
    let (servers, echo) = start(vec![listen("db", Some(LINES)), live]);
    let mut client = connect(&servers, 1);
    let ask = b"GET /rates HTTP/1.1\r\nhost: pay\r\n\r\n";
    client.write_all(ask).unwrap();
    let mut server = real.accept().unwrap().0;
    let mut got = vec![0; ask.len()];
    server.read_exact(&mut got).unwrap();
    assert_eq!(got, ask);
    server
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    drop(server);
    assert_eq!(rest(client), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    servers.stop();
    assert_eq!(*echo.calls.lock().unwrap(), ["live pay: /rates"]);
}
