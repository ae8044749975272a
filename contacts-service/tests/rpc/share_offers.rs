//! Offers that expire, and what only one side may do.

use std::slice::from_ref;
use std::sync::atomic::Ordering::SeqCst;

use chrono::{DateTime, TimeDelta, Utc};
use contacts_service::purge;
use proto::contacts::v1::{CreateShareRequest, PurgeContactsRequest, Share, ShareRole, ShareState};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::owner_shares::{email_of, sharing};
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::shared_label::{friends, known};

const START: i64 = 1_800_000_000;
const DAY: i64 = 24 * 3600;

fn after(days: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START, 0).unwrap() + TimeDelta::days(days)
}

/// The users at another time, with tokens of that time.
fn later(app: &App, users: [&Owner; 2]) -> [Owner; 2] {
    users.map(|user| app.owner_on(app.channel.clone(), user.user))
}

#[tokio::test]
async fn an_offer_can_be_accepted_for_thirty_days() {
    let (app, now) = App::at(START).await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let offered = owner
        .offer(sharing(&email_of(&other), ShareRole::Reader))
        .await
        .unwrap();
    assert_eq!(offered.expire_time.unwrap().seconds, START + 30 * DAY);

    now.store(START + 30 * DAY - 1, SeqCst);
    let [owner, other] = later(&app, [&owner, &other]);
    assert_eq!(owner.shares().await, from_ref(&offered));
    assert_eq!(other.shared_with_me().await.unwrap(), from_ref(&offered));
    let accepted = other.accept(&offered).await.unwrap();

    assert_eq!(accepted.expire_time, None);
    now.store(START + 300 * DAY, SeqCst);
    let [owner, other] = later(&app, [&owner, &other]);
    assert_eq!(purge::batch(&app.pool(), after(300)).await.unwrap(), 0);
    assert_eq!(owner.shares().await, from_ref(&accepted));
    other.in_book_of(&owner).labels(0).await;
}

#[tokio::test]
async fn an_expired_offer_is_as_if_it_had_never_been() {
    let (app, now) = App::at(START).await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let share = || sharing(&email_of(&other), ShareRole::Editor);
    let offered = owner.offer(share()).await.unwrap();
    let of_label = Share {
        label_id: owner.create_label("Friends").await.unwrap().id,
        ..share()
    };
    let labelled = owner.offer(of_label.clone()).await.unwrap();
    let again = owner.offer(share()).await;
    assert_refused(again, Code::AlreadyExists, "SHARE_EXISTS");

    now.store(START + 30 * DAY, SeqCst);
    let [owner, other] = later(&app, [&owner, &other]);
    assert_eq!(owner.shares().await, []);
    assert_eq!(other.shared_with_me().await.unwrap(), []);
    for offered in [&offered, &labelled] {
        let refused = other.accept(offered).await;
        assert_refused(refused, Code::NotFound, "SHARE_NOT_FOUND");
        let refused = other.end_share(offered).await;
        assert_refused(refused, Code::NotFound, "SHARE_NOT_FOUND");
        let refused = owner.set_role(offered, ShareRole::Reader).await;
        assert_refused(refused, Code::NotFound, "SHARE_NOT_FOUND");
        let refused = owner.end_share(offered).await;
        assert_refused(refused, Code::NotFound, "SHARE_NOT_FOUND");
        owner.end_share_with(offered, true).await.unwrap();
        let book = other.in_book_of(&owner);
        assert_refused(book.get_label("x").await, Code::NotFound, "SHARE_NOT_FOUND");
    }
    // It prevents no other offer.
    let new = owner.offer(share()).await.unwrap();
    assert_ne!(new.id, offered.id);
    other.accept(&new).await.unwrap();
    let new = owner.offer(of_label).await.unwrap();
    other.accept(&new).await.unwrap();
    assert_eq!(owner.shares().await.len(), 2);
}

#[tokio::test]
async fn expired_offers_do_not_count() {
    let (app, now) = App::at(START).await;
    let owner = app.plain_owner();
    let offer = async |owner: &Owner, name: &str| {
        let email = format!("{name}@example.com");
        owner.offer(sharing(&email, ShareRole::Reader)).await
    };
    for number in 0..99 {
        offer(&owner, &format!("old{number}")).await.unwrap();
    }
    now.store(START + DAY, SeqCst);
    let [owner, _] = later(&app, [&owner, &owner]);
    offer(&owner, "new").await.unwrap();
    let refused = offer(&owner, "more").await;
    assert_refused(refused, Code::ResourceExhausted, "SHARE_QUOTA_EXCEEDED");

    now.store(START + 30 * DAY, SeqCst);
    let [owner, _] = later(&app, [&owner, &owner]);

    offer(&owner, "more").await.unwrap();
    assert_eq!(owner.shares().await.len(), 2);
}

#[tokio::test]
async fn expired_offers_are_purged_and_no_others() {
    let (app, now) = App::at(START).await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let emails = ["one@example.com", "two@example.com", &email_of(&other)];
    let mut offers = Vec::new();
    for email in emails {
        offers.push(
            owner
                .offer(sharing(email, ShareRole::Reader))
                .await
                .unwrap(),
        );
    }
    let accepted = other.accept(&offers[2]).await.unwrap();
    now.store(START + DAY, SeqCst);
    let [owner, _] = later(&app, [&owner, &other]);
    let late = owner
        .offer(sharing("late@example.com", ShareRole::Reader))
        .await;
    let late = late.unwrap();
    let (one, two) = (app.pool(), app.pool());

    assert_eq!(purge::batch(&one, after(29)).await.unwrap(), 0);
    let purged = tokio::join!(purge::batch(&one, after(30)), purge::batch(&two, after(30)));

    assert_eq!(purged.0.unwrap() + purged.1.unwrap(), 2);
    assert_eq!(owner.shares().await, [accepted, late]);
}

/// No clock of another machine makes an accepted share expire.
#[tokio::test]
async fn an_offer_that_is_being_accepted_is_not_purged() {
    let (app, _) = App::at(START).await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let offered = owner
        .offer(sharing(&email_of(&other), ShareRole::Reader))
        .await
        .unwrap();
    let mut db = app.admin().await;
    let mut held = sqlx::Connection::begin(&mut db).await.unwrap();
    let lock = "SELECT 1 FROM contacts.owner_state WHERE owner_id = $1 FOR UPDATE";
    sqlx::query(lock)
        .bind(owner.user)
        .execute(&mut *held)
        .await
        .unwrap();

    assert_eq!(purge::batch(&app.pool(), after(31)).await.unwrap(), 0);

    held.rollback().await.unwrap();
    other.accept(&offered).await.unwrap();
}

#[tokio::test]
async fn a_star_names_the_field_that_the_caller_may_set() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let offered = owner
        .offer(sharing(&email_of(&other), ShareRole::Reader))
        .await
        .unwrap();
    let with = |share: &Share, role: ShareRole, state: ShareState| Share {
        role: role.into(),
        state: state.into(),
        etag: String::new(),
        ..share.clone()
    };
    let (reader, editor) = (ShareRole::Reader, ShareRole::Editor);

    let whole = with(&offered, editor, ShareState::Accepted);
    let changed = owner.update_share(whole.clone(), &["*"]).await.unwrap();
    assert_eq!(
        (changed.role(), changed.state()),
        (editor, ShareState::Offered)
    );
    for mask in [&["*"][..], &["*", "id"], &["state", "*"]] {
        let whole = with(&offered, reader, ShareState::Accepted);
        let accepted = other.update_share(whole, mask).await.unwrap();
        assert_eq!(
            (accepted.role(), accepted.state()),
            (editor, ShareState::Accepted)
        );
    }
    let unset = with(&offered, ShareRole::Unspecified, ShareState::Accepted);
    assert_bad_fields(owner.update_share(unset, &["*"]).await, &["share.role"]);
    for state in [ShareState::Unspecified, ShareState::Offered] {
        let undone = with(&offered, reader, state);
        assert_bad_fields(other.update_share(undone, &["*"]).await, &["share.state"]);
    }
    let unknown = owner.update_share(whole, &["*", "label"]).await;
    assert_bad_fields(unknown, &["update_mask"]);
}

#[tokio::test]
async fn only_the_owner_purges() {
    let app = App::start().await;
    let shared = friends(&app, ShareRole::Editor).await;
    let everything = app.plain_owner();
    let (everything, _) = shared
        .owner
        .shares_with(&everything, None, ShareRole::Editor)
        .await;
    let reader = app.plain_owner();
    let (reader, _) = shared
        .owner
        .shares_with(&reader, None, ShareRole::Reader)
        .await;
    let gone = shared.owner.has_deleted(known(&["Friends"])).await;
    let live = &shared.friend;
    let all = || PurgeContactsRequest {
        all_deleted: true,
        ..PurgeContactsRequest::default()
    };

    for editor in [&shared.other, &everything] {
        for id in [&gone.id, &live.id, &shared.enemy.id] {
            let refused = editor.purge(&[id]).await;
            assert_refused(refused, Code::PermissionDenied, "SHARE_NOT_OWNER");
        }
        let refused = editor.purge_with(all()).await;
        assert_refused(refused, Code::PermissionDenied, "SHARE_NOT_OWNER");
    }
    let refused = reader.purge(&[&gone.id]).await;
    assert_refused(refused, Code::PermissionDenied, "SHARE_READ_ONLY");
    assert_eq!(shared.owner.get(&gone.id).await.unwrap(), gone);
    assert_eq!(shared.owner.purge_with(all()).await.unwrap(), 1);
}

#[tokio::test]
async fn the_recipient_of_each_offer_is_notified_once() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let accounts = &app.issuer.accounts;
    let offer = sharing(&email_of(&other).to_uppercase(), ShareRole::Reader);
    let validated = CreateShareRequest {
        share: Some(offer.clone()),
        validate_only: true,
    };
    owner.shares_client().create_share(validated).await.unwrap();
    assert_eq!(accounts.notified(), []);

    let offered = owner.offer(offer.clone()).await.unwrap();

    let told = [(owner.user, email_of(&other))];
    assert_eq!(accounts.notified(), told);
    owner.offer(offer.clone()).await.unwrap_err();
    other.accept(&offered).await.unwrap();
    owner.set_role(&offered, ShareRole::Editor).await.unwrap();
    assert_eq!(accounts.notified(), []);
    owner.end_share(&offered).await.unwrap();
    accounts.be_silent();
    // The recipient finds the offer without the mail.
    let offered = owner.offer(offer).await.unwrap();
    assert_eq!(other.shared_with_me().await.unwrap(), [offered]);
    assert_eq!(accounts.notified(), []);
}
