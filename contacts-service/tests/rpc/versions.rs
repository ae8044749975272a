//! The owner's version and totals.

use std::collections::BTreeSet;

use crate::app::App;
use crate::sample::{ada, named};

#[tokio::test]
async fn parallel_creations_get_versions_without_a_double_or_a_gap() {
    let app = App::start().await;
    let (owner, other) = (app.owner(), app.owner());
    let creations = (0..40).map(|i| {
        let caller = if i % 2 == 0 { &owner } else { &other };
        caller.create(named(&format!("N{i}"), ""))
    });

    let created = futures_util::future::join_all(creations).await;

    for parity in [0, 1] {
        let versions = created.iter().skip(parity).step_by(2);
        let versions: BTreeSet<i64> = versions.map(|c| c.as_ref().unwrap().version).collect();
        assert!(versions.into_iter().eq(1..=20));
    }
}

#[tokio::test]
async fn every_kind_of_write_counts_up() {
    let app = App::start().await;
    let owner = app.owner();

    let first = owner.has(ada()).await;
    let second = owner.has(ada()).await;
    let mut patch = first.clone();
    patch.notes = "new".into();
    let updated = owner.update(patch, &[]).await.unwrap();
    let deleted = owner.delete(&second.id).await.unwrap();
    let back = owner.undelete(&second.id).await.unwrap();

    let versions = [first, second, updated, deleted, back].map(|contact| contact.version);
    assert_eq!(versions, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn the_total_follows_every_write_at_once() {
    let app = App::start().await;
    let owner = app.owner();
    assert_eq!(owner.total_size().await, 0);
    let mut ids = Vec::new();

    for n in 1..=10 {
        ids.push(owner.has(ada()).await.id);
        assert_eq!(owner.total_size().await, n);
    }
    for (id, left) in ids.iter().zip((5..10).rev()) {
        owner.delete(id).await.unwrap();
        assert_eq!(owner.total_size().await, left);
    }
    for (id, now) in ids[..5].iter().zip(6..) {
        owner.undelete(id).await.unwrap();
        assert_eq!(owner.total_size().await, now);
    }
}

#[tokio::test]
async fn totals_equal_the_rows_after_parallel_writes_of_every_kind() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all((0..20).map(|_| ada())).await;
    let writes = stored.iter().enumerate().map(|(i, contact)| {
        let owner = &owner;
        async move {
            owner.has(named("New", &"x".repeat(i + 1))).await;
            owner.delete(&contact.id).await.unwrap();
            if i % 2 == 0 {
                owner.undelete(&contact.id).await.unwrap();
            } else {
                owner.delete_with(&contact.id, "", true).await.unwrap();
                owner.create(named("a\0b", "")).await.unwrap_err();
            }
        }
    });

    futures_util::future::join_all(writes).await;

    let mut db = app.admin().await;
    let totals: (i64, i64) = sqlx::query_as(
        "SELECT live_count, byte_count FROM contacts.owner_state WHERE owner_id = $1",
    )
    .bind(owner.user)
    .fetch_one(&mut db)
    .await
    .unwrap();
    let rows: (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE delete_time IS NULL), sum(octet_length(body))
         FROM contacts.contacts WHERE owner_id = $1",
    )
    .bind(owner.user)
    .fetch_one(&mut db)
    .await
    .unwrap();
    assert_eq!(totals, rows);
    assert_eq!(rows.0, 30);
}
