//! TLS for callers: who is accepted, and the limits for those who are not.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::serve::ServeError;
use chassis::settings::config::{ServerConfig, TlsConfig};
use chassis::start::probe::{self, Transport};
use prost::Message;
use proto::auth::v1::GetServerInfoResponse;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, NamedGroup, RootCertStore, SupportedProtocolVersion, version};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::Code;

use crate::app::{App, EMPTY, TIME_LEFT, WAIT, config, eventually};
use crate::pki::{Authority, Leaf};
use crate::wire::{Connection, Frame, PATIENCE};

/// A server with TLS, its files, and who issued them.
pub(crate) struct TlsApp {
    pub(crate) app: App,
    pub(crate) authority: Authority,
    pub(crate) folder: TempDir,
}

impl TlsApp {
    pub(crate) fn start() -> Self {
        Self::with(config())
    }

    /// With these settings changed.
    pub(crate) fn with(config: ServerConfig) -> Self {
        let authority = Authority::new("everyone");
        let folder = tempfile::tempdir().unwrap();
        let config = serving(config, &authority.issue(&["localhost"]), &folder);
        let app = App::with(config, Vec::new());
        Self {
            app,
            authority,
            folder,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::believing(&self.authority)
    }

    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        self.client().connect(self.app.address).await.unwrap()
    }
}

/// The settings, with this certificate.
pub(crate) fn serving(config: ServerConfig, leaf: &Leaf, folder: &TempDir) -> ServerConfig {
    let (certificate, key) = leaf.write(folder.path(), "server");
    ServerConfig {
        tls: TlsConfig {
            tls_cert_file: Some(certificate),
            tls_key_file: Some(key),
            ..config.tls
        },
        ..config
    }
}

/// What a client trusts, presents and supports.
pub(crate) struct Client {
    roots: RootCertStore,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    versions: Vec<&'static SupportedProtocolVersion>,
    protocols: Vec<Vec<u8>>,
    name: &'static str,
}

impl Client {
    pub(crate) fn believing(authority: &Authority) -> Self {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(authority.pem.as_bytes());
        roots.add(root.unwrap()).unwrap();
        Self {
            roots,
            identity: None,
            versions: rustls::ALL_VERSIONS.to_vec(),
            protocols: vec![b"h2".to_vec()],
            name: "localhost",
        }
    }

    pub(crate) fn showing(mut self, leaf: &Leaf) -> Self {
        let certificate = CertificateDer::from_pem_slice(leaf.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes());
        self.identity = Some((certificate.unwrap(), key.unwrap()));
        self
    }

    pub(crate) fn speaking(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// Expects this name of the server.
    pub(crate) fn naming(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    fn over(mut self, protocol: &[u8]) -> Self {
        self.protocols = vec![protocol.to_vec()];
        self
    }

    pub(crate) async fn connect(self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let mut provider = rustls::crypto::aws_lc_rs::default_provider();
        // Like browsers and Go: offers key shares of this one and of X25519.
        let hybrid = NamedGroup::X25519MLKEM768;
        provider
            .kx_groups
            .sort_by_key(|group| group.name() != hybrid);
        let builder = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(self.roots);
        let mut config = match self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(vec![certificate], key)
                .unwrap(),
        };
        config.alpn_protocols = self.protocols;
        let socket = TcpStream::connect(address).await?;
        let name = ServerName::try_from(self.name).unwrap();
        let connect = TlsConnector::from(Arc::new(config)).connect(name, socket);
        timeout(PATIENCE, connect).await.unwrap()
    }

    /// Whether a call succeeds; a server reports a refused certificate only after its
    /// handshake.
    pub(crate) async fn gets_through(self, address: SocketAddr) -> bool {
        let Ok(stream) = self.connect(address).await else {
            return false;
        };
        let Ok(mut connection) = Connection::over(stream).await else {
            return false;
        };
        let answer = timeout(PATIENCE, connection.try_call(EMPTY, &[], b""))
            .await
            .expect("an answer or an end");
        answer.is_ok_and(|answer| answer.status.code() == Code::Ok)
    }
}

#[tokio::test]
async fn a_client_is_served_http_2_and_known_by_its_address() {
    let tls = TlsApp::start();

    for version in [&version::TLS12, &version::TLS13] {
        let client = tls.client().speaking(version);
        let stream = client.connect(tls.app.address).await.unwrap();
        let here = stream.get_ref().0.local_addr().unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut connection = Connection::over(stream).await.unwrap();
        let answer = connection.call(TIME_LEFT, &[]).await;

        assert_eq!(answer.status.code(), Code::Ok);
        let info = GetServerInfoResponse::decode(answer.message).unwrap();
        assert_eq!(info.issuer, here.to_string());
    }
}

#[tokio::test]
async fn what_is_recorded_now_is_safe_from_quantum_computers() {
    let tls = TlsApp::start();

    let stream = tls.connect().await;

    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn a_client_that_believes_others_does_not_get_through() {
    let tls = TlsApp::start();

    let client = Client::believing(&Authority::new("everyone"));
    let refused = client.connect(tls.app.address).await;

    assert!(refused.unwrap_err().to_string().contains("certificate"));
}

#[tokio::test]
async fn an_http_1_request_reaches_its_route_over_tls() {
    let tls = TlsApp::start();
    let client = tls.client().over(b"http/1.1");
    let mut stream = client.connect(tls.app.address).await.unwrap();

    let request = b"GET /page HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\na page"), "{answer}");
}

#[tokio::test]
async fn a_protocol_that_is_not_spoken_is_refused_in_the_handshake() {
    let tls = TlsApp::start();

    let client = tls.client().over(b"smtp");

    assert!(client.connect(tls.app.address).await.is_err());
}

#[tokio::test]
async fn first_words_in_pieces_are_waited_for() {
    let tls = TlsApp::start();
    let mut stream = tls.connect().await;

    // Each write is a separate record.
    for piece in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".chunks(5) {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
    }
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(&settings).await.unwrap();

    let frame = timeout(PATIENCE, Frame::read(&mut stream)).await.unwrap();
    assert_eq!(frame.unwrap().kind, 4);
}

/// Sends half a client hello, and nothing more.
async fn stall(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket
        .write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        .await
        .unwrap();
    socket
}

async fn ends(mut socket: impl AsyncReadExt + Unpin) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    let end = timeout(PATIENCE, socket.read_to_end(&mut rest)).await;
    drop(end.expect("the server ends the connection"));
    began.elapsed()
}

#[tokio::test]
async fn handshakes_that_stall_do_not_keep_a_client_waiting() {
    let tls = TlsApp::start();
    let mut stalled = Vec::new();
    for _ in 0..200 {
        stalled.push(stall(tls.app.address).await);
    }

    let served = timeout(
        Duration::from_secs(5),
        tls.client().gets_through(tls.app.address),
    );

    assert!(served.await.unwrap());
    drop(stalled);
}

#[tokio::test]
async fn who_stalls_is_sent_away() {
    let tls = TlsApp::with(ServerConfig {
        connection_preface: Duration::from_secs(1),
        ..config()
    });
    let silent = tls.connect().await;
    let mut half = tls.connect().await;
    half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();

    let handshake = ends(stall(tls.app.address).await);
    let (handshake, silent, half) = tokio::join!(handshake, ends(silent), ends(half));

    let most = Duration::from_secs(5);
    assert!(handshake < most, "{handshake:?}");
    assert!(silent < most && half < most, "{silent:?} {half:?}");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_sent_away_at_once() {
    let tls = TlsApp::start();

    for words in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let mut socket = TcpStream::connect(tls.app.address).await.unwrap();
        socket.write_all(words).await.unwrap();
        assert!(ends(socket).await < config().connection_preface / 2);
    }
    let mut stream = tls.connect().await;
    stream.write_all(b"garbage").await.unwrap();
    assert!(ends(stream).await < config().connection_preface / 2);

    assert!(tls.client().gets_through(tls.app.address).await);
}

#[tokio::test]
async fn a_stop_lets_an_open_call_finish() {
    let mut tls = TlsApp::start();
    let mut connection = Connection::over(tls.connect().await).await.unwrap();
    let call = tokio::spawn(async move { connection.call(WAIT, &[]).await });
    tls.app.until_waiting(1).await;
    let idle = tls.connect().await;

    tls.app.ask_to_stop();
    eventually("new connections are refused", async || {
        TcpStream::connect(tls.app.address).await.is_err()
    })
    .await;
    assert!(!tls.app.has_stopped());
    tls.app.steering.gate.send_replace(true);

    assert_eq!(call.await.unwrap().status.code(), Code::Ok);
    tls.app.stopped().await.unwrap();
    drop(idle);
}

#[tokio::test]
async fn health_is_asked_whoever_issued_the_certificate() {
    let tls = TlsApp::start();

    assert!(probe::health(tls.app.address, &Transport::Tls(None)).await);
    assert!(!probe::health(tls.app.address, &Transport::Plain).await);
}

fn on_all_addresses(config: ServerConfig) -> App {
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    App::on(listener, config, Vec::new())
}

#[tokio::test]
async fn other_machines_are_not_served_without_tls_by_accident() {
    let mut refused = on_all_addresses(config());
    let ended = refused.stopped().await;
    assert!(matches!(ended, Err(ServeError::Plaintext(_))), "{ended:?}");

    let allowed = on_all_addresses(ServerConfig {
        allow_plaintext: true,
        ..config()
    });
    let here = SocketAddr::from(([127, 0, 0, 1], allowed.address.port()));
    let mut connection = Connection::open(here).await;
    assert_eq!(connection.call(EMPTY, &[]).await.status.code(), Code::Ok);

    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("everyone");
    let config = serving(config(), &authority.issue(&["localhost"]), &folder);
    let encrypted = on_all_addresses(config);
    let here = SocketAddr::from(([127, 0, 0, 1], encrypted.address.port()));
    assert!(Client::believing(&authority).gets_through(here).await);
}
