//! Owners whose accounts were deleted.

use chassis::user_id::UserId;
use contacts_service::gone_owners::remove;
use proto::contacts::v1::{Contact, CreateContactRequest, ShareRole};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, in_time, rows};
use crate::owner::Owner;
use crate::owner_shares::sharing;
use crate::photo_files::jpeg;
use crate::refusal::assert_refused;
use crate::sample::{ada, full, named};

/// Every table of owners, with the user's number of rows.
async fn holdings(app: &App, user: Uuid) -> Vec<(String, i64)> {
    let mut db = app.admin().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%s.%s', table_schema, table_name)
         FROM information_schema.columns
         WHERE table_schema = 'contacts' AND column_name = 'owner_id'
         ORDER BY 1",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    let mut holdings = Vec::new();
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table} WHERE owner_id = $1");
        let count = sqlx::query_scalar(AssertSqlSafe(sql)).bind(user);
        holdings.push((table, count.fetch_one(&mut db).await.unwrap()));
    }
    db.close().await.unwrap();
    holdings
}

/// Gives an owner something in every table.
async fn settle_in(owner: &Owner) {
    let changed = owner.has(ada()).await;
    let starred = Contact {
        starred: true,
        ..changed
    };
    owner.update(starred, &["starred"]).await.unwrap();
    let purged = owner.has(full()).await;
    owner.delete(&purged.id).await.unwrap();
    owner.purge(&[&purged.id]).await.unwrap();
    let remembered = CreateContactRequest {
        contact: Some(ada()),
        request_id: "once".into(),
        ..CreateContactRequest::default()
    };
    owner.create_with(remembered).await.unwrap();
    let [primary, double] = [owner.has(ada()).await, owner.has(ada()).await];
    owner.ignore(&primary.id, &double.id).await.unwrap();
    owner.merge(&primary, &[&double]).await.unwrap();
    owner.set_photo(&primary.id, &jpeg(1)).await.unwrap();
    let share = sharing("grace@example.com", ShareRole::Reader);
    owner.offer(share).await.unwrap();
}

async fn many(owner: &Owner, count: usize) {
    for first in (0..count).step_by(500) {
        let contacts = (first..count.min(first + 500)).map(|n| named(&format!("N{n}"), ""));
        owner.create_all(contacts, false).await.unwrap();
    }
}

/// Prevents the deletion of the user's last contact until it is dropped.
async fn hold_last(db: &mut PgConnection, user: Uuid) -> sqlx::Transaction<'_, sqlx::Postgres> {
    let mut held = db.begin().await.unwrap();
    sqlx::query(
        "SELECT FROM contacts.contacts WHERE owner_id = $1 AND id =
         (SELECT max(id::text)::uuid FROM contacts.contacts WHERE owner_id = $1) FOR UPDATE",
    )
    .bind(user)
    .execute(&mut *held)
    .await
    .unwrap();
    held
}

async fn gone(app: &App, user: Uuid) {
    in_time("the owner's rows stay", async || {
        let left = holdings(app, user).await;
        left.iter().all(|(_, count)| *count == 0).then_some(())
    })
    .await;
}

async fn cursor(app: &App) -> String {
    let sql = "SELECT cursor FROM contacts.feeds WHERE name = 'deleted_users'";
    let mut db = app.admin().await;
    sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap()
}

async fn cursor_is(app: &App, wanted: &str) {
    in_time("the cursor stays", async || {
        (cursor(app).await == wanted).then_some(())
    })
    .await;
}

/// Where the next pass starts.
async fn next_pass(app: &App) -> String {
    let passes = app.issuer.teller.asked().len();
    in_time("nobody asks", async || {
        app.issuer.teller.asked().get(passes).cloned()
    })
    .await
}

/// A new table of owners must be added here, with a row, and to the deletion.
#[tokio::test]
async fn no_table_keeps_a_row_of_an_owner_who_is_gone() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    settle_in(&owner).await;
    settle_in(&other).await;
    let before = holdings(&app, owner.user).await;
    assert!(before.len() >= 3, "{before:?}");
    assert!(before.iter().all(|(_, count)| *count > 0), "{before:?}");
    let others = holdings(&app, other.user).await;

    let count = remove(&app.pool(), UserId(owner.user)).await.unwrap();

    let all: i64 = before.iter().map(|(_, count)| count).sum();
    assert_eq!(i64::try_from(count).unwrap(), all);
    gone(&app, owner.user).await;
    assert_eq!(holdings(&app, other.user).await, others);
    assert_eq!(remove(&app.pool(), UserId(owner.user)).await.unwrap(), 0);
}

#[tokio::test]
async fn replicas_remove_a_large_book_together() {
    let app = App::start().await;
    let owner = app.plain_owner();
    many(&owner, 1600).await;
    let (one, other) = (app.pool(), app.pool());
    let user = UserId(owner.user);

    let (one, other) = tokio::join!(remove(&one, user), remove(&other, user));

    assert_eq!(one.unwrap() + other.unwrap(), 1601);
    gone(&app, owner.user).await;
}

#[tokio::test]
async fn a_removal_that_was_cut_off_goes_on() {
    let app = App::start().await;
    let owner = app.plain_owner();
    many(&owner, 1600).await;
    let (pool, user) = (app.pool(), UserId(owner.user));
    let mut db = app.admin().await;
    let held = hold_last(&mut db, owner.user).await;

    let removing = tokio::spawn(async move { remove(&pool, user).await });
    in_time("the first batches stay", async || {
        (rows(&app, "contacts", owner.user).await == 100).then_some(())
    })
    .await;
    removing.abort();
    assert!(removing.await.unwrap_err().is_cancelled());
    held.rollback().await.unwrap();

    assert_eq!(rows(&app, "contacts", owner.user).await, 100);
    assert_eq!(remove(&app.pool(), user).await.unwrap(), 101);
    gone(&app, owner.user).await;
}

/// A replica that waited for rows which the other one deleted must not conclude that all
/// rows are deleted.
#[tokio::test]
async fn a_replica_does_what_the_other_one_leaves() {
    let app = App::start().await;
    let owner = app.plain_owner();
    many(&owner, 600).await;
    let mut db = app.admin().await;
    let mut other = db.begin().await.unwrap();
    for sql in [
        "SELECT FROM contacts.owner_state WHERE owner_id = $1 FOR UPDATE",
        "DELETE FROM contacts.contacts WHERE owner_id = $1 AND id IN
         (SELECT id FROM contacts.contacts WHERE owner_id = $1 ORDER BY id LIMIT 500)",
    ] {
        let query = sqlx::query(sql).bind(owner.user);
        query.execute(&mut *other).await.unwrap();
    }

    let (pool, user) = (app.pool(), UserId(owner.user));
    let removing = tokio::spawn(async move { remove(&pool, user).await });
    app.waiting_for_a_lock(1).await;
    // After its first batch the other one dies.
    other.commit().await.unwrap();

    assert_eq!(removing.await.unwrap().unwrap(), 101);
    gone(&app, owner.user).await;
}

#[tokio::test]
async fn a_deleted_users_book_goes_and_no_one_elses() {
    let app = App::told().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    settle_in(&owner).await;
    settle_in(&other).await;
    let others = holdings(&app, other.user).await;

    app.issuer.teller.delete(owner.user);

    gone(&app, owner.user).await;
    in_time("the token still works", async || {
        owner.create(ada()).await.err()
    })
    .await;
    let refused = owner.create(ada()).await;
    assert_refused(refused, Code::Unauthenticated, "TOKEN_REVOKED");
    assert_eq!(holdings(&app, other.user).await, others);
    assert_eq!(other.total_size().await, 3);
}

#[tokio::test]
async fn what_a_late_call_wrote_goes_when_no_token_is_left() {
    let mut app = App::told().await;
    let owner = app.plain_owner();
    settle_in(&owner).await;
    app.issuer.teller.delete(owner.user);
    gone(&app, owner.user).await;
    // As a call does that was admitted before.
    let late = app.calls_past_revocations(owner.user).await;
    late.has(ada()).await;

    app.issuer.teller.tokens_end();

    gone(&app, owner.user).await;
}

#[tokio::test]
async fn who_is_gone_is_asked_for_from_where_all_is_done() {
    let app = App::told().await;
    let owners: Vec<_> = (0..5).map(|_| app.plain_owner()).collect();
    for owner in &owners {
        owner.has(ada()).await;
        app.issuer.teller.delete(owner.user);
    }
    for owner in &owners {
        gone(&app, owner.user).await;
    }
    assert_eq!(cursor(&app).await, "0");

    app.issuer.teller.tokens_end();
    app.issuer.teller.settle();
    cursor_is(&app, "5").await;

    // Also by a service that has just started; another replica may still be working.
    let begins_there = async { while next_pass(&app).await != "5" {} };
    let ((), _second) = tokio::join!(begins_there, app.another_instance());
}

#[tokio::test]
async fn an_owner_who_cannot_be_removed_keeps_the_cursor_and_not_the_others() {
    let app = App::told().await;
    let (stuck, other) = (app.plain_owner(), app.plain_owner());
    stuck.has(ada()).await;
    other.has(ada()).await;
    let mut db = app.admin().await;
    let held = hold_last(&mut db, stuck.user).await;

    app.issuer.teller.delete(stuck.user);
    app.issuer.teller.delete(other.user);
    app.issuer.teller.settle();

    gone(&app, other.user).await;
    assert_eq!(next_pass(&app).await, "0");
    assert_eq!(rows(&app, "contacts", stuck.user).await, 1);
    assert_eq!(cursor(&app).await, "0");
    held.rollback().await.unwrap();
    gone(&app, stuck.user).await;
    cursor_is(&app, "2").await;
}
