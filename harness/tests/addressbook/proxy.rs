//! Answers of a proxy in place of a service: HTTP statuses without a gRPC status.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use addressbook_client::{Client, Error, Exported, Kind, Policy, Servers, Store};
use h2::server::handshake;
use http::Response;
use proto::auth::v1::GetServerInfoRequest;
use proto::contacts::v1::ExportContactsRequest;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::refresh::list;

const PAST: &str = "2020-01-01T00:00:00Z";
const FUTURE: &str = "2999-01-01T00:00:00Z";

/// A proxy, and the service that it reaches at last.
struct Proxy {
    servers: Servers,
    calls: Arc<AtomicUsize>,
}

impl Proxy {
    /// Answers a call with each of these HTTP statuses; further calls reach a service, which
    /// finds nothing.
    async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(answer(socket, statuses, Arc::clone(&counted)));
            }
        });
        let servers = Servers {
            auth: url.clone(),
            contacts: url,
            ..Servers::default()
        };
        Self { servers, calls }
    }
}

async fn answer(socket: TcpStream, statuses: &[u16], calls: Arc<AtomicUsize>) {
    let mut connection = handshake(socket).await.unwrap();
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let response = match statuses.get(call) {
            Some(status) => Response::builder().status(*status),
            // NOT_FOUND
            None => Response::builder().header("grpc-status", "5"),
        };
        let response = response.body(()).unwrap();
        respond.send_response(response, true).unwrap();
    }
}

#[tokio::test]
async fn a_call_that_a_proxy_cannot_pass_on_is_repeated() {
    let proxy = Proxy::start(&[429, 502, 503, 504]).await;
    let client = Client::with_policy(&proxy.servers, Store::memory(), impatient()).unwrap();

    let call = client.auth().get_server_info(GetServerInfoRequest {}).await;

    assert_eq!(Error::from(call.unwrap_err()).kind, Kind::NotFound);
    assert_eq!(proxy.calls.load(Ordering::Relaxed), 5);
}

/// Writes a profile with tokens of these servers.
fn write_profile(file: &Path, servers: &Servers, expire_time: &str) {
    let profile = json!({
        "servers": {"auth": servers.auth, "contacts": servers.contacts},
        "credentials": {
            "access_token": "of a test",
            "access_expire_time": expire_time,
            "refresh_token": "of a test",
        },
    });
    fs::write(file, profile.to_string()).unwrap();
}

fn impatient() -> Policy {
    Policy {
        first_delay: Duration::from_millis(1),
        ..Policy::default()
    }
}

#[tokio::test]
async fn an_export_that_does_not_begin_is_tried_as_often_as_any_call() {
    let proxy = Proxy::start(&[503; 100]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    write_profile(&file, &proxy.servers, FUTURE);
    let client = Client::with_policy(&proxy.servers, Store::file(&file), impatient()).unwrap();
    let mut export = client.export(ExportContactsRequest::default());

    let error = loop {
        match export.next().await {
            Ok(Exported::Restarted(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };

    assert_eq!(error.kind, Kind::Unavailable);
    let attempts = usize::try_from(impatient().attempts).unwrap();
    assert_eq!(proxy.calls.load(Ordering::Relaxed), attempts);
}

#[tokio::test]
async fn tokens_are_sent_to_no_other_server() {
    let proxy = Proxy::start(&[]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    // As after a log-in of another program while this one is running.
    write_profile(&file, &Servers::default(), PAST);
    let client = Client::new(&proxy.servers, Store::file(&file)).unwrap();

    let listed = list(&client).await.unwrap_err();
    let changed = client.change_password("old", "new").await.unwrap_err();
    let ended = client.log_out().await.unwrap_err();

    for error in [listed, changed, ended] {
        assert_eq!(error.kind, Kind::Precondition, "{error}");
    }
    assert_eq!(proxy.calls.load(Ordering::Relaxed), 0);
    let profile = Store::file(&file).read().await.unwrap();
    assert!(profile.credentials.is_some(), "{profile:?}");
}

#[tokio::test]
async fn a_proxy_ends_no_session() {
    let proxy = Proxy::start(&[401]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    write_profile(&file, &proxy.servers, PAST);
    let client = Client::new(&proxy.servers, Store::file(&file)).unwrap();

    let error = list(&client).await.unwrap_err();

    assert_eq!((error.kind, &*error.reason), (Kind::Unauthenticated, ""));
    let profile = Store::file(&file).read().await.unwrap();
    assert!(profile.credentials.is_some(), "{profile:?}");
}
