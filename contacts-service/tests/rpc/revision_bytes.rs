//! The bytes of an owner's earlier revisions, which are limited.

use chrono::{DateTime, TimeDelta};
use contacts_service::purge;
use proto::contacts::v1::Contact;
use sqlx::Executor;

use crate::app::{App, rows};
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::sample::ada;

/// The quota of contacts, and of their earlier revisions.
const BYTES: &str = "65536";
const REVISION_BYTES: i64 = 4 * 65_536;
/// Of one contact here.
const HEAVY: usize = 16_000;

/// Returns the bytes of the owner's earlier revisions, which must be counted correctly.
async fn stored(app: &App, owner: &Owner) -> i64 {
    let sql = "SELECT revision_bytes, (SELECT COALESCE(sum(octet_length(body)), 0)
                                       FROM contacts.revisions WHERE owner_id = $1)
               FROM contacts.owner_state WHERE owner_id = $1";
    let bytes = sqlx::query_as(sql).bind(owner.user);
    let (counted, stored): (i64, i64) = bytes.fetch_one(&mut app.admin().await).await.unwrap();
    assert_eq!(counted, stored);
    stored
}

fn heavy(id: &str, number: usize) -> Contact {
    Contact {
        id: id.into(),
        notes: format!("{number:0HEAVY$}"),
        ..Contact::default()
    }
}

/// Writes a heavy contact in one of several ways.
async fn write(owner: &Owner, id: &str, number: usize) {
    match number % 4 {
        0 => drop(owner.update(heavy(id, number), &[]).await.unwrap()),
        1 => drop(
            owner
                .batch_update([heavy(id, number)], false)
                .await
                .unwrap(),
        ),
        2 => drop(owner.delete(id).await.unwrap()),
        _ => drop(owner.undelete(id).await.unwrap()),
    }
}

#[tokio::test]
async fn earlier_revisions_take_a_limited_number_of_bytes_whatever_wrote_them() {
    let app = App::with(&["--contact-bytes-quota", BYTES]).await;
    let owner = app.owner();
    let one = owner.has(ada()).await.id;
    let other = owner.has(ada()).await.id;

    let mut most = 0;
    for number in 0..40 {
        write(&owner, &one, number).await;
        write(&owner, &other, number).await;
        most = most.max(stored(&app, &owner).await);
    }

    // The last one that fits may exceed it.
    let limit = REVISION_BYTES + 17_000;
    assert!((REVISION_BYTES - 17_000..limit).contains(&most), "{most}");
    for id in [&one, &other] {
        // The oldest made room for the last ones.
        let kept = owner.revision_ids(id).await;
        let number = |id: &String| id.parse::<i64>().unwrap();
        assert!((6..12).contains(&kept.len()), "{kept:?}");
        assert!(number(&kept[kept.len() - 1]) > 60, "{kept:?}");
        assert!(owner.get(id).await.unwrap().notes.ends_with("37"));
        owner.delete(id).await.unwrap();
        owner.purge(&[id]).await.unwrap();
    }
    assert_eq!(stored(&app, &owner).await, 0);
}

#[tokio::test]
async fn the_revisions_of_renamed_labels_are_counted() {
    let app = App::with(&["--contact-bytes-quota", BYTES]).await;
    let owner = app.owner();
    let contact = Contact {
        notes: "x".repeat(HEAVY),
        ..labelled(&["0"])
    };
    owner.has_all([contact.clone(), contact]).await;

    let mut label = owner.label("0").await;
    for number in 1..15 {
        label = owner
            .rename_label(&label, &number.to_string())
            .await
            .unwrap();
        let bytes = stored(&app, &owner).await;
        assert!(bytes < REVISION_BYTES + 2 * 17_000, "{bytes}");
    }
}

#[tokio::test]
async fn old_revisions_make_room_unless_their_owner_writes() {
    const START: i64 = 1_800_000_000;
    let (app, _) = App::at(START).await;
    let later = DateTime::from_timestamp(START, 0).unwrap() + TimeDelta::days(91);
    let (owner, other) = (app.owner(), app.owner());
    for owner in [&owner, &other] {
        let id = owner.has(ada()).await.id;
        owner.update(heavy(&id, 1), &[]).await.unwrap();
        owner.update(heavy(&id, 2), &[]).await.unwrap();
    }
    let mut writes = app.admin().await;
    let hold = format!(
        "BEGIN; SELECT FROM contacts.owner_state WHERE owner_id = '{}' FOR UPDATE",
        other.user
    );
    writes.execute(sqlx::AssertSqlSafe(hold)).await.unwrap();

    assert_eq!(purge::batch(&app.pool(), later).await.unwrap(), 2);
    assert_eq!(stored(&app, &owner).await, 0);
    assert!(stored(&app, &other).await > 16_000);

    writes.execute("ROLLBACK").await.unwrap();
    assert_eq!(purge::batch(&app.pool(), later).await.unwrap(), 2);
    assert_eq!(stored(&app, &other).await, 0);
}

/// Adds revisions that were replaced long ago, each of so many bytes, to a contact.
async fn has_old_revisions(app: &App, owner: &Owner, id: &str, count: i32, bytes: i32) {
    let add = "INSERT INTO contacts.revisions
                   (owner_id, contact_id, version, revision_time, body, replace_time)
               SELECT $1, $2::text::uuid, -n, '2000-01-01', convert_to(repeat('x', $4), 'UTF8'),
                      '2000-01-02'
               FROM generate_series(1, $3) AS n";
    let add = sqlx::query(add).bind(owner.user).bind(id);
    let add = add.bind(count).bind(bytes);
    add.execute(&mut app.admin().await).await.unwrap();
}

#[tokio::test]
async fn a_busy_owner_with_many_old_revisions_does_not_keep_those_of_others() {
    let app = App::start().await;
    let (owner, busy) = (app.owner(), app.owner());
    let busy_id = busy.has(ada()).await.id;
    has_old_revisions(&app, &busy, &busy_id, 3000, 1).await;
    let id = owner.has(ada()).await.id;
    has_old_revisions(&app, &owner, &id, 5, 1).await;
    let mut writes = app.admin().await;
    let hold = format!(
        "BEGIN; SELECT FROM contacts.owner_state WHERE owner_id = '{}' FOR UPDATE",
        busy.user
    );
    writes.execute(sqlx::AssertSqlSafe(hold)).await.unwrap();
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    let deleted = purge::batch(&app.pool(), now).await.unwrap();

    assert_eq!(deleted, 5);
    assert_eq!(rows(&app, "revisions", owner.user).await, 0);
    writes.execute("ROLLBACK").await.unwrap();
    assert_eq!(purge::batch(&app.pool(), now).await.unwrap(), 1000);
}

/// As the migration leaves the owner's row.
async fn uncounted(app: &App, owner: &Owner) {
    let forget = "UPDATE contacts.owner_state SET revision_bytes = NULL WHERE owner_id = $1";
    let forget = sqlx::query(forget).bind(owner.user);
    forget.execute(&mut app.admin().await).await.unwrap();
}

#[tokio::test]
async fn revisions_from_before_they_were_limited_are_counted_by_the_next_write() {
    let app = App::with(&["--contact-bytes-quota", BYTES]).await;
    let owner = app.owner();
    let id = owner.has(ada()).await.id;
    let other = owner.has(ada()).await.id;
    has_old_revisions(&app, &owner, &id, 20, 17_000).await;
    uncounted(&app, &owner).await;

    // There is no room, except that of the contact's oldest one.
    owner.update(heavy(&id, 1), &[]).await.unwrap();
    owner.update(heavy(&id, 2), &[]).await.unwrap();
    owner.update(heavy(&other, 1), &[]).await.unwrap();

    assert!(stored(&app, &owner).await > REVISION_BYTES);
    assert_eq!(rows(&app, "revisions", owner.user).await, 20);
}

#[tokio::test]
async fn what_is_purged_before_it_was_counted_is_not_missing_afterwards() {
    let app = App::start().await;
    let owner = app.owner();
    let id = owner.has(ada()).await.id;
    owner.update(heavy(&id, 1), &[]).await.unwrap();
    owner.update(heavy(&id, 2), &[]).await.unwrap();
    has_old_revisions(&app, &owner, &id, 20, 16_000).await;
    uncounted(&app, &owner).await;
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    let deleted = purge::batch(&app.pool(), now).await.unwrap();
    owner.update(heavy(&id, 3), &[]).await.unwrap();

    assert_eq!(deleted, 20);
    stored(&app, &owner).await;
}
