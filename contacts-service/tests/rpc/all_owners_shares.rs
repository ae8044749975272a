//! `all_owners` while shares begin, end and change.

use std::sync::Arc;

use proto::contacts::v1::{Contact, ListContactsRequest, SearchContactsRequest, ShareRole};
use sqlx::Connection;
use tonic::{Code, Status};

use crate::all_owners_world::{in_all, of_all};
use crate::app::App;
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::assert_refused;
use crate::sample::named;

/// Ten contacts with this family name and the label "Friends".
async fn has_ten(owner: &Owner, family: &str) -> Vec<Contact> {
    let contacts = (0..10).map(|number| Contact {
        labels: vec!["Friends".into()],
        ..named(&format!("Ada{number}"), family)
    });
    owner.has_all(contacts).await
}

/// What follows the first three contacts of a list.
async fn rest(reader: &Owner, order: &str, meanwhile: impl AsyncFnOnce()) -> [Vec<String>; 2] {
    let mut request = ListContactsRequest {
        page_size: 3,
        ..of_all(order)
    };
    let page = reader.list(request.clone()).await.unwrap();
    let key = |one: Contact| format!("{} {}", one.family_name, one.given_name);
    let first = page.contacts.into_iter().map(key).collect();
    meanwhile().await;
    request.page_token = page.next_page_token;
    let others = reader.list_all(request).await.into_iter().map(key);
    [first, others.collect()]
}

const ORDERS: [&str; 4] = [
    "given_name",
    "given_name desc",
    "update_time",
    "update_time desc",
];

#[tokio::test]
async fn a_share_that_ends_between_pages_takes_its_contacts_away() {
    for of_label in [false, true] {
        for order in ORDERS {
            let app = App::start().await;
            let [reader, one, two] = [(); 3].map(|()| app.plain_owner());
            has_ten(&reader, "Own").await;
            has_ten(&one, "One").await;
            has_ten(&two, "Two").await;
            two.shares_with(&reader, None, ShareRole::Reader).await;
            let label = one.label("Friends").await;
            let label = of_label.then_some(&label);
            let (_, share) = one.shares_with(&reader, label, ShareRole::Reader).await;

            let end = async || one.end_share(&share).await.unwrap();
            let [first, rest] = rest(&reader, order, end).await;

            let count = |name: &str| {
                let all = first.iter().chain(&rest);
                all.filter(|key| key.starts_with(name)).count()
            };
            assert_eq!((count("Own"), count("Two")), (10, 10), "{order}");
            assert!(rest.iter().all(|key| !key.starts_with("One")), "{order}");
        }
    }
}

#[tokio::test]
async fn a_share_that_begins_between_pages_repeats_nothing() {
    for order in ORDERS {
        let app = App::start().await;
        let [reader, one, two] = [(); 3].map(|()| app.plain_owner());
        has_ten(&reader, "Own").await;
        has_ten(&one, "One").await;
        has_ten(&two, "Two").await;
        two.shares_with(&reader, None, ShareRole::Reader).await;

        let begin = async || {
            one.shares_with(&reader, None, ShareRole::Reader).await;
        };
        let [first, rest] = rest(&reader, order, begin).await;

        let mut all = [first, rest].concat();
        all.retain(|key| !key.starts_with("One"));
        assert_eq!(all.len(), 20, "{order}");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20, "{order}");
    }
}

#[tokio::test]
async fn contacts_written_between_pages_are_neither_missed_nor_repeated() {
    let app = App::start().await;
    let [reader, one] = [(); 2].map(|()| app.plain_owner());
    has_ten(&reader, "Own").await;
    let mut theirs = has_ten(&one, "One").await;
    one.shares_with(&reader, None, ShareRole::Reader).await;

    let write = async || {
        for contact in &mut theirs {
            contact.notes = "written".into();
            one.update(contact.clone(), &["notes"]).await.unwrap();
        }
        one.has_deleted(labelled(&["Friends"])).await;
    };
    let [first, rest] = rest(&reader, "given_name", write).await;

    let mut all = [first, rest].concat();
    assert_eq!(all.len(), 20);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 20);
}

#[tokio::test]
async fn a_search_whose_share_ends_between_pages_goes_on_with_the_others() {
    let app = App::start().await;
    let [reader, one, two] = [(); 3].map(|()| app.plain_owner());
    has_ten(&one, "One").await;
    has_ten(&two, "Two").await;
    two.shares_with(&reader, None, ShareRole::Reader).await;
    let (_, share) = one.shares_with(&reader, None, ShareRole::Reader).await;
    let mut request = SearchContactsRequest {
        page_size: 3,
        ..in_all("ada")
    };
    let page = reader.search(request.clone()).await.unwrap();
    one.end_share(&share).await.unwrap();

    request.page_token = page.next_page_token;
    let rest = reader.search_all(request).await;

    let names = page.results.into_iter().chain(rest);
    let names = names.map(|one| one.contact.unwrap().family_name);
    let names: Vec<_> = names.collect();
    assert!(names[3..].iter().all(|name| name == "Two"), "{names:?}");
    assert_eq!(names.iter().filter(|name| *name == "Two").count(), 10);
}

async fn read(reader: &Owner, is_search: bool) -> Result<Vec<Contact>, Status> {
    if is_search {
        let found = reader.search(in_all("ada")).await?.results.into_iter();
        Ok(found.map(|one| one.contact.unwrap()).collect())
    } else {
        Ok(reader.list(of_all("")).await?.contacts)
    }
}

/// Two labels swap their names between the read of the shares and the read of the
/// contacts.
#[tokio::test]
async fn labels_that_swap_their_names_meanwhile_show_nothing_of_each_other() {
    let app = App::start().await;
    let (owner, reader) = (app.plain_owner(), app.plain_owner());
    owner.has(labelled(&["Friends"])).await;
    owner.has(labelled(&["Work"])).await;
    let label = owner.label("Friends").await;
    owner
        .shares_with(&reader, Some(&label), ShareRole::Reader)
        .await;
    let reader = Arc::new(reader);
    let mut db = app.admin().await;
    let names = [("friends", "x"), ("work", "friends"), ("x", "work")];
    let rename = "UPDATE contacts.labels SET name_key = $3 WHERE owner_id = $1 AND name_key = $2";
    for is_search in [false, true] {
        let mut swap = db.begin().await.unwrap();
        let lock = "LOCK TABLE contacts.contacts IN ACCESS EXCLUSIVE MODE";
        sqlx::query(lock).execute(&mut *swap).await.unwrap();

        let late = Arc::clone(&reader);
        let late = tokio::spawn(async move { read(&late, is_search).await });
        app.waiting_for_a_lock(1).await;
        for (old, new) in names {
            let rename = sqlx::query(rename).bind(owner.user).bind(old).bind(new);
            rename.execute(&mut *swap).await.unwrap();
        }
        swap.commit().await.unwrap();

        assert_refused(late.await.unwrap(), Code::Aborted, "SHARE_CHANGED");
        for (old, new) in names {
            let rename = sqlx::query(rename).bind(owner.user).bind(old).bind(new);
            rename.execute(&mut db).await.unwrap();
        }
        assert_eq!(read(&reader, is_search).await.unwrap().len(), 1);
    }
}
