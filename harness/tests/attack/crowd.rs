//! A user with so many sessions that changing all of them would take too long.

use proto::auth::v1::{
    DeleteUserRequest, DisableUserRequest, EnableUserRequest, RevokeUserSessionsRequest,
};
use sqlx::{Connection, PgConnection};

use crate::admin::Admin;
use crate::pair::Pair;
use crate::user::{OTHER_PASSWORD, PASSWORD, refusal};

const MALLORY: &str = "mallory@example.com";

/// Copies of the one session, with other ids.
const CROWD: &str = "
    INSERT INTO auth.sessions
    SELECT s.user_id, gen_random_uuid(), s.gen, s.cur_hash, s.cur_kid, s.prev_hash,
           s.prev_request_hash, s.rotate_time, s.create_time, s.auth_time, s.amr,
           s.last_seen_time, s.idle_expire_time, s.absolute_expire_time, s.revoke_time,
           s.revoke_reason, s.ip, s.user_agent, s.client_label, s.epoch
    FROM auth.sessions AS s
    JOIN auth.users AS u ON u.id = s.user_id, generate_series(1, 600000)
    WHERE u.email = 'mallory@example.com'";

/// All of them are valid again.
const REVIVE: &str = "UPDATE auth.users SET session_epoch = 0 WHERE email LIKE 'mallory@%'";

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_600_000_sessions_is_banned_and_deleted_as_any_other() {
    let pair = Pair::start().await;
    let admin = Admin::new(&pair, 0, "root@example.com").await;
    let mallory = pair.side(1).user(MALLORY).await;
    let mut db = PgConnection::connect_with(&pair.database.admin())
        .await
        .unwrap();
    sqlx::raw_sql(CROWD).execute(&mut db).await.unwrap();
    let (mut client, id) = (admin.client(), mallory_id(&mut db).await);

    let request = admin.asks(RevokeUserSessionsRequest {
        user_id: id.clone(),
    });
    client.revoke_user_sessions(request).await.unwrap();
    let refreshed = pair.side(1).refresh(&mallory.refresh_token).await;
    assert_eq!(refusal(refreshed), "SESSION_REVOKED");

    sqlx::raw_sql(REVIVE).execute(&mut db).await.unwrap();
    let request = admin.asks(DisableUserRequest {
        user_id: id.clone(),
    });
    client.disable_user(request).await.unwrap();
    let log_in = pair.side(1).log_in(MALLORY, PASSWORD).await;
    assert_eq!(refusal(log_in), "ACCOUNT_DISABLED");
    let request = admin.asks(EnableUserRequest {
        user_id: id.clone(),
    });
    client.enable_user(request).await.unwrap();

    sqlx::raw_sql(REVIVE).execute(&mut db).await.unwrap();
    let caller = pair.side(1).log_in(MALLORY, PASSWORD).await.unwrap();
    let caller = pair
        .side(0)
        .change_password(&caller.access_token, OTHER_PASSWORD)
        .await
        .unwrap();
    pair.side(1).refresh(&caller.refresh_token).await.unwrap();

    sqlx::raw_sql(REVIVE).execute(&mut db).await.unwrap();
    let request = admin.asks(DeleteUserRequest { user_id: id });
    client.delete_user(request).await.unwrap();
    let log_in = pair.side(0).log_in(MALLORY, OTHER_PASSWORD).await;
    assert_eq!(refusal(log_in), "INVALID_CREDENTIALS");
    pair.side(1).user(MALLORY).await;
}

async fn mallory_id(db: &mut PgConnection) -> String {
    let sql = "SELECT id::text FROM auth.users WHERE email = 'mallory@example.com'";
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}
