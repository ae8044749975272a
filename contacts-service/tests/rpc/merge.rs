//! `MergeContacts`: what happens to each field.

use proto::contacts::v1::{
    Contact, ContactChange, Email, Event, MergeContactsRequest, Organization, Phone, PostalAddress,
    Relation, Url,
};
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, book};
use crate::owner_merges::{bare, merging};
use crate::refusal::{assert_bad_fields, assert_refused, fields, metadata};
use crate::sample::{ada, born, date, email, full, named, phone};

fn url(url: &str) -> Url {
    Url {
        url: url.into(),
        ..Url::default()
    }
}

fn labelled(number: &str, label: &str) -> Phone {
    Phone {
        label: label.into(),
        ..phone(number)
    }
}

#[tokio::test]
async fn what_is_the_same_stays_once_and_what_is_new_is_added() {
    let app = App::start().await;
    let owner = app.owner();
    let primary = Contact {
        emails: vec![email("Ada@example.com")],
        phones: vec![labelled("+44 20 7946 0958", "home"), phone("call me")],
        urls: vec![url("https://Ada.example/Notes")],
        labels: vec!["Friends".into()],
        ..ada()
    };
    let other = Contact {
        emails: vec![
            Email {
                label: "work".into(),
                primary: true,
                ..email("ada@EXAMPLE.com")
            },
            email("ada@engine.example"),
        ],
        phones: vec![
            labelled("+442079460958", "Home"),
            labelled("+44 (20) 7946-0958", "work"),
            labelled("+44 20 7946 0958 ext. 12", "desk"),
            phone("Call me"),
        ],
        urls: vec![
            url("https://ada.example/Notes/"),
            url("https://ada.example/notes"),
        ],
        labels: vec!["friends".into(), "Maths".into()],
        starred: true,
        ..named("ada", "LOVELACE")
    };
    let (primary, other) = (owner.has(primary).await, owner.has(other).await);

    let (merged, _) = owner.merge(&primary, &[&other]).await.unwrap();

    let emails = merged
        .emails
        .iter()
        .map(|email| (&*email.address, &*email.label));
    assert_eq!(
        emails.collect::<Vec<_>>(),
        [("Ada@example.com", "work"), ("ada@engine.example", "")]
    );
    let phones = merged
        .phones
        .iter()
        .map(|phone| (&*phone.number, &*phone.label));
    assert_eq!(
        phones.collect::<Vec<_>>(),
        [
            ("+44 20 7946 0958", "home"),
            ("call me", ""),
            ("+44 20 7946 0958 ext. 12", "desk")
        ]
    );
    let urls: Vec<_> = merged.urls.iter().map(|url| &*url.url).collect();
    assert_eq!(
        urls,
        ["https://Ada.example/Notes", "https://ada.example/notes"]
    );
    assert_eq!(merged.labels, ["Friends", "Maths"]);
    assert!(merged.starred);
    assert_eq!(merged.notes, "work: +442079460958");
    assert_eq!(merged.display_name, "Ada Lovelace");
    assert_eq!(owner.get(&primary.id).await.unwrap(), merged);
    assert_eq!(owner.exact_names("engine").await, ["Ada Lovelace"]);
}

#[tokio::test]
async fn what_the_primary_leaves_empty_is_filled() {
    let app = App::start().await;
    let owner = app.owner();
    let bare_one = owner
        .has(Contact {
            emails: vec![email("ada@example.com")],
            birthday: Some(date(0, 12, 10)),
            ..Contact::default()
        })
        .await;
    let other = owner.has(full()).await;

    let (merged, _) = owner.merge(&bare_one, &[&other]).await.unwrap();

    let expected = Contact {
        id: merged.id.clone(),
        uid: merged.uid.clone(),
        create_time: merged.create_time,
        ..bare(&other)
    };
    let mut expected_emails = other.emails.clone();
    expected_emails[0].address = "ada@example.com".into();
    assert_eq!(
        bare(&merged),
        Contact {
            emails: expected_emails,
            ..expected
        }
    );
}

#[tokio::test]
async fn what_contradicts_is_kept_beside() {
    let app = App::start().await;
    let owner = app.owner();
    let primary = owner.has(full()).await;
    let mut other = Contact {
        uid: String::new(),
        given_name: "Augusta".into(),
        family_name: "King".into(),
        nickname: "Gussie".into(),
        phonetic_family_name: "Kynge".into(),
        birthday: Some(date(1815, 12, 11)),
        notes: "Countess of Lovelace.".into(),
        organizations: vec![Organization {
            name: "Analytical Engines".into(),
            title: "Patron".into(),
            ..Organization::default()
        }],
        addresses: vec![PostalAddress {
            city: "Ockham".into(),
            ..PostalAddress::default()
        }],
        relations: vec![Relation {
            name: "Charles Babbage".into(),
            label: "colleague".into(),
        }],
        ..Contact::default()
    };
    other.custom_fields = [
        ("Shoe size".to_owned(), "39".to_owned()),
        ("k".repeat(100), "v".into()),
    ]
    .into();
    let same_key = Contact {
        custom_fields: [("k".repeat(100), "w".to_owned())].into(),
        ..ada()
    };
    let (other, same_key) = (owner.has(other).await, owner.has(same_key).await);

    let (merged, _) = owner.merge(&primary, &[&other, &same_key]).await.unwrap();

    assert_eq!(merged.display_name, primary.display_name);
    assert_eq!(merged.birthday, primary.birthday);
    assert_eq!(
        merged.events.last().unwrap(),
        &Event {
            date: Some(date(1815, 12, 11)),
            label: "birthday".into()
        }
    );
    assert_eq!(
        merged.notes,
        format!(
            "{}\n\nCountess of Lovelace.\n\nName: Augusta King\nPhonetic name: Kynge\n\
             Nickname: Gussie\n\n{}: w",
            primary.notes,
            "k".repeat(100)
        )
    );
    assert_eq!(merged.custom_fields["Shoe size"], "38");
    assert_eq!(merged.custom_fields["Shoe size (2)"], "39");
    assert_eq!((merged.organizations.len(), merged.addresses.len()), (2, 2));
    assert_eq!(merged.relations.len(), 2);
}

#[tokio::test]
async fn the_others_are_deleted_under_the_same_version() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada(), ada()]).await;
    let version = owner.get(&stored[2].id).await.unwrap().version;

    let (merged, _) = owner
        .merge(&stored[0], &[&stored[1], &stored[2]])
        .await
        .unwrap();

    assert_eq!(merged.version, version + 1);
    for other in &stored[1..] {
        let gone = owner.get(&other.id).await.unwrap();
        assert_eq!(gone.merged_into, stored[0].id);
        assert_eq!(
            (gone.version, gone.delete_time),
            (merged.version, merged.update_time)
        );
        assert!(gone.expire_time.is_some());
    }
    assert_eq!(owner.total_size().await, 1);
    for contact in &stored {
        let last = owner.revisions(&contact.id, 20).await.remove(0);
        assert_eq!(last.change(), ContactChange::Merged);
    }
    let back = owner.undelete(&stored[1].id).await.unwrap();
    assert_eq!((&*back.merged_into, back.delete_time), ("", None));
    assert_eq!(owner.get(&stored[1].id).await.unwrap(), back);
}

#[tokio::test]
async fn a_merge_is_checked_without_being_done() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full()]).await;
    let before = book(&app, owner.user).await;
    let request = MergeContactsRequest {
        validate_only: true,
        ..merging(&stored[0], &[&stored[1]])
    };

    let checked = owner.merge_with(request).await.unwrap();

    assert_eq!(checked.merge_id, "");
    assert_eq!(book(&app, owner.user).await, before);
    let (merged, _) = owner.merge(&stored[0], &[&stored[1]]).await.unwrap();
    assert_eq!(bare(&merged), bare(&checked.contact.unwrap()));
}

#[tokio::test]
async fn a_merge_that_is_repeated_is_done_once() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full(), ada()]).await;
    let request = MergeContactsRequest {
        request_id: "once".into(),
        ..merging(&stored[0], &[&stored[1]])
    };

    let first = owner.merge_with(request.clone()).await.unwrap();
    let again = owner.merge_with(request).await.unwrap();
    let another = MergeContactsRequest {
        request_id: "once".into(),
        ..merging(&stored[0], &[&stored[2]])
    };
    let reused = owner.merge_with(another).await;

    assert_eq!(first, again);
    assert_refused(reused, Code::InvalidArgument, "REQUEST_ID_REUSED");
    assert_eq!(owner.total_size().await, 2);
    assert_eq!(owner.unmerge(&again.merge_id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_stale_etag_of_any_contact_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), full(), ada()]).await;
    let good = |contact: &Contact| (contact.id.clone(), contact.etag.clone());
    let before = book(&app, owner.user).await;

    for stale in 0..3 {
        let mut request = merging(&stored[0], &[&stored[1], &stored[2]]);
        request.etags = stored.iter().map(good).collect();
        request
            .etags
            .insert(stored[stale].id.clone(), "\"99\"".into());
        let answer = owner.merge_with(request).await;

        let status = answer.as_ref().unwrap_err();
        assert_eq!(metadata(status, "id"), stored[stale].id);
        assert_eq!(metadata(status, "etag"), stored[stale].etag);
        assert_refused(answer, Code::Aborted, "ETAG_MISMATCH");
    }
    assert_eq!(book(&app, owner.user).await, before);
    let mut request = merging(&stored[0], &[&stored[1], &stored[2]]);
    request.etags = stored.iter().map(good).collect();
    owner.merge_with(request).await.unwrap();
}

#[tokio::test]
async fn a_merge_that_would_break_a_limit_changes_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let many = |n: usize| Contact {
        emails: (0..60)
            .map(|i| email(&format!("{n}.{i}@example.com")))
            .collect(),
        ..ada()
    };
    let long = |n: usize| Contact {
        notes: format!("{n}").repeat(9000),
        ..ada()
    };
    let heavy = |n: usize| Contact {
        raw_properties: (0..3)
            .map(|i| format!("X-{n}-{i}:{}", "x".repeat(16_000)))
            .collect(),
        ..ada()
    };
    for (pair, field) in [
        ([many(1), many(2)], "contact.emails"),
        ([long(1), long(2)], "contact.notes"),
        ([heavy(1), heavy(2)], "contact"),
    ] {
        let stored = owner.has_all(pair).await;
        let before = book(&app, owner.user).await;

        let answer = owner.merge(&stored[0], &[&stored[1]]).await;

        assert_eq!(fields(answer.as_ref().unwrap_err()), [field]);
        assert_refused(answer, Code::FailedPrecondition, "MERGE_TOO_LARGE");
        assert_eq!(book(&app, owner.user).await, before);
    }
}

#[tokio::test]
async fn contacts_that_are_not_there_or_named_twice_are_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has_all((0..22).map(|n| named("N", &n.to_string())))
        .await;
    let [a, b] = [&stored[0], &stored[1]];
    let missing = Contact {
        id: Uuid::now_v7().to_string(),
        ..Contact::default()
    };
    let deleted = owner.has(ada()).await;
    owner.delete(&deleted.id).await.unwrap();

    for gone in [&missing, &deleted] {
        for (primary, others) in [(gone, vec![a]), (a, vec![b, gone])] {
            let answer = owner.merge(primary, &others).await;
            assert_eq!(metadata(answer.as_ref().unwrap_err(), "id"), gone.id);
            assert_refused(answer, Code::NotFound, "CONTACT_NOT_FOUND");
        }
    }
    let all: Vec<&Contact> = stored[1..].iter().collect();
    assert_bad_fields(owner.merge(a, &[]).await, &["other_ids"]);
    assert_bad_fields(owner.merge(a, &all).await, &["other_ids"]);
    assert_bad_fields(owner.merge(a, &[a]).await, &["other_ids[0]"]);
    assert_bad_fields(owner.merge(a, &[b, b]).await, &["other_ids[1]"]);
    let mut stray = merging(a, &[b]);
    stray.etags = [(missing.id.clone(), "\"1\"".to_owned())].into();
    let field = format!("etags[{:?}]", missing.id);
    assert_bad_fields(owner.merge_with(stray).await, &[&field]);
    let (merged, _) = owner.merge(a, &all[..20]).await.unwrap();
    assert_eq!(
        merged
            .notes
            .lines()
            .filter(|line| line.starts_with("Name: "))
            .count(),
        20
    );
}

#[tokio::test]
async fn birthdays_that_agree_make_no_event() {
    let app = App::start().await;
    let owner = app.owner();

    for (mine, theirs, expected) in [
        (date(1990, 5, 12), date(0, 5, 12), date(1990, 5, 12)),
        (date(0, 5, 12), date(1990, 5, 12), date(1990, 5, 12)),
        (date(0, 2, 29), date(2000, 2, 29), date(2000, 2, 29)),
        (date(1990, 5, 12), date(1990, 5, 12), date(1990, 5, 12)),
    ] {
        let stored = owner.has_all([born("A", mine), born("A", theirs)]).await;
        let (merged, _) = owner.merge(&stored[0], &[&stored[1]]).await.unwrap();
        assert_eq!((merged.birthday, merged.events), (Some(expected), vec![]));
    }
}
