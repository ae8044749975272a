//! Another user sees nothing of an owner's contacts.

use proto::contacts::v1::{
    Contact, ListContactsRequest, ListUpcomingBirthdaysRequest, SearchContactsRequest,
    UpdateContactRequest,
};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::reason;
use crate::sample::{ada, born, date, full, named};

/// What a client sees of a refusal, without the id.
fn seen(status: &Status, id: &str) -> (Code, String, Vec<u8>, Vec<String>) {
    let marks = "-".repeat(id.len());
    let details = status.details().to_vec();
    let blank = |at: usize| details[at..].starts_with(id.as_bytes());
    let at = (0..details.len()).find(|at| blank(*at)).unwrap();
    let mut details_without_id = details.clone();
    details_without_id.splice(at..at + id.len(), marks.bytes());
    let keys = status.metadata().keys().map(|key| format!("{key:?}"));
    let message = status.message().replace(id, &marks);
    (status.code(), message, details_without_id, keys.collect())
}

/// Every call that names a contact and fails if it is missing.
async fn refusals(caller: &Owner, id: &str) -> Vec<Status> {
    let own = caller.has(ada()).await;
    let patch = Contact {
        id: id.into(),
        etag: "\"1\"".into(),
        ..ada()
    };
    vec![
        caller.get(id).await.unwrap_err(),
        caller.get_masked(id, Some(&["notes"])).await.unwrap_err(),
        caller.batch_get(&[id], false).await.unwrap_err(),
        caller.update(patch.clone(), &[]).await.unwrap_err(),
        caller.update(patch.clone(), &["*"]).await.unwrap_err(),
        caller.delete(id).await.unwrap_err(),
        caller.delete_with(id, "\"9\"", false).await.unwrap_err(),
        caller.undelete(id).await.unwrap_err(),
        caller
            .batch_update([patch.clone()], false)
            .await
            .unwrap_err(),
        caller.batch_delete(&[id], false).await.unwrap_err(),
        caller.revisions_page(id, 0, "").await.unwrap_err(),
        caller.restore(id, "1", "").await.unwrap_err(),
        caller.restore(id, "9", "\"9\"").await.unwrap_err(),
        caller.merge(&patch, &[&own]).await.unwrap_err(),
        caller.merge(&own, &[&patch]).await.unwrap_err(),
        caller.ignore(&own.id, id).await.unwrap_err(),
        caller.ignore(id, &own.id).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn another_owners_contact_looks_exactly_like_a_missing_one() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let live = owner.has(full()).await;
    let deleted = owner.has(ada()).await;
    owner.delete(&deleted.id).await.unwrap();
    let missing = Uuid::now_v7().to_string();

    let of_missing = refusals(&stranger, &missing).await;

    for id in [&live.id, &deleted.id] {
        let of_foreign = refusals(&stranger, id).await;
        for (foreign, missing_one) in of_foreign.iter().zip(&of_missing) {
            assert_eq!(foreign.code(), Code::NotFound);
            assert_eq!(reason(foreign), "CONTACT_NOT_FOUND");
            assert_eq!(seen(foreign, id), seen(missing_one, &missing));
        }
    }
}

#[tokio::test]
async fn another_owners_contact_is_among_the_missing_ones() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let foreign = owner.has(ada()).await;

    let (contacts, missing) = stranger.batch_get(&[&foreign.id], true).await.unwrap();
    let deleted = stranger.delete_with(&foreign.id, "", true).await.unwrap();

    assert_eq!((contacts, missing), (vec![], vec![foreign.id.clone()]));
    assert_eq!(deleted, None);
    assert_eq!(owner.get(&foreign.id).await.unwrap(), foreign);
}

#[tokio::test]
async fn a_contact_stored_under_another_owners_id_leaves_the_other_one_alone() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let foreign = owner.has(full()).await;

    let mine = stranger
        .update_with(UpdateContactRequest {
            contact: Some(Contact {
                id: foreign.id.clone(),
                uid: foreign.uid.clone(),
                ..named("Mallory", "M")
            }),
            allow_missing: true,
            ..UpdateContactRequest::default()
        })
        .await
        .unwrap();
    stranger.delete(&mine.id).await.unwrap();

    assert_eq!((&mine.id, &mine.uid), (&foreign.id, &foreign.uid));
    assert_eq!(owner.get(&foreign.id).await.unwrap(), foreign);
    assert_eq!(owner.total_size().await, 1);
}

#[tokio::test]
async fn an_owners_uids_and_request_ids_are_not_taken_for_others() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let request = proto::contacts::v1::CreateContactRequest {
        contact: Some(full()),
        request_id: "once".into(),
        ..Default::default()
    };

    let first = owner.create_with(request.clone()).await.unwrap();
    let second = stranger.create_with(request).await.unwrap();

    assert_eq!(first.uid, second.uid);
    assert_ne!(first.id, second.id);
}

#[tokio::test]
async fn no_list_shows_or_counts_another_owners_contacts() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has_all([full(), born("Eve", date(0, 5, 5))]).await;
    let deleted = owner.has(ada()).await;
    owner.delete(&deleted.id).await.unwrap();
    let mine = stranger.has(born("Sam", date(1990, 5, 5))).await;

    for (order, filter) in [
        ("family_name", ""),
        ("given_name desc", "has:birthday"),
        ("display_name", "starred=false"),
        ("create_time desc", ""),
        ("update_time", ""),
    ] {
        for show_deleted in [false, true] {
            let request = ListContactsRequest {
                order_by: order.into(),
                filter: filter.into(),
                show_deleted,
                ..ListContactsRequest::default()
            };
            let page = stranger.list(request).await.unwrap();

            assert_eq!(page.contacts, std::slice::from_ref(&mine));
            assert!(page.total_size.is_none_or(|size| size == 1));
        }
    }
    for filter in [
        "labels:friends",
        "starred=true",
        "email=\"ada@example.com\"",
        "phone=\"+442079460958\"",
        "organization:engines",
    ] {
        let request = ListContactsRequest {
            filter: filter.into(),
            ..ListContactsRequest::default()
        };
        assert_eq!(stranger.list_all(request.clone()).await, [], "{filter}");
        assert_eq!(owner.list_all(request).await.len(), 1, "{filter}");
    }
}

#[tokio::test]
async fn no_search_finds_another_owners_contacts() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has(full()).await;

    for query in [
        "ada",
        "lovelace",
        "lovelase",
        "442079460958",
        "a",
        "program",
    ] {
        assert!(!owner.found(query).await.is_empty(), "{query}");
        assert_eq!(stranger.found(query).await, [], "{query}");
    }
}

#[tokio::test]
async fn another_owners_contacts_take_no_place_on_a_page_of_results() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has_all((0..3).map(|_| named("Lovelace", ""))).await;
    let mine = stranger.has(named("Zoe", "Lovelaces")).await;

    for query in ["lovelace", "lovelase", "love", "lo"] {
        let request = SearchContactsRequest {
            query: query.into(),
            page_size: 1,
            ..SearchContactsRequest::default()
        };
        let page = stranger.search(request).await.unwrap();

        let found = page.results.iter().map(|r| r.contact.as_ref().unwrap());
        assert!(found.eq([&mine]), "{query}");
        assert_eq!(page.next_page_token, "", "{query}");
    }
}

#[tokio::test]
async fn no_list_of_birthdays_shows_another_owners_contacts() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner
        .has_all([born("Eve", date(0, 5, 5)), born("Leap", date(2000, 2, 29))])
        .await;
    let request = ListUpcomingBirthdaysRequest {
        within_days: Some(366),
        ..ListUpcomingBirthdaysRequest::default()
    };

    assert_eq!(owner.birthdays_all(request.clone()).await.len(), 2);
    assert_eq!(stranger.birthdays_all(request).await, []);
}

#[tokio::test]
async fn no_group_of_duplicates_holds_another_owners_contacts() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has_all([ada(), ada()]).await;
    stranger.has(ada()).await;

    assert_eq!(owner.duplicates(0).await.len(), 1);
    assert_eq!(stranger.duplicates(0).await, []);
}
