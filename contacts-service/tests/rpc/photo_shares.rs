//! Who sees and sets the photos of shared contacts, and how changes of photos are delivered.

use futures_util::{StreamExt, stream};
use prost::Message;
use proto::contacts::v1::watch_contacts_response::Event;
use proto::contacts::v1::{Contact, GetPhotoRequest, ShareRole};
use tonic::Code;

use crate::app::App;
use crate::mirror::{Mirror, heard};
use crate::owner_photos::chunk;
use crate::photo_files::{jpeg, large_png, png};
use crate::refusal::{assert_refused, reason};
use crate::sample::ada;
use crate::shared_label::friends;

#[tokio::test]
async fn a_reader_sees_a_photo_and_sets_none() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let contact = owner.has(ada()).await;
    let set = owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();
    let (other, share) = owner.shares_with(&other, None, ShareRole::Reader).await;

    let seen = other.photo(&contact.id).await.unwrap();
    let changed = other.set_photo(&contact.id, &jpeg(2)).await;
    let removed = other.delete_photo(&contact.id, "").await;

    assert!(seen == (set.photo.clone().unwrap(), jpeg(1)));
    assert_refused(changed, Code::PermissionDenied, "SHARE_READ_ONLY");
    assert_refused(removed, Code::PermissionDenied, "SHARE_READ_ONLY");
    assert_eq!(owner.get(&contact.id).await.unwrap(), set);
    owner.end_share(&share).await.unwrap();
    let ended = other.photo(&contact.id).await;
    assert_refused(ended, Code::NotFound, "SHARE_NOT_FOUND");
    let ended = other.set_photo(&contact.id, &jpeg(2)).await;
    assert_refused(ended, Code::NotFound, "SHARE_NOT_FOUND");
}

#[tokio::test]
async fn an_editor_of_a_label_sets_photos_of_its_contacts_alone() {
    let app = App::start().await;
    let shared = friends(&app, ShareRole::Editor).await;
    let (owner, other) = (&shared.owner, &shared.other);
    let (friend, enemy) = (&shared.friend.id, &shared.enemy.id);
    owner.set_photo(enemy, &jpeg(1)).await.unwrap();

    let set = other.set_photo(friend, &png(2)).await.unwrap();

    // The labels that the editor does not see are kept.
    let stored = owner.get(friend).await.unwrap();
    assert_eq!(set.photo, stored.photo);
    assert_eq!(set.labels, ["Friends"]);
    assert_eq!(stored.labels, shared.friend.labels);
    assert!(owner.photo(friend).await.unwrap().1 == png(2));
    for refused in [
        other.photo(enemy).await.map(drop),
        other.set_photo(enemy, &png(2)).await.map(drop),
        other.delete_photo(enemy, "").await.map(drop),
    ] {
        assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    }
    let removed = other.delete_photo(friend, &set.etag).await.unwrap();
    assert_eq!(removed.photo, None);
}

#[tokio::test]
async fn a_strangers_photo_looks_like_that_of_a_missing_contact() {
    let app = App::start().await;
    let (owner, stranger) = (app.owner(), app.owner());
    let contact = owner.has(ada()).await;
    owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();

    for refused in [
        stranger.photo(&contact.id).await.map(drop),
        stranger.set_photo(&contact.id, &png(2)).await.map(drop),
        stranger.delete_photo(&contact.id, "").await.map(drop),
    ] {
        assert_refused(refused, Code::NotFound, "CONTACT_NOT_FOUND");
    }
    // Nor does an equal photo help.
    let own = stranger.has(ada()).await;
    let set = stranger.set_photo(&own.id, &jpeg(1)).await.unwrap();
    assert_eq!(set.photo, owner.get(&contact.id).await.unwrap().photo);
    stranger.delete_photo(&own.id, "").await.unwrap();
    assert!(owner.photo(&contact.id).await.unwrap().1 == jpeg(1));
}

#[tokio::test]
async fn a_photo_is_synced_and_watched() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let mut mirror = Mirror::of(&owner).await;
    let mut events = owner.watch(&mirror.token).await.unwrap();
    let first = heard(&mut events).await.event;
    assert!(matches!(first, Some(Event::CaughtUp(_))), "{first:?}");

    for photo in [true, false] {
        let changed = if photo {
            owner.set_photo(&contact.id, &jpeg(1)).await
        } else {
            owner.delete_photo(&contact.id, "").await
        };
        let changed: Contact = changed.unwrap();

        assert_eq!(changed.photo.is_some(), photo);
        assert_eq!(
            heard(&mut events).await.event,
            Some(Event::Changed(changed))
        );
        mirror.sync(&owner, 0).await;
        mirror.assert_same(&owner).await;
    }
}

#[tokio::test]
async fn the_end_of_a_share_ends_a_photo_that_is_sent() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let contact = owner.has(ada()).await;
    owner
        .set_photo(&contact.id, &large_png(1_500_000))
        .await
        .unwrap();
    let (other, share) = owner.shares_with(&other, None, ShareRole::Reader).await;
    let channel = app.another_instance_with_window(64 * 1024).await;
    let slow = app.owner_on(channel, other.user);
    let request = GetPhotoRequest {
        id: contact.id,
        owner_id: owner.user.to_string(),
        ..GetPhotoRequest::default()
    };
    let mut parts = slow.client.clone().get_photo(request).await.unwrap();
    parts.get_mut().message().await.unwrap();

    owner.end_share(&share).await.unwrap();

    let mut sent = 0;
    let end = loop {
        match parts.get_mut().message().await {
            Ok(Some(part)) => sent += part.encoded_len(),
            Ok(None) => break Ok(()),
            Err(status) => break Err(status),
        }
    };
    assert_refused(end, Code::NotFound, "SHARE_NOT_FOUND");
    assert!(sent <= 256 * 1024, "{sent}");
}

#[tokio::test]
async fn one_user_cannot_fill_the_memory_with_photos_that_do_not_end() {
    let flags = [
        "--connection-request-bytes",
        "4194304",
        "--client-request-bytes",
        "4194304",
    ];
    let app = App::with(&flags).await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let calls = (0..12).map(|_| {
        let mut parts = vec![owner.photo_header(&contact.id, "")];
        parts.extend((0..38).map(|_| chunk(&vec![0xff; 50_000])));
        let endless = stream::iter(parts).chain(stream::pending());
        let mut client = owner.client.clone();
        tokio::spawn(async move { client.set_photo(endless).await })
    });
    let calls: Vec<_> = calls.collect();

    let (ended, _, others) = futures_util::future::select_all(calls).await;

    let status = ended.unwrap().unwrap_err();
    assert_eq!(reason(&status), "TOO_MANY_REQUEST_BYTES", "{status:?}");
    for call in others {
        call.abort();
    }
    owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();
}
