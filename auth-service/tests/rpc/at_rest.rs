//! What a thief of the database would find.

use sqlx::AssertSqlSafe;

use crate::app::{App, OTHER_PASSWORD, PASSWORD};
use crate::mail_server::{MailServer, Manner};

/// Every row of every table of the schema, as text; bytes in hexadecimal.
pub(crate) async fn dump(app: &App) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'auth'",
    )
    .fetch_all(&app.db)
    .await
    .unwrap();
    assert!(tables.len() >= 5, "{tables:?}");
    let mut all = String::new();
    for table in tables {
        let sql = format!("SELECT row_to_json(t)::text FROM auth.{table} AS t");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(&app.db)
            .await
            .unwrap();
        all.extend(rows);
    }
    all
}

fn decoded(token: &str) -> Vec<u8> {
    use base64::Engine;
    let text = token.split_once('_').unwrap().1;
    base64::prelude::BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .unwrap()
}

#[tokio::test]
async fn no_token_and_no_password_is_stored() {
    let app = App::start().await;
    let first = app.user("ada@example.org").await;
    let second = app
        .refresh_as(&first.refresh_token, "my-request-id-6f1d93b27c")
        .await
        .unwrap()
        .tokens
        .unwrap();
    let third = app
        .refresh(&second.refresh_token)
        .await
        .unwrap()
        .tokens
        .unwrap();
    app.log_in("ada@example.org", OTHER_PASSWORD)
        .await
        .unwrap_err();

    let dump = dump(&app).await;

    for tokens in [&first, &second, &third] {
        let bytes = decoded(&tokens.refresh_token);
        // After kid, user, session and generation there are 32 secret bytes and 16 of the
        // MAC.
        let (secret, mac) = bytes[37..].split_at(32);
        for usable in [
            tokens.refresh_token.clone(),
            tokens.refresh_token[4..].to_owned(),
            hex::encode(tokens.refresh_token.as_bytes()),
            hex::encode(&bytes),
            hex::encode(secret),
            hex::encode(mac),
            tokens.access_token.clone(),
            tokens.access_token.rsplit('.').next().unwrap().to_owned(),
        ] {
            assert!(!dump.contains(&usable));
        }
    }
    for usable in [PASSWORD, OTHER_PASSWORD, "my-request-id-6f1d93b27c"] {
        assert!(!dump.contains(usable));
        assert!(!dump.contains(&hex::encode(usable)));
    }
    // Checks that the dump would contain them.
    let hash = chassis::sha256::sha256(third.refresh_token.as_bytes());
    assert!(dump.contains(&hex::encode(hash)));
}

#[tokio::test]
async fn no_token_that_was_mailed_is_stored_and_no_address_to_mail_to() {
    let server = MailServer::start().await;
    let app = server.app().await;
    // The mail stays in the outbox, although the server received it.
    server.behave(Manner::HangsUp);
    app.sign_up("ada@example.com").await.unwrap();
    crate::password_reset::ask(&app, "ada@example.com").await;
    let confirm = server
        .mailed("ada@example.com", "Confirm your e-mail address", 1)
        .await[0]
        .token();
    let choose = server
        .mailed("ada@example.com", "Choose a new password", 1)
        .await[0]
        .token();

    let all = dump(&app).await;

    for token in [&confirm, &choose] {
        let bytes = decoded(token);
        // After the user there are 32 secret bytes.
        for usable in [
            token.clone(),
            token[4..].to_owned(),
            hex::encode(token.as_bytes()),
            hex::encode(&bytes[16..]),
        ] {
            assert!(!all.contains(&usable));
        }
        // Checks that the dump would contain them.
        let hash = chassis::sha256::sha256(token.as_bytes());
        assert!(all.contains(&hex::encode(hash)));
    }
    let sql = "SELECT row_to_json(t)::text FROM auth.outbox AS t";
    let outbox: Vec<String> = sqlx::query_scalar(sql).fetch_all(&app.db).await.unwrap();
    assert_eq!(outbox.len(), 2);
    for readable in ["ada@example.com", "127.0.0.1", "reset"] {
        let found = |row: &String| row.contains(readable) || row.contains(&hex::encode(readable));
        assert!(!outbox.iter().any(found), "{readable}");
    }
}

#[tokio::test]
async fn a_password_is_stored_as_argon2id_with_the_owasp_parameters() {
    let app = App::start_with(&["--argon2-memory-kib=19456", "--argon2-iterations=2"]).await;

    let tokens = app.user("ada@example.org").await;

    app.get_me(&tokens.access_token).await.unwrap();
    let hash: String = sqlx::query_scalar("SELECT password_hash FROM auth.emails")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert!(
        hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hash}"
    );
}

#[tokio::test]
async fn the_services_role_cannot_rewrite_the_audit() {
    let app = App::start().await;
    app.sign_up("ada@example.org").await.unwrap();
    let options = app.database.connect_options("auth_service");
    let db = sqlx::PgPool::connect_with(options).await.unwrap();

    for sql in [
        "DELETE FROM auth.audit_events",
        "UPDATE auth.audit_events SET kind = 'x'",
    ] {
        let error = sqlx::query(sql).execute(&db).await.unwrap_err();
        let code = error
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned();
        assert_eq!(code, "42501");
    }
}
