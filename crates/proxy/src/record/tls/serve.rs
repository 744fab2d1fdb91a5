//! One connection that speaks TLS, from its hand-over to its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use retake_model::{ConnInfo, Direction, Timestamp};
use retake_wire::Untying;

use super::super::RelayEvent;
use super::super::counters::Live;
use super::super::reader::Reader;
use super::super::renaming::Renaming;
use super::Handover;
use super::desk::Desk;
use super::establish::{Established, Failed, Setting, establish};
use super::relay::{Over, relay};
use crate::Said;

/// What is known of a connection.
pub(super) struct Conn {
    pub(super) info: ConnInfo,
    pub(super) counters: Arc<Live>,
    pub(super) reader: Reader,
    pub(super) from_client: u64,
    pub(super) from_server: u64,
    renaming: Option<Renaming>,
}

impl Conn {
    /// Takes the name by which the server's name that the client said is known.
    pub(super) fn rename(&mut self, desk: &Desk, name: &str) {
        let bytes = self.from_client + self.from_server;
        let renamed = self.renaming.take().and_then(|renaming| {
            renaming.apply(&mut self.info, &mut self.counters, Said::Tls(name), bytes)
        });
        if let Some(event) = renamed {
            self.tell(desk, |_| event);
        }
    }

    /// Says something for the ledger's notes.
    pub(super) fn note(&self, desk: &Desk, text: String) {
        self.tell(desk, |at| RelayEvent::Note {
            conn: self.info.id,
            at,
            text,
        });
    }

    pub(super) fn tell(&self, desk: &Desk, event: impl FnOnce(Timestamp) -> RelayEvent) {
        desk.find(&self.counters, |at, findings| findings.push(event(at)));
    }

    /// Whose connections these are, for people.
    pub(super) fn whom(&self) -> &str {
        self.info.dependency.as_deref().unwrap_or("the service")
    }
}

/// Relays a connection to its end.
pub(super) async fn serve(desk: &Desk, handover: Handover) {
    let mut conn = Conn {
        info: handover.info,
        counters: handover.counters,
        reader: handover.reader,
        from_client: handover.from_client,
        from_server: handover.from_server,
        renaming: handover.renaming,
    };
    let setting = Setting {
        way: handover.way,
        start: handover.start,
        held: handover.held,
        to_client: handover.to_client,
        to_server: handover.to_server,
    };
    if let Err(error) = run(desk, &mut conn, setting, handover.client, handover.server).await {
        tracing::debug!(conn = %conn.info.id, %error, "TLS ended");
    }
    close(desk, conn);
}

async fn run(
    desk: &Desk,
    conn: &mut Conn,
    setting: Setting,
    client: std::net::TcpStream,
    server: std::net::TcpStream,
) -> io::Result<()> {
    let client = tokio::net::TcpStream::from_std(client)?;
    let server = tokio::net::TcpStream::from_std(server)?;
    let direction = conn.info.direction;
    let established = {
        let shaking = establish(desk, conn, setting, client, server);
        tokio::pin!(shaking);
        loop {
            tokio::select! {
                established = &mut shaking => break established,
                () = desk.tick() => if desk.may_close(direction, true, false) {
                    return Ok(());
                },
            }
        }
    };
    let Established {
        client,
        server,
        key,
        untie,
    } = match established {
        Ok(established) => established,
        Err(Failed::Closed) => return Ok(()),
        Err(Failed::Lost(error)) => return Err(error),
    };
    let (over, untying) = relay(desk, conn, client, server, untie).await;
    let (why, then) = match untying {
        Untying::Untouched => ("", ""),
        Untying::Downgraded(why) => (why, ""),
        Untying::Refused(why) => {
            let bound = "SCRAM is bound to the server's certificate";
            desk.tls.known().leave_alone(&key, bound);
            (why, "; further connections are relayed without being read")
        }
    };
    if !why.is_empty() && desk.tls.known().tell_once(&key, why) {
        conn.note(desk, format!("{}: {why}{then}", conn.whom()));
    }
    if over == Over::Reset {
        tracing::trace!(conn = %conn.info.id, "reset");
    }
    Ok(())
}

fn close(desk: &Desk, mut conn: Conn) {
    let (info, counters) = (conn.info, conn.counters);
    desk.find(&counters, |at, findings| {
        conn.reader.end(at, findings);
        findings.push(RelayEvent::Closed {
            conn: info.id,
            at,
            from_client: conn.from_client,
            from_server: conn.from_server,
        });
    });
    counters.open.fetch_sub(1, Ordering::Relaxed);
    if info.direction == Direction::Inbound {
        desk.shared.inbound.fetch_sub(1, Ordering::AcqRel);
    }
}
