//! What is kept for a while, and then purged.

use std::sync::atomic::Ordering::SeqCst;

use chrono::{DateTime, TimeDelta, Utc};
use contacts_service::purge;
use proto::contacts::v1::Contact;
use tonic::Code;

use crate::app::{App, rows};
use crate::refusal::assert_refused;
use crate::sample::{ada, full, named};

const START: i64 = 1_800_000_000;

fn after(days: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START, 0).unwrap() + TimeDelta::days(days)
}

#[tokio::test]
async fn a_deleted_contact_is_gone_after_thirty_days_and_no_earlier() {
    let (app, _) = App::at(START).await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    owner.delete(&stored.id).await.unwrap();
    let pool = app.pool();

    assert_eq!(purge::batch(&pool, after(30)).await.unwrap(), 0);
    assert!(owner.get(&stored.id).await.is_ok());
    let purged = purge::batch(&pool, after(31)).await.unwrap();

    assert_eq!(purged, 1);
    assert_refused(
        owner.get(&stored.id).await,
        Code::NotFound,
        "CONTACT_NOT_FOUND",
    );
    assert_eq!(app.byte_count(&owner).await, 0);
    assert_eq!(rows(&app, "revisions", owner.user).await, 0);
}

#[tokio::test]
async fn a_revision_is_gone_ninety_days_after_the_next_one_came() {
    let (app, now) = App::at(START).await;
    let owner = app.owner();
    let first = owner.has(named("First", "")).await;
    let on_day = |day| {
        now.store(after(day).timestamp(), SeqCst);
        app.owner_on(app.channel.clone(), owner.user)
    };
    let rename = |name: &str| Contact {
        id: first.id.clone(),
        ..named(name, "")
    };
    let second = on_day(300).update(rename("Second"), &[]).await.unwrap();
    let third = on_day(310).update(rename("Third"), &[]).await.unwrap();
    let (one, other) = (app.pool(), app.pool());

    assert_eq!(purge::batch(&one, after(390)).await.unwrap(), 0);
    let owner = on_day(391);
    let all = [&third, &second, &first].map(|contact| contact.version.to_string());
    assert_eq!(owner.revision_ids(&first.id).await, all);
    let purged = tokio::join!(
        purge::batch(&one, after(391)),
        purge::batch(&other, after(391))
    );

    assert_eq!(purged.0.unwrap() + purged.1.unwrap(), 1);
    assert_eq!(owner.revision_ids(&first.id).await, all[..2]);
    purge::batch(&one, after(9999)).await.unwrap();
    assert_eq!(owner.revision_ids(&first.id).await, all[..1]);
}

#[tokio::test]
async fn live_contacts_and_fresh_deletions_stay() {
    let (app, now) = App::at(START).await;
    let owner = app.owner();
    let (live, old, fresh) = (
        owner.has(ada()).await,
        owner.has(full()).await,
        owner.has(ada()).await,
    );
    owner.delete(&old.id).await.unwrap();
    now.store(after(20).timestamp(), SeqCst);
    let owner = app.owner_on(app.channel.clone(), owner.user);
    owner.delete(&fresh.id).await.unwrap();

    let purged = purge::batch(&app.pool(), after(31)).await.unwrap();

    assert_eq!(purged, 1);
    assert!(owner.get(&live.id).await.is_ok());
    assert!(owner.get(&fresh.id).await.unwrap().delete_time.is_some());
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn replicas_purge_together() {
    let (app, _) = App::at(START).await;
    let owners: Vec<_> = (0..5).map(|_| app.owner()).collect();
    for owner in &owners {
        for _ in 0..3 {
            let stored = owner.has(ada()).await;
            owner.delete(&stored.id).await.unwrap();
        }
    }
    let (one, other) = (app.pool(), app.pool());

    let purged = tokio::join!(
        purge::batch(&one, after(31)),
        purge::batch(&other, after(31))
    );

    assert_eq!(purged.0.unwrap() + purged.1.unwrap(), 15);
    for owner in &owners {
        assert_eq!(app.byte_count(owner).await, 0);
        assert_eq!(rows(&app, "tombstones", owner.user).await, 3);
        // One version for each creation and deletion, and one for the batch.
        assert_eq!(owner.has(ada()).await.version, 8);
    }
}
