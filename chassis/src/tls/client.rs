//! The client side of TLS: for calls to another service, and for the health probe.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::WantsClientCert;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ConfigBuilder, WantsVerifier};
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::files::{Pair, Pem, TlsError};
use super::{H2, provider};

/// The files of a client certificate and its key.
pub(crate) type Identity = (PathBuf, PathBuf);

/// The trusted CAs, and the client certificate.
#[derive(Clone, Debug, Default)]
pub struct ClientFiles {
    /// The trusted CA certificates; by default those of the public web.
    pub ca: Option<PathBuf>,
    /// A client certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl ClientFiles {
    /// Whether no file is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ca.is_none() && self.identity.is_none()
    }

    fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let issuers = match &self.ca {
            Some(path) => Pem::read(path)?.issuers()?,
            None => webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(),
        };
        let builder = builder()?.with_root_certificates(issuers);
        with_identity(builder, self.identity.as_ref())
    }
}

/// TLS settings for one service.
pub(crate) struct ClientTls {
    name: ServerName<'static>,
    host: String,
    port: u16,
    files: ClientFiles,
    config: ArcSwap<ClientConfig>,
}

impl ClientTls {
    /// Reads the files. `name` is the required name of the service's certificate.
    pub(crate) fn load(
        name: ServerName<'static>,
        port: u16,
        files: ClientFiles,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            host: name.to_str().into_owned(),
            name,
            port,
            config: ArcSwap::new(files.config()?),
            files,
        })
    }

    /// Connects with the files' current content, or with the last valid one.
    pub(crate) async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let files = self.files.clone();
        match spawn_blocking(move || files.config()).await? {
            Ok(config) => self.config.store(config),
            Err(error) => {
                tracing::warn!(%error, "the new TLS files cannot be used; the previous ones stay in use");
            }
        }
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let shaken = shake_hands(socket, self.name.clone(), self.config.load_full()).await;
        shaken.map_err(|error| {
            let host = &self.host;
            io::Error::new(
                error.kind(),
                format!("the TLS handshake with {host} failed: {error}"),
            )
        })
    }
}

/// Runs the TLS handshake, with HTTP/2 inside.
pub(crate) async fn shake_hands(
    socket: TcpStream,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    socket.set_nodelay(true)?;
    let stream = TlsConnector::from(config).connect(name, socket).await?;
    if stream.get_ref().1.alpn_protocol() != Some(H2) {
        return Err(io::Error::other("the server does not speak HTTP/2"));
    }
    Ok(stream)
}

/// The first part of every client configuration.
pub(crate) fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Provider)
}

/// The last part of every client configuration.
pub(crate) fn with_identity(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    identity: Option<&Identity>,
) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let pair = Pair::read(certificate, key)?;
            let certificates = pair.certificate.certificates()?;
            builder
                .with_client_auth_cert(certificates, pair.key.key()?)
                .map_err(|cause| pair.refused(cause))?
        }
    };
    config.alpn_protocols = vec![H2.to_vec()];
    Ok(Arc::new(config))
}
