//! Clients that must present a certificate.

use std::path::PathBuf;

use chassis::settings::config::{ServerConfig, TlsConfig};
use chassis::start::probe::{self, Transport};
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rustls::version;
use tempfile::TempDir;

use crate::app::config;
use crate::pki::{Authority, Leaf};
use crate::tls::{Client, TlsApp};

/// A server whose clients need a certificate issued by `clients`.
struct Mutual {
    tls: TlsApp,
    clients: Authority,
    folder: TempDir,
}

impl Mutual {
    fn start() -> Self {
        let clients = Authority::new("clients");
        let folder = tempfile::tempdir().unwrap();
        let tls = TlsConfig {
            tls_client_ca_file: Some(clients.write(folder.path(), "clients.crt")),
            ..TlsConfig::default()
        };
        let config = ServerConfig { tls, ..config() };
        Self {
            tls: TlsApp::with(config),
            clients,
            folder,
        }
    }

    fn client(&self) -> Client {
        self.tls.client()
    }

    async fn serves(&self, client: Client) -> bool {
        client.gets_through(self.tls.app.address).await
    }

    async fn is_healthy(&self, identity: Option<&Leaf>) -> bool {
        let files = |leaf: &Leaf| -> (PathBuf, PathBuf) { leaf.write(self.folder.path(), "me") };
        let transport = Transport::Tls(identity.map(files));
        probe::health(self.tls.app.address, &transport).await
    }
}

#[tokio::test]
async fn only_clients_of_the_issuer_are_served() {
    let mutual = Mutual::start();
    let good = mutual.clients.issue_for(&["client"], vec![ClientAuth]);
    let of_another = Authority::new("clients").issue(&["client"]);
    let of_the_servers = mutual.tls.authority.issue(&["client"]);
    let for_servers = mutual.clients.issue_for(&["client"], vec![ServerAuth]);

    for version in [&version::TLS12, &version::TLS13] {
        let client = || mutual.client().speaking(version);
        assert!(mutual.serves(client().showing(&good)).await);
        assert!(!mutual.serves(client()).await);
        assert!(!mutual.serves(client().showing(&of_another)).await);
        assert!(!mutual.serves(client().showing(&of_the_servers)).await);
        assert!(!mutual.serves(client().showing(&for_servers)).await);
    }
}

#[tokio::test]
async fn health_shows_a_certificate_where_one_is_asked_for() {
    let mutual = Mutual::start();

    let good = mutual.clients.issue(&["probe"]);
    let bad = Authority::new("clients").issue(&["probe"]);

    assert!(mutual.is_healthy(Some(&good)).await);
    assert!(!mutual.is_healthy(None).await);
    assert!(!mutual.is_healthy(Some(&bad)).await);
}
