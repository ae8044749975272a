//! `CreateContact`.

use proto::contacts::v1::{Contact, CreateContactRequest, Email, PhotoInfo};
use tonic::Code;

use crate::app::{App, rows};
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, as_written, date, email, full, named, organization, phone};

#[tokio::test]
async fn a_contact_with_every_field_comes_back_whole() {
    let app = App::start().await;
    let owner = app.owner();

    let created = owner.create(full()).await.unwrap();

    assert_eq!(as_written(created.clone()), full());
    assert_eq!(created.display_name, "Ada, Countess of Lovelace");
    assert_eq!(created.phones[0].e164, "+442079460958");
    assert_eq!(created.phones[0].extension, "12");
    assert_eq!(created.etag, format!("\"{}\"", created.version));
    assert!(created.create_time.is_some());
    assert_eq!(created.create_time, created.update_time);
    assert_eq!(owner.get(&created.id).await.unwrap(), created);
}

#[tokio::test]
async fn the_id_is_a_uuid_of_version_7_in_lower_case() {
    let app = App::start().await;

    let created = app.owner().create(ada()).await.unwrap();

    let id = uuid::Uuid::try_parse(&created.id).unwrap();
    assert_eq!((id.get_version_num(), id.to_string()), (7, created.id));
}

#[tokio::test]
async fn what_only_the_server_sets_is_ignored() {
    let app = App::start().await;
    let owner = app.owner();
    let mut contact = ada();
    contact.phones = vec![phone("12")];
    contact.phones[0].e164 = "+4930123456".into();
    contact.phones[0].extension = "7".into();
    contact.id = "0198c0de-0000-7000-8000-000000000000".into();
    contact.etag = "\"77\"".into();
    contact.version = 77;
    contact.create_time = Some(prost_types::Timestamp::default());
    contact.update_time = Some(prost_types::Timestamp::default());
    contact.delete_time = Some(prost_types::Timestamp::default());
    contact.expire_time = Some(prost_types::Timestamp::default());
    contact.merged_into = "someone".into();
    contact.display_name = "Someone else".into();
    contact.photo = Some(PhotoInfo::default());
    let sent = contact.clone();

    let created = owner.create(contact).await.unwrap();

    assert_ne!(created.id, sent.id);
    assert_ne!(created.create_time, sent.create_time);
    assert_ne!(created.update_time, sent.update_time);
    assert_eq!((&*created.etag, created.version), ("\"1\"", 1));
    assert_eq!((created.delete_time, created.expire_time), (None, None));
    assert_eq!((&*created.merged_into, created.photo.as_ref()), ("", None));
    assert_eq!(created.display_name, "Ada Lovelace");
    assert_eq!(created.phones, [phone("12")]);
    assert_eq!(owner.get(&created.id).await.unwrap(), created);
}

#[tokio::test]
async fn the_uid_is_made_when_none_is_sent() {
    let app = App::start().await;

    let created = app.owner().create(ada()).await.unwrap();

    assert_eq!(created.uid, format!("urn:uuid:{}", created.id));
}

#[tokio::test]
async fn something_must_be_there_to_call_a_contact_by() {
    let app = App::start().await;
    let owner = app.owner();
    let nameless = Contact {
        notes: "only notes".into(),
        birthday: Some(date(2000, 1, 1)),
        starred: true,
        ..Contact::default()
    };
    let blank = Contact {
        given_name: " \u{a0} ".into(),
        ..nameless.clone()
    };

    for contact in [Contact::default(), nameless.clone(), blank] {
        let answer = owner.create(contact).await;
        assert_refused(answer, Code::InvalidArgument, "CONTACT_EMPTY");
    }
    for (contact, name) in [
        (named("Ada", ""), "Ada"),
        (named("", "Lovelace"), "Lovelace"),
        (with_nickname("Countess"), "Countess"),
    ] {
        assert_eq!(owner.create(contact).await.unwrap().display_name, name);
    }
    let reachable = Contact {
        phones: vec![phone("12 34")],
        ..nameless.clone()
    };
    assert_eq!(owner.has(reachable.clone()).await.display_name, "12 34");
    let reachable = Contact {
        emails: vec![email("a@b")],
        ..reachable
    };
    assert_eq!(owner.has(reachable.clone()).await.display_name, "a@b");
    let employed = Contact {
        organizations: vec![organization("Acme")],
        ..reachable
    };
    assert_eq!(owner.has(employed).await.display_name, "Acme");
}

fn with_nickname(nickname: &str) -> Contact {
    Contact {
        nickname: nickname.into(),
        ..Contact::default()
    }
}

#[tokio::test]
async fn names_of_east_asia_put_the_family_first() {
    let app = App::start().await;

    let created = app.owner().create(named("太郎", "山田")).await.unwrap();

    assert_eq!(created.display_name, "山田 太郎");
}

#[tokio::test]
async fn text_is_stored_composed_and_without_spaces_around_it() {
    let app = App::start().await;

    let created = app
        .owner()
        .create(named(" Mu\u{308}ller ", ""))
        .await
        .unwrap();

    assert_eq!(created.given_name, "Müller");
}

#[tokio::test]
async fn a_label_stands_once() {
    let app = App::start().await;
    let labels = ["b", "a", " b ", "a"].map(str::to_owned).to_vec();

    let created = app
        .owner()
        .create(Contact { labels, ..ada() })
        .await
        .unwrap();

    assert_eq!(created.labels, ["b", "a"]);
}

#[tokio::test]
async fn at_most_one_email_and_one_phone_are_primary() {
    let app = App::start().await;
    let mut contact = ada();
    contact.emails = vec![email("a@b"), email("c@d"), email("e@f")];
    contact.phones = vec![phone("1"), phone("2")];
    for index in [0, 2] {
        contact.emails[index].primary = true;
    }
    for phone in &mut contact.phones {
        phone.primary = true;
    }

    let answer = app.owner().create(contact).await;

    let paths = ["contact.emails[2].primary", "contact.phones[1].primary"];
    assert_bad_fields(answer, &paths);
}

#[tokio::test]
async fn every_bad_field_is_named_by_its_path() {
    let app = App::start().await;
    let mut contact = full();
    contact.given_name = "a\0b".into();
    contact.emails[0].address = "no at".into();
    contact.emails.push(Email::default());
    contact.addresses[0].country_code = "GBR".into();
    contact.urls[0].url = String::new();
    contact.organizations[0] = organization("");
    contact.birthday = Some(date(2024, 2, 30));
    contact.events[0].date = None;
    contact.relations[0].name = "  ".into();

    let answer = app.owner().create(contact).await;

    assert_bad_fields(
        answer,
        &[
            "contact.given_name",
            "contact.emails[0].address",
            "contact.emails[2].address",
            "contact.addresses[0].country_code",
            "contact.urls[0].url",
            "contact.organizations[0]",
            "contact.relations[0].name",
            "contact.events[0].date",
            "contact.birthday",
        ],
    );
}

#[tokio::test]
async fn a_contact_must_be_sent() {
    let app = App::start().await;

    let answer = app
        .owner()
        .create_with(CreateContactRequest::default())
        .await;

    assert_bad_fields(answer, &["contact"]);
}

#[tokio::test]
async fn validation_alone_stores_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let request = |contact| CreateContactRequest {
        contact: Some(contact),
        request_id: "once".into(),
        validate_only: true,
        ..CreateContactRequest::default()
    };

    let answer = owner.create_with(request(full())).await.unwrap();

    assert_eq!(as_written(answer.clone()), full());
    assert_missing(&owner, &answer.id).await;
    for table in ["contacts", "requests", "owner_state"] {
        assert_eq!(rows(&app, table, owner.user).await, 0, "{table}");
    }
    let invalid = owner.create_with(request(named("a\0b", ""))).await;
    assert_bad_fields(invalid, &["contact.given_name"]);
    owner.has(full()).await;
    let taken = owner.create_with(request(full())).await;
    assert_refused(taken, Code::AlreadyExists, "UID_TAKEN");
}

async fn assert_missing(owner: &Owner, id: &str) {
    let answer = owner.get(id).await;
    assert_refused(answer, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_eq!(owner.total_size().await, 0);
}
