//! Which writes wake those who watch.

use std::collections::HashSet;

use chassis::clock::Clock;
use chassis::email::Email;
use chassis::user_id::UserId;
use contacts_service::book::Book;
use contacts_service::book::change::{ContactUpdate, Deletion};
use contacts_service::book::creation::{CreateOptions, NewContact};
use contacts_service::contact::ContactId;
use contacts_service::contact::body::Body;
use contacts_service::contact::mask::UpdateMask;
use contacts_service::contact::phone::DefaultRegion;
use contacts_service::model::label::LabelName;
use contacts_service::model::quota::Quota;
use contacts_service::model::share::Offer;
use contacts_service::watch::hub::Hub;
use prost_types::FieldMask;
use proto::contacts::v1::Contact;
use uuid::Uuid;

use crate::app::App;
use crate::sample::ada;

const ROOM: Quota = Quota {
    contacts: 100,
    bytes: 1_000_000,
};

fn new() -> NewContact {
    NewContact {
        uid: None,
        body: Body::parse(ada(), DefaultRegion::NONE).unwrap(),
        photo: None,
    }
}

fn options(validate_only: bool) -> CreateOptions {
    CreateOptions {
        repeatable: None,
        validate_only,
    }
}

fn notes(id: ContactId, notes: &str) -> ContactUpdate {
    let patch = Contact {
        id: id.to_string(),
        notes: notes.into(),
        ..Contact::default()
    };
    let paths = vec!["notes".to_owned()];
    ContactUpdate {
        id,
        uid: None,
        mask: UpdateMask::parse(Some(&FieldMask { paths }), &patch).unwrap(),
        region: DefaultRegion::NONE,
        etag: String::new(),
        allow_missing: false,
        patch,
        photo: None,
    }
}

fn deletion(id: ContactId, allow_missing: bool) -> Deletion {
    Deletion {
        id,
        etag: String::new(),
        allow_missing,
    }
}

fn offer() -> Offer {
    Offer {
        owner_email: Email::parse("owner@example.com").unwrap(),
        recipient_email: Email::parse("other@example.com").unwrap(),
        label_id: None,
        is_editor: false,
    }
}

/// The contact that was written.
fn id_of(contact: &[u8]) -> ContactId {
    let contact: Contact = prost::Message::decode(contact).unwrap();
    ContactId::parse("id", &contact.id).unwrap()
}

#[tokio::test]
async fn only_a_write_that_was_stored_wakes_those_who_watch() {
    let app = App::start().await;
    let (owner, stranger) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
    let hub = Hub::new(true);
    let book = |writer| Book::new(app.pool(), owner, writer, Clock::System.now(), ROOM, &hub);
    let (own, others) = (book(owner), book(stranger));
    let woken = || hub.take_written() == HashSet::from([owner]);
    let nobody = |call: &str| assert_eq!(hub.take_written(), HashSet::new(), "{call}");
    let friends = LabelName::of("Friends".into());

    let id = id_of(&own.create(&new(), &options(false)).await.unwrap());
    assert!(woken(), "a contact in one statement");
    let label = own.create_label(&friends, false).await.unwrap();
    assert!(woken(), "a label");

    own.create(&new(), &options(true)).await.unwrap();
    nobody("a creation that is only validated");
    let colleagues = LabelName::of("Colleagues".into());
    own.create_label(&colleagues, true).await.unwrap();
    nobody("a label that is only validated");
    own.offer(&offer(), true).await.unwrap();
    nobody("an offer that is only validated");
    own.create_label(&friends, false).await.unwrap_err();
    nobody("a name that is taken");
    let renamed = own.rename_label(label.id, Some(friends), "").await;
    renamed.unwrap();
    nobody("the same name again");
    own.undelete(id).await.unwrap_err();
    nobody("a contact that is not deleted");
    own.purge(&[id]).await.unwrap_err();
    nobody("a contact that is not deleted");
    let missing = ContactId::generate();
    own.delete(&deletion(missing, true)).await.unwrap();
    nobody("a missing contact");
    own.update(notes(id, "")).await.unwrap();
    nobody("an update that changes nothing");
    own.restore(id, 99, "").await.unwrap_err();
    nobody("a revision that is missing");
    others.update(notes(id, "x")).await.unwrap_err();
    nobody("a stranger's update");
    drop((own, others));
    nobody("the end of the calls");

    let own = book(owner);
    own.update(notes(id, "new")).await.unwrap();
    assert!(woken(), "an update");
    own.delete(&deletion(id, false)).await.unwrap();
    assert!(woken(), "a deletion");
    own.undelete(id).await.unwrap();
    assert!(woken(), "a contact that comes back");
    own.offer(&offer(), false).await.unwrap();
    assert!(woken(), "an offer");
}
