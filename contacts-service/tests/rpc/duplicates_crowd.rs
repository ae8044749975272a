//! Many searches for duplicates at once.

use std::time::Duration;

use contacts_service::service::AT_A_TIME;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::sample::ada;

/// How many statements wait for a lock.
async fn waiting(db: &mut PgConnection) -> i64 {
    let sql = "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
               WHERE d.datname = current_database() AND NOT l.granted";
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn searches_for_duplicates_leave_connections_to_other_calls() {
    let app = App::alone().await;
    let (owner, other) = (app.owner(), app.owner());
    owner.has_all([ada(), ada()]).await;
    let contact = other.has(ada()).await;
    let (mut holder, mut looker) = (app.admin().await, app.admin().await);
    let mut held = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE contacts.ignored_duplicates")
        .execute(&mut *held)
        .await
        .unwrap();
    let mut finds = JoinSet::new();
    for _ in 0..20 {
        let owner = owner.clone();
        finds.spawn(async move { owner.duplicates(0).await.len() });
    }
    let most = i64::try_from(AT_A_TIME).unwrap();
    let crowded = async {
        while waiting(&mut looker).await < most {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(20), crowded).await.unwrap();

    // Each takes a connection; the test's service has five.
    for _ in 0..50 {
        assert_eq!(other.get(&contact.id).await.unwrap(), contact);
    }
    other.create(ada()).await.unwrap();
    assert_eq!(waiting(&mut looker).await, most);

    held.rollback().await.unwrap();
    while let Some(groups) = finds.join_next().await {
        assert_eq!(groups.unwrap(), 1);
    }
}
