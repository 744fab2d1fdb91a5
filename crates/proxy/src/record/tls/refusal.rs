//! What is said, and remembered, of handshakes that do not succeed.

use std::io;

use retake_model::Direction;

use super::desk::Desk;
use super::serve::Conn;
use crate::tls::{self, Refusal, Refused};

/// Says why the server refused, and gives the reason that the ledger counts by.
pub(super) fn told(
    desk: &Desk,
    conn: &Conn,
    refusal: &Refusal,
    key: &str,
    asked: &str,
) -> &'static str {
    let (why, what) = match refusal {
        Refusal::WantsCertificate if conn.info.direction == Direction::Inbound => (
            "the service asks its clients for a certificate",
            "it asks its clients for a certificate, which retake cannot show in their place, so \
             such connections are relayed without being read (hint: where clients may have none, \
             `tls: {clients: [{anonymous: true}]}` in retake.yaml records them without)"
                .to_owned(),
        ),
        Refusal::WantsCertificate => (
            "the server asks for a certificate of the client",
            "it asks for a certificate of its client (hint: name one under `tls: clients:` in \
                 retake.yaml; `anonymous: true` there goes on without)"
                .to_owned(),
        ),
        Refusal::Handshake(what) => (
            "no TLS in common with the server",
            format!("TLS with it failed: {what}"),
        ),
        Refusal::Settings(error) => (
            "the client's certificate cannot be used",
            format!("the certificate for it cannot be used: {error}"),
        ),
        Refusal::Lost(error) => ("the server was lost", error.to_string()),
    };
    if desk.tls.known().tell_once(key, why) {
        let text = format!("{}: {asked}: {what}", conn.whom());
        conn.note(desk, text);
    }
    if matches!(refusal, Refusal::WantsCertificate) {
        desk.tls.known().leave_alone(key, why);
    }
    why
}

/// A client did not take what it was shown.
pub(super) fn refused(desk: &Desk, conn: &Conn, key: &str, is_good: bool, error: &io::Error) {
    const PINNED: &str = "the client takes no certificate but the server's own";
    const FOREIGN: &str = "no TLS in common with the client";
    const UNVERIFIED: &str = "the server's certificate could not be verified";
    let known = desk.tls.known();
    if !is_good {
        // It was right to. Should it trust what we do not, the next connection is as without us.
        return known.leave_alone(key, UNVERIFIED);
    }
    let (why, alone) = match tls::refused(error) {
        Refused::Certificate => {
            known.leave_alone(key, PINNED);
            (PINNED, true)
        }
        Refused::Incompatible => {
            known.leave_alone(key, FOREIGN);
            (FOREIGN, true)
        }
        Refused::Silently => (PINNED, known.ended_silently(key, PINNED)),
    };
    if !alone || !known.tell_once(key, why) {
        return;
    }
    let hint = match conn.info.direction {
        Direction::Outbound => {
            "let the service trust the file that `retake ca --bundle` prints; a client that knows \
             its server's certificate by heart cannot be read"
        }
        Direction::Inbound => {
            "--cert FILE --key FILE with the service's own files show its clients what they know; \
             with --tls they have to trust the file that `retake ca` prints"
        }
    };
    let text = format!(
        "{}: a client refused the certificate that retake showed it for {key} ({error}); further \
         connections are relayed without being read (hint: {hint})",
        conn.whom()
    );
    conn.note(desk, text);
}
