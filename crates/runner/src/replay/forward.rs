//! The forward proxy of a replay: it stands where the recording's stood.

use std::net::SocketAddr;
use std::sync::Arc;

use retake_intercept::AddressError;
use retake_model::SetInfo;
use retake_proxy::forward::{ForwardProxy, Mocks};
use retake_proxy::record::StartError;
use retake_proxy::replay::{MockServers, Oracle};

use super::ReplayOptions;
use crate::record::door;

/// Where the recording's forward proxy listened.
///
/// # Errors
/// The recording names an address that is none.
pub(super) fn address(info: &SetInfo) -> Result<Option<SocketAddr>, AddressError> {
    let Some(text) = &info.proxy else {
        return Ok(None);
    };
    let parsed = text.parse().map_err(|_| AddressError {
        text: text.clone(),
        what: "not an address such as 127.0.0.1:18080".to_owned(),
        hint: "correct `proxy` in set.yaml".to_owned(),
    });
    parsed.map(Some)
}

/// Starts it, before these servers.
///
/// # Errors
/// The address is taken.
pub(super) fn start(
    listen: SocketAddr,
    info: &SetInfo,
    options: &ReplayOptions,
    servers: &MockServers,
    oracle: Arc<dyn Oracle>,
) -> Result<ForwardProxy, StartError> {
    let bound = door(listen).bind()?;
    let mocks = Mocks::new(
        servers.adopter(),
        oracle,
        info.dependencies.clone(),
        options.live.clone(),
        options.chain.clone().but_for(bound.listen.addr),
        servers.listens().iter().map(|own| own.addr).collect(),
    );
    ForwardProxy::start(bound.socket, Arc::new(mocks)).map_err(StartError::Worker)
}
