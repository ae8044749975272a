//! `DeleteMe`: what remains of an account, and what late calls do.

use auth_service::accounts::deletion;
use chassis::database::pool::Pool;
use proto::auth::v1::DeleteMeRequest;
use proto::auth::v1::watch_revocations_response::Revoked;
use sqlx::AssertSqlSafe;
use std::time::Duration;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, reason, refusal};
use crate::programs;
use crate::revocations::{caught_up, next, watch};

/// Tables of users whose rows a deletion removes.
const EMPTIED: [&str; 6] = [
    "auth.email_tokens",
    "auth.emails",
    "auth.mfa_challenges",
    "auth.recovery_codes",
    "auth.sessions",
    "auth.totp_secrets",
];

/// Tables of users whose rows it keeps, and why.
const STAYING: [(&str, &str); 3] = [
    (
        "auth.audit_events",
        "what happened stays, under an id that stands for nobody; addresses go",
    ),
    ("auth.deleted_users", "other services have to hear of it"),
    ("auth.revocations", "an id and a time, until its tokens end"),
];

pub(crate) async fn delete(app: &App, access: &str, password: &str) -> Result<(), Status> {
    let request = DeleteMeRequest {
        current_password: password.into(),
    };
    let request = bearer(request, access);
    app.account.clone().delete_me(request).await.map(drop)
}

async fn rows(app: &App, table: &str, user: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table} WHERE user_id = $1");
    let user = Uuid::try_parse(user).unwrap();
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(user);
    query.fetch_one(&app.db).await.unwrap()
}

pub(crate) async fn texts(app: &App, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&app.db).await.unwrap()
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_email_is_free_at_once() {
    let app = App::start().await;
    let old = app.sign_up("ada@example.org").await.unwrap();
    let tokens = app.log_in("ada@example.org", PASSWORD).await.unwrap();

    delete(&app, &tokens.access_token, PASSWORD).await.unwrap();

    let status = app.log_in("ada@example.org", PASSWORD).await.unwrap_err();
    assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    let refreshed = app.refresh(&tokens.refresh_token).await;
    assert_eq!(refusal(refreshed), "REFRESH_TOKEN_INVALID");
    let access = &tokens.access_token;
    assert_eq!(refusal(app.get_me(access).await), "TOKEN_REVOKED");
    assert_eq!(
        refusal(delete(&app, access, PASSWORD).await),
        "TOKEN_REVOKED"
    );
    app.log_out(&tokens.refresh_token).await.unwrap();

    let new = app.sign_up("ada@example.org").await.unwrap();
    assert_ne!(new.id, old.id);
    app.log_in("ada@example.org", PASSWORD).await.unwrap();
}

/// Creates rows that only some users have, for every user.
pub(crate) async fn belongings(app: &App) {
    app.sql(
        "INSERT INTO auth.totp_secrets SELECT id, 'sealed', 0, create_time FROM auth.users;
         INSERT INTO auth.recovery_codes
         SELECT id, sha256(id::text::bytea), create_time FROM auth.users;
         INSERT INTO auth.mfa_challenges
         SELECT id, sha256(id::text::bytea), 1, '', create_time FROM auth.users;
         INSERT INTO auth.email_tokens
         SELECT id, sha256(id::text::bytea), 'reset', email, 1, create_time FROM auth.users;",
    )
    .await;
}

/// A new table of users must be added here, with what happens to its rows.
#[tokio::test]
async fn no_table_keeps_a_row_of_a_deleted_user() {
    let app = App::start().await;
    let user = app.sign_up("ada@example.org").await.unwrap();
    let bob = app.sign_up("bob@example.org").await.unwrap();
    app.log_in("bob@example.org", PASSWORD).await.unwrap();
    let tokens = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    let wrong = app.log_in("ada@example.org", OTHER_PASSWORD).await;
    assert_eq!(refusal(wrong), "INVALID_CREDENTIALS");
    belongings(&app).await;
    let tables = texts(
        &app,
        "SELECT format('%s.%s', table_schema, table_name)
         FROM information_schema.columns
         WHERE table_schema = 'auth' AND column_name = 'user_id'
         ORDER BY 1",
    );
    let staying = STAYING.map(|(table, _)| table);
    let mut known = [&EMPTIED[..], &staying].concat();
    known.sort_unstable();
    assert_eq!(tables.await, known);
    for table in EMPTIED {
        assert_ne!(
            rows(&app, table, &user.id).await,
            0,
            "give her one: {table}"
        );
    }

    delete(&app, &tokens.access_token, PASSWORD).await.unwrap();

    for table in EMPTIED {
        assert_eq!(rows(&app, table, &user.id).await, 0, "{table}");
        assert_ne!(rows(&app, table, &bob.id).await, 0, "{table}");
    }
    let users = texts(&app, "SELECT id::text FROM auth.users").await;
    assert_eq!(users, [bob.id]);
    assert!(rows(&app, "auth.audit_events", &user.id).await > 2);
    let ips =
        "SELECT email FROM auth.audit_events AS e LEFT JOIN auth.users AS u ON u.id = e.user_id
               WHERE ip <> '' AND user_id <> '00000000-0000-0000-0000-000000000000'
               GROUP BY 1";
    assert_eq!(texts(&app, ips).await, ["bob@example.org"]);
    // Only the buckets of client addresses remain, which belong to no account.
    let buckets: i64 = sqlx::query_scalar("SELECT count(*) FROM auth.throttles")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(buckets, 2);
}

#[tokio::test]
async fn a_wrong_password_deletes_nothing_and_is_slowed_down() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;

    for wrong in ["", "not-the-password", &"7q".repeat(600)] {
        let status = delete(&app, &tokens.access_token, wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    }
    let status = delete(&app, &tokens.access_token, PASSWORD)
        .await
        .unwrap_err();
    assert_eq!(reason(&status), "LOG_IN_THROTTLED");

    app.get_me(&tokens.access_token).await.unwrap();
    app.advance(4);
    delete(&app, &tokens.access_token, PASSWORD).await.unwrap();
    assert_eq!(app.audited("user_deletion_failed").await, 3);
    assert_eq!(app.audited("password_change_failed").await, 0);
}

#[tokio::test]
async fn deletion_needs_the_users_own_token() {
    let app = programs::app().await;
    app.user("ada@example.org").await;
    let program = programs::token(&app).await;

    assert_eq!(
        refusal(delete(&app, &program, PASSWORD).await),
        "TOKEN_INVALID"
    );
    let mut account = app.account.clone();
    let nobody = account.delete_me(DeleteMeRequest::default()).await;
    assert_eq!(refusal(nobody), "TOKEN_MISSING");

    app.log_in("ada@example.org", PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_in_that_was_first_loses_its_session() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let held = app.begin_with("SELECT FROM auth.users FOR UPDATE").await;

    // The log-in locks the password, and waits; the deletion waits for the log-in.
    let (log_in, deleted, ()) = tokio::join!(
        app.log_in("ada@example.org", PASSWORD),
        async {
            app.waiting_for_a_lock(1).await;
            delete(&app, &tokens.access_token, PASSWORD).await
        },
        async {
            app.waiting_for_a_lock(2).await;
            held.rollback().await.unwrap();
        }
    );

    deleted.unwrap();
    let late = log_in.unwrap();
    assert_eq!(
        refusal(app.get_me(&late.access_token).await),
        "TOKEN_REVOKED"
    );
    let refreshed = app.refresh(&late.refresh_token).await;
    assert_eq!(refusal(refreshed), "REFRESH_TOKEN_INVALID");
    assert_eq!(
        texts(&app, "SELECT id::text FROM auth.sessions").await,
        [""; 0]
    );
    let told = texts(&app, "SELECT session_id::text FROM auth.revocations").await;
    assert!(told.contains(&late.session_id), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_comes_while_an_account_ends_finds_nothing() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let held = app.begin_with("SELECT FROM auth.sessions FOR UPDATE").await;

    let (deleted, log_in, refreshed, ()) = tokio::join!(
        delete(&app, &tokens.access_token, PASSWORD),
        async {
            app.waiting_for_a_lock(1).await;
            app.log_in("ada@example.org", PASSWORD).await
        },
        async {
            app.waiting_for_a_lock(1).await;
            app.refresh(&tokens.refresh_token).await
        },
        async {
            app.waiting_for_a_lock(3).await;
            held.rollback().await.unwrap();
        }
    );

    deleted.unwrap();
    assert_eq!(refusal(log_in), "ACCOUNT_CHANGED");
    assert_eq!(refusal(refreshed.map(|_| ())), "REFRESH_TOKEN_INVALID");
    assert_eq!(
        texts(&app, "SELECT id::text FROM auth.sessions").await,
        [""; 0]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_deletions_at_once_one_wins() {
    let app = App::start().await;
    let replica = app.replica().await;
    let tokens = app.user("ada@example.org").await;
    let held = app.begin_with("SELECT FROM auth.emails FOR UPDATE").await;

    let (first, second, ()) = tokio::join!(
        delete(&app, &tokens.access_token, PASSWORD),
        delete(&replica, &tokens.access_token, PASSWORD),
        async {
            app.waiting_for_a_lock(2).await;
            held.rollback().await.unwrap();
        }
    );

    let lost = if first.is_ok() { second } else { first };
    assert_eq!(refusal(lost), "ACCOUNT_CHANGED");
    let audit = app.audit().await;
    assert_eq!(
        audit.iter().filter(|kind| *kind == "user_deleted").count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_password_that_changes_meanwhile_deletes_nothing() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let changing = app
        .begin_with("UPDATE auth.emails SET password_version = password_version + 1")
        .await;

    let (answer, ()) = tokio::join!(delete(&app, &tokens.access_token, PASSWORD), async {
        app.waiting_for_a_lock(1).await;
        changing.commit().await.unwrap();
    });

    assert_eq!(refusal(answer), "ACCOUNT_CHANGED");
    app.get_me(&tokens.access_token).await.unwrap();
}

#[tokio::test]
async fn a_deletion_revokes_the_user_and_each_session() {
    let app = programs::app().await;
    let user = app.sign_up("ada@example.org").await.unwrap();
    let [one, other] = [
        app.log_in("ada@example.org", PASSWORD).await.unwrap(),
        app.log_in("ada@example.org", PASSWORD).await.unwrap(),
    ];
    let mut feed = watch(&app, "").await;
    caught_up(&mut feed).await;

    delete(&app, &one.access_token, PASSWORD).await.unwrap();

    let (told, _) = next(&mut feed).await;
    assert_eq!(told.len(), 3, "{told:?}");
    for revoked in [
        Revoked::UserId(user.id),
        Revoked::SessionId(one.session_id),
        Revoked::SessionId(other.session_id),
    ] {
        assert!(told.contains(&revoked), "{revoked:?}");
    }
}

/// A refresh may have succeeded since the deletion was called.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_is_revoked_up_to_the_moment_of_the_deletion() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    let held = app.begin_with("SELECT FROM auth.emails FOR UPDATE").await;

    let (deleted, refreshed) = tokio::join!(delete(&app, &tokens.access_token, PASSWORD), async {
        app.waiting_for_a_lock(1).await;
        app.advance(5);
        let refreshed = app.refresh(&tokens.refresh_token).await.unwrap();
        held.rollback().await.unwrap();
        refreshed
    });

    deleted.unwrap();
    let made = refreshed
        .tokens
        .unwrap()
        .access_expire_time
        .unwrap()
        .seconds
        - 600;
    let revoked = texts(
        &app,
        "SELECT extract(epoch FROM revoke_time)::bigint::text FROM auth.revocations
         WHERE session_id = '00000000-0000-0000-0000-000000000000'",
    )
    .await;
    assert_eq!(revoked, [made.to_string()]);
}

#[tokio::test]
async fn what_late_calls_wrote_of_a_deleted_user_is_swept() {
    let app = App::start().await;
    let tokens = app.user("ada@example.org").await;
    app.user("bob@example.org").await;
    delete(&app, &tokens.access_token, PASSWORD).await.unwrap();
    app.sql(
        "INSERT INTO auth.audit_events
         SELECT user_id, gen_random_uuid(), 'log_in_failed', delete_time, NULL, '192.0.2.1'
         FROM auth.deleted_users",
    )
    .await;
    let options = app.database.connect_options("auth_service");
    let db = Pool::new(options, 1, Duration::from_secs(10));
    let now = app.clock().now();

    assert_eq!(deletion::sweep(&db, now).await.unwrap(), 1);
    assert_eq!(deletion::sweep(&db, now).await.unwrap(), 0);

    let bobs = "SELECT kind FROM auth.audit_events WHERE ip <> '' AND session_id IS NOT NULL";
    assert_eq!(texts(&app, bobs).await, ["log_in"]);
}
