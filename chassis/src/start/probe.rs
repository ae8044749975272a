//! Queries the health of a running service; for container health checks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

use crate::tls::TlsError;
use crate::tls::client::{Identity, builder, shake_hands, with_identity};

/// How to connect to the service.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Without TLS.
    Plain,
    /// With TLS, and a client certificate if the service requires one.
    Tls(Option<(PathBuf, PathBuf)>),
}

/// Whether the service that listens on `addr` reports SERVING within 2 s.
pub async fn health(mut addr: SocketAddr, transport: &Transport) -> bool {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let Some(channel) = channel(addr, transport).await else {
        return false;
    };
    HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await
        .is_ok_and(|answer| answer.get_ref().status() == ServingStatus::Serving)
}

async fn channel(addr: SocketAddr, transport: &Transport) -> Option<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{addr}")).ok()?;
    let endpoint = endpoint
        .timeout(Duration::from_secs(2))
        .connect_timeout(Duration::from_secs(2));
    let identity = match transport {
        Transport::Plain => return endpoint.connect().await.ok(),
        Transport::Tls(identity) => identity.as_ref(),
    };
    let config = accepting_any_certificate(identity).ok()?;
    let connector = service_fn(move |_: Uri| {
        let config = Arc::clone(&config);
        async move {
            let socket = TcpStream::connect(addr).await?;
            let stream = shake_hands(socket, addr.ip().into(), config).await?;
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    });
    endpoint.connect_with_connector(connector).await.ok()
}

/// Accepts any certificate, because the probe sends no secret. A new certificate, or one
/// with an unknown CA or name, therefore does not make a working service look unhealthy.
fn accepting_any_certificate(identity: Option<&Identity>) -> Result<Arc<ClientConfig>, TlsError> {
    let builder = builder()?;
    let algorithms = builder.crypto_provider().signature_verification_algorithms;
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(algorithms)));
    with_identity(builder, identity)
}

#[derive(Debug)]
struct Anyone(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
