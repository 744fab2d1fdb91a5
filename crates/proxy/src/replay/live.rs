//! Dependencies that are the real ones during a replay: a relay that tells what it saw.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use retake_intercept::Listen;
use retake_model::{ConnId, ConnInfo};
use retake_wire::Protocol;

use super::mock::Oracle;
use crate::Clock;
use crate::record::{Adopter, Events, RecordOptions, RecordProxy, RelayEvent, StartError};
use crate::tls::Tls;

/// Connections to live dependencies are numbered from here, those to mocks from 0.
const FIRST_CONNECTION: u64 = 1 << 32;

/// How long the teller waits at once for something to tell.
const WAIT: Duration = Duration::from_secs(1);

/// The relays to live dependencies.
#[derive(Debug)]
pub(super) struct Live {
    proxy: RecordProxy,
    teller: JoinHandle<()>,
}

impl Live {
    /// Starts relays for these addresses and puts the free ports into them; none where there are
    /// no addresses.
    pub(super) fn start(
        listens: &mut [(usize, Listen)],
        oracle: Arc<dyn Oracle>,
        clock: Clock,
        tls: Option<Arc<Tls>>,
        protocols: &'static [&'static dyn Protocol],
    ) -> Result<Option<Live>, StartError> {
        if listens.is_empty() {
            return Ok(None);
        }
        let options = RecordOptions {
            clock,
            first_connection: FIRST_CONNECTION,
            protocols,
            tls,
            ..RecordOptions::default()
        };
        let addresses = listens.iter().map(|(_, listen)| listen.clone()).collect();
        let (proxy, events) = RecordProxy::start(addresses, options)?;
        // A test waits until its calls were seen.
        let events = events.at_once();
        for ((_, listen), started) in listens.iter_mut().zip(proxy.listens()) {
            *listen = started.clone();
        }
        let teller = std::thread::Builder::new()
            .name("live".to_owned())
            .spawn(move || tell(events, oracle.as_ref(), protocols))
            .map_err(StartError::Worker)?;
        Ok(Some(Live { proxy, teller }))
    }

    /// What gives connections to these relays that were captured.
    pub(super) fn adopter(&self) -> Adopter {
        self.proxy.adopter()
    }

    pub(super) fn stop(self) {
        self.proxy.stop(Duration::ZERO);
        if self.teller.join().is_err() {
            tracing::error!("the thread that tells of live dependencies panicked");
        }
    }
}

fn tell(mut events: Events, oracle: &dyn Oracle, protocols: &'static [&'static dyn Protocol]) {
    let mut open = HashMap::<ConnId, ConnInfo>::new();
    while let Some(batch) = events.recv(WAIT) {
        for event in batch.events.into_iter().flatten() {
            match event {
                RelayEvent::Opened(info) => {
                    oracle.opened(&info);
                    open.insert(info.id, *info);
                }
                RelayEvent::Ended(mut exchange) => {
                    let known = protocols.iter().find(|p| p.id() == exchange.protocol);
                    let to = open.get(&exchange.conn).and_then(|i| i.dependency.clone());
                    if let (Some(protocol), Some(to)) = (known, to) {
                        protocol.describe(&mut exchange);
                        oracle.live(&to, exchange);
                    }
                }
                RelayEvent::Opaque { conn, reason, .. } => {
                    if let Some(info) = open.get(&conn) {
                        oracle.note(info, &format!("calls are not seen: {reason}"));
                    }
                }
                RelayEvent::Note { conn, text, .. } => {
                    if let Some(info) = open.get(&conn) {
                        oracle.note(info, &text);
                    }
                }
                RelayEvent::Closed { conn, .. } => {
                    open.remove(&conn);
                }
                RelayEvent::Named { conn, dependency } => {
                    if let Some(info) = open.get_mut(&conn) {
                        info.dependency = Some(dependency);
                    }
                }
                RelayEvent::Began { .. } | RelayEvent::Lost { .. } | RelayEvent::Tls { .. } => {}
            }
        }
    }
}
