//! `GetJwks`, its plain twin, and `GetServerInfo`.

use proto::auth::v1::{GetJwksRequest, GetServerInfoRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::{App, PASSWORD};

/// `GET path` over HTTP/1.1: the head and the body.
pub(crate) async fn get(address: &str, path: &str) -> (String, String) {
    get_with(address, path, "").await
}

/// The same, with header lines that end with CRLF.
pub(crate) async fn get_with(address: &str, path: &str, headers: &str) -> (String, String) {
    let (head, body) = get_bytes(address, path, headers).await;
    (head, String::from_utf8(body).unwrap())
}

/// The same, of any content.
pub(crate) async fn get_bytes(address: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n");
    let body = answer.split_off(end.unwrap() + 4);
    let head = String::from_utf8(answer).unwrap();
    (head.trim_end().to_lowercase(), body)
}

#[tokio::test]
async fn the_key_of_a_token_is_published_both_ways() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;
    let kid = jsonwebtoken::decode_header(&access).unwrap().kid.unwrap();

    let answer = app
        .auth
        .clone()
        .get_jwks(GetJwksRequest {})
        .await
        .unwrap()
        .into_inner();
    let (head, body) = get(&app.address, "/.well-known/jwks.json").await;

    assert_eq!(answer.cache_duration.unwrap().seconds, 300);
    assert_eq!(answer.keys.len(), 1);
    let key = &answer.keys[0];
    assert_eq!(
        (&*key.kty, &*key.crv, &*key.alg),
        ("OKP", "Ed25519", "EdDSA")
    );
    assert_eq!((&*key.r#use, &*key.kid, &*key.y), ("sig", &*kid, ""));
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(
        head.contains("cache-control: public, max-age=300"),
        "{head}"
    );
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let expected = serde_json::json!({ "keys": [{
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": key.x,
    }]});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn es256_is_used_where_it_is_configured() {
    let app = App::start_with(&["--signing-algorithm=ES256"]).await;
    app.sign_up("ada@example.org").await.unwrap();

    let tokens = app.log_in("ada@example.org", PASSWORD).await.unwrap();

    app.get_me(&tokens.access_token).await.unwrap();
    let keys = app
        .auth
        .clone()
        .get_jwks(GetJwksRequest {})
        .await
        .unwrap()
        .into_inner()
        .keys;
    assert_eq!(
        (&*keys[0].kty, &*keys[0].crv, &*keys[0].alg),
        ("EC", "P-256", "ES256")
    );
    assert!(!keys[0].x.is_empty() && !keys[0].y.is_empty());
    let header = jsonwebtoken::decode_header(&tokens.access_token).unwrap();
    assert_eq!(header.kid.as_ref(), Some(&keys[0].kid));
}

#[tokio::test]
async fn the_server_tells_its_settings() {
    let app = App::start_with(&[
        "--access-token-ttl-seconds=60",
        "--issuer=https://id.example",
    ])
    .await;

    let info = app
        .auth
        .clone()
        .get_server_info(GetServerInfoRequest {})
        .await
        .unwrap()
        .into_inner();

    assert_eq!(info.issuer, "https://id.example");
    assert_eq!(info.signing_algorithms, ["EdDSA"]);
    assert_eq!(info.access_token_ttl.unwrap().seconds, 60);
    assert_eq!(info.refresh_idle_ttl.unwrap().seconds, 14 * 86_400);
    assert_eq!(info.refresh_absolute_ttl.unwrap().seconds, 90 * 86_400);
    assert_eq!(info.password_min_length, 12);
    assert!(!info.email_verification_required);
    assert!(!info.version.is_empty());
}
