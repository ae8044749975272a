//! TLS 1.2 and 1.3: with those who call, and between the services. Certificates
//! and keys are files; a new one is used by new connections, without a restart.

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

/// What gRPC speaks, as ALPN names it.
const H2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// Reads certificates of issuers, PEM, for a library that speaks TLS by itself.
pub fn issuers(path: &Path) -> Result<Vec<u8>, TlsError> {
    let pem = files::Pem::read(path)?;
    pem.issuers()?;
    Ok(pem.text().to_vec())
}

/// The one provider of cryptography. What is recorded today shall not be read by
/// a quantum computer one day, so the hybrid exchange is the first choice.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = default_provider();
    provider
        .kx_groups
        .sort_by_key(|group| group.name() != kx_group::X25519MLKEM768.name());
    Arc::new(provider)
}
