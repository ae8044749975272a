//! `read_mask` of the calls that return many contacts.

use prost_types::FieldMask;
use proto::contacts::v1::watch_contacts_response::Event;
use proto::contacts::v1::{
    BatchGetContactsRequest, Contact, ListUpcomingBirthdaysRequest, SearchContactsRequest,
    SyncContactsRequest, WatchContactsRequest,
};
use tonic::{Code, Status};

use crate::app::App;
use crate::owner::{Owner, field_mask};
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{date, full};

/// What each of the calls returns of the owner's only contact.
async fn returned(owner: &Owner, id: &str, mask: &[&str]) -> Vec<Result<Contact, Status>> {
    let mask: Option<FieldMask> = Some(field_mask(mask));
    let batch = BatchGetContactsRequest {
        ids: vec![id.into()],
        read_mask: mask.clone(),
        ..BatchGetContactsRequest::default()
    };
    let search = SearchContactsRequest {
        query: "lovelace".into(),
        read_mask: mask.clone(),
        ..SearchContactsRequest::default()
    };
    let birthdays = ListUpcomingBirthdaysRequest {
        from_date: Some(date(2026, 12, 10)),
        read_mask: mask.clone(),
        include_deceased: true,
        ..ListUpcomingBirthdaysRequest::default()
    };
    let sync = SyncContactsRequest {
        read_mask: mask,
        ..SyncContactsRequest::default()
    };
    let batch = owner.batch_get_with(batch).await;
    let search = owner.search(search).await;
    let birthdays = owner.birthdays(birthdays).await;
    let sync = owner.sync_with(sync).await;
    vec![
        batch.map(|mut found| found.contacts.remove(0)),
        search.map(|mut found| found.results.remove(0).contact.unwrap()),
        birthdays.map(|mut found| found.birthdays.remove(0).contact.unwrap()),
        sync.map(|mut found| found.changed.remove(0)),
    ]
}

#[tokio::test]
async fn a_mask_leaves_its_fields_and_the_id_and_etag() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;

    for contact in returned(&owner, &stored.id, &["notes", "display_name"]).await {
        let expected = Contact {
            id: stored.id.clone(),
            etag: stored.etag.clone(),
            notes: stored.notes.clone(),
            display_name: stored.display_name.clone(),
            ..Contact::default()
        };
        assert_eq!(contact.unwrap(), expected);
    }
    for mask in [&["*"][..], &[]] {
        for contact in returned(&owner, &stored.id, mask).await {
            assert_eq!(contact.unwrap(), stored);
        }
    }
}

#[tokio::test]
async fn a_mask_of_something_else_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;

    for path in ["nothing", "emails.address", "", "Notes"] {
        for answer in returned(&owner, &stored.id, &["notes", path]).await {
            assert_refused(answer.clone(), Code::InvalidArgument, "READ_MASK_INVALID");
            assert_bad_fields(answer, &["read_mask"]);
        }
    }
}

#[tokio::test]
async fn a_watch_sends_the_fields_of_its_mask() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let request = WatchContactsRequest {
        owner_id: owner.book.clone(),
        read_mask: Some(field_mask(&["nickname"])),
        ..WatchContactsRequest::default()
    };

    let stream = owner.client.clone().watch_contacts(request).await;

    // After the labels of the contact.
    let mut events = stream.unwrap().into_inner();
    let contact = loop {
        match events.message().await.unwrap().unwrap().event {
            Some(Event::LabelChanged(_)) => {}
            Some(Event::Changed(contact)) => break contact,
            other => panic!("{other:?} instead of a contact"),
        }
    };
    assert_eq!((&contact.id, &*contact.nickname), (&stored.id, "Countess"));
    assert_eq!((&*contact.notes, contact.emails.len()), ("", 0));
}

#[tokio::test]
async fn a_sync_goes_on_with_another_mask() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(full()).await;
    let request = SyncContactsRequest {
        read_mask: Some(field_mask(&["notes"])),
        ..SyncContactsRequest::default()
    };
    let first = owner.sync_with(request).await.unwrap();
    let new = owner.has(full_again()).await;

    let request = SyncContactsRequest {
        sync_token: first.next_sync_token,
        read_mask: Some(field_mask(&["given_name"])),
        ..SyncContactsRequest::default()
    };
    let changed = owner.sync_with(request).await.unwrap().changed;

    assert_eq!(changed.len(), 1);
    assert_eq!((&changed[0].id, &*changed[0].given_name), (&new.id, "Ada"));
    assert_eq!(changed[0].notes, "");
}

fn full_again() -> Contact {
    Contact {
        uid: String::new(),
        ..full()
    }
}
