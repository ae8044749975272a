//! `all_owners` with the rest of a request, and what other calls do with `owner_id`.

use contacts_service::model::share::books::BOOKS_MAX;
use prost::Message;
use proto::contacts::v1::{Contact, ListContactsRequest, ShareRole, UpdateContactRequest};
use tonic::Code;
use uuid::Uuid;

use crate::all_owners_world::{World, in_all, of_all, owned};
use crate::app::App;
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::sample::{ada, named, phone};

/// A contact that fills a page with some fifty others.
fn heavy(number: usize) -> Contact {
    Contact {
        raw_properties: vec!["x".repeat(16 * 1000); 4],
        ..named("Ada", &format!("{number:03}"))
    }
}

#[tokio::test]
async fn who_is_shared_nothing_lists_the_own_contacts() {
    let app = App::start().await;
    let (owner, stranger) = (app.plain_owner(), app.plain_owner());
    assert_eq!(owner.list(of_all("")).await.unwrap().total_size, Some(0));
    let own = owned(&owner.has(ada()).await, &owner);
    stranger.has(ada()).await;

    let page = owner.list(of_all("")).await.unwrap();
    let found = owner.search(in_all("ada")).await.unwrap().results;

    assert_eq!(page.contacts, std::slice::from_ref(&own));
    assert_eq!((page.total_size, &*page.next_page_token), (Some(1), ""));
    let found: Vec<_> = found.into_iter().map(|one| one.contact.unwrap()).collect();
    assert_eq!(found, [own]);
}

#[tokio::test]
async fn an_owner_and_all_owners_exclude_each_other() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let own = owner.in_book_of(&owner);

    let listed = own.list(of_all("")).await;
    assert_refused(listed.clone(), Code::InvalidArgument, "FIELD_INVALID");
    assert_bad_fields(listed, &["all_owners"]);
    let found = own.search(in_all("ada")).await;
    assert_refused(found.clone(), Code::InvalidArgument, "FIELD_INVALID");
    assert_bad_fields(found, &["all_owners"]);
}

#[tokio::test]
async fn the_whole_of_all_books_is_counted() {
    let app = App::start().await;
    let [reader, one, two] = [(); 3].map(|()| app.plain_owner());
    for owner in [&reader, &one, &two] {
        owner.has_all([ada(), ada()]).await;
        owner.has_deleted(ada()).await;
    }
    one.shares_with(&reader, None, ShareRole::Reader).await;
    let total = async |request| reader.list(request).await.unwrap().total_size;

    assert_eq!(total(of_all("")).await, Some(4));
    let filtered = ListContactsRequest {
        filter: "starred=false".into(),
        ..of_all("")
    };
    assert_eq!(total(filtered).await, None);
    let label = two.create_label("Friends").await.unwrap();
    two.shares_with(&reader, Some(&label), ShareRole::Reader)
        .await;
    assert_eq!(total(of_all("")).await, None);
}

#[tokio::test]
async fn more_owners_than_the_maximum_are_refused() {
    let app = App::start().await;
    let reader = app.plain_owner();
    let share = async |count: usize| {
        let owners: Vec<_> = (0..count).map(|_| Uuid::now_v7()).collect();
        let sql = "INSERT INTO contacts.shares (owner_id, id, owner_email, recipient_email,
                 recipient_id, is_editor, version, create_time, update_time, accept_time)
             SELECT owner, gen_random_uuid(), '', '', $2, true, 0, now(), now(), now()
             FROM unnest($1::uuid[]) AS shared (owner)";
        let insert = sqlx::query(sql).bind(owners).bind(reader.user);
        insert.execute(&mut app.admin().await).await.unwrap();
    };
    reader.has(ada()).await;
    share(BOOKS_MAX - 1).await;
    assert_eq!(reader.list(of_all("")).await.unwrap().contacts.len(), 1);
    assert_eq!(reader.search(in_all("ada")).await.unwrap().results.len(), 1);

    share(1).await;

    let listed = reader.list(of_all("")).await;
    let refusal = listed.clone().unwrap_err();
    assert_refused(listed, Code::FailedPrecondition, "TOO_MANY_OWNERS");
    assert_eq!(metadata(&refusal, "owners_max"), "50");
    let found = reader.search(in_all("ada")).await;
    assert_refused(found, Code::FailedPrecondition, "TOO_MANY_OWNERS");
    assert_eq!(reader.total_size().await, 1);
}

#[tokio::test]
async fn a_token_of_all_owners_is_good_for_them_only() {
    let app = App::start().await;
    let reader = app.plain_owner();
    reader.has_all([ada(), ada()]).await;
    let refused = |status: Result<_, tonic::Status>| {
        assert_refused(status, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    };
    for order in ["", "update_time"] {
        let plain = |all_owners| ListContactsRequest {
            all_owners,
            page_size: 1,
            ..of_all(order)
        };
        let next = async |all_owners, other| {
            let first = reader.list(plain(all_owners)).await.unwrap();
            let request = ListContactsRequest {
                page_token: first.next_page_token,
                ..plain(other)
            };
            reader.list(request).await
        };
        assert_eq!(next(true, true).await.unwrap().contacts.len(), 1);
        refused(next(true, false).await);
        refused(next(false, true).await);
        let token = reader.list(plain(true)).await.unwrap().next_page_token;
        let request = ListContactsRequest {
            page_token: token,
            ..plain(true)
        };
        refused(app.plain_owner().list(request).await);
    }
}

#[tokio::test]
async fn what_was_listed_can_be_written() {
    let world = World::new(9).await;
    let reader = &world.readers[0];
    let mut written = 0;
    for contact in world.list_all(of_all("")).await.unwrap() {
        let request = UpdateContactRequest {
            owner_id: contact.owner_id.clone(),
            contact: Some(Contact {
                notes: "by the reader".into(),
                ..contact.clone()
            }),
            ..UpdateContactRequest::default()
        };
        let answer = reader.update_with(request).await;
        if contact.owner_id == world.owners[1].user.to_string() {
            assert_refused(answer, Code::PermissionDenied, "SHARE_READ_ONLY");
            continue;
        }
        let answer = answer.unwrap();
        assert_eq!((&*answer.owner_id, &*answer.notes), ("", "by the reader"));
        written += 1;
    }
    assert!(written > 40, "{written}");
}

#[tokio::test]
async fn the_owner_in_a_contact_is_ignored_and_not_stored() {
    let app = App::start().await;
    let (owner, other) = (app.owner(), app.plain_owner());
    let plain = owner.has(ada()).await;
    let bytes = app.byte_count(&owner).await;

    let claimed = owner.has(owned(&ada(), &other)).await;
    let again = owned(&claimed, &other);
    let updated = owner.update(again.clone(), &["*"]).await.unwrap();
    let named = owner.update(again, &["owner_id", "given_name"]).await;

    assert_eq!(claimed.owner_id, "");
    assert_eq!(
        (updated.owner_id, named.unwrap().owner_id),
        (String::new(), String::new())
    );
    assert_eq!(app.byte_count(&owner).await, 2 * bytes);
    let masked = owner.get_masked(&plain.id, Some(&["owner_id"])).await;
    assert_eq!(masked.unwrap().owner_id, "");
    let stored = owner.list(ListContactsRequest::default()).await.unwrap();
    assert!(stored.contacts.iter().all(|one| one.owner_id.is_empty()));
}

#[tokio::test]
async fn a_national_number_is_one_of_the_callers_country() {
    let app = App::start().await;
    let (reader, other) = (app.plain_owner(), app.plain_owner());
    reader.set_region("DE").await;
    other.set_region("FR").await;
    let mut contact = ada();
    contact.phones = vec![phone("+49 30 901820")];
    let stored = owned(&other.has(contact).await, &other);
    other.shares_with(&reader, None, ShareRole::Reader).await;

    let request = ListContactsRequest {
        filter: "phone=\"030 901820\"".into(),
        ..of_all("")
    };
    let listed = reader.list(request.clone()).await.unwrap().contacts;
    assert_eq!(listed, [stored]);
    let elsewhere = ListContactsRequest {
        default_region: "FR".into(),
        ..request
    };
    assert_eq!(reader.list(elsewhere).await.unwrap().contacts, []);
}

#[tokio::test]
async fn a_page_is_no_larger_than_a_message() {
    let app = App::start().await;
    let [reader, other] = [(); 2].map(|()| app.plain_owner());
    let mut stored = Vec::new();
    for number in 0..60 {
        let owner = [&reader, &other][number % 2];
        stored.push(owner.has(heavy(number)).await.id);
    }
    other.shares_with(&reader, None, ShareRole::Reader).await;

    for order in ["family_name", "update_time"] {
        for page_size in [60, 500] {
            let mut request = ListContactsRequest {
                page_size,
                ..of_all(order)
            };
            let mut listed = Vec::new();
            for _ in 0..2 {
                let page = reader.list(request.clone()).await.unwrap();
                assert!(page.encoded_len() < 4 << 20);
                request.page_token.clone_from(&page.next_page_token);
                listed.extend(page.contacts.into_iter().map(|one| one.id));
            }
            assert_eq!(request.page_token, "");
            assert_eq!(listed, stored, "{order} by {page_size}");
        }
    }
}
