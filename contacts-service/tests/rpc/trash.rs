//! `ListDeletedContacts`.

use proto::contacts::v1::{Contact, ListDeletedContactsRequest, ShareRole};
use tonic::{Code, Status};

use crate::app::App;
use crate::owner::{Owner, field_mask};
use crate::owner_labels::labelled;
use crate::refusal::assert_refused;
use crate::sample::{email, named};
use crate::shared_since::cases;

async fn deleted(
    owner: &Owner,
    mut request: ListDeletedContactsRequest,
) -> Result<Vec<Contact>, Status> {
    owner.fill(&mut request.owner_id);
    let mut contacts = Vec::new();
    loop {
        let mut client = owner.client.clone();
        let page = client.list_deleted_contacts(request.clone()).await?;
        let page = page.into_inner();
        contacts.extend(page.contacts);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return Ok(contacts);
        }
    }
}

fn in_order(order_by: &str, filter: &str) -> ListDeletedContactsRequest {
    ListDeletedContactsRequest {
        order_by: order_by.into(),
        filter: filter.into(),
        page_size: 2,
        ..ListDeletedContactsRequest::default()
    }
}

async fn names(owner: &Owner, order_by: &str, filter: &str) -> String {
    let contacts = deleted(owner, in_order(order_by, filter)).await.unwrap();
    contacts.into_iter().map(|one| one.given_name).collect()
}

/// Deletes B, D, A and C, in this order, and leaves E.
async fn trash(owner: &Owner) -> Vec<Contact> {
    let contacts = ["A", "B", "C", "D", "E"].map(|name| Contact {
        starred: name == "A",
        emails: vec![email(&format!("{name}@example.com"))],
        labels: vec![if name == "D" { "Other" } else { "Shared" }.to_owned()],
        ..named(name, "")
    });
    let stored = owner.has_all(contacts).await;
    let mut gone = Vec::new();
    for at in [1, 3, 0, 2] {
        gone.push(owner.delete(&stored[at].id).await.unwrap());
    }
    gone
}

#[tokio::test]
async fn the_last_deleted_contact_comes_first() {
    let app = App::start().await;
    let owner = app.owner();
    let mut gone = trash(&owner).await;

    assert_eq!(names(&owner, "", "").await, "CADB");
    assert_eq!(names(&owner, "delete_time desc", "").await, "CADB");
    assert_eq!(names(&owner, "delete_time", "").await, "BDAC");
    gone.reverse();
    let listed = deleted(&owner, ListDeletedContactsRequest::default()).await;
    assert_eq!(listed.unwrap(), gone);
}

#[tokio::test]
async fn those_deleted_at_one_time_are_listed_once() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has_all((0..5).map(|n| named(&n.to_string(), "")))
        .await;
    let ids: Vec<&str> = stored.iter().map(|contact| &*contact.id).collect();
    owner.batch_delete(&ids, false).await.unwrap();

    assert_eq!(names(&owner, "delete_time", "").await, "01234");
    assert_eq!(names(&owner, "", "").await, "43210");
}

#[tokio::test]
async fn an_undeleted_or_purged_contact_is_gone_from_it() {
    let app = App::start().await;
    let owner = app.owner();
    let gone = trash(&owner).await;

    owner.undelete(&gone[0].id).await.unwrap();
    owner.purge(&[&gone[1].id]).await.unwrap();

    assert_eq!(names(&owner, "", "").await, "CA");
}

#[tokio::test]
async fn the_filters_of_lists_apply() {
    let app = App::start().await;
    let owner = app.owner();
    let gone = trash(&owner).await;
    let time = gone[1].delete_time.unwrap();

    for (filter, expected) in [
        ("starred=true".to_owned(), "A"),
        ("labels:shared".to_owned(), "CAB"),
        ("-labels:shared".to_owned(), "D"),
        ("email=\"e@example.com\"".to_owned(), ""),
        ("email=\"c@example.com\" OR starred=true".to_owned(), "CA"),
        (format!("delete_time > \"{time}\""), "CA"),
        (format!("delete_time <= \"{time}\" AND labels:other"), "D"),
    ] {
        assert_eq!(names(&owner, "", &filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_read_mask_leaves_its_fields() {
    let app = App::start().await;
    let owner = app.owner();
    trash(&owner).await;
    let request = ListDeletedContactsRequest {
        read_mask: Some(field_mask(&["given_name", "delete_time"])),
        ..ListDeletedContactsRequest::default()
    };

    let listed = deleted(&owner, request).await.unwrap();

    assert_eq!(listed[0].given_name, "C");
    assert!(listed[0].delete_time.is_some() && listed[0].emails.is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    trash(&owner).await;

    for (request, reason) in [
        (in_order("family_name", ""), "ORDER_BY_INVALID"),
        (in_order("delete_time, id", ""), "ORDER_BY_INVALID"),
        (in_order("", "deleted:yes"), "FILTER_INVALID"),
    ] {
        let answer = deleted(&owner, request).await;
        assert_refused(answer, Code::InvalidArgument, reason);
    }
    let mut client = owner.client.clone();
    let mut first = in_order("", "");
    owner.fill(&mut first.owner_id);
    let page = client.list_deleted_contacts(first).await;
    let other = ListDeletedContactsRequest {
        page_token: page.unwrap().into_inner().next_page_token,
        ..in_order("delete_time", "")
    };
    let answer = deleted(&owner, other).await;
    assert_refused(answer, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_stranger_sees_none_and_a_recipient_those_of_its_label() {
    let app = App::start().await;
    let (owner, reader) = (app.plain_owner(), app.plain_owner());
    let label = owner.create_label("Shared").await.unwrap();
    owner
        .shares_with(&reader, Some(&label), ShareRole::Reader)
        .await;
    trash(&owner).await;

    assert_eq!(names(&reader, "", "").await, "");
    let shared = reader.in_book_of(&owner);
    assert_eq!(names(&shared, "", "").await, "CAB");
    assert_eq!(names(&shared, "", "labels:shared").await, "CAB");
    assert_eq!(names(&shared, "", "labels:other").await, "");
}

#[tokio::test]
async fn a_recipient_sees_what_was_deleted_since_the_acceptance() {
    let app = App::start().await;
    for case in cases(&app).await {
        let owner = &case.owner;
        let friend = |name: &str| Contact {
            given_name: name.into(),
            ..labelled(&["Friends"])
        };
        let before = owner.has_deleted(friend("B")).await;
        owner.has_deleted(friend("C")).await;
        let reader = case.shares(ShareRole::Reader).await;
        owner.has_deleted(friend("D")).await;
        owner.has_deleted(friend("E")).await;

        assert_eq!(names(owner, "delete_time", "").await, "BCDE");
        assert_eq!(names(&reader, "delete_time", "").await, "DE");
        assert_eq!(names(&reader, "", "labels:friends").await, "ED");
        // Their versions rise, but not those of their deletions.
        let label = owner.label("Friends").await;
        owner.rename_label(&label, "Amis").await.unwrap();
        assert_eq!(names(&reader, "delete_time", "").await, "DE");
        owner.undelete(&before.id).await.unwrap();
        owner.delete(&before.id).await.unwrap();
        assert_eq!(names(&reader, "delete_time", "").await, "DEB");
    }
}
