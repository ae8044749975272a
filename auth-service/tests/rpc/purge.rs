//! Sessions that ended long ago.

use auth_service::purge;
use chrono::{DateTime, TimeDelta};

use crate::app::{App, PASSWORD, START, refusal};

/// How long a revocation can matter.
const LIFE: TimeDelta = TimeDelta::minutes(11);

#[tokio::test]
async fn a_session_is_forgotten_a_week_after_its_absolute_end() {
    let app = App::start_with(&["--refresh-absolute-ttl-seconds=1000"]).await;
    let old = app.user("ada@example.org").await;
    app.advance(500);
    let newer = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    let db = sqlx::PgPool::connect_with(app.database.connect_options("auth_service"))
        .await
        .unwrap();
    let at = |seconds| DateTime::from_timestamp(START + 1000 + 7 * 86_400 + seconds, 0).unwrap();
    app.advance(1000 + 7 * 86_400);

    // The bucket of the log-ins' address remains.
    assert_eq!(purge::batch(&db, LIFE, at(0)).await.unwrap(), 1);
    assert_eq!(purge::batch(&db, LIFE, at(1)).await.unwrap(), 1);
    assert_eq!(purge::batch(&db, LIFE, at(1)).await.unwrap(), 0);

    assert_eq!(
        refusal(app.refresh(&old.refresh_token).await),
        "REFRESH_TOKEN_INVALID"
    );
    assert_eq!(
        refusal(app.refresh(&newer.refresh_token).await),
        "SESSION_EXPIRED"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_purges_at_once_share_the_work() {
    let app = App::start_with(&["--refresh-absolute-ttl-seconds=1000"]).await;
    app.user("ada@example.org").await;
    app.sql(
        "INSERT INTO auth.sessions
         SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid()))).*
         FROM auth.sessions AS s, generate_series(1, 1200)",
    )
    .await;
    app.sql("TRUNCATE auth.throttles").await;
    let db = sqlx::PgPool::connect_with(app.database.connect_options("auth_service"))
        .await
        .unwrap();
    let later = DateTime::from_timestamp(START + 30 * 86_400, 0).unwrap();

    let mut forgotten = 0;
    loop {
        let (a, b) = tokio::join!(
            purge::batch(&db, LIFE, later),
            purge::batch(&db, LIFE, later)
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        assert!(a <= 500 && b <= 500);
        forgotten += a + b;
        if a + b == 0 {
            break;
        }
    }

    assert_eq!(forgotten, 1201);
}
