//! Where the services are.

use std::path::PathBuf;
use std::time::Duration;

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
}

impl Default for Servers {
    /// The services that `cargo dev` starts.
    fn default() -> Self {
        Self {
            auth: "http://127.0.0.1:50051".into(),
            contacts: "http://127.0.0.1:50052".into(),
            ca_file: None,
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
            Error::local(format_args!("{url} is not the URL of a server: {cause}"))
        };
        let mut endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|cause| invalid(&cause))?;
        match endpoint.uri().scheme_str() {
            Some("http") => {}
            Some("https") => {
                let tls = self.tls()?;
                endpoint = endpoint.tls_config(tls).map_err(|cause| invalid(&cause))?;
            }
            _ => {
                let text = format_args!("{url} must begin with http:// or https://");
                return Err(Error::local(text));
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

#[cfg(test)]
mod tests {
    use super::*;

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
