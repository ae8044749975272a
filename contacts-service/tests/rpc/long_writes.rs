//! Long writes, and writes that wait for them.

use proto::contacts::v1::Contact;
use sqlx::Executor;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::app::App;
use crate::batch_create::batch;
use crate::refusal::reason;
use crate::sample::named;

/// Almost the maximum of a batch, in words with little in common.
fn large() -> Vec<Contact> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut word = || (0..7).map(|_| random.lowercase()).collect::<String>();
    let mut notes = || (0..900).map(|_| word()).collect::<Vec<_>>().join(" ");
    let contact = |n: i32| Contact {
        notes: notes(),
        ..named(&format!("N{n}"), "")
    };
    (0..400).map(contact).collect()
}

/// The number of statements that wrote the owner's contacts.
async fn statements(app: &App, owner: Uuid) -> i64 {
    let sql = "SELECT count(DISTINCT cmin::text) FROM contacts.contacts WHERE owner_id = $1";
    let count = sqlx::query_scalar(sql).bind(owner);
    count.fetch_one(&mut app.admin().await).await.unwrap()
}

#[tokio::test]
async fn a_large_batch_is_written_by_several_statements_under_one_version() {
    let app = App::start().await;
    let owner = app.owner();

    let created = owner.batch_create(batch(large())).await.unwrap();

    let created: Vec<_> = created.into_iter().map(Result::unwrap).collect();
    assert!(created.iter().all(|contact| contact.version == 1));
    assert!(statements(&app, owner.user).await > 5);
    let size = app.byte_count(&owner).await;

    let longer = created.iter().map(|contact| Contact {
        nickname: "Nick".into(),
        ..contact.clone()
    });
    let updated = owner.batch_update(longer, false).await.unwrap();
    assert!(
        updated
            .iter()
            .all(|contact| contact.as_ref().unwrap().version == 2)
    );
    assert!(statements(&app, owner.user).await > 5);
    // A tag, a length and four letters.
    assert_eq!(app.byte_count(&owner).await, size + 400 * 6);

    let label = owner.create_label("Friends").await.unwrap();
    let ids: Vec<_> = created.iter().map(|contact| &*contact.id).collect();
    owner.modify_members(&label.id, &ids, &[]).await.unwrap();
    assert!(statements(&app, owner.user).await > 5);
    assert_eq!(owner.members("Friends").await.len(), 400);
}

/// An update that waits for the owner's row, until `meanwhile` is done.
async fn update_behind_another(app: &App, meanwhile: &'static str) -> Status {
    let owner = app.owner();
    let contact = owner.has(named("Ada", "")).await;
    let mut holder = app.admin().await;
    holder
        .execute("BEGIN; SELECT * FROM contacts.owner_state FOR UPDATE")
        .await
        .unwrap();
    let (updated, ()) = tokio::join!(owner.update(contact, &[]), async {
        app.waiting_for_a_lock(1).await;
        app.admin().await.execute(meanwhile).await.unwrap();
    });
    updated.unwrap_err()
}

#[tokio::test]
async fn a_write_that_waits_too_long_for_another_is_told_to_come_back() {
    let app = App::with(&["--database-statement-seconds=1"]).await;

    let status = update_behind_another(&app, "SELECT 1").await;

    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason(&status), "STORE_BUSY");
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_deadline_that_is_over() {
    let app = App::start().await;

    // As the server does after a statement's timeout.
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                  WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let status = update_behind_another(&app, cancel).await;

    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(reason(&status), "STORE_TOO_SLOW");
}
