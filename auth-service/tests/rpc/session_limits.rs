//! How many sessions a user can have, and changes to a user with very many.

use std::time::Duration;

use auth_service::accounts::deletion::sweep;
use chassis::database::pool::Pool;
use proto::auth::v1::{RevokeOtherSessionsRequest, TokenPair};
use tokio::task::JoinSet;

use crate::admin::Admin;
use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, refusal};
use crate::change_password::change;
use crate::deletion::delete;

const ADA: &str = "ada@example.org";
const MOST: &str = "--sessions-per-user=3";

/// More sessions than one statement marks. They are newer than the existing ones.
const CROWD: &str = "
    INSERT INTO auth.sessions
    SELECT (jsonb_populate_record(NULL::auth.sessions, to_jsonb(s) || jsonb_build_object(
               'id', 'ff' || substr(gen_random_uuid()::text, 3)))).*
    FROM (SELECT * FROM auth.sessions ORDER BY id DESC LIMIT 1) AS s, generate_series(1, 2500)";

async fn count(app: &App, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap()
}

/// The copies have the times and the user of the last of three log-ins.
async fn crowded(app: &App) -> [TokenPair; 3] {
    app.sign_up(ADA).await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(app.log_in(ADA, PASSWORD).await.unwrap());
    }
    app.sql(CROWD).await;
    sessions.try_into().unwrap()
}

/// No token of the session is valid.
async fn is_over(app: &App, session: &TokenPair) {
    let refreshed = app.refresh(&session.refresh_token).await;
    assert_eq!(refusal(refreshed), "SESSION_REVOKED");
    let me = app.get_me(&session.access_token).await;
    assert_eq!(refusal(me), "TOKEN_REVOKED");
}

/// As services that verify tokens themselves learn it.
async fn all_tokens_are_revoked(app: &App) {
    let sql = "SELECT count(*) FROM auth.revocations AS r JOIN auth.users AS u ON u.id = r.user_id
               WHERE session_id = '00000000-0000-0000-0000-000000000000' AND email LIKE 'ada@%'";
    assert_eq!(count(app, sql).await, 1);
}

#[tokio::test]
async fn a_log_in_beyond_the_limit_ends_the_session_used_the_longest_ago() {
    let app = App::start_with(&[MOST]).await;
    app.sign_up(ADA).await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(app.log_in(ADA, PASSWORD).await.unwrap());
        app.advance(1);
    }
    let used = app.refresh(&sessions[0].refresh_token).await.unwrap();
    app.advance(1);

    let newest = app.log_in(ADA, PASSWORD).await.unwrap();

    is_over(&app, &sessions[1]).await;
    let ids: Vec<_> = app.sessions(&newest.access_token).await;
    let ids: Vec<_> = ids.into_iter().map(|session| session.id).collect();
    let [first, third] = [&sessions[0], &sessions[2]].map(|session| session.session_id.clone());
    assert_eq!(ids, [newest.session_id, third, first]);
    app.refresh(&used.tokens.unwrap().refresh_token)
        .await
        .unwrap();
    assert_eq!(app.audited("sessions_displaced").await, 1);
    let told = "SELECT count(*) FROM auth.revocations";
    assert_eq!(count(&app, told).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn log_ins_at_once_leave_no_more_sessions_than_the_limit() {
    let app = App::start_with(&[MOST]).await;
    app.sign_up(ADA).await.unwrap();

    for _ in 0..4 {
        let mut calls = JoinSet::new();
        for _ in 0..3 {
            let mut auth = app.auth.clone();
            let request = proto::auth::v1::LogInRequest {
                email: ADA.into(),
                password: PASSWORD.into(),
                ..Default::default()
            };
            calls.spawn(async move { auth.log_in(request).await.unwrap() });
        }
        calls.join_all().await;
    }

    let alive = "SELECT count(*) FROM auth.sessions WHERE revoke_time IS NULL";
    assert_eq!(count(&app, alive).await, 3);
}

#[tokio::test]
async fn sessions_that_ended_long_ago_make_room_for_later_ones() {
    let app = App::start().await;
    crowded(&app).await;
    app.sql("UPDATE auth.sessions SET revoke_time = create_time")
        .await;

    let mut last = None;
    for _ in 0..10 {
        last = Some(app.log_in(ADA, PASSWORD).await.unwrap());
    }

    let kept = "SELECT count(*) FROM auth.sessions WHERE revoke_time IS NOT NULL";
    assert_eq!(count(&app, kept).await, 1000);
    app.refresh(&last.unwrap().refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_user_with_too_many_sessions_has_fewer_with_each_log_in() {
    let app = App::start().await;
    crowded(&app).await;

    for _ in 0..3 {
        app.log_in(ADA, PASSWORD).await.unwrap();
    }

    let alive = "SELECT count(*) FROM auth.sessions WHERE revoke_time IS NULL";
    assert_eq!(count(&app, alive).await, 100);
}

#[tokio::test]
async fn very_many_sessions_end_with_their_users_ban_and_stay_so() {
    let app = App::start().await;
    let admin = Admin::new(&app, "root@example.org").await;
    let [first, ..] = crowded(&app).await;
    let id = app.get_me(&first.access_token).await.unwrap().id;

    admin.disable(&id).await.unwrap();

    all_tokens_are_revoked(&app).await;
    let refreshed = app.refresh(&first.refresh_token).await;
    assert_eq!(refusal(refreshed), "ACCOUNT_DISABLED");
    admin.enable(&id).await.unwrap();
    is_over(&app, &first).await;
}

#[tokio::test]
async fn very_many_other_sessions_end_and_the_callers_goes_on() {
    let app = App::start().await;
    let [first, second, _] = crowded(&app).await;

    let request = bearer(RevokeOtherSessionsRequest {}, &second.access_token);
    let mut account = app.account.clone();
    let revoked = account.revoke_other_sessions(request).await.unwrap();

    assert_eq!(revoked.into_inner().revoked_count, 1000);
    is_over(&app, &first).await;
    // When so many are revoked, all access tokens are too, and the session continues with
    // a refresh.
    all_but_one_ended(&app, &second.refresh_token).await;
    all_tokens_are_revoked(&app).await;
}

#[tokio::test]
async fn very_many_sessions_end_with_a_new_password() {
    let app = App::start().await;
    let [first, second, _] = crowded(&app).await;

    let tokens = change(&app, &second.access_token, PASSWORD, OTHER_PASSWORD).await;

    is_over(&app, &first).await;
    all_but_one_ended(&app, &tokens.unwrap().refresh_token).await;
}

/// Only this token's session continues.
async fn all_but_one_ended(app: &App, refresh_token: &str) {
    app.advance(1);
    let tokens = app.refresh(refresh_token).await.unwrap().tokens.unwrap();
    assert_eq!(app.sessions(&tokens.access_token).await.len(), 1);
}

#[tokio::test]
async fn of_a_user_of_whom_there_is_much_the_sweep_removes_the_rest() {
    let app = App::start().await;
    let [first, ..] = crowded(&app).await;
    app.sql(
        "INSERT INTO auth.audit_events
         SELECT (jsonb_populate_record(NULL::auth.audit_events,
                     to_jsonb(e) || jsonb_build_object('id', gen_random_uuid()))).*
         FROM (SELECT * FROM auth.audit_events WHERE kind = 'log_in' LIMIT 1) AS e,
              generate_series(1, 2500)",
    )
    .await;

    delete(&app, &first.access_token, PASSWORD).await.unwrap();

    let left = "SELECT (SELECT count(*) FROM auth.sessions)
                     + (SELECT count(*) FROM auth.audit_events WHERE ip <> '')";
    assert!(count(&app, left).await > 2000);
    // Days later, too.
    app.advance(3 * 86_400);
    let db = Pool::new(
        app.database.connect_options("auth_service"),
        2,
        Duration::from_secs(3),
    );
    while sweep(&db, app.clock().now()).await.unwrap() > 0 {}
    assert_eq!(count(&app, left).await, 0);
    let unfinished = "SELECT count(*) FROM auth.deleted_users WHERE rows_left";
    assert_eq!(count(&app, unfinished).await, 0);
}
