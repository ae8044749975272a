//! TLS 1.2 and 1.3, for clients and between the services. Certificates and keys are
//! files; new connections use new files without a restart.

pub(crate) mod client;
pub(crate) mod end;
pub(crate) mod files;
pub(crate) mod server;
pub(crate) mod stream;

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};

pub use files::TlsError;

/// The ALPN protocol of gRPC.
const H2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// Reads CA certificates in PEM, for a library with its own TLS.
pub fn issuers(path: &Path) -> Result<Vec<u8>, TlsError> {
    let pem = files::Pem::read(path)?;
    pem.issuers()?;
    Ok(pem.text().to_vec())
}

/// The only provider of cryptography. It prefers the hybrid key exchange, so that a
/// future quantum computer cannot decrypt recorded traffic.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = default_provider();
    provider
        .kx_groups
        .sort_by_key(|group| group.name() != kx_group::X25519MLKEM768.name());
    Arc::new(provider)
}
