//! The client's side: how a service speaks with another one, and a probe with its
//! own.

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

/// A certificate of one's own and its key: their files.
pub(crate) type Identity = (PathBuf, PathBuf);

/// Whom to believe, and what to show.
#[derive(Clone, Debug, Default)]
pub struct ClientFiles {
    /// Certificates of those whose word counts; the public web's when left out.
    pub ca: Option<PathBuf>,
    /// A certificate of one's own and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl ClientFiles {
    /// Whether none is named.
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

/// How to speak TLS to one service.
pub(crate) struct ClientTls {
    name: ServerName<'static>,
    host: String,
    port: u16,
    files: ClientFiles,
    config: ArcSwap<ClientConfig>,
}

impl ClientTls {
    /// Reads the files. `name` is what the service's certificate must say.
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

    /// Connects with what the files hold now, or held when they last were of use.
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

/// Speaks TLS, and HTTP/2 in it.
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

/// What every client begins with.
pub(crate) fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsError> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Provider)
}

/// What every client ends with.
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
