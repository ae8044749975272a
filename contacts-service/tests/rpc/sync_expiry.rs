//! How long a sync token is valid.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use contacts_service::purge;

use crate::app::{App, rows};
use crate::mirror::{Mirror, assert_expired};
use crate::owner::Owner;
use crate::sample::{ada, ids};

const START: i64 = 1_800_000_000;

/// Advances the clock, and purges.
async fn day(app: &App, now: &AtomicI64, day: i64) -> u64 {
    let time = DateTime::<Utc>::from_timestamp(START, 0).unwrap() + TimeDelta::days(day);
    now.store(time.timestamp(), Ordering::SeqCst);
    purge::batch(&app.pool(), time).await.unwrap()
}

async fn token(owner: &Owner) -> String {
    Mirror::of(owner).await.token
}

#[tokio::test]
async fn what_went_for_good_is_told_for_ninety_days() {
    let (app, now) = App::at(START).await;
    let owner = app.owner();
    let kept = owner.has(ada()).await;
    let gone = owner.has(ada()).await;
    let mut mirror = Mirror::of(&owner).await;
    let before = mirror.token.clone();
    owner.delete(&gone.id).await.unwrap();
    let deleted = token(&owner).await;

    assert_eq!(day(&app, &now, 31).await, 1);
    let after = token(&owner).await;
    assert_eq!(day(&app, &now, 31 + 89).await, 0);

    mirror.sync(&owner, 1).await;
    mirror.assert_same(&owner).await;
    let told = owner.sync(&deleted, 0).await.unwrap();
    assert_eq!(told.deleted_ids, [&*gone.id]);
    assert_eq!(owner.sync(&after, 0).await.unwrap().deleted_ids, [""; 0]);

    assert_eq!(day(&app, &now, 31 + 91).await, 1);
    assert_eq!(rows(&app, "tombstones", owner.user).await, 0);
    assert_expired(&owner, &before).await;
    assert_expired(&owner, &deleted).await;
    // Clients that received the deletion already miss nothing.
    owner.sync(&after, 0).await.unwrap();
    owner.sync(&mirror.token, 0).await.unwrap();
    let anew = owner.sync("", 0).await.unwrap();
    assert_eq!(ids(&anew.changed), [&*kept.id]);
}

/// Some deletions of the purged batch have not been sent yet.
#[tokio::test]
async fn a_page_that_ended_within_what_is_forgotten_is_of_no_use() {
    let (app, now) = App::at(START).await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada(), ada()]).await;
    let before = token(&owner).await;
    for contact in &stored {
        owner.delete(&contact.id).await.unwrap();
    }
    assert_eq!(day(&app, &now, 31).await, 3);
    let first = owner.sync(&before, 2).await.unwrap();
    assert_eq!(first.deleted_ids.len(), 2);
    let rest = owner.sync(&first.next_page_token, 2).await.unwrap();
    assert_eq!(rest.deleted_ids.len(), 1);

    assert_eq!(day(&app, &now, 31 + 91).await, 3);

    assert_expired(&owner, &first.next_page_token).await;
    owner.sync(&rest.next_sync_token, 0).await.unwrap();
}

#[tokio::test]
async fn whoever_had_just_begun_needs_no_memory_of_before() {
    let (app, now) = App::at(START).await;
    let owner = app.owner();
    owner.has_all([ada(), ada()]).await;
    owner.has_deleted(ada()).await;
    assert_eq!(day(&app, &now, 31).await, 1);
    let first = owner.sync("", 1).await.unwrap();

    assert_eq!(day(&app, &now, 31 + 91).await, 1);

    let rest = owner.sync(&first.next_page_token, 1).await.unwrap();
    assert_eq!(rest.changed.len(), 1);
}

#[tokio::test]
async fn two_replicas_forget_together() {
    let (app, now) = App::at(START).await;
    let owners: Vec<_> = (0..5).map(|_| app.owner()).collect();
    for owner in &owners {
        owner.has_deleted(ada()).await;
        owner.has_deleted(ada()).await;
    }
    day(&app, &now, 31).await;
    let later = DateTime::from_timestamp(START, 0).unwrap() + TimeDelta::days(31 + 91);
    let (one, other) = (app.pool(), app.pool());

    let forgotten = tokio::join!(purge::batch(&one, later), purge::batch(&other, later));

    assert_eq!(forgotten.0.unwrap() + forgotten.1.unwrap(), 10);
}

#[tokio::test]
async fn a_restored_backup_ends_the_tokens_of_what_it_does_not_know() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(ada()).await;
    let before = token(&owner).await;
    owner.has(ada()).await;
    let after = token(&owner).await;

    let mut db = app.admin().await;
    for sql in [
        "DELETE FROM contacts.contacts WHERE version > 1",
        "UPDATE contacts.owner_state SET version = 1, live_count = 1",
    ] {
        sqlx::query(sql).execute(&mut db).await.unwrap();
    }

    assert_expired(&owner, &after).await;
    owner.sync(&before, 0).await.unwrap();
}

/// The statement in the operations manual.
#[tokio::test]
async fn a_new_epoch_ends_all_tokens() {
    let manual = include_str!("../../../docs/OPERATIONS.md");
    let sql = "UPDATE contacts.owner_state \
               SET epoch = gen_random_uuid(), version = version + 1000000000;";
    assert!(manual.contains(sql));
    let app = App::start().await;
    let owner = app.owner();
    owner.has_all([ada(), ada()]).await;
    let (token, page) = (token(&owner).await, owner.sync("", 1).await.unwrap());

    sqlx::query(sql)
        .execute(&mut app.admin().await)
        .await
        .unwrap();

    assert_expired(&owner, &token).await;
    assert_expired(&owner, &page.next_page_token).await;
    Mirror::of(&owner).await.assert_same(&owner).await;
}
