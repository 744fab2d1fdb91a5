//! TLS that is asked for within PostgreSQL's protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use retake_model::ProtocolId;
use rustls::{ServerConnection, StreamOwned};

use crate::support::*;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const STARTUP: &[u8] = b"\0\0\0\x10\0\x03\0\0user\0a\0\0";
/// AuthenticationOk, ReadyForQuery.
const GREETING: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

fn greet(stream: &mut (impl Read + Write)) -> std::io::Result<()> {
    let mut startup = [0; STARTUP.len()];
    stream.read_exact(&mut startup)?;
    assert_eq!(startup, STARTUP);
    stream.write_all(GREETING)?;
    stream.flush()?;
    // Until the client ends.
    stream.read_exact(&mut [0])
}

fn ask(socket: &mut TcpStream) -> u8 {
    let mut answer = [0];
    socket.write_all(&SSL_REQUEST).unwrap();
    socket.read_exact(&mut answer).unwrap();
    answer[0]
}

fn log_in(client: &mut (impl Read + Write)) {
    client.write_all(STARTUP).unwrap();
    client.flush().unwrap();
    let mut greeting = [0; GREETING.len()];
    client.read_exact(&mut greeting).unwrap();
    assert_eq!(greeting, GREETING);
}

fn rig(pki: &Pki, tls: &Arc<retake_proxy::tls::Tls>, agrees: bool) -> Rig {
    let config = pki.server_config(Leaf::Good, &["postgresql"], false);
    let upstream = serve(move |mut socket| {
        let mut first = [0; 8];
        socket.peek(&mut first).unwrap();
        if first == SSL_REQUEST {
            socket.read_exact(&mut first).unwrap();
            socket.write_all(if agrees { b"S" } else { b"N" }).unwrap();
        }
        if agrees {
            let server = ServerConnection::new(Arc::clone(&config)).unwrap();
            let _ = greet(&mut StreamOwned::new(server, socket));
        } else {
            let _ = greet(&mut socket);
        }
    });
    Rig::start(tls.clone(), upstream, |listen| {
        listen.protocol = Some(ProtocolId("postgres"));
        listen.upstream_tls = false;
    })
}

#[test]
fn tls_begins_where_the_server_agrees() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let rig = rig(&pki, &tls, true);
    let mut socket = bounded(TcpStream::connect(rig.address).unwrap());
    assert_eq!(ask(&mut socket), b'S');
    let mut client = shake_hands(socket, "localhost", roots_of(&tls), &[]).unwrap();
    log_in(&mut client);
    drop(client);
    let seen = rig.end();
    assert_eq!((seen.exchanges(), seen.opaque()), (1, vec![]));
}

#[test]
fn tls_may_begin_at_once() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let rig = rig(&pki, &tls, true);
    let alpn = &["postgresql"];
    let mut client = connect(rig.address, "localhost", roots_of(&tls), alpn).unwrap();
    assert_eq!(client.conn.alpn_protocol(), Some(&b"postgresql"[..]));
    log_in(&mut client);
    drop(client);
    assert_eq!(rig.end().exchanges(), 1);
}

#[test]
fn a_server_without_tls_says_so_itself_and_goes_on_in_clear() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let rig = rig(&pki, &tls, false);
    let mut socket = bounded(TcpStream::connect(rig.address).unwrap());
    assert_eq!(ask(&mut socket), b'N');
    log_in(&mut socket);
    drop(socket);
    let seen = rig.end();
    assert_eq!((seen.exchanges(), seen.notes()), (1, vec![]));
}

#[test]
fn a_pinned_client_is_left_alone_after_the_server_agreed_too() {
    let pki = Pki::new();
    let tls = pki.tls(|_| {});
    let rig = rig(&pki, &tls, true);
    let mut socket = bounded(TcpStream::connect(rig.address).unwrap());
    assert_eq!(ask(&mut socket), b'S');
    shake_hands(socket, "localhost", pki.roots(), &[]).unwrap_err();
    let mut socket = bounded(TcpStream::connect(rig.address).unwrap());
    assert_eq!(ask(&mut socket), b'S');
    let mut client = shake_hands(socket, "localhost", pki.roots(), &[]).unwrap();
    log_in(&mut client);
    drop(client);
    assert_eq!(rig.end().opaque().len(), 1);
}
