//! The one provider of cryptography.

use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;

/// aws-lc-rs, given to every configuration by name: no default of the process is relied on.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let make = || Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Arc::clone(PROVIDER.get_or_init(make))
}
