//! `DeleteContact`.

use proto::contacts::v1::ListContactsRequest;
use tonic::Code;
use uuid::Uuid;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::sample::{ada, full, ids, named};

const DAY: i64 = 24 * 60 * 60;

#[tokio::test]
async fn a_deleted_contact_can_be_read_for_thirty_days() {
    let now = 1_700_000_000;
    let (app, clock) = App::at(now).await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    clock.store(now + 60, std::sync::atomic::Ordering::SeqCst);

    let deleted = owner.delete(&stored.id).await.unwrap();

    assert_eq!(deleted.delete_time.unwrap().seconds, now + 60);
    assert_eq!(deleted.expire_time.unwrap().seconds, now + 60 + 30 * DAY);
    assert_eq!(deleted.update_time, deleted.delete_time);
    assert_eq!(deleted.create_time, stored.create_time);
    assert_eq!(deleted.version, stored.version + 1);
    assert_eq!(owner.get(&stored.id).await.unwrap(), deleted);
    let batch = owner.batch_get(&[&stored.id], false).await.unwrap();
    assert_eq!(batch.0, [deleted]);
}

#[tokio::test]
async fn a_deleted_contact_is_listed_only_on_request() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([named("A", "A"), named("B", "B")]).await;
    owner.delete(&stored[0].id).await.unwrap();

    let live = owner.list(ListContactsRequest::default()).await.unwrap();
    let request = ListContactsRequest {
        show_deleted: true,
        ..ListContactsRequest::default()
    };
    let all = owner.list(request).await.unwrap();

    assert_eq!(ids(&live.contacts), [&*stored[1].id]);
    assert_eq!(live.total_size, Some(1));
    assert_eq!(ids(&all.contacts), [&*stored[0].id, &*stored[1].id]);
    assert!(all.contacts[0].delete_time.is_some());
    assert_eq!(all.total_size, None);
}

#[tokio::test]
async fn a_contact_is_deleted_once() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let deleted = owner.delete(&stored.id).await.unwrap();

    let again = owner.delete(&stored.id).await;
    let allowed = owner.delete_with(&stored.id, "", true).await.unwrap();

    assert_refused(again, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_eq!(allowed, Some(deleted));
    assert_eq!(owner.total_size().await, 0);
}

#[tokio::test]
async fn a_missing_contact_is_no_error_where_that_is_allowed() {
    let app = App::start().await;
    let owner = app.owner();
    let missing = Uuid::now_v7().to_string();

    let refused = owner.delete(&missing).await;
    let allowed = owner.delete_with(&missing, "\"1\"", true).await;

    assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_eq!(allowed.unwrap(), None);
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;

    for allow_missing in [false, true] {
        let stale = owner.delete_with(&stored.id, "\"0\"", allow_missing).await;
        assert_eq!(metadata(stale.as_ref().unwrap_err(), "etag"), stored.etag);
        assert_refused(stale, Code::Aborted, "ETAG_MISMATCH");
    }
    let current = owner.delete_with(&stored.id, &stored.etag, false).await;

    assert!(current.unwrap().unwrap().delete_time.is_some());
}

#[tokio::test]
async fn of_parallel_deletions_one_wins_and_counts() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada()]).await;
    let deletions = (0..10).map(|_| owner.delete(&stored[0].id));

    let answers = futures_util::future::join_all(deletions).await;

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn an_id_that_is_no_uuid_is_refused() {
    let app = App::start().await;

    let answer = app.owner().delete_with("x", "", true).await;

    assert_refused(answer.clone(), Code::InvalidArgument, "ID_INVALID");
    assert_bad_fields(answer, &["id"]);
}
