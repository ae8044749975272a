//! Another service that this one calls: its URL and TLS settings.

use std::net::IpAddr;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

pub use crate::tls::client::ClientFiles;

use crate::tls::TlsError;
use crate::tls::client::ClientTls;

/// Why a service cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The setting is not a URL.
    #[error("the URL of the other service is invalid, or does not begin with http:// or https://")]
    Url,
    /// The setting's scheme contradicts the other settings.
    #[error("TLS files are set, but the URL of the other service does not begin with https://")]
    NotTls,
    /// Secrets would be sent over the network unencrypted.
    #[error(
        "{0} is another machine, and would be called without TLS; \
         use https://, or set ALLOW_PLAINTEXT if the network is private"
    )]
    Plaintext(String),
    /// The files cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A service to call.
#[derive(Clone)]
pub struct Upstream {
    endpoint: Endpoint,
    tls: Option<Arc<ClientTls>>,
}

impl Upstream {
    /// Reads the settings. Connects when the first call is made.
    pub fn new(
        url: &str,
        files: ClientFiles,
        allow_plaintext: bool,
    ) -> Result<Self, UpstreamError> {
        let uri: Uri = url.parse().map_err(|_| UpstreamError::Url)?;
        // An IPv6 address is in brackets.
        let host = uri.host().ok_or(UpstreamError::Url)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let tls = match uri.scheme_str() {
            Some("https") => {
                let name = ServerName::try_from(host).map_err(|_| UpstreamError::Url)?;
                let port = uri.port_u16().unwrap_or(443);
                Some(Arc::new(ClientTls::load(name, port, files)?))
            }
            Some("http") if !files.is_empty() => return Err(UpstreamError::NotTls),
            Some("http") if allow_plaintext || is_here(&host) => None,
            Some("http") => return Err(UpstreamError::Plaintext(host)),
            _ => return Err(UpstreamError::Url),
        };
        Ok(Self {
            endpoint: endpoint(uri)?,
            tls,
        })
    }

    /// A channel that connects on demand, each time with the files' current content.
    pub(crate) fn channel(&self, prepare: impl FnOnce(Endpoint) -> Endpoint) -> Channel {
        let endpoint = prepare(self.endpoint.clone());
        let Some(tls) = &self.tls else {
            return endpoint.connect_lazy();
        };
        let tls = Arc::clone(tls);
        endpoint.connect_with_connector_lazy(service_fn(move |_: Uri| {
            let tls = Arc::clone(&tls);
            async move { tls.connect().await.map(TokioIo::new) }
        }))
    }
}

/// How tonic calls this URL. Our own connector speaks TLS, so tonic connects as if there was
/// none: where another crate of the build enables TLS of its own, it refuses `https`.
fn endpoint(uri: Uri) -> Result<Endpoint, UpstreamError> {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    let connected = Uri::from_parts(parts).map_err(|_| UpstreamError::Url)?;
    Ok(Endpoint::from(connected).origin(uri))
}

/// Whether a host is certainly this machine.
fn is_here(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(url: &str, ca: Option<&str>, allow_plaintext: bool) -> Result<(), UpstreamError> {
        let files = ClientFiles {
            ca: ca.map(Into::into),
            identity: None,
        };
        Upstream::new(url, files, allow_plaintext).map(drop)
    }

    #[test]
    fn another_machine_is_called_without_tls_only_if_that_is_allowed() {
        for here in ["127.0.0.1", "127.8.8.8", "[::1]", "localhost"] {
            with(&format!("http://{here}:1"), None, false).unwrap();
        }
        for other in ["10.0.0.1", "auth", "[2001:db8::1]", "127.0.0.1.example.com"] {
            let url = format!("http://{other}:1");
            let refused = with(&url, None, false);
            assert!(matches!(refused, Err(UpstreamError::Plaintext(_))), "{url}");
            with(&url, None, true).unwrap();
        }
    }

    #[test]
    fn settings_that_would_do_nothing_are_refused() {
        let unused = with("http://127.0.0.1:1", Some("ca.pem"), true);
        assert!(matches!(unused, Err(UpstreamError::NotTls)));
        for no_url in ["", "auth:50051", "127.0.0.1:1", "ftp://auth", "https://"] {
            let refused = with(no_url, None, true);
            assert!(matches!(refused, Err(UpstreamError::Url)), "{no_url}");
        }
        let missing = with("https://auth:1", Some("/nowhere/ca.pem"), false);
        assert!(matches!(missing, Err(UpstreamError::Tls(_))));
    }

    #[test]
    fn public_cas_are_trusted_unless_others_are_set() {
        with("https://auth.example.com", None, false).unwrap();
        with("https://[::1]:50051", None, false).unwrap();
    }
}
