//! The server follows its TLS files: new files apply to new connections, and broken ones
//! are not used.

use std::fs;
use std::path::PathBuf;

use chassis::serve::ServeError;
use chassis::settings::config::{ServerConfig, TlsConfig};
use chassis::settings::secret_file;
use chassis::tls::TlsError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::Code;

use crate::app::{App, EMPTY, config, eventually};
use crate::metrics::{address, number, told_in};
use crate::pki::{Authority, Leaf};
use crate::tls::{Client, TlsApp};
use crate::wire::Connection;

/// The server's certificate on a new connection.
async fn shown(tls: &TlsApp) -> Vec<u8> {
    let stream: TlsStream<TcpStream> = tls.connect().await;
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// The certificate as sent over the wire (DER).
fn der(leaf: &Leaf) -> Vec<u8> {
    let certificate = CertificateDer::from_pem_slice(leaf.certificate.as_bytes());
    certificate.unwrap().to_vec()
}

async fn until_shown(tls: &TlsApp, leaf: &Leaf) {
    let wanted = der(leaf);
    eventually("the new certificate is shown", async || {
        shown(tls).await == wanted
    })
    .await;
}

#[tokio::test]
async fn a_new_certificate_is_for_new_connections() {
    let tls = TlsApp::start();
    let mut before = Connection::over(tls.connect().await).await.unwrap();

    let new = tls.authority.issue(&["localhost"]);
    new.write(tls.folder.path(), "server");

    until_shown(&tls, &new).await;
    let answer = before.call(EMPTY, &[]).await;
    assert_eq!(answer.status.code(), Code::Ok);
    assert!(tls.client().gets_through(tls.app.address).await);
}

#[tokio::test]
async fn metrics_tell_when_the_certificate_in_use_expires() {
    let folder = tempfile::tempdir().unwrap();
    let tls = TlsApp::with(told_in(&folder));
    let at = address(&folder).await;
    let end = "addressbook_tls_certificate_end_time_seconds";
    // As of 2100-01-01.
    let new = Some(4_102_444_800.0);
    assert_ne!(number(at, end).await, new);

    tls.authority
        .issue_until(2100)
        .write(tls.folder.path(), "server");

    eventually("the end of the new one is told", async || {
        number(at, end).await == new
    })
    .await;
}

/// A folder that is a link to the current one, as Kubernetes mounts secrets.
#[tokio::test]
async fn a_link_that_points_elsewhere_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("everyone");
    let link = folder.path().join("current");
    let (first, second) = (folder.path().join("1"), folder.path().join("2"));
    let new = authority.issue(&["localhost"]);
    for (dir, leaf) in [(&first, &authority.issue(&["localhost"])), (&second, &new)] {
        fs::create_dir(dir).unwrap();
        leaf.write(dir, "tls");
    }
    std::os::unix::fs::symlink(&first, &link).unwrap();
    let config = with_files(link.join("tls.crt"), link.join("tls.key"));
    let tls = TlsApp {
        app: App::with(config, Vec::new()),
        authority,
        folder,
    };
    assert_ne!(shown(&tls).await, der(&new));

    let moved = tls.folder.path().join("moved");
    std::os::unix::fs::symlink(&second, &moved).unwrap();
    fs::rename(moved, link).unwrap();

    until_shown(&tls, &new).await;
}

#[tokio::test]
async fn what_is_broken_changes_nothing() {
    let tls = TlsApp::start();
    let path = |name: &str| tls.folder.path().join(name);
    let before = shown(&tls).await;
    let other = tls.authority.issue(&["localhost"]);

    let half = &other.certificate[..other.certificate.len() / 2];
    fs::write(path("server.crt"), half).unwrap();
    stays(&tls, &before).await;
    // The other key has not arrived yet.
    fs::write(path("server.crt"), &other.certificate).unwrap();
    stays(&tls, &before).await;
    fs::remove_file(path("server.key")).unwrap();
    stays(&tls, &before).await;

    // Once everything matches, it is used.
    secret_file::write(&path("server.key"), &other.key).unwrap();
    until_shown(&tls, &other).await;
}

/// Long enough for three checks of the files; there is no event to wait for.
async fn stays(tls: &TlsApp, before: &[u8]) {
    for _ in 0..7 {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(shown(tls).await, before);
    }
}

fn with_files(certificate: PathBuf, key: PathBuf) -> ServerConfig {
    ServerConfig {
        tls: TlsConfig {
            tls_cert_file: Some(certificate),
            tls_key_file: Some(key),
            tls_client_ca_file: None,
        },
        ..config()
    }
}

async fn start_error(config: ServerConfig) -> TlsError {
    match App::with(config, Vec::new()).stopped().await {
        Err(ServeError::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_of_no_use_end_a_start_and_show_nothing_of_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("everyone");
    let (certificate, key) = authority.issue(&["localhost"]).write(folder.path(), "a");
    let (_, other_key) = authority.issue(&["localhost"]).write(folder.path(), "b");
    let nothing = folder.path().join("nothing");
    secret_file::write(&nothing, "hunter2").unwrap();
    let missing = folder.path().join("missing");

    let error = start_error(with_files(missing, key.clone())).await;
    assert!(matches!(error, TlsError::Unreadable { .. }), "{error}");
    let error = start_error(with_files(nothing.clone(), key)).await;
    assert!(matches!(error, TlsError::NotPem { .. }), "{error}");
    let error = start_error(with_files(certificate.clone(), nothing.clone())).await;
    assert!(matches!(error, TlsError::NotPem { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let error = start_error(with_files(certificate.clone(), other_key)).await;
    assert!(matches!(error, TlsError::Pair { .. }), "{error}");
}

#[tokio::test]
async fn those_who_issue_certificates_to_clients_can_be_replaced() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let folder = tempfile::tempdir().unwrap();
    let ca = old.write(folder.path(), "clients.crt");
    let tls = TlsApp::with(ServerConfig {
        tls: TlsConfig {
            tls_client_ca_file: Some(ca),
            ..TlsConfig::default()
        },
        ..config()
    });
    let as_client = |leaf: &Leaf| {
        let client = Client::believing(&tls.authority).showing(leaf);
        client.gets_through(tls.app.address)
    };
    let (of_old, of_new) = (old.issue(&["client"]), new.issue(&["client"]));
    assert!(as_client(&of_old).await);
    assert!(!as_client(&of_new).await);

    new.write(folder.path(), "clients.crt");

    eventually("clients of the new issuer are served", async || {
        as_client(&of_new).await
    })
    .await;
    assert!(!as_client(&of_old).await);
}
