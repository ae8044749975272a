//! Tokens are refreshed by one task of one program at a time.

use std::fs;
use std::path::Path;

use addressbook_client::{Client, Error, Kind, LogIn, Servers, Store};
use futures_util::future::join_all;
use proto::auth::v1::RefreshTokenRequest;
use proto::auth::v1::SignUpRequest;
use proto::contacts::v1::{ImportHeader, ListContactsRequest};
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use testing::in_time;

use crate::cli::PASSWORD;
use crate::stack::Stack;

/// Whoever presents an old refresh token ends the session, unless it repeats the same
/// request.
const NO_GRACE: [(&str, &str); 1] = [("REFRESH_GRACE_SECONDS", "0")];

const EMAIL: &str = "ada@example.com";

pub(crate) fn servers(stack: &Stack) -> Servers {
    Servers {
        auth: format!("http://{}", stack.auth),
        contacts: format!("http://{}", stack.contacts),
        ..Servers::default()
    }
}

/// A user whose profile is in this file.
pub(crate) async fn user(stack: &Stack, file: &Path) -> Client {
    let client = Client::new(&servers(stack), Store::file(file)).unwrap();
    let request = SignUpRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        ..SignUpRequest::default()
    };
    client.auth().sign_up(request).await.unwrap();
    let log_in = client.log_in(EMAIL, PASSWORD, "test").await.unwrap();
    assert!(matches!(log_in, LogIn::Done(_)));
    client
}

pub(crate) async fn list(client: &Client) -> Result<usize, Error> {
    let request = ListContactsRequest::default();
    let page = client.contacts().list_contacts(request).await?;
    Ok(page.into_inner().contacts.len())
}

/// How often the user's last session was refreshed.
async fn refreshes(stack: &Stack) -> i64 {
    let sql = "SELECT gen FROM auth.sessions ORDER BY id DESC LIMIT 1";
    let mut database = stack.database().connect().await.unwrap();
    sqlx::query_scalar(sql)
        .fetch_one(&mut database)
        .await
        .unwrap()
}

/// Changes a member of the stored credentials.
fn set(file: &Path, member: &str, value: Value) -> Value {
    let mut profile: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let before = profile["credentials"][member].take();
    profile["credentials"][member] = value;
    fs::write(file, profile.to_string()).unwrap();
    before
}

fn expire(file: &Path) {
    set(file, "access_expire_time", json!("2020-01-01T00:00:00Z"));
}

#[tokio::test]
async fn concurrent_calls_wait_for_one_refresh() {
    let stack = Stack::start_with(&[], &NO_GRACE);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    user(&stack, &file).await;
    expire(&file);
    let client = Client::new(&servers(&stack), Store::file(&file)).unwrap();

    let lists = join_all((0..40).map(|_| list(&client))).await;

    assert!(lists.iter().all(Result::is_ok), "{lists:?}");
    assert_eq!(refreshes(&stack).await, 1);
}

#[tokio::test]
async fn programs_with_one_profile_refresh_once() {
    let stack = Stack::start_with(&[], &NO_GRACE);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    user(&stack, &file).await;
    expire(&file);
    let client = |_| Client::new(&servers(&stack), Store::file(&file)).unwrap();
    let clients: Vec<_> = (0..8).map(client).collect();

    let lists = join_all(clients.iter().map(list)).await;

    assert!(lists.iter().all(Result::is_ok), "{lists:?}");
    assert_eq!(refreshes(&stack).await, 1);
}

#[tokio::test]
async fn a_token_that_a_server_refuses_as_expired_is_refreshed() {
    let settings = [
        ("ACCESS_TOKEN_TTL_SECONDS", "1"),
        ("TOKEN_LEEWAY_SECONDS", "0"),
    ];
    let stack = Stack::start_with(&[], &settings);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    user(&stack, &file).await;
    let expired = set(&file, "access_token", Value::Null);
    set(&file, "access_token", expired.clone());
    // As if this machine's clock were late.
    set(&file, "access_expire_time", json!("2999-01-01T00:00:00Z"));
    let client = Client::new(&servers(&stack), Store::file(&file)).unwrap();

    in_time("the token expires", async || {
        list(&client).await.unwrap();
        (refreshes(&stack).await > 0).then_some(())
    })
    .await;

    // A stream cannot be repeated by its channel, but finds another token the next time.
    set(&file, "access_expire_time", json!("2999-01-01T00:00:00Z"));
    set(&file, "access_token", expired);
    let cards = dir.path().join("people.vcf");
    fs::write(&cards, "BEGIN:VCARD\nFN:Hans\nEND:VCARD\n").unwrap();
    let client = Client::new(&servers(&stack), Store::file(&file)).unwrap();
    let summary = client.import(ImportHeader::default(), &cards, |_| {}).await;
    assert_eq!(summary.unwrap().created, 1);
}

#[tokio::test]
async fn a_refresh_that_was_cut_off_is_repeated() {
    let stack = Stack::start_with(&[], &NO_GRACE);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    let client = user(&stack, &file).await;
    let id = "0b0e7f4e-8a43-4a6f-9d64-0f5a3a1b8c11";
    let token = set(&file, "refresh_request", json!(id));
    assert!(token.is_null());
    expire(&file);
    let profile: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let request = RefreshTokenRequest {
        refresh_token: profile["credentials"]["refresh_token"]
            .as_str()
            .unwrap()
            .into(),
        request_id: id.into(),
        ..RefreshTokenRequest::default()
    };
    client.auth().refresh_token(request).await.unwrap();

    let next = Client::new(&servers(&stack), Store::file(&file)).unwrap();
    list(&next).await.unwrap();

    assert_eq!(refreshes(&stack).await, 1);
    expire(&file);
    let next = Client::new(&servers(&stack), Store::file(&file)).unwrap();
    list(&next).await.unwrap();
    assert_eq!(refreshes(&stack).await, 2);
}

#[tokio::test]
async fn a_session_that_has_ended_is_forgotten() {
    let stack = Stack::start(&[]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("profile.json");
    let client = user(&stack, &file).await;
    let before = fs::read(&file).unwrap();
    client.log_out().await.unwrap();
    fs::write(&file, before).unwrap();
    expire(&file);

    let client = Client::new(&servers(&stack), Store::file(&file)).unwrap();
    let error = list(&client).await.unwrap_err();

    assert_eq!(error.kind, Kind::Unauthenticated);
    assert_eq!(error.reason, "SESSION_REVOKED");
    let profile = Store::file(&file).read().await.unwrap();
    assert!(profile.credentials.is_none(), "{profile:?}");
    assert_eq!(profile.email, EMAIL);
    let error = list(&client).await.unwrap_err();
    assert_eq!((error.kind, &*error.reason), (Kind::Unauthenticated, ""));
}
