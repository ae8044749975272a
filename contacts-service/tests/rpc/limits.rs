//! How large a contact may be.

use std::collections::HashSet;

use prost::Message;
use proto::contacts::v1::{
    Contact, Event, Impp, ListContactsRequest, PostalAddress, Relation, SearchContactsRequest, Url,
};
use tonic::Code;

use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, date, email, named, organization, phone};

#[tokio::test]
async fn every_list_holds_a_hundred_elements() {
    let app = App::start().await;
    let owner = app.owner();
    let with = |count: usize| {
        let numbered = |n: usize| format!("n{n}");
        Contact {
            emails: (0..count).map(|n| email(&format!("{n}@b"))).collect(),
            phones: (0..count).map(|n| phone(&n.to_string())).collect(),
            addresses: vec![PostalAddress::default(); count],
            urls: vec![
                Url {
                    url: "u".into(),
                    label: String::new()
                };
                count
            ],
            organizations: vec![organization("o"); count],
            events: vec![
                Event {
                    date: Some(date(0, 1, 1)),
                    label: String::new()
                };
                count
            ],
            relations: vec![
                Relation {
                    name: "r".into(),
                    label: String::new()
                };
                count
            ],
            impps: vec![
                Impp {
                    uri: "i".into(),
                    label: String::new()
                };
                count
            ],
            custom_fields: (0..count).map(|n| (numbered(n), String::new())).collect(),
            labels: (0..count).map(numbered).collect(),
            raw_properties: (0..count).map(numbered).collect(),
            ..ada()
        }
    };

    let most = owner.create(with(100)).await.unwrap();
    let too_many = owner.create(with(101)).await;

    assert_eq!((most.emails.len(), most.labels.len()), (100, 100));
    assert_eq!(most.custom_fields.len(), 100);
    assert_bad_fields(
        too_many,
        &[
            "contact.emails",
            "contact.phones",
            "contact.addresses",
            "contact.urls",
            "contact.impps",
            "contact.organizations",
            "contact.relations",
            "contact.events",
            "contact.custom_fields",
            "contact.labels",
            "contact.raw_properties",
        ],
    );
}

#[tokio::test]
async fn limits_count_characters_and_their_border_is_inside() {
    let app = App::start().await;
    let owner = app.owner();
    let mut most = named(&"é".repeat(200), &"😀".repeat(200));
    most.uid = "é".repeat(255);
    most.emails = vec![email(&format!("{}@b", "é".repeat(252)))];
    most.emails[0].label = "é".repeat(100);
    most.phones = vec![phone(&"1".repeat(100))];
    most.labels = vec!["é".repeat(100)];
    most.custom_fields = [("é".repeat(100), "é".repeat(1000))].into();
    most.notes = "é".repeat(8 * 1024);
    let mut more = most.clone();
    more.uid = String::new();
    more.given_name.push('x');
    more.emails[0].address.push('x');
    more.emails[0].label.push('x');
    more.phones[0].number.push('1');
    more.labels[0].push('x');
    more.custom_fields = [("k".to_owned(), "é".repeat(1001))].into();
    more.notes.push('x');

    let stored = owner.create(most.clone()).await.unwrap();
    let refused = owner.create(more).await;

    assert_eq!(stored.given_name, most.given_name);
    assert_eq!((stored.uid, stored.notes), (most.uid, most.notes));
    assert_bad_fields(
        refused,
        &[
            "contact.given_name",
            "contact.emails[0].address",
            "contact.emails[0].label",
            "contact.phones[0].number",
            "contact.notes",
            "contact.custom_fields[\"k\"]",
            "contact.labels[0]",
        ],
    );
}

#[tokio::test]
async fn a_contact_takes_at_most_64_kib() {
    let app = App::start().await;
    let owner = app.owner();
    let large = |lines| Contact {
        raw_properties: vec!["x".repeat(10_000); lines],
        ..ada()
    };

    let stored = owner.create(large(6)).await.unwrap();
    let refused = owner.create(large(7)).await;
    let grown = Contact {
        id: stored.id.clone(),
        ..large(7)
    };
    let grown = owner.update(grown, &[]).await;

    assert_refused(refused, Code::InvalidArgument, "CONTACT_TOO_LARGE");
    assert_refused(grown, Code::InvalidArgument, "CONTACT_TOO_LARGE");
    assert_eq!(owner.get(&stored.id).await.unwrap(), stored);
}

#[tokio::test]
async fn a_refusal_of_very_many_fields_stays_small() {
    let app = App::start().await;
    let mut contact = ada();
    contact.emails = vec![email("no at"); 3000];

    let answer = app.owner().create(contact).await;

    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.details().len() < 4096);
    assert_eq!(crate::refusal::fields(&status).len(), 20);
}

#[tokio::test]
async fn names_that_unfold_to_long_texts_are_stored_sorted_and_found() {
    let app = App::start().await;
    let owner = app.owner();
    let long = "\u{fdfa}".repeat(200);
    let contact = Contact {
        middle_name: long.clone(),
        nickname: long.clone(),
        labels: vec!["\u{fdfa}".repeat(100)],
        organizations: vec![organization(&"\u{fdfa}".repeat(1000))],
        notes: "\u{fdfa}".repeat(5000),
        ..named(&long, &long)
    };

    let stored = owner.create(contact.clone()).await.unwrap();

    assert_eq!(stored.given_name, long);
    assert_eq!(stored.notes, contact.notes);
    for order in ["family_name", "given_name desc", "display_name"] {
        let request = ListContactsRequest {
            order_by: order.into(),
            ..Default::default()
        };
        assert_eq!(owner.list_all(request).await, std::slice::from_ref(&stored));
    }
    assert_eq!(owner.found("\u{fdfa}").await.len(), 1);
}

#[tokio::test]
async fn days_that_are_not_in_the_calendar_are_refused() {
    let app = App::start().await;
    let owner = app.owner();

    for (year, month, day) in [
        (2024, 2, 30),
        (2023, 2, 29),
        (1900, 2, 29),
        (0, 2, 30),
        (2024, 0, 1),
        (2024, 13, 0),
        (2024, 13, 1),
        (2024, 4, 31),
        (-1, 1, 1),
        (10_000, 1, 1),
        (i32::MIN, i32::MAX, i32::MIN),
        (0, 0, 0),
    ] {
        let date = Some(date(year, month, day));
        let contact = Contact {
            birthday: date,
            events: vec![Event {
                date,
                label: String::new(),
            }],
            ..ada()
        };
        let answer = owner.create(contact).await;
        assert_bad_fields(answer, &["contact.events[0].date", "contact.birthday"]);
    }
    for (year, month, day) in [
        (2024, 2, 29),
        (0, 2, 29),
        (1, 1, 1),
        (9999, 12, 31),
        (2000, 2, 29),
    ] {
        let birthday = Some(date(year, month, day));
        let stored = owner.create(Contact { birthday, ..ada() }).await.unwrap();
        assert_eq!(stored.birthday, birthday);
    }
}

#[tokio::test]
async fn a_page_of_large_contacts_ends_before_clients_refuse_it() {
    let app = App::start().await;
    let owner = app.owner();
    let large = Contact {
        raw_properties: vec!["x".repeat(15_000); 4],
        ..ada()
    };
    let ids: HashSet<_> = owner
        .has_all(vec![large; 60])
        .await
        .into_iter()
        .map(|c| c.id)
        .collect();
    let mut seen = HashSet::new();
    let mut pages = 0;
    let mut request = ListContactsRequest {
        page_size: 500,
        ..ListContactsRequest::default()
    };

    loop {
        let page = owner.list(request.clone()).await.unwrap();
        assert!(page.encoded_len() < 4 * 1024 * 1024);
        seen.extend(page.contacts.into_iter().map(|contact| contact.id));
        pages += 1;
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }

    assert_eq!(seen, ids);
    assert_eq!(pages, 2);
    let mut request = SearchContactsRequest {
        query: "ada".into(),
        page_size: 100,
        ..SearchContactsRequest::default()
    };
    let first = owner.search(request.clone()).await.unwrap();
    request.page_token = first.next_page_token;
    let second = owner.search(request).await.unwrap();
    assert_eq!(first.results.len() + second.results.len(), 60);
    assert!(second.next_page_token.is_empty());
}
