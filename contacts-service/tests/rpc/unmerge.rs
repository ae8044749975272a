//! `UnmergeContacts`.

use std::sync::atomic::Ordering::SeqCst;

use chrono::DateTime;
use contacts_service::purge;
use proto::contacts::v1::{Contact, ContactChange};
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, rows};
use crate::owner::Owner;
use crate::owner_merges::bare;
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::sample::{ada, full, named};

const START: i64 = 1_800_000_000;
const DAY: i64 = 24 * 3600;

/// The bytes and the search keys of every contact, without the stamps.
async fn bytes(app: &App, user: Uuid) -> Vec<String> {
    let sql = "SELECT concat_ws('|', id, uid, create_time, delete_time, merged_into,
                                encode(body, 'hex'), family_key, given_key, display_key,
                                birth_md, starred, label_keys, email_keys, phone_keys,
                                organization_key, search_text)
               FROM contacts.contacts WHERE owner_id = $1 ORDER BY id";
    let lines = sqlx::query_scalar(sql).bind(user);
    lines.fetch_all(&mut app.admin().await).await.unwrap()
}

fn renamed(contact: &Contact, nickname: &str) -> Contact {
    Contact {
        id: contact.id.clone(),
        nickname: nickname.into(),
        ..Contact::default()
    }
}

async fn three(owner: &Owner) -> Vec<Contact> {
    let third = Contact {
        notes: "Wrote to Babbage.".into(),
        ..ada()
    };
    let all = [full(), named("Augusta", "King"), third];
    owner.has_all(all).await
}

#[tokio::test]
async fn every_contact_becomes_what_it_was_to_the_byte() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = three(&owner).await;
    let before = bytes(&app, owner.user).await;
    let byte_count = app.byte_count(&owner).await;
    let (merged, merge) = owner
        .merge(&stored[2], &[&stored[0], &stored[1]])
        .await
        .unwrap();

    let back = owner.unmerge(&merge).await.unwrap();

    assert_eq!(bytes(&app, owner.user).await, before);
    assert_eq!(app.byte_count(&owner).await, byte_count);
    let order = [&stored[2], &stored[0], &stored[1]];
    assert!(back.iter().map(bare).eq(order.into_iter().map(bare)));
    for contact in &back {
        assert_eq!(
            (contact.version, &*contact.merged_into),
            (merged.version + 1, "")
        );
        assert_eq!(&owner.get(&contact.id).await.unwrap(), contact);
        let last = owner.revisions(&contact.id, 20).await.remove(0);
        assert_eq!(last.change(), ContactChange::Unmerged);
    }
    assert_eq!(owner.total_size().await, 3);
    let again = owner.unmerge(&merge).await;
    assert_refused(again, Code::NotFound, "MERGE_NOT_FOUND");
}

#[tokio::test]
async fn a_contact_that_was_written_since_stands_against_it() {
    let app = App::start().await;
    let owner = app.owner();

    for changed in 0..3 {
        let stored = three_of_one_name(&owner).await;
        let (_, merge) = owner
            .merge(&stored[0], &[&stored[1], &stored[2]])
            .await
            .unwrap();
        if changed == 0 {
            owner.update(renamed(&stored[0], "new"), &[]).await.unwrap();
        } else {
            owner.undelete(&stored[changed].id).await.unwrap();
            // Deleted as before, but not because of the merge.
            owner.delete(&stored[changed].id).await.unwrap();
        }
        let before = bytes(&app, owner.user).await;

        for _ in 0..2 {
            let answer = owner.unmerge(&merge).await;
            assert_eq!(
                metadata(answer.as_ref().unwrap_err(), "id"),
                stored[changed].id
            );
            assert_refused(answer, Code::FailedPrecondition, "MERGE_CHANGED");
        }
        assert_eq!(bytes(&app, owner.user).await, before);
    }
}

async fn three_of_one_name(owner: &Owner) -> Vec<Contact> {
    owner.has_all([ada(), ada(), ada()]).await
}

#[tokio::test]
async fn a_primary_that_was_deleted_stands_against_it_until_it_is_back() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = three(&owner).await;
    let (_, merge) = owner.merge(&stored[0], &[&stored[1]]).await.unwrap();
    owner.delete(&stored[0].id).await.unwrap();

    let answer = owner.unmerge(&merge).await;
    assert_refused(answer, Code::FailedPrecondition, "MERGE_CHANGED");
    owner.undelete(&stored[0].id).await.unwrap();

    assert_eq!(
        bare(&owner.unmerge(&merge).await.unwrap()[0]),
        bare(&stored[0])
    );
}

#[tokio::test]
async fn what_was_written_back_does_not_count() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = three(&owner).await;
    let before = bytes(&app, owner.user).await;
    let (first, one) = owner.merge(&stored[0], &[&stored[1]]).await.unwrap();
    let (_, two) = owner.merge(&first, &[&stored[2]]).await.unwrap();

    let too_early = owner.unmerge(&one).await;
    assert_refused(too_early, Code::FailedPrecondition, "MERGE_CHANGED");
    owner.unmerge(&two).await.unwrap();
    owner.update(renamed(&stored[0], "new"), &[]).await.unwrap();
    owner
        .update(renamed(&stored[0], &first.nickname), &[])
        .await
        .unwrap();
    owner.unmerge(&one).await.unwrap();

    assert_eq!(bytes(&app, owner.user).await, before);
}

#[tokio::test]
async fn a_merged_contact_that_is_merged_on_comes_back_step_by_step() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = three(&owner).await;
    let before = bytes(&app, owner.user).await;
    let (_, one) = owner.merge(&stored[1], &[&stored[0]]).await.unwrap();
    let (_, two) = owner.merge(&stored[2], &[&stored[1]]).await.unwrap();

    owner.unmerge(&two).await.unwrap();
    owner.unmerge(&one).await.unwrap();

    assert_eq!(bytes(&app, owner.user).await, before);
}

#[tokio::test]
async fn there_must_be_room_for_those_that_come_back() {
    let app = App::with_quota(3).await;
    let owner = app.owner();
    let stored = three(&owner).await;
    let (_, merge) = owner
        .merge(&stored[0], &[&stored[1], &stored[2]])
        .await
        .unwrap();
    let one_more = owner.has(ada()).await;

    let answer = owner.unmerge(&merge).await;
    assert_refused(answer, Code::ResourceExhausted, "CONTACT_QUOTA_EXCEEDED");
    owner.delete(&one_more.id).await.unwrap();

    assert_eq!(owner.unmerge(&merge).await.unwrap().len(), 3);
    assert_eq!(owner.total_size().await, 3);
}

#[tokio::test]
async fn a_merge_can_be_undone_for_30_days() {
    let (app, now) = App::at(START).await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full(), ada(), ada()]).await;
    let (_, early) = owner.merge(&stored[0], &[&stored[1]]).await.unwrap();
    let (_, late) = owner.merge(&stored[2], &[&stored[3]]).await.unwrap();

    let at = |seconds| {
        now.store(seconds, SeqCst);
        app.owner_on(app.channel.clone(), owner.user)
    };
    at(START + 30 * DAY).unmerge(&early).await.unwrap();
    let owner = at(START + 30 * DAY + 1);

    let answer = owner.unmerge(&late).await;
    assert_refused(answer, Code::NotFound, "MERGE_NOT_FOUND");
    assert_eq!(rows(&app, "merges", owner.user).await, 1);
    let time = DateTime::from_timestamp(START + 30 * DAY + 1, 0).unwrap();
    purge::batch(&app.pool(), time).await.unwrap();
    assert_eq!(rows(&app, "merges", owner.user).await, 0);
}

#[tokio::test]
async fn a_merge_is_its_owners_and_its_id_is_checked() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let stored = three(&owner).await;
    let (_, merge) = owner.merge(&stored[0], &[&stored[1]]).await.unwrap();
    stranger.has(ada()).await;

    let foreign = stranger.unmerge(&merge).await;
    let missing = stranger.unmerge(&Uuid::now_v7().to_string()).await;

    let (foreign, missing) = (foreign.unwrap_err(), missing.unwrap_err());
    assert_eq!(foreign.message(), missing.message());
    assert_eq!(foreign.details(), missing.details());
    assert_refused::<()>(Err(foreign), Code::NotFound, "MERGE_NOT_FOUND");
    for id in ["", "x", "0"] {
        assert_bad_fields(owner.unmerge(id).await, &["merge_id"]);
    }
    assert_eq!(owner.unmerge(&merge).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_merge_of_which_there_was_no_room_for_a_revision_is_not_called_changed() {
    let app = App::with(&["--contact-bytes-quota", "65536"]).await;
    let owner = app.owner();
    let stored = three(&owner).await;
    let mut heavy = owner.has(ada()).await;
    // Of four times the quota, each but the first takes 16,000 bytes.
    for number in 0..18 {
        heavy.notes = format!("{number:016000}");
        heavy = owner.update(heavy, &[]).await.unwrap();
    }

    let (merged, merge) = owner.merge(&stored[0], &[&stored[1]]).await.unwrap();
    let answer = owner.unmerge(&merge).await;

    let error = answer.as_ref().unwrap_err();
    assert_eq!(metadata(error, "id"), stored[0].id);
    assert_eq!(
        metadata(error, "revision_id"),
        stored[0].version.to_string()
    );
    assert_refused(answer, Code::NotFound, "REVISION_NOT_FOUND");
    assert_eq!(owner.get(&merged.id).await.unwrap(), merged);
}
