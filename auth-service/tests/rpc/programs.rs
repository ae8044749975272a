//! `ServiceTokenService`: tokens for programs, and introspection.

use std::path::Path;

use proto::auth::v1::service_token_service_client::ServiceTokenServiceClient;
use proto::auth::v1::{
    IntrospectTokenRequest, IntrospectTokenResponse, IssueServiceTokenRequest,
    IssueServiceTokenResponse,
};
use tempfile::NamedTempFile;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::app::{App, bearer, reason, refusal};

pub(crate) const SECRET: &str = "5f0c2a1be4d7498fa36b1c9d8e2f70415f0c2a1be4d7498f";
const OTHER_SECRET: &str = "a36b1c9d8e2f70415f0c2a1be4d7498f5f0c2a1be4d7498f";

/// A file with a secret, and its flag.
pub(crate) fn secret_file(secret: &str) -> (NamedTempFile, String) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{secret}\n")).unwrap();
    let flag = flag(file.path());
    (file, flag)
}

fn flag(path: &Path) -> String {
    format!("--contacts-secret-file={}", path.display())
}

/// A service that is configured for the contacts service.
pub(crate) async fn app() -> App {
    let (_file, flag) = secret_file(SECRET);
    let app = App::start_with(&[&flag]).await;
    // It responds once it has read the file.
    token(&app).await;
    app
}

pub(crate) fn client(app: &App) -> ServiceTokenServiceClient<Channel> {
    ServiceTokenServiceClient::new(app.channel.clone())
}

pub(crate) fn asks(client_id: &str, secret: &str, scopes: &[&str]) -> IssueServiceTokenRequest {
    IssueServiceTokenRequest {
        client_id: client_id.into(),
        client_secret: secret.into(),
        scopes: scopes.iter().map(|&scope| scope.into()).collect(),
        audience: String::new(),
    }
}

pub(crate) async fn issue(
    app: &App,
    request: IssueServiceTokenRequest,
) -> Result<IssueServiceTokenResponse, Status> {
    let answer = client(app).issue_service_token(request).await?;
    Ok(answer.into_inner())
}

pub(crate) async fn token(app: &App) -> String {
    let issued = issue(app, asks("contacts-service", SECRET, &[])).await;
    issued.unwrap().access_token
}

pub(crate) async fn introspect(
    app: &App,
    by: &str,
    token: &str,
) -> Result<IntrospectTokenResponse, Status> {
    let request = IntrospectTokenRequest {
        token: token.into(),
    };
    let answer = client(app).introspect_token(bearer(request, by)).await?;
    Ok(answer.into_inner())
}

#[tokio::test]
async fn a_program_gets_a_token_for_its_secret() {
    let app = app().await;

    let issued = issue(&app, asks("contacts-service", SECRET, &[]))
        .await
        .unwrap();

    assert_eq!(issued.token_type, "Bearer");
    assert_eq!(issued.scopes, ["auth.revocations"]);
    let data = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(&issued.access_token);
    let claims = data.unwrap().claims;
    assert_eq!(claims["client_id"], "contacts-service");
    assert_eq!(claims["scope"], "auth.revocations");
    assert_eq!(claims.get("sid"), None);
}

#[tokio::test]
async fn nothing_tells_an_unknown_program_from_a_wrong_secret() {
    let app = app().await;
    let long = "x".repeat(10_000);

    let mut answers = Vec::new();
    for (client_id, secret) in [
        ("contacts-service", OTHER_SECRET),
        ("nobody", SECRET),
        ("", ""),
        ("contacts-service", ""),
        ("contacts-service", &long),
        (&long, SECRET),
        ("contacts-service\0", SECRET),
    ] {
        let status = issue(&app, asks(client_id, secret, &[])).await.unwrap_err();
        answers.push((status.code(), status.message().to_owned(), reason(&status)));
    }

    assert_eq!(answers[0].0, Code::Unauthenticated);
    assert_eq!(answers[0].2, "CLIENT_INVALID");
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_program_gets_no_scope_beyond_its_own() {
    let app = app().await;

    let asked = asks(
        "contacts-service",
        SECRET,
        &["auth.revocations", "auth.admin"],
    );
    let status = issue(&app, asked).await.unwrap_err();

    assert_eq!(status.code(), Code::PermissionDenied);
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.reason, "SCOPE_NOT_ALLOWED");
    assert_eq!(info.metadata["scope"], "auth.admin");
}

#[tokio::test]
async fn a_program_gets_no_token_for_another_audience() {
    let app = app().await;
    let mut asked = asks("contacts-service", SECRET, &[]);
    asked.audience = "elsewhere".into();

    assert_eq!(refusal(issue(&app, asked).await), "AUDIENCE_UNKNOWN");
}

#[tokio::test]
async fn a_programs_token_stands_for_no_account() {
    let app = app().await;

    let token = token(&app).await;

    assert_eq!(refusal(app.get_me(&token).await), "TOKEN_INVALID");
}

#[tokio::test]
async fn two_secrets_work_at_a_time() {
    let app = app().await;
    let works = async |at: &App, secret: &str| {
        let issued = issue(at, asks("contacts-service", secret, &[])).await;
        issued.is_ok()
    };

    app.advance(1);
    let (_second, flag) = secret_file(OTHER_SECRET);
    // It responds once it has read its file.
    assert!(works(&app.replica_with(&[&flag]).await, OTHER_SECRET).await);
    assert!(works(&app, SECRET).await);

    app.advance(1);
    let third = "0123456789abcdef".repeat(4);
    let (_third, flag) = secret_file(&third);
    assert!(works(&app.replica_with(&[&flag]).await, &third).await);
    assert!(works(&app, OTHER_SECRET).await);
    assert!(!works(&app, SECRET).await);
}

#[tokio::test]
async fn no_secret_rests_as_it_is() {
    let app = app().await;

    let rows: Vec<String> = sqlx::query_scalar("SELECT s::text FROM auth.service_secrets AS s")
        .fetch_all(&app.db)
        .await
        .unwrap();

    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains(SECRET) && !rows[0].contains(&hex::encode(SECRET)));
}

#[tokio::test]
async fn a_token_is_introspected_with_its_session() {
    let app = app().await;
    app.sql("UPDATE auth.service_accounts SET scopes = '{auth.introspect}'")
        .await;
    let program = token(&app).await;
    let tokens = app.user("ada@example.org").await;

    let live = introspect(&app, &program, &tokens.access_token)
        .await
        .unwrap();
    assert!(live.active);
    assert_eq!(live.session_id, tokens.session_id);
    assert_eq!(live.scope, "contacts.read contacts.write");
    assert!(introspect(&app, &program, &program).await.unwrap().active);

    app.log_out(&tokens.refresh_token).await.unwrap();
    for dead in [&*tokens.access_token, "nonsense", "a.b.c"] {
        let answer = introspect(&app, &program, dead).await.unwrap();
        assert_eq!(answer, IntrospectTokenResponse::default());
    }
    assert_eq!(
        refusal(introspect(&app, &program, "").await),
        "FIELD_INVALID"
    );

    // A deleted program cannot introspect either.
    app.sql("DELETE FROM auth.service_accounts").await;
    let asked = introspect(&app, &program, &program).await;
    assert_eq!(refusal(asked), "TOKEN_REVOKED");
}

#[tokio::test]
async fn introspection_needs_its_scope() {
    let app = app().await;
    let user = app.user("ada@example.org").await.access_token;
    let watcher = token(&app).await;

    for by in [&user, &watcher] {
        let status = introspect(&app, by, &user).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(reason(&status), "INSUFFICIENT_SCOPE");
    }
    let unsigned = client(&app)
        .introspect_token(IntrospectTokenRequest::default())
        .await;
    assert_eq!(refusal(unsigned), "TOKEN_MISSING");
}
