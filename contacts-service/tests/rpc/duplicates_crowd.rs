//! Many searches for duplicates at once.

use contacts_service::duplicates::AT_A_TIME;
use sqlx::Connection;
use tokio::task::JoinSet;

use crate::app::App;
use crate::sample::ada;

#[tokio::test]
async fn searches_for_duplicates_leave_connections_to_other_calls() {
    let app = App::alone().await;
    let (owner, other) = (app.owner(), app.owner());
    owner.has_all([ada(), ada()]).await;
    let contact = other.has(ada()).await;
    let mut holder = app.admin().await;
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
    app.waiting_for_a_lock(most).await;

    // Each takes a connection; the test's service has five.
    for _ in 0..50 {
        assert_eq!(other.get(&contact.id).await.unwrap(), contact);
    }
    other.create(ada()).await.unwrap();
    assert_eq!(app.waiting().await, most);

    held.rollback().await.unwrap();
    while let Some(groups) = finds.join_next().await {
        assert_eq!(groups.unwrap(), 1);
    }
}
