//! The time of a revocation, and the effect of a wrong time.

use proto::auth::v1::{ListDeletedUsersRequest, RevokeOtherSessionsRequest, RevokeSessionRequest};
use sqlx::AssertSqlSafe;

use crate::admin::Admin;
use crate::admin_keys::revoke;
use crate::app::{App, OTHER_PASSWORD, PASSWORD, START, bearer, refusal};
use crate::change_password::change;
use crate::deletion::delete;
use crate::programs::{app, client, token};
use crate::revocations::{caught_up, next, session, watch};
use crate::signing_keys::{FLAGS, kid};

#[tokio::test]
async fn a_revocation_stamped_in_the_future_keeps_nobody_from_hearing_of_others() {
    let app = app().await;
    let (ada, bob) = (
        app.user("ada@example.org").await,
        app.user("bob@example.org").await,
    );
    let mut feed = watch(&app, "").await;
    caught_up(&mut feed).await;

    // Written by a replica whose clock was 300 s ahead.
    app.sql(
        "INSERT INTO auth.revocations (user_id, session_id, revoke_time)
         SELECT user_id, id, to_timestamp(1800000300) FROM auth.sessions
         WHERE user_id = (SELECT user_id FROM auth.emails WHERE email_norm = 'ada@example.org')",
    )
    .await;
    let (told, cursor) = next(&mut feed).await;
    assert_eq!(told, [session(&ada.session_id)]);
    let mut late = watch(&app, &cursor).await;
    caught_up(&mut late).await;

    app.advance(61);
    app.log_out(&bob.refresh_token).await.unwrap();

    assert_eq!(next(&mut feed).await.0, [session(&bob.session_id)]);
    assert_eq!(next(&mut late).await.0, [session(&bob.session_id)]);
}

#[tokio::test]
async fn a_cursor_of_deleted_users_from_the_future_passes_over_nobody() {
    let app = app().await;
    let user = app.sign_up("ada@example.org").await.unwrap();
    let tokens = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    delete(&app, &tokens.access_token, PASSWORD).await.unwrap();

    let micros = (START + 300) * 1_000_000;
    let request = ListDeletedUsersRequest {
        since_cursor: format!("d1_{micros}_{}", "f".repeat(32)),
        ..ListDeletedUsersRequest::default()
    };
    let request = bearer(request, &token(&app).await);
    let listed = client(&app).list_deleted_users(request).await.unwrap();

    let listed = listed.into_inner();
    assert_eq!(listed.deleted_users[0].user_id, user.id);
}

/// Makes `act` wait for rows of this table, advances the clock by 5 s meanwhile, and
/// returns how much later than the start of `act` the resulting revocation is.
async fn stamped_after_a_wait(app: &App, table: &str, act: impl Future<Output = ()>) -> i64 {
    let mut holder = app.db.begin().await.unwrap();
    let hold = AssertSqlSafe(format!("SELECT 1 FROM auth.{table} FOR UPDATE"));
    sqlx::query(hold).fetch_all(&mut *holder).await.unwrap();
    let meanwhile = async {
        app.waiting_for_a_lock(1).await;
        app.advance(5);
        holder.rollback().await.unwrap();
    };
    tokio::join!(act, meanwhile);
    let latest = "SELECT extract(epoch FROM max(revoke_time))::bigint FROM auth.revocations";
    let latest: i64 = sqlx::query_scalar(latest).fetch_one(&app.db).await.unwrap();
    latest - START
}

#[tokio::test]
async fn acts_of_administrators_revoke_what_was_made_while_they_waited() {
    for kind in ["roles", "disable", "sessions", "program"] {
        let app = App::start().await;
        let by = Admin::new(&app, "root@example.org").await;
        let user = app.sign_up("ada@example.org").await.unwrap().id;
        by.set_roles(&user, &["support"]).await.unwrap();
        app.log_in("ada@example.org", PASSWORD).await.unwrap();
        by.create("mailer", &["contacts.read"]).await.unwrap();

        let act = async {
            match kind {
                "roles" => drop(by.set_roles(&user, &[]).await.unwrap()),
                "disable" => drop(by.disable(&user).await.unwrap()),
                "sessions" => drop(by.revoke_sessions(&user).await.unwrap()),
                _ => by.delete("mailer").await.unwrap(),
            }
        };

        assert_eq!(stamped_after_a_wait(&app, "users", act).await, 5, "{kind}");
    }
}

/// A session's revocation is kept as long as its tokens are valid, including those that a
/// refresh at another replica issued while the revocation waited.
#[tokio::test]
async fn the_end_of_sessions_is_of_the_time_when_it_happens() {
    for kind in ["log out", "one", "others", "reuse"] {
        let app = App::start().await;
        let first = app.user("ada@example.org").await;
        let by = app.log_in("ada@example.org", PASSWORD).await.unwrap();
        let mut old = first.refresh_token.clone();
        for _ in 0..2 {
            let again = app.refresh(&old).await.unwrap().tokens.unwrap();
            if kind == "reuse" {
                break;
            }
            old = again.refresh_token;
        }
        if kind == "reuse" {
            app.advance(60);
        }
        let began = app.clock().now().timestamp();

        let act = async {
            match kind {
                "log out" => app.log_out(&old).await.unwrap(),
                "one" => {
                    let session_id = first.session_id.clone();
                    let request = bearer(RevokeSessionRequest { session_id }, &by.access_token);
                    app.account.clone().revoke_session(request).await.unwrap();
                }
                "others" => {
                    let request = bearer(RevokeOtherSessionsRequest {}, &by.access_token);
                    let mut account = app.account.clone();
                    account.revoke_other_sessions(request).await.unwrap();
                }
                _ => assert_eq!(refusal(app.refresh(&old).await), "REFRESH_TOKEN_REUSED"),
            }
        };
        // A call that revokes all sessions locks the user first.
        let table = if kind == "others" {
            "users"
        } else {
            "sessions"
        };

        let late = stamped_after_a_wait(&app, table, act).await - (began - START);
        assert_eq!(late, 5, "{kind}");
    }
}

#[tokio::test]
async fn the_end_of_a_key_is_of_the_time_when_it_happens() {
    let app = App::alone(&FLAGS).await;
    let by = Admin::new(&app, "root@example.org").await;
    let kid = kid(&by.tokens.access_token);
    let mut holder = app.db.begin().await.unwrap();
    let hold = "LOCK TABLE auth.signing_keys IN SHARE ROW EXCLUSIVE MODE";
    sqlx::query(hold).execute(&mut *holder).await.unwrap();

    let meanwhile = async {
        app.waiting_for_a_lock(1).await;
        app.advance(5);
        holder.rollback().await.unwrap();
    };
    let (revoked, ()) = tokio::join!(revoke(&by, &kid), meanwhile);

    let revoked = revoked.unwrap();
    assert_eq!(revoked.state_time.unwrap().seconds, START + 5);
}

#[tokio::test]
async fn a_change_of_password_revokes_what_was_made_while_it_waited() {
    for table in ["emails", "users"] {
        let app = App::start().await;
        let tokens = app.user("ada@example.org").await;
        app.log_in("ada@example.org", PASSWORD).await.unwrap();

        let act = async {
            let changed = change(&app, &tokens.access_token, PASSWORD, OTHER_PASSWORD).await;
            changed.unwrap();
        };

        assert_eq!(stamped_after_a_wait(&app, table, act).await, 5, "{table}");
    }
}
