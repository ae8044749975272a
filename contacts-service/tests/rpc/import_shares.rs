//! Imports into the address books of others, and many at a time.

use futures_util::{StreamExt, stream};
use proto::contacts::v1::{
    Contact, ImportConflict, ImportContactsRequest, ImportHeader, ShareRole,
};
use tonic::Code;

use crate::app::App;
use crate::import::people;
use crate::owner::Owner;
use crate::owner_imports::import_message;
use crate::refusal::{assert_refused, reason_in_batch};

fn into(owner: &Owner, labels: &[&str]) -> ImportHeader {
    ImportHeader {
        owner_id: owner.user.to_string(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        ..ImportHeader::default()
    }
}

#[tokio::test]
async fn an_editor_imports_and_others_do_not() {
    let app = App::start().await;
    let (owner, editor) = (app.plain_owner(), app.plain_owner());
    let (reader, stranger) = (app.plain_owner(), app.plain_owner());
    owner.shares_with(&editor, None, ShareRole::Editor).await;
    owner.shares_with(&reader, None, ShareRole::Reader).await;

    let imported = editor.import(into(&owner, &[]), people(["Ada"])).await;
    let read_only = reader.import(into(&owner, &[]), people(["Ada"])).await;
    let unknown = stranger.import(into(&owner, &[]), people(["Ada"])).await;

    assert_eq!(imported.counts(), [1, 0, 0, 0]);
    assert_eq!(owner.total_size().await, 1);
    let error = read_only.error.unwrap();
    assert_refused::<()>(Err(error), Code::PermissionDenied, "SHARE_READ_ONLY");
    let error = unknown.error.unwrap();
    assert_refused::<()>(Err(error), Code::NotFound, "SHARE_NOT_FOUND");
}

#[tokio::test]
async fn the_editor_of_a_label_imports_contacts_with_it() {
    let app = App::start().await;
    let (owner, editor) = (app.plain_owner(), app.plain_owner());
    let label = owner.create_label("Team").await.unwrap();
    owner
        .shares_with(&editor, Some(&label), ShareRole::Editor)
        .await;

    let without = editor.import(into(&owner, &[]), people(["Ada"])).await;
    let with = editor
        .import(into(&owner, &["Team"]), people(["Ada"]))
        .await;

    assert_eq!(without.counts(), [0, 0, 0, 1]);
    let status = without.rows[0].status.clone().unwrap();
    assert_eq!(reason_in_batch::<()>(&Err(status)), "SHARE_LABEL_REQUIRED");
    assert_eq!(with.counts(), [1, 0, 0, 0]);
}

fn card(uid: &str, name: &str) -> String {
    format!("BEGIN:VCARD\nVERSION:4.0\nUID:{uid}\nFN:{name}\nEND:VCARD\n")
}

#[tokio::test]
async fn an_editors_import_meets_the_owners_contacts_alone() {
    let app = App::start().await;
    let (owner, editor) = (app.plain_owner(), app.plain_owner());
    owner.shares_with(&editor, None, ShareRole::Editor).await;
    let file = [card("u1", "Ada"), card("u2", "Bob")].concat();
    owner.import(ImportHeader::default(), &file).await;
    editor
        .import(ImportHeader::default(), card("u3", "Mine"))
        .await;
    let own = editor.bare().await;
    let header = ImportHeader {
        on_conflict: ImportConflict::Update.into(),
        ..into(&owner, &[])
    };
    let group = "BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Team\n\
                 MEMBER:u2\nMEMBER:u3\nEND:VCARD\n";

    let changed = [card("u2", "Eve"), card("u3", "Zoe"), group.to_owned()].concat();
    let imported = editor.import(header, changed).await;

    assert_eq!(imported.counts(), [1, 2, 0, 0]);
    let found = owner.bare().await.into_iter();
    let found: Vec<_> = found
        .map(|contact| (contact.formatted_name, contact.labels.concat()))
        .collect();
    let expected = [("Ada", ""), ("Eve", "Team"), ("Zoe", "Team")];
    assert_eq!(
        found,
        expected.map(|(name, label)| (name.into(), label.into()))
    );
    assert_eq!(editor.bare().await, own);
}

#[tokio::test]
async fn the_editor_of_a_label_does_not_learn_which_contacts_it_does_not_see() {
    let app = App::start().await;
    let (owner, editor) = (app.plain_owner(), app.plain_owner());
    let label = owner.create_label("Team").await.unwrap();
    owner
        .shares_with(&editor, Some(&label), ShareRole::Editor)
        .await;
    let header = || ImportHeader {
        import_id: "x".into(),
        ..into(&owner, &["Team"])
    };
    // A row is reported because of the date.
    let odd = "BEGIN:VCARD\nFN:Odd\nBDAY:12/04/1985\nEND:VCARD\n";
    let first = editor.import(header(), odd).await;
    assert_eq!(first.rows.len(), 1);
    let id = &first.rows[0].contact_id;
    let contact = owner.get(id).await.unwrap();
    let without = Contact {
        labels: Vec::new(),
        ..contact
    };
    owner.update(without, &["labels"]).await.unwrap();
    owner
        .import(ImportHeader::default(), card("u1", "Ada"))
        .await;

    let again = editor.import(header(), odd).await;
    let skipped = editor.import(header(), card("u1", "Eve")).await;

    assert_eq!(again.counts(), [0, 0, 1, 0]);
    assert_eq!(again.rows[0].contact_id, "");
    assert_eq!(skipped.counts(), [0, 0, 1, 0]);
    assert_eq!(skipped.rows[0].contact_id, "");
}

#[tokio::test]
async fn a_user_has_few_imports_at_a_time() {
    let app = App::alone().await;
    let owner = app.plain_owner();
    let endless = || {
        let header = import_message(ImportHeader::default());
        stream::iter([header]).chain(stream::pending::<ImportContactsRequest>())
    };
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(
            owner
                .client
                .clone()
                .import_contacts(endless())
                .await
                .unwrap(),
        );
    }

    let refused = owner.client.clone().import_contacts(endless()).await;

    assert_refused(refused, Code::ResourceExhausted, "IMPORT_LIMIT_EXCEEDED");
    drop(open);
    crate::app::in_time("room", async || {
        let imported = owner.import(ImportHeader::default(), people(["Ada"])).await;
        imported.error.is_none().then_some(())
    })
    .await;
}
