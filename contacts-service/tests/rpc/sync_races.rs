//! Syncs while others write.

use std::time::Duration;

use proto::contacts::v1::Contact;
use sqlx::Connection;
use tokio::time::timeout;

use crate::app::App;
use crate::mirror::Mirror;
use crate::owner::Owner;
use crate::sample::{ada, ids, named};

/// Every kind of write on one contact after the other.
async fn write(owner: &Owner, stored: &[Contact], round: usize) {
    for (number, contact) in stored.iter().enumerate() {
        let changed = Contact {
            id: contact.id.clone(),
            notes: format!("{round}"),
            ..Contact::default()
        };
        match (number + round) % 4 {
            0 => drop(owner.has(named("New", "")).await),
            1 => drop(owner.update(changed, &[]).await),
            2 => drop(owner.delete(&contact.id).await),
            _ => drop(owner.undelete(&contact.id).await),
        }
    }
}

#[tokio::test]
async fn pages_that_are_read_while_others_write_miss_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all((0..20).map(|_| ada())).await;
    let (mut since_then, mut from_nothing) = (Mirror::of(&owner).await, Mirror::default());

    let writing = async {
        for round in 0..8 {
            write(&owner, &stored, round).await;
        }
    };
    let reading = async {
        for _ in 0..60 {
            since_then.sync_page(&owner, 3).await;
            from_nothing.sync_page(&owner, 5).await;
        }
    };
    tokio::join!(writing, reading);

    for mut mirror in [since_then, from_nothing] {
        mirror.sync(&owner, 7).await;
        mirror.assert_same(&owner).await;
    }
}

/// With a number per row, this row would get a number and be visible before the slow
/// one's, and a client that resumes after it would never see the slow one's.
#[tokio::test]
async fn no_write_overtakes_a_slow_transaction() {
    let app = App::start().await;
    let owner = app.owner();
    let slow = owner.has(ada()).await;
    let mut mirror = Mirror::of(&owner).await;
    let mut db = app.admin().await;
    let mut tx = db.begin().await.unwrap();
    let take = "UPDATE contacts.owner_state SET version = version + 1 WHERE owner_id = $1
                RETURNING version";
    let taken = sqlx::query_scalar(take).bind(owner.user);
    let version: i64 = taken.fetch_one(&mut *tx).await.unwrap();
    sqlx::query("UPDATE contacts.contacts SET version = $2 WHERE owner_id = $1")
        .bind(owner.user)
        .bind(version)
        .execute(&mut *tx)
        .await
        .unwrap();

    let fast = tokio::spawn({
        let owner = owner.clone();
        async move { owner.has(named("Fast", "")).await }
    });
    until_someone_waits_for_a_lock(&app).await;
    let early = owner.sync(&mirror.token, 0).await.unwrap();
    assert_eq!(early.changed, []);
    tx.commit().await.unwrap();
    let fast = fast.await.unwrap();

    let page = owner.sync(&early.next_sync_token, 0).await.unwrap();
    assert_eq!(ids(&page.changed), [&*slow.id, &*fast.id]);
    assert_eq!(fast.version, version + 1);
    mirror.page(page);
    mirror.assert_same(&owner).await;
}

async fn until_someone_waits_for_a_lock(app: &App) {
    let mut db = app.admin().await;
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waits = async {
        loop {
            let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap();
            if count > 0 {
                return;
            }
        }
    };
    timeout(Duration::from_secs(10), waits).await.unwrap();
}
