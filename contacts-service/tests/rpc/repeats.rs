//! Writes that are repeated because their response was lost.

use proto::contacts::v1::Contact;
use tonic::Code;

use crate::app::App;
use crate::refusal::assert_refused;
use crate::sample::{ada, full};

fn noted(contact: &Contact, notes: &str) -> Contact {
    Contact {
        id: contact.id.clone(),
        etag: contact.etag.clone(),
        notes: notes.into(),
        ..Contact::default()
    }
}

#[tokio::test]
async fn an_update_that_is_repeated_has_the_answer_of_before() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let updated = owner.update(noted(&stored, "new"), &[]).await.unwrap();

    for _ in 0..2 {
        let again = owner.update(noted(&stored, "new"), &[]).await;
        assert_eq!(again.unwrap(), updated);
    }

    assert_eq!(owner.revision_ids(&stored.id).await.len(), 2);
}

#[tokio::test]
async fn an_update_that_another_came_after_is_no_repeat() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada()).await;
    let updated = owner.update(noted(&stored, "new"), &[]).await.unwrap();
    let other = owner.update(noted(&stored, "other"), &[]).await;
    assert_refused(other, Code::Aborted, "ETAG_MISMATCH");
    let mut more = noted(&stored, "new");
    more.nickname = "Countess".into();
    assert_refused(
        owner.update(more, &[]).await,
        Code::Aborted,
        "ETAG_MISMATCH",
    );

    let later = owner.update(noted(&updated, "later"), &[]).await.unwrap();
    owner.update(noted(&later, "new"), &[]).await.unwrap();

    let again = owner.update(noted(&stored, "new"), &[]).await;
    assert_refused(again, Code::Aborted, "ETAG_MISMATCH");
}

#[tokio::test]
async fn a_batch_that_is_repeated_has_the_answers_of_before() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full(), ada()]).await;
    let patches = || stored.iter().map(|contact| noted(contact, "new"));
    let updated = owner.batch_update(patches(), false).await.unwrap();

    let again = owner.batch_update(patches(), false).await.unwrap();

    assert_eq!(again, updated);
}

#[tokio::test]
async fn a_restoration_that_is_repeated_has_the_answer_of_before() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let updated = owner.update(noted(&stored, "new"), &[]).await.unwrap();
    let first = &owner.revision_ids(&stored.id).await[1];
    let restored = owner
        .restore(&stored.id, first, &updated.etag)
        .await
        .unwrap();

    let again = owner.restore(&stored.id, first, &updated.etag).await;

    assert_eq!(again.unwrap(), restored);
}

#[tokio::test]
async fn a_label_that_is_renamed_again_to_the_same_name_stays() {
    let app = App::start().await;
    let owner = app.owner();
    let old = owner.create_label("old").await.unwrap();
    let new = owner.rename_label(&old, "new").await.unwrap();

    let again = owner.rename_label(&old, "new").await;

    assert_eq!(again.unwrap(), new);
}
