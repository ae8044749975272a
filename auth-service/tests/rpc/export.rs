//! `ExportMe`.

use std::collections::HashSet;

use proto::auth::v1::account_service_client::AccountServiceClient;
use proto::auth::v1::{ExportMeRequest, ExportMeResponse};
use serde_json::Value;
use tonic::{Status, Streaming};

use crate::app::{
    App, OTHER_PASSWORD, PASSWORD, START, bearer, endpoint, in_time, reason, refusal,
};
use crate::change_email::change as change_email;
use crate::deletion::belongings;

/// Tables of users, and the members of the export that contain them, or why none does.
const EXPORTED: [(&str, Result<&str, &str>); 9] = [
    ("auth.audit_events", Ok("audit_events")),
    ("auth.deleted_users", Err("who is in it cannot ask")),
    (
        "auth.email_tokens",
        Err("what was mailed, for an hour or a day"),
    ),
    ("auth.emails", Ok("user")),
    ("auth.mfa_challenges", Err("log-ins half done, for minutes")),
    ("auth.recovery_codes", Ok("mfa")),
    ("auth.revocations", Err("the sessions say it")),
    ("auth.sessions", Ok("sessions")),
    ("auth.totp_secrets", Ok("mfa")),
];

async fn open(app: &App, access: &str) -> Result<Streaming<ExportMeResponse>, Status> {
    let request = bearer(ExportMeRequest {}, access);
    Ok(app.account.clone().export_me(request).await?.into_inner())
}

async fn read(mut stream: Streaming<ExportMeResponse>) -> Result<Vec<Vec<u8>>, Status> {
    let mut chunks = Vec::new();
    while let Some(answer) = stream.message().await? {
        chunks.push(answer.chunk);
    }
    Ok(chunks)
}

async fn export(app: &App, access: &str) -> Value {
    let chunks = read(open(app, access).await.unwrap()).await.unwrap();
    serde_json::from_slice(&chunks.concat()).unwrap()
}

fn strings<'a>(list: &'a Value, member: &str) -> Vec<&'a str> {
    let list = list.as_array().unwrap().iter();
    list.map(|entry| entry[member].as_str().unwrap()).collect()
}

/// Writes many entries for everybody.
async fn many_events(app: &App) {
    app.sql(
        "INSERT INTO auth.audit_events
         SELECT u.id, gen_random_uuid(), 'log_in_failed', now(), NULL, '192.0.2.1'
         FROM auth.users AS u, generate_series(1, 20000)",
    )
    .await;
}

#[tokio::test]
async fn an_export_holds_all_about_the_caller_and_nothing_of_others() {
    let app = App::start().await;
    let user = app.sign_up("ada@example.org").await.unwrap();
    let bob = app.user("bob@example.org").await;
    let ended = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    app.log_out(&ended.refresh_token).await.unwrap();
    let wrong = app.log_in("ada@example.org", OTHER_PASSWORD).await;
    assert_eq!(refusal(wrong), "INVALID_CREDENTIALS");
    let tokens = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    let changed = change_email(&app, &tokens.access_token, PASSWORD, "lovelace@example.org").await;
    changed.unwrap();

    let export = export(&app, &tokens.access_token).await;

    assert_eq!(export["format"], "addressbook.auth.v1");
    let at = chrono::DateTime::parse_from_rfc3339(export["export_time"].as_str().unwrap());
    assert_eq!(at.unwrap().timestamp(), START);
    assert_eq!(export["user"]["id"], *user.id);
    assert_eq!(export["user"]["email"], "ada@example.org");
    assert_eq!(export["user"]["display_name"], "Ada Lovelace");
    assert_eq!(export["user"]["disable_time"], Value::Null);
    assert_eq!(export["user"]["pending_email"], "lovelace@example.org");
    assert!(export["user"]["pending_email_expire_time"].is_string());
    let sessions = &export["sessions"];
    let expected = [&*ended.session_id, &*tokens.session_id];
    assert_eq!(strings(sessions, "id"), expected);
    assert_eq!(sessions[0]["revoke_reason"], "log_out");
    assert_eq!(sessions[1]["revoke_time"], Value::Null);
    assert_eq!(sessions[1]["ip"], "127.0.0.1");
    let kinds = [
        "sign_up",
        "log_in",
        "log_out",
        "log_in_failed",
        "log_in",
        "email_change_requested",
    ];
    assert_eq!(strings(&export["audit_events"], "kind"), kinds);
    let text = export.to_string();
    for foreign in ["bob@example.org", &bob.session_id, "hash", "$argon2id$"] {
        assert!(!text.contains(foreign), "{foreign}");
    }
}

/// A new table of users must be added here, with its member of the export.
#[tokio::test]
async fn every_table_of_users_is_exported_or_it_is_said_why_not() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%s.%s', table_schema, table_name)
         FROM information_schema.columns
         WHERE table_schema = 'auth' AND column_name = 'user_id'
         ORDER BY 1",
    )
    .fetch_all(&app.db)
    .await
    .unwrap();
    assert_eq!(tables, EXPORTED.map(|(table, _)| table));

    belongings(&app).await;
    let export = export(&app, &tokens.access_token).await;

    assert_eq!(export["mfa"]["recovery_codes_left"], 1);
    assert!(export["mfa"]["totp_create_time"].is_string());
    for member in EXPORTED.iter().filter_map(|(_, member)| member.ok()) {
        let value = &export[member];
        let is_empty = value.as_array().is_some_and(Vec::is_empty);
        assert!(!value.is_null() && !is_empty, "{member}");
    }
}

#[tokio::test]
async fn a_large_export_comes_in_chunks_and_every_row_once() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    many_events(&app).await;

    let stream = open(&app, &tokens.access_token).await.unwrap();
    let chunks = read(stream).await.unwrap();

    assert!(chunks.iter().all(|chunk| chunk.len() < 32 * 1024));
    assert!(chunks.len() > 100, "{}", chunks.len());
    let export: Value = serde_json::from_slice(&chunks.concat()).unwrap();
    let ids = strings(&export["audit_events"], "id");
    assert_eq!(ids.len(), 20_002);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 20_002);
}

#[tokio::test]
async fn an_export_shows_one_moment() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    many_events(&app).await;
    let (mut stream, _) = unread(&app, &tokens.access_token).await.unwrap();

    let first = stream.message().await.unwrap().unwrap().chunk;
    // While it is being read, everything is deleted.
    app.sql("DELETE FROM auth.audit_events").await;
    let rest = read(stream).await.unwrap().concat();

    let export: Value = serde_json::from_slice(&[first, rest].concat()).unwrap();
    assert_eq!(strings(&export["audit_events"], "id").len(), 20_002);
}

/// An export by a client with a small window.
async fn unread(
    app: &App,
    access: &str,
) -> Result<(Streaming<ExportMeResponse>, tonic::transport::Channel), Status> {
    let small = endpoint(&app.address)
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535);
    let channel = small.connect().await.unwrap();
    let request = bearer(ExportMeRequest {}, access);
    let mut account = AccountServiceClient::new(channel.clone());
    let answer = account.export_me(request).await?;
    Ok((answer.into_inner(), channel))
}

#[tokio::test]
async fn clients_that_do_not_read_keep_the_others_waiting_only_for_a_while() {
    let app = App::alone(&["--database-connections=6"]).await;
    let users = ["ada@example.org", "bob@example.org", "eve@example.org"];
    let mut tokens = Vec::new();
    for email in users {
        tokens.push(app.user(email).await.access_token);
    }
    many_events(&app).await;
    let mut slow = Vec::new();

    // Two use all places, unless this machine is so slow that the first timed out.
    let busy = 'busy: loop {
        for access in &tokens {
            match unread(&app, access).await {
                Ok(stream) => slow.push(stream),
                Err(status) => break 'busy status,
            }
        }
    };
    assert_eq!(reason(&busy), "EXPORTS_BUSY");

    in_time("the slow exports keep their places", async || {
        let first = open(&app, &tokens[0]).await.ok()?;
        Some(read(first).await.unwrap())
    })
    .await;
    for (stream, _) in slow {
        assert_eq!(refusal(read(stream).await), "EXPORT_TOO_SLOW");
    }
}

#[tokio::test]
async fn a_user_who_does_not_read_keeps_only_itself_waiting() {
    let app = App::alone(&[]).await;
    let tokens = app.user("ada@example.org").await;
    let bob = app.user("bob@example.org").await;
    many_events(&app).await;
    let mut slow = Vec::new();

    let busy = loop {
        match unread(&app, &tokens.access_token).await {
            Ok(stream) => slow.push(stream),
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&busy), "EXPORTS_BUSY");

    export(&app, &bob.access_token).await;
}

#[tokio::test]
async fn an_export_ends_with_its_session() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    many_events(&app).await;
    let (mut stream, _channel) = unread(&app, &tokens.access_token).await.unwrap();
    assert!(stream.message().await.unwrap().is_some());

    app.log_out(&tokens.refresh_token).await.unwrap();

    assert_eq!(refusal(read(stream).await), "TOKEN_REVOKED");
}

#[tokio::test]
async fn an_export_needs_a_live_session() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    app.log_out(&tokens.refresh_token).await.unwrap();

    let refused = open(&app, &tokens.access_token).await.map(drop);

    assert_eq!(refusal(refused), "TOKEN_REVOKED");
}
