//! Answers of a proxy in place of a service: HTTP statuses without a gRPC status.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use addressbook_client::{Client, Error, Kind, Policy, Servers, Store};
use h2::server::handshake;
use http::Response;
use proto::auth::v1::GetServerInfoRequest;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::refresh::list;

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
    let policy = Policy {
        first_delay: Duration::from_millis(1),
        ..Policy::default()
    };
    let client = Client::with_policy(&proxy.servers, Store::memory(), policy).unwrap();

    let call = client.auth().get_server_info(GetServerInfoRequest {}).await;

    assert_eq!(Error::from(call.unwrap_err()).kind, Kind::NotFound);
    assert_eq!(proxy.calls.load(Ordering::Relaxed), 5);
}

#[tokio::test]
async fn a_proxy_ends_no_session() {
    let proxy = Proxy::start(&[401]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    let profile = json!({
        "servers": {"auth": proxy.servers.auth, "contacts": proxy.servers.contacts},
        "credentials": {
            "access_token": "of a test",
            "access_expire_time": "2020-01-01T00:00:00Z",
            "refresh_token": "of a test",
        },
    });
    fs::write(&file, profile.to_string()).unwrap();
    let client = Client::new(&proxy.servers, Store::file(&file)).unwrap();

    let error = list(&client).await.unwrap_err();

    assert_eq!((error.kind, &*error.reason), (Kind::Unauthenticated, ""));
    let profile = Store::file(&file).read().await.unwrap();
    assert!(profile.credentials.is_some(), "{profile:?}");
}
