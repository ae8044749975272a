//! An export shows one moment, however long it takes to read it.

use proto::contacts::v1::{
    Contact, ExportContactsRequest, ExportContactsResponse, ExportFormat, ShareRole,
};
use tonic::{Code, Streaming};

use crate::app::App;
use crate::batch_create::batch;
use crate::owner::Owner;
use crate::owner_exports::{export_as, rest_of};
use crate::refusal::assert_refused;

/// So many contacts are more than what is sent to a client that does not read.
const COUNT: usize = 200;
const NOTES: usize = 15_000;

fn person(number: usize) -> Contact {
    Contact {
        given_name: format!("Person {number}"),
        notes: "x".repeat(NOTES),
        labels: vec!["Team".into()],
        ..Contact::default()
    }
}

async fn crowd(owner: &Owner) -> Vec<Contact> {
    let mut contacts = Vec::new();
    for start in (0..COUNT).step_by(100) {
        let people = batch((start..start + 100).map(person));
        let created = owner.batch_create(people).await.unwrap().into_iter();
        contacts.extend(created.map(Result::unwrap));
    }
    contacts
}

fn json_lines() -> ExportContactsRequest {
    export_as(ExportFormat::JsonLines)
}

/// The first piece, so that the export has begun.
async fn first(pieces: &mut Streaming<ExportContactsResponse>) -> Vec<u8> {
    pieces.message().await.unwrap().unwrap().chunk
}

#[tokio::test]
async fn later_writes_are_not_seen() {
    let app = App::start().await;
    let owner = app.owner();
    let contacts = crowd(&owner).await;
    let expected = owner.export(json_lines()).await.unwrap();

    let mut pieces = owner.begin_export(json_lines()).await.unwrap();
    let mut file = first(&mut pieces).await;
    for contact in &contacts[COUNT - 30..COUNT - 10] {
        let changed = Contact {
            notes: "changed".into(),
            ..contact.clone()
        };
        let changed = owner.update(changed, &["notes"]).await.unwrap();
        let twice = Contact {
            starred: true,
            ..changed
        };
        owner.update(twice, &["starred"]).await.unwrap();
    }
    for contact in &contacts[COUNT - 10..] {
        owner.delete(&contact.id).await.unwrap();
    }
    owner.has(person(COUNT)).await;
    file.extend(rest_of(&mut pieces).await.unwrap());

    assert_eq!(file.len(), expected.len());
    assert!(file == expected);
    assert!(owner.export(json_lines()).await.unwrap() != expected);
}

#[tokio::test]
async fn a_contact_that_is_purged_meanwhile_ends_the_export() {
    let app = App::start().await;
    let owner = app.owner();
    let contacts = crowd(&owner).await;

    let mut pieces = owner.begin_export(json_lines()).await.unwrap();
    first(&mut pieces).await;
    let last = &contacts[COUNT - 1].id;
    owner.delete(last).await.unwrap();
    owner.purge(&[last]).await.unwrap();
    let rest = rest_of(&mut pieces).await;

    assert_refused(rest, Code::Aborted, "EXPORT_CHANGED");
}

#[tokio::test]
async fn the_end_of_a_share_ends_the_export() {
    let app = App::start().await;
    let (owner, reader) = (app.plain_owner(), app.plain_owner());
    let label = owner.create_label("Team").await.unwrap();
    crowd(&owner).await;
    owner
        .has(Contact {
            given_name: "Hidden".into(),
            ..Contact::default()
        })
        .await;
    let (reader, share) = owner
        .shares_with(&reader, Some(&label), ShareRole::Reader)
        .await;

    let whole = reader.export(json_lines()).await.unwrap();
    let mut pieces = reader.begin_export(json_lines()).await.unwrap();
    first(&mut pieces).await;
    owner.end_share(&share).await.unwrap();
    let rest = rest_of(&mut pieces).await;

    let whole = String::from_utf8(whole).unwrap();
    assert_eq!(whole.lines().count(), COUNT);
    assert!(!whole.contains("Hidden"));
    assert_refused(rest, Code::NotFound, "SHARE_NOT_FOUND");
    let stranger = reader.export(json_lines()).await;
    assert_refused(stranger, Code::NotFound, "SHARE_NOT_FOUND");
}

#[tokio::test]
async fn a_user_has_few_exports_at_a_time() {
    let app = App::alone().await;
    let owner = app.plain_owner();
    crowd(&owner).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(owner.begin_export(json_lines()).await.unwrap());
    }

    let refused = owner.begin_export(json_lines()).await;

    assert_refused(refused, Code::ResourceExhausted, "EXPORT_LIMIT_EXCEEDED");
    drop(open);
    crate::app::in_time("room", async || {
        let file = owner.export(json_lines()).await;
        file.is_ok().then_some(())
    })
    .await;
}
