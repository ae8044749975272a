//! A service calls another one over TLS: which server it accepts, which certificate it
//! presents, and what happens when its files change.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chassis::auth_client::upstream::{ClientFiles, Upstream, UpstreamError};
use chassis::settings::config::{ServerConfig, TlsConfig};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::app::{App, config, eventually};
use crate::key_feed::Feed;
use crate::pki::{Authority, Leaf};
use crate::tls::{Client, TlsApp, serving};
use crate::token::Mint;

/// After this time a client must reconnect.
const CONNECTION_AGE: Duration = Duration::from_secs(1);

fn follow(address: SocketAddr, files: ClientFiles) -> Feed {
    let url = format!("https://{address}");
    Feed::from(Upstream::new(&url, files, false).unwrap())
}

/// An auth service for 127.0.0.1 that requires certificates, and both sides' files.
struct Auth {
    app: App,
    authority: Authority,
    clients: Authority,
    folder: TempDir,
}

impl Auth {
    fn start(key: &Mint) -> Self {
        let (authority, clients) = (Authority::new("auth"), Authority::new("clients"));
        let folder = tempfile::tempdir().unwrap();
        let config = ServerConfig {
            connection_age: CONNECTION_AGE,
            tls: TlsConfig {
                tls_client_ca_file: Some(clients.write(folder.path(), "clients.crt")),
                ..TlsConfig::default()
            },
            ..config()
        };
        let config = serving(config, &authority.issue(&["127.0.0.1"]), &folder);
        let app = App::with(config, Vec::new());
        app.set_jwks(vec![key.jwk()], Duration::from_secs(1));
        Self {
            app,
            authority,
            clients,
            folder,
        }
    }

    fn files(&self, identity: &Leaf) -> ClientFiles {
        ClientFiles {
            ca: Some(self.authority.write(self.folder.path(), "auth.crt")),
            identity: Some(identity.write(self.folder.path(), "client")),
        }
    }
}

#[tokio::test]
async fn keys_are_followed_over_tls_and_with_a_certificate_that_changes() {
    let (a, b, c) = (Mint::ed_dsa("a"), Mint::ed_dsa("b"), Mint::ed_dsa("c"));
    let auth = Auth::start(&a);
    let (address, mut ended) = doorman(auth.app.address).await;
    let feed = follow(address, auth.files(&auth.clients.issue(&["contacts"])));
    feed.until_passes(&a).await;

    // All CAs and certificates are new, and the old ones no longer work.
    let (servers, clients) = (Authority::new("auth"), Authority::new("clients"));
    clients
        .issue(&["contacts"])
        .write(auth.folder.path(), "client");
    servers.write(auth.folder.path(), "auth.crt");
    clients.write(auth.folder.path(), "clients.crt");
    servers
        .issue(&["127.0.0.1"])
        .write(auth.folder.path(), "server");
    let other = clients.issue(&["other"]);
    eventually("the server has the new files", async || {
        let client = Client::believing(&servers).naming("127.0.0.1");
        client.showing(&other).gets_through(auth.app.address).await
    })
    .await;
    auth.app.set_jwks(vec![b.jwk()], Duration::from_secs(1));
    feed.until_passes(&b).await;

    // With a broken file the feed keeps the previous one, over several connections.
    std::fs::write(auth.folder.path().join("client.key"), "half").unwrap();
    while ended.try_recv().is_ok() {}
    for _ in 0..3 {
        ended.recv().await.unwrap();
    }
    auth.app.set_jwks(vec![c.jwk()], Duration::from_secs(1));
    feed.until_passes(&c).await;
}

/// Forwards connections to `to`, and reports their numbers.
async fn doorman(to: SocketAddr) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (passed, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for number in 1.. {
            let (mut client, _) = listener.accept().await.unwrap();
            let passed = passed.clone();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut client, &mut server).await;
                let _ = passed.send(number);
            });
        }
    });
    (address, receiver)
}

/// Follows until three connections have failed.
async fn hears_nothing(to: SocketAddr, files: ClientFiles) {
    let (address, mut ended) = doorman(to).await;
    let feed = follow(address, files);
    for _ in 0..3 {
        ended.recv().await.unwrap();
    }
    assert!(!feed.loaded());
}

#[tokio::test]
async fn keys_of_a_stranger_are_not_followed() {
    let a = Mint::ed_dsa("a");
    let auth = Auth::start(&a);
    let good = auth.clients.issue(&["contacts"]);
    let believing = |authority: &Authority, name: &str| ClientFiles {
        ca: Some(authority.write(auth.folder.path(), name)),
        ..auth.files(&good)
    };

    let other = Authority::new("auth");
    hears_nothing(auth.app.address, believing(&other, "other.crt")).await;
    let web = ClientFiles {
        ca: None,
        ..auth.files(&good)
    };
    hears_nothing(auth.app.address, web).await;
    // From the right CA, for another name.
    let named = TlsApp::start();
    named.app.set_jwks(vec![a.jwk()], Duration::from_secs(1));
    hears_nothing(named.app.address, believing(&named.authority, "named.crt")).await;
}

#[tokio::test]
async fn keys_are_not_told_to_a_stranger() {
    let auth = Auth::start(&Mint::ed_dsa("a"));
    let good = auth.clients.issue(&["contacts"]);

    let nothing = ClientFiles {
        identity: None,
        ..auth.files(&good)
    };
    hears_nothing(auth.app.address, nothing).await;
    let of_another = Authority::new("clients").issue(&["contacts"]);
    hears_nothing(auth.app.address, auth.files(&of_another)).await;
}

#[test]
fn files_of_no_use_are_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("auth");
    let (certificate, _) = authority.issue(&["a"]).write(folder.path(), "a");
    let (_, other_key): (PathBuf, PathBuf) = authority.issue(&["b"]).write(folder.path(), "b");

    let files = ClientFiles {
        ca: Some(authority.write(folder.path(), "ca.crt")),
        identity: Some((certificate, other_key)),
    };

    let refused = Upstream::new("https://127.0.0.1:1", files, false);
    assert!(matches!(refused, Err(UpstreamError::Tls(_))));
}
