//! What a web page, or a user with a browser, sends to the services.

use prost::Message;
use proto::auth::v1::SignUpRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::transport::Endpoint;

use crate::pair::Pair;
use crate::user::{PASSWORD, reason, refusal};
use crate::wire::{framed, socket};

const BROWSER: [u8; 4] = [127, 0, 0, 1];
const SIGN_UP: &str = "/addressbook.auth.v1.AuthService/SignUp";

/// Sends an HTTP/1.1 request; returns the first line of the response.
async fn ask(address: &str, head: &str, body: &[u8]) -> String {
    let mut socket = socket(BROWSER, address).await;
    let length = body.len();
    let head = format!("{head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    // A close or a reset, as long as the response has arrived.
    let _ = socket.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_makes_no_calls() {
    let pair = Pair::start().await;
    let side = pair.side(0);
    let auth = pair.program(0).address();
    let request = SignUpRequest {
        email: "ada@example.com".into(),
        password: PASSWORD.into(),
        display_name: "Ada".into(),
        request_id: String::new(),
    };
    let body = framed(&request.encode_to_vec());

    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let head = format!("POST {SIGN_UP} HTTP/1.1\r\nhost: {auth}\r\ncontent-type: {kind}");
        let answer = ask(auth, &head, &body).await;
        assert!(answer.contains(" 415 "), "{kind}: {answer}");
    }
    let head = format!("POST {SIGN_UP} HTTP/1.1\r\nhost: {auth}\r\ncontent-type: application/grpc");
    let answer = ask(auth, &head, &body).await;
    assert!(answer.contains(" 505 "), "{answer}");

    let log_in = side.log_in("ada@example.com", PASSWORD).await;
    assert_eq!(refusal(log_in), "INVALID_CREDENTIALS");
    side.user("ada@example.com").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_where_nothing_is_served() {
    let pair = Pair::start().await;

    for program in [pair.program(0), pair.program(1)] {
        let address = program.address();
        for path in [
            "/",
            "/health",
            "/index.html",
            "/addressbook.auth.v1.AuthService/",
        ] {
            let head = format!("GET {path} HTTP/1.1\r\nhost: {address}");
            let answer = ask(address, &head, b"").await;
            assert!(answer.contains(" 404 "), "{path}: {answer}");
        }
    }
}

/// A page's own host name that resolves to this machine (DNS rebinding).
#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_this_machine_answers_to_its_own_names_alone() {
    let pair = Pair::start().await;
    let auth = pair.program(0).address();
    let page = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: ";

    let own = ask(auth, &format!("{page}localhost"), b"").await;
    let foreign = ask(auth, &format!("{page}evil.example.com"), b"").await;

    assert!(own.contains(" 200 "), "{own}");
    assert!(foreign.contains(" 421 "), "{foreign}");
    let endpoint = Endpoint::from_shared(format!("http://{auth}")).unwrap();
    let origin = "http://evil.example.com".parse().unwrap();
    let mut side = pair.side(0);
    let channel = endpoint.origin(origin).connect().await.unwrap();
    side.auth = proto::auth::v1::auth_service_client::AuthServiceClient::new(channel);
    let refused = side.sign_up("ada@example.com").await.unwrap_err();
    assert_eq!(reason(&refused), "HOST_NOT_ALLOWED");
}
