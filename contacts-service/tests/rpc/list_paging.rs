//! `ListContacts`: page by page.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use proto::contacts::v1::{Contact, ListContactsRequest};
use tonic::Code;

use crate::app::App;
use crate::owner::{Owner, field_mask};
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, ids, named};

fn sized(page_size: i32) -> ListContactsRequest {
    ListContactsRequest {
        page_size,
        ..ListContactsRequest::default()
    }
}

#[tokio::test]
async fn a_page_holds_what_is_asked_for_but_500_at_most() {
    let app = App::start().await;
    let owner = app.owner();
    let creations = (0..502).map(|n| owner.create(named(&format!("N{n:03}"), "")));
    futures_util::future::join_all(creations).await;

    for (page_size, shown) in [(0, 50), (1, 1), (500, 500), (501, 500), (i32::MAX, 500)] {
        let page = owner.list(sized(page_size)).await.unwrap();
        assert_eq!(page.contacts.len(), shown, "{page_size}");
        assert_eq!(page.total_size, Some(502));
        assert!(!page.next_page_token.is_empty());
    }
    for page_size in [-1, i32::MIN] {
        let answer = owner.list(sized(page_size)).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "PAGE_SIZE_INVALID");
        assert_bad_fields(answer, &["page_size"]);
    }
}

#[tokio::test]
async fn the_page_size_may_change_between_pages() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has_all((0..30).map(|n| named("A", &format!("N{n:02}"))))
        .await;
    let mut request = sized(1);
    let mut listed = Vec::new();

    for page_size in [1, 5, 2, 0] {
        request.page_size = page_size;
        let page = owner.list(request.clone()).await.unwrap();
        listed.extend(page.contacts);
        request.page_token = page.next_page_token;
    }

    assert_eq!(ids(&listed), ids(&stored));
    assert_eq!(request.page_token, "");
}

#[tokio::test]
async fn a_page_that_ends_the_list_has_no_token() {
    let app = App::start().await;
    let owner = app.owner();
    let empty = owner.list(sized(2)).await.unwrap();
    owner.has_all([ada(), ada()]).await;

    let full = owner.list(sized(2)).await.unwrap();

    assert_eq!((empty.contacts.len(), empty.total_size), (0, Some(0)));
    assert_eq!(empty.next_page_token, "");
    assert_eq!((full.contacts.len(), &*full.next_page_token), (2, ""));
}

#[tokio::test]
async fn a_read_mask_holds_on_every_page() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has_all([named("A", "B"), named("C", "D")]).await;
    let request = ListContactsRequest {
        read_mask: Some(field_mask(&["family_name"])),
        ..sized(1)
    };

    let listed = owner.list_all(request).await;

    for (contact, family) in listed.iter().zip(["B", "D"]) {
        assert_eq!((&*contact.given_name, &*contact.family_name), ("", family));
        assert!(!contact.id.is_empty() && !contact.etag.is_empty());
    }
}

#[tokio::test]
async fn a_contact_deleted_on_the_border_of_pages_costs_no_other_one() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has_all((0..9).map(|n| named("A", &format!("N{n}"))))
        .await;
    let first = owner.list(sized(3)).await.unwrap();
    owner.delete(&stored[2].id).await.unwrap();
    owner.delete(&stored[3].id).await.unwrap();

    let second = owner
        .list(ListContactsRequest {
            page_token: first.next_page_token,
            ..sized(3)
        })
        .await
        .unwrap();

    assert_eq!(ids(&second.contacts), ids(&stored[4..7]));
}

#[tokio::test]
async fn no_contact_is_repeated_or_missed_while_others_come_and_go() {
    let app = App::start().await;
    let owner = app.owner();
    let stay = owner
        .has_all((0..40).map(|n| named("Stay", &format!("N{n:02}"))))
        .await;
    let stop = Arc::new(AtomicBool::new(false));
    let writers =
        [1, 2].map(|seed| tokio::spawn(write_around(owner.clone(), seed, Arc::clone(&stop))));

    for order in [
        "",
        "family_name desc",
        "given_name",
        "display_name desc",
        "create_time desc",
    ] {
        for page_size in [1, 3, 16] {
            let request = ListContactsRequest {
                order_by: order.into(),
                ..sized(page_size)
            };
            let listed = owner.list_all(request).await;
            let seen: HashSet<&str> = ids(&listed).into_iter().collect();
            assert_eq!(seen.len(), listed.len(), "{order}: one came twice");
            let stayed = stay.iter().filter(|contact| seen.contains(&*contact.id));
            assert_eq!(stayed.count(), stay.len(), "{order}: one was missed");
        }
    }

    stop.store(true, SeqCst);
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
}

/// Creates and deletes contacts between the others until stopped.
async fn write_around(owner: Owner, seed: u64, stop: Arc<AtomicBool>) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut passing: Vec<Contact> = Vec::new();
    let mut written = 0;
    while !stop.load(SeqCst) {
        if passing.len() < 20 && (passing.len() < 5 || random.bool()) {
            let family = format!("N{:02}{}", random.u8(0..40), random.alphabetic());
            passing.push(owner.has(named("Pass", &family)).await);
        } else {
            let leaving = passing.swap_remove(random.usize(..passing.len()));
            owner.delete(&leaving.id).await.unwrap();
        }
        written += 1;
    }
    written
}
