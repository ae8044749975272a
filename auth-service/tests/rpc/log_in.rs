//! `LogIn`.

use proto::auth::v1::LogInRequest;
use tonic::Code;

use crate::app::{App, PASSWORD, START, fields, new_account, reason};

#[tokio::test]
async fn the_password_gives_tokens() {
    let app = App::start().await;
    let user = app.sign_up("ada@example.org").await.unwrap();

    let tokens = app.log_in(" ADA@example.org", PASSWORD).await.unwrap();

    assert_eq!(tokens.token_type, "Bearer");
    assert_eq!(tokens.access_expire_time.unwrap().seconds, START + 600);
    assert_eq!(
        tokens.refresh_expire_time.unwrap().seconds,
        START + 14 * 86_400
    );
    assert_eq!(app.get_me(&tokens.access_token).await.unwrap(), user);
    assert_eq!(app.audit().await, ["sign_up", "log_in"]);
}

#[tokio::test]
async fn the_access_token_says_what_the_contract_says() {
    let app = App::start().await;
    let user = app.sign_up("ada@example.org").await.unwrap();
    let tokens = app.log_in("ada@example.org", PASSWORD).await.unwrap();

    let data = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(&tokens.access_token);
    let data = data.unwrap();

    assert_eq!(data.header.typ.as_deref(), Some("at+jwt"));
    assert!(data.header.kid.is_some());
    let mut claims = data.claims;
    let jti = claims.as_object_mut().unwrap().remove("jti").unwrap();
    uuid::Uuid::try_parse(jti.as_str().unwrap()).unwrap();
    let expected = serde_json::json!({
        "iss": "addressbook", "aud": "addressbook", "sub": user.id, "client_id": "addressbook",
        "sid": tokens.session_id, "iat": START, "exp": START + 600, "auth_time": START,
        "scope": "contacts.read contacts.write", "amr": ["pwd"], "roles": [],
    });
    assert_eq!(claims, expected);
    assert!(tokens.access_token.len() < 1024);
}

#[tokio::test]
async fn nothing_tells_an_unknown_email_from_a_wrong_password() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    let too_long = "7q".repeat(600);

    let mut answers = Vec::new();
    for (email, password) in [
        ("ada@example.org", "not-the-password"),
        ("bob@example.org", PASSWORD),
        ("ada@example.org", &too_long),
        ("bob@example.org", &too_long),
        ("ada@example.org", ""),
        ("no address", PASSWORD),
        ("", ""),
        ("a\0b@example.org", PASSWORD),
    ] {
        let status = app.log_in(email, password).await.unwrap_err();
        answers.push((
            status.code(),
            status.message().to_owned(),
            status.details().to_vec(),
        ));
    }

    assert_eq!(answers[0].0, Code::Unauthenticated);
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    let failures = vec!["log_in_failed"; answers.len()];
    assert_eq!(app.audit().await[1..], failures, "each did the same work");
}

#[tokio::test]
async fn the_audit_does_not_name_an_unknown_email() {
    let app = App::start().await;

    for _ in 0..2 {
        app.log_in("bob@example.org", PASSWORD).await.unwrap_err();
    }

    let sql = "SELECT DISTINCT user_id FROM auth.audit_events WHERE kind = 'log_in_failed'";
    let ids: Vec<uuid::Uuid> = sqlx::query_scalar(sql).fetch_all(&app.db).await.unwrap();
    assert_eq!(ids.len(), 1);
    assert_eq!(ids[0].get_version_num(), 8);
}

#[tokio::test]
async fn a_disabled_account_is_told_so_only_with_its_password() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    app.sql("UPDATE auth.users SET disable_time = now()").await;

    let right = app.log_in("ada@example.org", PASSWORD).await.unwrap_err();
    let wrong = app
        .log_in("ada@example.org", "not-the-password")
        .await
        .unwrap_err();

    assert_eq!(
        (right.code(), reason(&right)),
        (Code::PermissionDenied, "ACCOUNT_DISABLED".into())
    );
    assert_eq!(reason(&wrong), "INVALID_CREDENTIALS");
}

#[tokio::test]
async fn an_email_without_its_user_is_no_wrong_password() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    app.sql("DELETE FROM auth.users").await;

    let status = app.log_in("ada@example.org", PASSWORD).await.unwrap_err();

    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unavailable, "STORE_UNAVAILABLE".into())
    );
}

#[tokio::test]
async fn a_bad_client_label_is_named() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    for label in ["a\u{7}b".to_owned(), "a".repeat(101)] {
        let request = LogInRequest {
            email: "ada@example.org".into(),
            password: PASSWORD.into(),
            client_label: label,
            ..LogInRequest::default()
        };
        let status = app.auth.clone().log_in(request).await.unwrap_err();
        assert_eq!(reason(&status), "CLIENT_LABEL_INVALID");
        assert_eq!(fields(&status), ["client_label"]);
    }
}

#[tokio::test]
async fn spellings_of_one_password_are_one() {
    let app = App::start().await;
    let mut request = new_account("ada@example.org");
    request.password = "Mu\u{308}nchen-Lantern-48".into();
    app.sign_up_as(&request).await.unwrap();

    app.log_in("ada@example.org", "München-Lantern-48")
        .await
        .unwrap();
    app.log_in("ada@example.org", "münchen-lantern-48")
        .await
        .unwrap_err();
}

#[tokio::test]
async fn a_log_in_hashes_anew_what_was_hashed_otherwise() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    let stronger = app.replica_with(&["--argon2-iterations=3"]).await;

    stronger
        .log_in("ada@example.org", "not-the-password")
        .await
        .unwrap_err();
    assert!(password_hash(&app).await.contains("m=64,t=1,p=1$"));
    stronger.log_in("ada@example.org", PASSWORD).await.unwrap();

    assert!(password_hash(&app).await.contains("m=64,t=3,p=1$"));
    stronger.log_in("ada@example.org", PASSWORD).await.unwrap();
}

async fn password_hash(app: &App) -> String {
    let hash = sqlx::query_scalar("SELECT password_hash FROM auth.emails");
    hash.fetch_one(&app.db).await.unwrap()
}
