//! Where the services are.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use serde::{Deserialize, Serialize};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::error::Error;

/// How often an idle connection is checked, and how long the answer may take. A stream
/// whose server has disappeared ends after both.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(10));

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Where the services are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servers {
    /// The URL of the auth service: `https://…` with TLS, `http://…` without.
    pub auth: String,
    /// The URL of the contacts service.
    pub contacts: String,
    /// A PEM file of CA certificates; by default the system's are trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Whether passwords and tokens may be sent without TLS to other machines than this one.
    #[serde(default)]
    pub allow_plaintext: bool,
}

impl Default for Servers {
    /// The services that `cargo dev` starts.
    fn default() -> Self {
        Self {
            auth: "http://127.0.0.1:50051".into(),
            contacts: "http://127.0.0.1:50052".into(),
            ca_file: None,
            allow_plaintext: false,
        }
    }
}

impl Servers {
    /// The channels to both. They connect with the first call.
    pub(crate) fn channels(&self) -> Result<[Channel; 2], Error> {
        Ok([self.channel(&self.auth)?, self.channel(&self.contacts)?])
    }

    fn channel(&self, url: &str) -> Result<Channel, Error> {
        let invalid = |cause: &dyn std::error::Error| {
            Error::invalid(format_args!("{url} is not the URL of a server: {cause}"))
        };
        let mut endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|cause| invalid(&cause))?;
        match endpoint.uri().scheme_str() {
            Some("http") if self.allow_plaintext || is_loopback(endpoint.uri()) => {}
            Some("http") => {
                let text = format_args!(
                    "{url} would receive passwords and tokens without TLS; use https://, or log in \
                     with --allow-plaintext"
                );
                return Err(Error::invalid(text));
            }
            Some("https") => {
                let tls = self.tls()?;
                endpoint = endpoint.tls_config(tls).map_err(|cause| invalid(&cause))?;
            }
            _ => {
                let text = format_args!("{url} must begin with http:// or https://");
                return Err(Error::invalid(text));
            }
        }
        let (interval, patience) = KEEP_ALIVE;
        let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        let endpoint = endpoint
            .user_agent(agent)
            .map_err(|cause| invalid(&cause))?;
        Ok(endpoint
            .connect_timeout(CONNECT_MAX)
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(patience)
            .keep_alive_while_idle(true)
            .connect_lazy())
    }

    fn tls(&self) -> Result<ClientTlsConfig, Error> {
        let config = ClientTlsConfig::new();
        let Some(path) = &self.ca_file else {
            return Ok(config.with_native_roots());
        };
        let pem = std::fs::read(path).map_err(|cause| {
            Error::local(format_args!("cannot read {}: {cause}", path.display()))
        })?;
        Ok(config.ca_certificate(Certificate::from_pem(pem)))
    }
}

/// Whether what is sent there stays on this machine.
fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn secrets_leave_the_machine_only_with_tls_or_if_allowed() {
        for url in ["http://192.0.2.1:1", "http://127.0.0.1.example.com"] {
            let strict = Servers::default();
            let error = strict.channel(url).map(drop).unwrap_err();
            assert!(error.message.contains(url), "{error}");
            let open = Servers {
                allow_plaintext: true,
                ..strict
            };
            assert!(open.channel(url).is_ok(), "{url}");
        }
        for url in ["http://[::1]:1", "http://127.8.9.1:1", "http://LOCALHOST"] {
            assert!(Servers::default().channel(url).is_ok(), "{url}");
        }
    }

    #[tokio::test]
    async fn the_scheme_of_a_url_is_required() {
        let channel = |url: &str| {
            Servers::default()
                .channel(url)
                .map_err(|error| error.message.clone())
        };

        assert!(channel("http://127.0.0.1:1").is_ok());
        assert!(channel("https://addressbook.example.com").is_ok());
        for url in ["127.0.0.1:1", "ftp://example.com", "not a url"] {
            assert!(channel(url).unwrap_err().contains(url), "{url}");
        }
    }
}
