//! How long photos live: with their contacts, with revisions, and no longer.

use chassis::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use contacts_service::purge;
use proto::contacts::v1::{Contact, PurgeContactsRequest};
use sqlx::Connection;
use tonic::Code;

use crate::app::{App, rows};
use crate::owner::Owner;
use crate::owner_merges::bare;
use crate::photo_files::{jpeg, large_jpeg, png, png_of, webp};
use crate::refusal::assert_refused;
use crate::sample::{ada, named};

fn size(file: &[u8]) -> i64 {
    i64::try_from(file.len()).unwrap()
}

/// The files and the uses of an owner.
async fn stored(app: &App, owner: &Owner) -> (i64, i64) {
    let files = rows(app, "photos", owner.user).await;
    (files, rows(app, "photo_uses", owner.user).await)
}

/// Panics unless the owner's counter is what is stored.
async fn assert_counted(app: &App, owner: &Owner) {
    let sql = "SELECT (SELECT COALESCE(sum(octet_length(body)), 0)
                       FROM contacts.contacts WHERE owner_id = $1)
                    + (SELECT COALESCE(sum(octet_length(bytes)), 0)
                       FROM contacts.photos WHERE owner_id = $1)";
    let sum = sqlx::query_scalar(sql).bind(owner.user);
    let sum: i64 = sum.fetch_one(&mut app.admin().await).await.unwrap();
    assert_eq!(app.byte_count(owner).await, sum);
}

/// Deletes the owner's revisions, as time does.
async fn forget_revisions(app: &App, owner: &Owner) {
    let mut db = app.admin().await;
    let delete = "DELETE FROM contacts.revisions WHERE owner_id = $1";
    let delete = sqlx::query(delete).bind(owner.user);
    delete.execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

fn in_days(days: i64) -> DateTime<Utc> {
    Clock::System.now() + TimeDelta::days(days)
}

async fn photographed(owner: &Owner, name: &str, file: &[u8]) -> Contact {
    let contact = owner.has(named(name, "")).await;
    owner.set_photo(&contact.id, file).await.unwrap()
}

#[tokio::test]
async fn equal_photos_are_stored_and_counted_once() {
    let app = App::start().await;
    let owner = app.owner();
    let before = owner.has(ada()).await;
    let bytes = app.byte_count(&owner).await;

    let one = owner.set_photo(&before.id, &jpeg(1)).await.unwrap();
    let other = photographed(&owner, "Other", &jpeg(1)).await;

    assert_eq!(one.photo, other.photo);
    assert_eq!(stored(&app, &owner).await, (1, 2));
    assert!(app.byte_count(&owner).await > bytes + size(&jpeg(1)));
    assert_counted(&app, &owner).await;
    assert_eq!(owner.stats().await.bytes, app.byte_count(&owner).await);
    // Another owner's equal photo is another one.
    let stranger = app.plain_owner();
    photographed(&stranger, "Mine", &jpeg(1)).await;
    assert_eq!(stored(&app, &stranger).await, (1, 1));
}

#[tokio::test]
async fn photos_count_against_the_quota_of_bytes() {
    let app = App::with(&["--contact-bytes-quota", "70000"]).await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let set = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();

    let refused = owner.set_photo(&contact.id, &large_jpeg(70_000)).await;

    assert_refused(refused, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
    assert_eq!(owner.get(&contact.id).await.unwrap(), set);
    assert_eq!(stored(&app, &owner).await, (1, 1));
    assert_counted(&app, &owner).await;
    // It is stored already.
    photographed(&owner, "Other", &jpeg(1)).await;
}

#[tokio::test]
async fn a_comment_costs_no_quota() {
    let app = App::with(&["--contact-bytes-quota", "65536"]).await;
    let owner = app.owner();

    photographed(&owner, "Ada", &png_of(1_000_000)).await;

    assert_counted(&app, &owner).await;
}

#[tokio::test]
async fn revisions_have_their_photos_and_restore_them() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let first = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();
    let second = owner.set_photo(&contact.id, &png(2)).await.unwrap();
    owner.delete_photo(&contact.id, "").await.unwrap();
    let revisions = owner.revisions_page(&contact.id, 0, "").await.unwrap();
    let photos: Vec<_> = revisions
        .revisions
        .into_iter()
        .map(|revision| revision.contact.unwrap().photo)
        .collect();
    let expected = [None, second.photo.clone(), first.photo.clone(), None];
    assert_eq!(photos, expected);
    purge::batch(&app.pool(), in_days(80)).await.unwrap();

    for (earlier, file) in [(&first, jpeg(1)), (&second, png(2))] {
        let version = earlier.version.to_string();
        let restored = owner.restore(&contact.id, &version, "").await.unwrap();
        assert_eq!(bare(&restored), bare(earlier));
        assert!(owner.photo(&contact.id).await.unwrap().1 == file);
    }
    let version = contact.version.to_string();
    let restored = owner.restore(&contact.id, &version, "").await.unwrap();
    assert_eq!(restored.photo, None);
    assert_counted(&app, &owner).await;
}

#[tokio::test]
async fn an_undeleted_contact_has_its_photo() {
    let app = App::start().await;
    let owner = app.owner();
    let set = photographed(&owner, "Ada", &jpeg(1)).await;
    owner.delete(&set.id).await.unwrap();
    purge::batch(&app.pool(), in_days(29)).await.unwrap();

    let back = owner.undelete(&set.id).await.unwrap();

    assert_eq!(back.photo, set.photo);
    assert!(owner.photo(&set.id).await.unwrap().1 == jpeg(1));
}

#[tokio::test]
async fn a_merge_keeps_the_primarys_photo_or_takes_the_first_one_and_is_undone() {
    let app = App::start().await;
    let owner = app.owner();
    let plain = owner.has(named("Plain", "")).await;
    let primary = photographed(&owner, "Primary", &jpeg(1)).await;
    for primary in [&plain, &primary] {
        let one = photographed(&owner, "One", &png(2)).await;
        let other = photographed(&owner, "Other", &webp(3)).await;
        let wins = primary.photo.as_ref().or(one.photo.as_ref());
        let file = if primary.photo.is_some() {
            jpeg(1)
        } else {
            png(2)
        };

        let (merged, merge) = owner.merge(primary, &[&one, &other]).await.unwrap();

        assert_eq!(merged.photo.as_ref(), wins);
        assert!(owner.photo(&merged.id).await.unwrap().1 == file);
        let undone = owner.unmerge(&merge).await.unwrap();
        let before: Vec<_> = [primary, &one, &other].map(bare).into();
        assert_eq!(undone.iter().map(bare).collect::<Vec<_>>(), before);
        assert!(owner.photo(&other.id).await.unwrap().1 == webp(3));
    }
    assert_counted(&app, &owner).await;
}

#[tokio::test]
async fn a_taken_photo_outlives_the_contact_that_it_came_from() {
    let app = App::start().await;
    let owner = app.owner();
    let plain = owner.has(named("Plain", "")).await;
    let other = photographed(&owner, "Other", &png(2)).await;
    owner.merge(&plain, &[&other]).await.unwrap();

    owner.purge(&[&other.id]).await.unwrap();
    purge::batch(&app.pool(), in_days(31)).await.unwrap();

    assert!(owner.photo(&plain.id).await.unwrap().1 == png(2));
    assert_eq!(stored(&app, &owner).await, (1, 1));
}

#[tokio::test]
async fn a_purge_removes_the_photos_that_nothing_else_uses_at_once() {
    let app = App::start().await;
    let owner = app.owner();
    let kept = photographed(&owner, "Kept", &jpeg(1)).await;
    let gone = photographed(&owner, "Gone", &jpeg(1)).await;
    owner.set_photo(&gone.id, &png(2)).await.unwrap();
    owner.set_photo(&gone.id, &webp(3)).await.unwrap();
    assert_eq!(stored(&app, &owner).await, (3, 4));
    owner.delete(&gone.id).await.unwrap();

    owner.purge(&[&gone.id]).await.unwrap();

    assert_eq!(stored(&app, &owner).await, (1, 1));
    assert!(owner.photo(&kept.id).await.unwrap().1 == jpeg(1));
    assert_counted(&app, &owner).await;
    owner.delete(&kept.id).await.unwrap();
    let all = PurgeContactsRequest {
        all_deleted: true,
        ..PurgeContactsRequest::default()
    };
    owner.purge_with(all).await.unwrap();
    assert_eq!(stored(&app, &owner).await, (0, 0));
    assert_eq!(app.byte_count(&owner).await, 0);
}

#[tokio::test]
async fn a_replaced_photo_is_deleted_with_the_last_revision_that_has_it() {
    let app = App::start().await;
    let owner = app.owner();
    let set = photographed(&owner, "Ada", &jpeg(1)).await;
    owner.set_photo(&set.id, &png(2)).await.unwrap();
    let pool = app.pool();
    assert_eq!(purge::batch(&pool, in_days(1)).await.unwrap(), 0);
    assert_eq!(stored(&app, &owner).await, (2, 2));

    forget_revisions(&app, &owner).await;
    assert_eq!(purge::batch(&pool, in_days(3)).await.unwrap(), 1);

    assert_eq!(stored(&app, &owner).await, (1, 1));
    assert_counted(&app, &owner).await;
    assert!(owner.photo(&set.id).await.unwrap().1 == png(2));
    // The current one is looked at again, and kept.
    assert_eq!(purge::batch(&pool, in_days(60)).await.unwrap(), 0);
    assert!(owner.photo(&set.id).await.unwrap().1 == png(2));
}

#[tokio::test]
async fn what_a_program_of_the_version_before_purged_leaves_no_photo() {
    let app = App::start().await;
    let owner = app.owner();
    photographed(&owner, "Ada", &jpeg(1)).await;
    let mut db = app.admin().await;
    // It does not know the tables of photos.
    for sql in [
        "DELETE FROM contacts.contacts WHERE owner_id = $1",
        "DELETE FROM contacts.revisions WHERE owner_id = $1",
        "DELETE FROM contacts.owner_state WHERE owner_id = $1",
    ] {
        sqlx::query(sql)
            .bind(owner.user)
            .execute(&mut db)
            .await
            .unwrap();
    }

    let deleted = purge::batch(&app.pool(), in_days(31)).await.unwrap();

    assert_eq!(deleted, 1);
    assert_eq!(stored(&app, &owner).await, (0, 0));
}

#[tokio::test]
async fn a_photo_that_is_set_again_while_it_is_purged_is_there() {
    for purge_comes_first in [true, false] {
        let app = App::start().await;
        let owner = app.owner();
        let one = photographed(&owner, "One", &jpeg(1)).await;
        let other = owner.has(named("Other", "")).await;
        owner.delete_photo(&one.id, "").await.unwrap();
        forget_revisions(&app, &owner).await;
        let mut db = app.admin().await;
        let mut held = db.begin().await.unwrap();
        let lock = "SELECT FROM contacts.owner_state WHERE owner_id = $1 FOR UPDATE";
        let lock = sqlx::query(lock).bind(owner.user);
        lock.execute(&mut *held).await.unwrap();
        let setter = owner.clone();
        let set = async move { setter.set_photo(&other.id, &jpeg(1)).await };
        let pool = app.pool();
        let purged = async move { purge::batch(&pool, in_days(2)).await };

        let (set, purged) = if purge_comes_first {
            let purged = tokio::spawn(purged);
            app.waiting_for_a_lock(1).await;
            (tokio::spawn(set), purged)
        } else {
            let set = tokio::spawn(set);
            app.waiting_for_a_lock(1).await;
            (set, tokio::spawn(purged))
        };
        app.waiting_for_a_lock(2).await;
        held.rollback().await.unwrap();

        let set = set.await.unwrap().unwrap();
        purged.await.unwrap().unwrap();
        assert!(owner.photo(&set.id).await.unwrap().1 == jpeg(1));
        assert_eq!(stored(&app, &owner).await, (1, 1));
        assert_counted(&app, &owner).await;
    }
}
