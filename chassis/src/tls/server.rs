//! The server side of TLS: the configuration of new connections, which follows the files.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, Utc};
use rustls::server::WebPkiClientVerifier;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::files::{Pair, Pem, TlsError};
use super::{H2, HTTP_1, end, provider};
use crate::clock::Clock;
use crate::metrics::{Metrics, count};
use crate::settings::config::TlsConfig;

/// How often the files are checked. Contents are compared, not times, because a container
/// mounts links whose times are meaningless.
const LOOK: Duration = Duration::from_secs(1);

/// The time between two warnings about an expiring certificate.
const COMPLAINT: Duration = Duration::from_hours(24);

/// The configuration of new connections; open ones keep theirs.
#[derive(Clone)]
pub(crate) struct ServerTls {
    paths: Arc<Paths>,
    in_force: Arc<ArcSwap<InForce>>,
}

struct Paths {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

struct InForce {
    config: Arc<rustls::ServerConfig>,
    end: Option<DateTime<Utc>>,
    mark: Mark,
}

impl ServerTls {
    /// Reads the files of the settings; without files there is no TLS.
    pub(crate) fn load(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        let pair = config
            .tls_cert_file
            .clone()
            .zip(config.tls_key_file.clone());
        let Some((certificate, key)) = pair else {
            return Ok(None);
        };
        let paths = Paths {
            certificate,
            key,
            client_ca: config.tls_client_ca_file.clone(),
        };
        let in_force = Files::read(&paths)?.in_force()?;
        in_force.complain();
        Ok(Some(Self {
            paths: Arc::new(paths),
            in_force: Arc::new(ArcSwap::from_pointee(in_force)),
        }))
    }

    /// Registers when the certificate in use expires, if there is one.
    pub(crate) fn publish(tls: Option<Self>, metrics: &Metrics) {
        let name = "tls_certificate_end_time_seconds";
        let help = "When the TLS certificate expires, in seconds since the epoch";
        metrics.optional_gauge(name, help, move || {
            let end = tls.as_ref()?.in_force.load().end?;
            usize::try_from(end.timestamp()).ok().map(count)
        });
    }

    /// Runs the handshake, without a timeout.
    pub(crate) async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.in_force.load().config);
        TlsAcceptor::from(config).accept(socket).await
    }

    /// Follows the files, in an endless loop. Content that is the same in two checks is
    /// tried, so that incompletely written files are not; unusable files are logged once.
    pub(crate) async fn follow(self) {
        let mut tried = Some(self.in_force.load().mark);
        let mut seen = tried;
        let mut complained = Instant::now();
        loop {
            sleep(LOOK).await;
            if complained.elapsed() > COMPLAINT {
                self.in_force.load().complain();
                complained = Instant::now();
            }
            let paths = Arc::clone(&self.paths);
            let Ok(files) = spawn_blocking(move || Files::read(&paths)).await else {
                continue;
            };
            let mark = files.as_ref().ok().map(Files::mark);
            let settled = mark == seen;
            seen = mark;
            if !settled || mark == tried {
                continue;
            }
            tried = mark;
            match files.and_then(|files| files.in_force()) {
                Ok(new) => {
                    tracing::info!(end = ?new.end, "new connections get the new TLS certificate");
                    new.complain();
                    self.in_force.store(Arc::new(new));
                }
                Err(error) => {
                    tracing::error!(%error, "the new TLS files cannot be used; the previous ones stay in use");
                }
            }
        }
    }
}

impl InForce {
    fn complain(&self) {
        if let Some(end) = self.end {
            end::log(end, Clock::System.now());
        }
    }
}

/// Identifies one state of the files.
type Mark = [u8; 32];

/// The content of the files at one moment.
struct Files {
    pair: Pair,
    client_ca: Option<Pem>,
}

impl Files {
    fn read(paths: &Paths) -> Result<Self, TlsError> {
        Ok(Self {
            pair: Pair::read(&paths.certificate, &paths.key)?,
            client_ca: paths.client_ca.as_deref().map(Pem::read).transpose()?,
        })
    }

    /// A digest, so that no key is kept for comparison.
    fn mark(&self) -> Mark {
        let mut digest = Context::new(&SHA256);
        let pair = [&self.pair.certificate, &self.pair.key];
        for file in pair.into_iter().chain(&self.client_ca) {
            digest.update(&file.text().len().to_be_bytes());
            digest.update(file.text());
        }
        let mut mark = Mark::default();
        mark.copy_from_slice(digest.finish().as_ref());
        mark
    }

    fn in_force(&self) -> Result<InForce, TlsError> {
        let builder = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Provider)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let issuers = Arc::new(file.issuers()?);
                let verifier = WebPkiClientVerifier::builder_with_provider(issuers, provider());
                let verifier = verifier.build().map_err(|cause| TlsError::Issuers {
                    path: file.path(),
                    cause: cause.into(),
                })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let certificates = self.pair.certificate.certificates()?;
        let end = certificates.first().and_then(end::of);
        let mut config = builder
            .with_single_cert(certificates, self.pair.key.key()?)
            .map_err(|cause| self.pair.refused(cause))?;
        config.alpn_protocols = [H2, HTTP_1].map(<[u8]>::to_vec).into();
        Ok(InForce {
            config: Arc::new(config),
            end,
            mark: self.mark(),
        })
    }
}
