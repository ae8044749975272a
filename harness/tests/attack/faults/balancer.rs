//! Two replicas of contacts with `HAProxy` in front of them, as deploy/haproxy configures it.

use std::env;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use http::Uri;
use proto::contacts::v1::ListContactsRequest;
use proto::contacts::v1::contacts_service_client::ContactsServiceClient;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

use crate::pair::{Pair, Program, until};
use crate::user::bearer;

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/haproxy/haproxy.cfg");

/// The name of its log in its folder.
const LOG: &str = "log";

/// A running `HAProxy`, which listens on sockets in a folder; killed when dropped.
struct Balancer {
    child: Child,
    folder: TempDir,
}

impl Balancer {
    /// In front of these replicas of contacts; `None` on a machine without `HAProxy`, which
    /// is a failure in CI.
    #[expect(clippy::print_stderr, reason = "what was not tested must be seen")]
    fn start(pair: &Pair, replicas: [&Program; 2]) -> Option<Self> {
        let program = Path::new("/usr/sbin/haproxy");
        if !program.exists() {
            assert!(
                env::var_os("CI").is_none(),
                "CI must not go without HAProxy"
            );
            eprintln!("NOT TESTED: HAProxy is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let bind = |name| format!("unix@{}", folder.path().join(name).display());
        let child = Command::new(program)
            .args(["-f", CONFIG])
            .env_clear()
            .env("AUTH_BIND", bind("auth"))
            .env("AUTH_1", pair.program(0).address())
            .env("AUTH_2", pair.program(2).address())
            .env("CONTACTS_BIND", bind("contacts"))
            .env("CONTACTS_1", replicas[0].address())
            .env("CONTACTS_2", replicas[1].address())
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join(LOG)).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { child, folder })
    }

    fn contacts(&self) -> ContactsServiceClient<Channel> {
        let socket = self.folder.path().join("contacts");
        let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display())).unwrap();
        // A service on its own machine refuses the name that tonic sends for a socket.
        let endpoint = endpoint.origin(Uri::from_static("http://localhost"));
        ContactsServiceClient::new(endpoint.connect_lazy())
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether this many calls in a row succeed.
async fn succeed(book: &ContactsServiceClient<Channel>, token: &str, calls: usize) -> bool {
    for _ in 0..calls {
        let list = bearer(ListContactsRequest::default(), token);
        if book.clone().list_contacts(list).await.is_err() {
            return false;
        }
    }
    true
}

/// Fewer calls than fit into the time in which a failed replica is still called.
const CALLS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_when_a_replica_is_killed() {
    let pair = Pair::start().await;
    let (killed, _) = pair.further("contacts-service-2", &[]).await;
    let Some(balancer) = Balancer::start(&pair, [pair.program(1), &killed]) else {
        return;
    };
    let token = pair.side(0).user("ada@example.com").await.access_token;
    let book = balancer.contacts();
    let works = async || succeed(&book, &token, CALLS).await.then_some(());
    until("both replicas serve", works).await;

    drop(killed);

    // A call that was sent to it at this moment may fail.
    until("a call succeeds", async || {
        succeed(&book, &token, 1).await.then_some(())
    })
    .await;
    assert!(succeed(&book, &token, CALLS).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_does_not_serve_is_not_called() {
    let pair = Pair::start().await;
    let nowhere = [("AUTH_URL", "http://127.0.0.1:1")];
    let (useless, _) = pair.further("contacts-service-2", &nowhere).await;
    assert!(!useless.is_serving().await);
    let Some(balancer) = Balancer::start(&pair, [pair.program(1), &useless]) else {
        return;
    };
    let token = pair.side(0).user("ada@example.com").await.access_token;
    let book = balancer.contacts();

    // Before the first check both are called.
    let works = async || succeed(&book, &token, CALLS).await.then_some(());
    until("only the other one is called", works).await;

    assert!(succeed(&book, &token, CALLS).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_no_message_of_a_call_by_get() {
    let pair = Pair::start().await;
    let Some(balancer) = Balancer::start(&pair, [pair.program(1); 2]) else {
        return;
    };
    let in_folder = |name| balancer.folder.path().join(name);
    let call = "GET /addressbook.auth.v1.AuthService/GetServerInfo\
                ?encoding=json&message=%7B%22secret%22:1%7D HTTP/1.1\r\n\
                host: localhost\r\nconnection: close\r\n\r\n";

    until("the call succeeds", async || {
        let mut socket = UnixStream::connect(in_folder("auth")).await.ok()?;
        socket.write_all(call.as_bytes()).await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        answer.starts_with("HTTP/1.1 200 ").then_some(())
    })
    .await;

    let log = until("the call is logged", async || {
        let log = fs::read_to_string(in_folder(LOG)).ok()?;
        log.contains("AuthService/GetServerInfo").then_some(log)
    })
    .await;
    assert!(!log.contains("secret"), "{log}");
}
