//! `ListContacts` with `all_owners`: what it lists, and in which order.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proto::contacts::v1::{Contact, ListContactsRequest};

use crate::all_owners_world::{World, of_all};
use crate::list_order::compare;
use crate::owner::field_mask;
use crate::sample::ids;

fn live(world: &World) -> Vec<Contact> {
    let live = world.contacts.iter();
    live.filter(|contact| contact.delete_time.is_none())
        .cloned()
        .collect()
}

fn sort(contacts: &mut [Contact], field: &str, descending: bool) {
    contacts.sort_by(|a, b| {
        let order = compare(field, a, b).then_with(|| a.owner_id.cmp(&b.owner_id));
        if descending { order.reverse() } else { order }
    });
}

/// Takes from the owners' contacts, which are in the order of their versions, the first one
/// with the earliest time; or in reverse the first one with the latest time.
fn merged(contacts: &[Contact], descending: bool) -> Vec<Contact> {
    let mut books: BTreeMap<&str, Vec<&Contact>> = BTreeMap::new();
    for contact in contacts {
        books.entry(&contact.owner_id).or_default().push(contact);
    }
    let follows = |a: &Contact, b: &Contact| {
        let order = (a.version, &a.id).cmp(&(b.version, &b.id));
        if descending { order } else { order.reverse() }
    };
    for book in books.values_mut() {
        // The next one is the last.
        book.sort_by(|a, b| follows(a, b));
    }
    let time = |contact: &Contact| {
        let time = contact.update_time.unwrap();
        (time.seconds, time.nanos)
    };
    let mut merged = Vec::new();
    let mut passed = None;
    loop {
        let heads = books.iter().filter_map(|(owner, book)| {
            let head = *book.last()?;
            // An earlier time than that of the contact before, of the same owner.
            let at = match passed {
                Some(passed) if descending => time(head).min(passed),
                Some(passed) => time(head).max(passed),
                None => time(head),
            };
            Some((at, *owner, head))
        });
        let next = if descending {
            heads.max_by_key(|(at, owner, _)| (*at, *owner))
        } else {
            heads.min_by_key(|(at, owner, _)| (*at, *owner))
        };
        let Some((at, owner, head)) = next else {
            return merged;
        };
        passed = Some(at);
        merged.push(head.clone());
        books.get_mut(owner).unwrap().pop();
    }
}

#[tokio::test]
async fn every_order_agrees_with_a_sort_in_memory_whatever_the_page_size() {
    let world = World::new(7).await;
    let mut expected = live(&world);
    assert!(expected.len() > 70, "{}", expected.len());

    for field in ["family_name", "given_name", "display_name", "create_time"] {
        for descending in [false, true] {
            sort(&mut expected, field, descending);
            let direction = if descending { " desc" } else { "" };
            for page_size in [1, 2, 7, 50, 100] {
                let request = ListContactsRequest {
                    page_size,
                    ..of_all(&format!("{field}{direction}"))
                };
                let listed = world.list_all(request).await.unwrap();
                let same = ids(&listed) == ids(&expected);
                assert!(same, "{field}{direction} by {page_size}");
                assert_eq!(listed, expected);
            }
        }
    }
}

#[tokio::test]
async fn writes_of_each_owner_keep_their_order_and_are_merged_by_time() {
    for seed in [1, 2] {
        let world = World::new(seed).await;
        for descending in [false, true] {
            let expected = merged(&live(&world), descending);
            let times = expected.iter().map(|one| one.update_time.unwrap().seconds);
            let mut times: Vec<_> = times.collect();
            if descending {
                times.reverse();
            }
            assert!(!times.is_sorted(), "the clock was set back");
            let direction = if descending { " desc" } else { "" };
            for page_size in [1, 2, 7, 50, 100] {
                let request = ListContactsRequest {
                    page_size,
                    ..of_all(&format!("update_time{direction}"))
                };
                let listed = world.list_all(request).await.unwrap();
                assert_eq!(ids(&listed), ids(&expected), "{direction} by {page_size}");
                assert_eq!(listed, expected);
            }
        }
    }
}

#[tokio::test]
async fn contacts_with_one_name_and_id_are_sorted_by_owner() {
    let world = World::new(3).await;

    let listed = world.list_all(of_all("given_name")).await.unwrap();

    let same = listed.iter().filter(|one| one.given_name == "Same");
    let same: Vec<_> = same.map(|one| (&*one.id, &*one.owner_id)).collect();
    assert!(same.len() > 4 && same.is_sorted(), "{same:?}");
    let mut only: Vec<_> = same.iter().map(|(id, _)| id).collect();
    only.dedup();
    assert_eq!(only.len(), 2);
}

#[tokio::test]
async fn deleted_contacts_are_those_that_each_list_of_one_owner_has() {
    let world = World::new(4).await;
    let mut expected = world.contacts.clone();
    assert!(live(&world).len() < expected.len());
    // Deleted before there was a share, but the reader's own.
    let own = world.owners[0].list(deleted("")).await.unwrap().contacts;
    let known: Vec<_> = expected.iter().map(|one| one.id.clone()).collect();
    let owner_id = world.owners[0].user.to_string();
    expected.extend(own.into_iter().filter_map(|one| {
        let owner_id = owner_id.clone();
        (!known.contains(&one.id)).then_some(Contact { owner_id, ..one })
    }));
    assert_eq!(expected.len(), world.contacts.len() + 1);

    for page_size in [1, 9, 500] {
        for order in ["family_name", "create_time desc", "update_time"] {
            let request = ListContactsRequest {
                page_size,
                show_deleted: true,
                ..of_all(order)
            };
            let mut listed = world.list_all(request).await.unwrap();
            let by_id = |a: &Contact, b: &Contact| -> Ordering {
                (&a.id, &a.owner_id).cmp(&(&b.id, &b.owner_id))
            };
            listed.sort_by(by_id);
            expected.sort_by(by_id);
            assert_eq!(listed, expected, "{order} by {page_size}");
        }
    }
}

fn deleted(order_by: &str) -> ListContactsRequest {
    ListContactsRequest {
        show_deleted: true,
        page_size: 500,
        order_by: order_by.into(),
        ..ListContactsRequest::default()
    }
}

type Selects<'a> = &'a dyn Fn(&Contact) -> bool;

#[tokio::test]
async fn a_filter_selects_by_what_the_caller_sees() {
    let world = World::new(5).await;
    let has = |one: &Contact, label: &str| one.labels.iter().any(|has| has == label);
    let of_label = world.owners[3].user.to_string();
    let cases: [(&str, Selects<'_>); 7] = [
        ("labels:friends", &|one| has(one, "Friends")),
        ("labels:work", &|one| has(one, "Work")),
        ("-labels:WORK", &|one| !has(one, "Work")),
        ("labels:*", &|one| !one.labels.is_empty()),
        ("labels:work OR starred=true", &|one| {
            has(one, "Work") || one.starred
        }),
        ("email=\"3@example.com\"", &|one| {
            one.emails
                .iter()
                .any(|email| email.address == "3@example.com")
        }),
        ("NOT (has:email AND -labels:work)", &|one| {
            one.emails.is_empty() || has(one, "Work")
        }),
    ];
    for (filter, selects) in cases {
        let mut expected = live(&world);
        expected.retain(|one| selects(one));
        sort(&mut expected, "family_name", false);
        for page_size in [2, 100] {
            let request = ListContactsRequest {
                filter: filter.into(),
                page_size,
                ..of_all("")
            };
            let listed = world.list_all(request).await.unwrap();
            assert_eq!(ids(&listed), ids(&expected), "{filter}");
            assert_eq!(listed, expected, "{filter}");
        }
        let hidden = expected.iter().filter(|one| one.owner_id == of_label);
        assert_eq!(filter == "labels:work", hidden.count() == 0, "{filter}");
    }
}

#[tokio::test]
async fn a_uid_selects_contacts_of_each_owner() {
    let world = World::new(6).await;
    let uid = "urn:x:1";
    let mut expected = Vec::new();
    for (number, owner) in world.owners.iter().enumerate() {
        let contact = Contact {
            uid: uid.into(),
            labels: vec!["Friends".into()],
            ..Contact::default()
        };
        let named = Contact {
            family_name: format!("{}", 9 - number),
            ..contact
        };
        let stored = owner.has(named).await;
        expected.insert(0, crate::all_owners_world::owned(&stored, owner));
    }

    for order in ["family_name", "family_name desc", "update_time desc"] {
        for page_size in [1, 3, 100] {
            let request = ListContactsRequest {
                filter: format!("uid=\"{uid}\""),
                page_size,
                ..of_all(order)
            };
            let mut listed = world.list_all(request).await.unwrap();
            if order == "family_name desc" {
                listed.reverse();
            }
            if order == "update_time desc" {
                listed.sort_by(|a, b| a.family_name.cmp(&b.family_name));
            }
            assert_eq!(listed, expected, "{order} by {page_size}");
        }
    }
}

#[tokio::test]
async fn a_mask_leaves_its_fields_and_the_owner() {
    let world = World::new(8).await;
    let mut expected = live(&world);
    sort(&mut expected, "family_name", false);
    let expected = expected.into_iter().map(|one| Contact {
        id: one.id,
        etag: one.etag,
        owner_id: one.owner_id,
        starred: one.starred,
        ..Contact::default()
    });
    let expected: Vec<_> = expected.collect();

    for mask in [&["starred"][..], &["owner_id", "starred"]] {
        let request = ListContactsRequest {
            read_mask: Some(field_mask(mask)),
            page_size: 100,
            ..of_all("")
        };
        assert_eq!(world.list_all(request).await.unwrap(), expected);
    }
}
