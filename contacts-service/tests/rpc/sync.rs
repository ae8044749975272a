//! What changed since.

use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, SyncContactsRequest,
    SyncContactsResponse,
};
use tonic::Code;
use uuid::Uuid;

use crate::app::App;
use crate::mirror::Mirror;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{ada, full, ids, named};

fn many(count: usize) -> BatchCreateContactsRequest {
    let contact = |n| CreateContactRequest {
        contact: Some(named(&format!("N{n}"), "")),
        ..CreateContactRequest::default()
    };
    BatchCreateContactsRequest {
        requests: (0..count).map(contact).collect(),
        ..BatchCreateContactsRequest::default()
    }
}

#[tokio::test]
async fn whoever_has_nothing_gets_all_that_lives() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([full(), ada()]).await;
    owner.has_deleted(ada()).await;

    let page = owner.sync("", 0).await.unwrap();

    assert_eq!(page.changed, stored);
    assert_eq!(page.deleted_ids, [""; 0]);
    assert_eq!(page.next_page_token, "");
    assert_ne!(page.next_sync_token, "");
}

#[tokio::test]
async fn a_token_gets_what_happened_behind_it_and_nothing_else() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada(), ada(), full()]).await;
    let token = owner.sync("", 0).await.unwrap().next_sync_token;

    owner.delete(&stored[0].id).await.unwrap();
    let changed = Contact {
        id: stored[1].id.clone(),
        notes: "new".into(),
        ..Contact::default()
    };
    let changed = owner.update(changed, &[]).await.unwrap();
    owner.delete(&stored[2].id).await.unwrap();
    let back = owner.undelete(&stored[2].id).await.unwrap();
    let created = owner.has(ada()).await;
    let page = owner.sync(&token, 0).await.unwrap();

    assert_eq!(page.changed, [changed, back, created]);
    assert_eq!(page.deleted_ids, [&*stored[0].id]);
    let nothing = owner.sync(&page.next_sync_token, 0).await.unwrap();
    assert_eq!(nothing.changed, []);
    assert_eq!(nothing.deleted_ids, [""; 0]);
    // The token can be used more than once.
    let again = owner.sync(&token, 0).await.unwrap();
    assert_eq!(again.changed, page.changed);
}

#[tokio::test]
async fn a_token_from_before_the_first_contact_gets_all() {
    let app = App::start().await;
    let owner = app.owner();
    let nothing = owner.sync("", 0).await.unwrap();
    assert_eq!(nothing.changed, []);

    let created = owner.has(ada()).await;

    let page = owner.sync(&nothing.next_sync_token, 0).await.unwrap();
    assert_eq!(page.changed, [created]);
}

#[tokio::test]
async fn a_call_that_changes_nothing_is_no_change() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;
    let token = owner.sync("", 0).await.unwrap().next_sync_token;

    owner.update(stored, &["*"]).await.unwrap();
    owner.create(Contact::default()).await.unwrap_err();

    let page = owner.sync(&token, 0).await.unwrap();
    assert_eq!(page.changed, []);
}

/// A batch has one version; a page can end within it, and the next one continues there.
#[tokio::test]
async fn pages_of_any_size_show_each_contact_once() {
    let app = App::start().await;
    let owner = app.owner();
    owner.batch_create(many(20)).await.unwrap();
    let stored = owner.has_all([ada(), full()]).await;
    owner.batch_create(many(23)).await.unwrap();
    owner.delete(&stored[0].id).await.unwrap();

    for size in [1, 2, 7, 43, 44, 45, 500, 5000] {
        let mut mirror = Mirror::default();
        let (mut shown, mut pages) = (0, 0);
        loop {
            let page = owner.sync(&mirror.token, size).await.unwrap();
            let most = usize::try_from(size).unwrap();
            assert!(page.changed.len() <= most);
            shown += page.changed.len();
            pages += 1;
            if !mirror.page(page) {
                break;
            }
        }
        assert_eq!(shown, 44, "{size}");
        assert_eq!(pages, 44_u32.div_ceil(size.unsigned_abs()), "{size}");
        mirror.assert_same(&owner).await;
    }
}

#[tokio::test]
async fn a_page_token_is_good_in_either_field_and_to_go_on_much_later() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has_all([ada(), ada(), ada()]).await;
    let first = owner.sync("", 1).await.unwrap();

    let as_page = SyncContactsRequest {
        page_token: first.next_page_token.clone(),
        page_size: 1,
        ..SyncContactsRequest::default()
    };
    let as_page = owner.sync_with(as_page).await.unwrap();
    let as_sync = owner.sync(&first.next_page_token, 1).await.unwrap();
    assert_eq!(ids(&as_page.changed), [&*stored[1].id]);
    assert_eq!(ids(&as_sync.changed), [&*stored[1].id]);

    // A contact that was returned and then deleted is reported.
    owner.delete(&stored[0].id).await.unwrap();
    owner.delete(&stored[1].id).await.unwrap();
    let rest = owner.sync(&as_page.next_page_token, 0).await.unwrap();
    assert_eq!(ids(&rest.changed), [&*stored[2].id]);
    assert_eq!(rest.deleted_ids, [&*stored[0].id, &*stored[1].id]);
}

#[tokio::test]
async fn a_page_ends_before_it_is_too_large_to_be_read() {
    let app = App::start().await;
    let owner = app.owner();
    let notes = "x".repeat(16 * 1024);
    let large = Contact {
        notes: notes.clone(),
        raw_properties: vec![format!("X-A:{}", "y".repeat(16_000)); 2],
        ..ada()
    };
    owner.has_all((0..80).map(|_| large.clone())).await;

    let page = owner.sync("", 500).await.unwrap();

    let bytes = prost::Message::encoded_len(&page);
    assert!(
        (2_900_000..=3 * 1024 * 1024 + 100_000).contains(&bytes),
        "{bytes}"
    );
    let mut mirror = Mirror::default();
    assert!(mirror.page(page));
    mirror.sync(&owner, 500).await;
    assert_eq!(mirror.contacts.len(), 80);
}

#[tokio::test]
async fn a_token_of_another_owner_or_another_method_is_refused() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    owner.has_all([ada(), ada()]).await;
    stranger.has(ada()).await;
    let page = owner.sync("", 1).await.unwrap();
    let listed = owner
        .list(proto::contacts::v1::ListContactsRequest {
            page_size: 1,
            ..Default::default()
        })
        .await
        .unwrap()
        .next_page_token;
    let mut spoiled = page.next_page_token.clone();
    spoiled.replace_range(30..31, if &spoiled[30..31] == "A" { "B" } else { "A" });

    for (caller, token) in [
        (&stranger, &page.next_page_token),
        (&owner, &listed),
        (&owner, &spoiled),
        (&owner, &"x".to_owned()),
    ] {
        let refused = caller.sync(token, 0).await;
        assert_refused(refused.clone(), Code::InvalidArgument, "SYNC_TOKEN_INVALID");
        assert_bad_fields(refused, &["sync_token"]);
        let refused = caller.watch(token).await;
        assert_refused(refused, Code::InvalidArgument, "SYNC_TOKEN_INVALID");
        let request = SyncContactsRequest {
            page_token: token.clone(),
            ..SyncContactsRequest::default()
        };
        let refused = caller.sync_with(request).await;
        assert_refused(refused, Code::InvalidArgument, "PAGE_TOKEN_INVALID");
    }
    assert_bad_fields(owner.sync("", -1).await, &["page_size"]);
}

#[tokio::test]
async fn nothing_of_another_owner_is_told() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let token = stranger.sync("", 0).await.unwrap().next_sync_token;
    owner.has(full()).await;
    let deleted = owner.has_deleted(ada()).await;
    owner.purge(&[&deleted.id]).await.unwrap();

    for token in ["", &*token] {
        let page = stranger.sync(token, 0).await.unwrap();
        let bare = SyncContactsResponse {
            next_sync_token: page.next_sync_token.clone(),
            ..SyncContactsResponse::default()
        };
        assert_eq!(page, bare);
    }
}

/// The id of a purged contact can be used again.
#[tokio::test]
async fn an_id_that_came_back_is_told_as_it_is_now() {
    let app = App::start().await;
    let owner = app.owner();
    let id = Uuid::now_v7().to_string();
    let upsert = || proto::contacts::v1::UpdateContactRequest {
        contact: Some(Contact {
            id: id.clone(),
            ..ada()
        }),
        allow_missing: true,
        ..Default::default()
    };
    owner.update_with(upsert()).await.unwrap();
    let mut mirror = Mirror::of(&owner).await;
    let token = mirror.token.clone();

    for _ in 0..2 {
        owner.delete(&id).await.unwrap();
        owner.purge(&[&id]).await.unwrap();
        owner.update_with(upsert()).await.unwrap();
    }

    let page = owner.sync(&token, 0).await.unwrap();
    assert_eq!((ids(&page.changed), page.deleted_ids), (vec![&*id], vec![]));
    for size in [1, 2, 3] {
        mirror.token.clone_from(&token);
        mirror.sync(&owner, size).await;
        mirror.assert_same(&owner).await;
    }
    owner.delete(&id).await.unwrap();
    let page = owner.sync(&token, 0).await.unwrap();
    assert_eq!((page.changed.len(), page.deleted_ids), (0, vec![id]));
}
