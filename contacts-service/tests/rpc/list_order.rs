//! `ListContacts`: how it sorts.

use std::cmp::Ordering;
use std::sync::atomic::Ordering::SeqCst;

use contacts_service::contact::order::order_key;
use proto::contacts::v1::{Contact, ListContactsRequest};
use tonic::Code;

use crate::app::App;
use crate::batch_create::batch;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{email, ids, named};

pub const NAMES: [&str; 16] = [
    "Ada",
    "ada",
    "Ádám",
    "Adam",
    "Bär",
    "Bar",
    "bar",
    "Øre",
    "Zoë",
    "Zoe",
    "Жанна",
    "Ωmega",
    "山田",
    "O'Neil",
    "de la Cruz",
    "",
];

/// 120 contacts with few names, so that there are many ties; every fourth was written
/// again.
async fn crowd() -> (App, crate::owner::Owner, Vec<Contact>) {
    let (app, clock) = App::at(1_700_000_000).await;
    let owner = app.owner();
    let mut random = fastrand::Rng::with_seed(120);
    let mut contacts = Vec::new();
    for n in 0..120 {
        clock.fetch_add(random.i64(0..2), SeqCst);
        let mut name = || *random.choice(&NAMES).unwrap();
        let contact = Contact {
            emails: vec![email(&format!("{n}@example.com"))],
            ..named(name(), name())
        };
        contacts.push(owner.has(contact).await);
    }
    for contact in contacts.iter_mut().step_by(4) {
        clock.fetch_add(random.i64(0..2), SeqCst);
        contact.notes = "written again".into();
        *contact = owner.update(contact.clone(), &["notes"]).await.unwrap();
    }
    (app, owner, contacts)
}

/// The sort key of a field of `order_by`, computed from the contacts.
pub fn compare(field: &str, a: &Contact, b: &Contact) -> Ordering {
    let key = |first: &str, second: &str, c: &Contact| match (first, second) {
        ("", "") => order_key(&[&c.display_name]),
        ("", only) => order_key(&[only, "", ""]),
        _ => order_key(&[first, second, ""]),
    };
    let names = |c: &Contact| key(&c.family_name, &c.given_name, c);
    let swapped = |c: &Contact| key(&c.given_name, &c.family_name, c);
    let time = |t: Option<prost_types::Timestamp>| t.map(|t| (t.seconds, t.nanos));
    match field {
        "given_name" => swapped(a).cmp(&swapped(b)),
        "display_name" => order_key(&[&a.display_name]).cmp(&order_key(&[&b.display_name])),
        "create_time" => time(a.create_time).cmp(&time(b.create_time)),
        "update_time" => a.version.cmp(&b.version),
        _ => names(a).cmp(&names(b)),
    }
    .then_with(|| a.id.cmp(&b.id))
}

#[tokio::test]
async fn every_order_agrees_with_a_sort_in_memory_whatever_the_page_size() {
    let (_app, owner, mut contacts) = crowd().await;

    for field in [
        "",
        "family_name",
        "given_name",
        "display_name",
        "create_time",
        "update_time",
    ] {
        for descending in [false, true] {
            contacts.sort_by(|a, b| compare(field, a, b));
            if descending {
                contacts.reverse();
            }
            let direction = if descending { " desc" } else { "" };
            if field.is_empty() && descending {
                continue;
            }
            if field == "update_time" {
                let times: Vec<_> = contacts.iter().map(|c| c.update_time.unwrap()).collect();
                let mut times: Vec<_> = times.iter().map(|t| (t.seconds, t.nanos)).collect();
                if descending {
                    times.reverse();
                }
                assert!(times.is_sorted(), "versions follow time");
            }
            for page_size in [1, 7, 50, 500] {
                let listed = owner
                    .list_all(ListContactsRequest {
                        order_by: format!("{field}{direction}"),
                        page_size,
                        ..ListContactsRequest::default()
                    })
                    .await;
                let same = ids(&listed) == ids(&contacts);
                assert!(same, "{field}{direction} by {page_size}");
                assert_eq!(listed, contacts);
            }
        }
    }
}

#[tokio::test]
async fn an_order_of_something_else_is_refused() {
    let app = App::start().await;
    let owner = app.owner();

    for order in [
        "notes",
        "id",
        "family_name descending",
        "family_name, given_name",
        "family_name desc desc",
        "family_name; DROP TABLE contacts",
        "family_name\0",
        "FAMILY_NAME",
    ] {
        let answer = owner
            .list(ListContactsRequest {
                order_by: order.into(),
                ..ListContactsRequest::default()
            })
            .await;
        assert_refused(answer.clone(), Code::InvalidArgument, "ORDER_BY_INVALID");
        assert_bad_fields(answer, &["order_by"]);
    }
}

#[tokio::test]
async fn contacts_of_one_write_keep_the_order_of_the_request() {
    let app = App::start().await;
    let owner = app.owner();
    let batch = batch((0..8).map(|n| named(&format!("N{n}"), "")));
    let made = owner.batch_create(batch).await.unwrap();
    let mut made: Vec<Contact> = made.into_iter().map(Result::unwrap).collect();
    let mut first = made.remove(0);
    first.notes = "written again".into();
    let first = owner.update(first, &["notes"]).await.unwrap();

    for page_size in [1, 3, 50] {
        let listed = owner
            .list_all(ListContactsRequest {
                order_by: "update_time".into(),
                page_size,
                ..ListContactsRequest::default()
            })
            .await;

        let (last, others) = listed.split_last().unwrap();
        assert_eq!(ids(others), ids(&made));
        assert_eq!(*last, first);
    }
}
