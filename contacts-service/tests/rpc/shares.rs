//! `SharesService`: offers, and what happens to them.

use std::slice::from_ref;

use proto::contacts::v1::{
    CreateShareRequest, ListSharedWithMeRequest, ListSharesRequest, Share, ShareRole, ShareState,
};
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, BOTH_SCOPES};
use crate::issuer::claims;
use crate::owner::Owner;
use crate::owner_shares::{email_of, sharing};
use crate::refusal::{assert_bad_fields, assert_refused, metadata};
use crate::sample::ada;

#[tokio::test]
async fn a_share_is_offered_accepted_and_seen_by_both() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let contact = owner.has(ada()).await;

    let typed = sharing(&email_of(&other).to_uppercase(), ShareRole::Reader);
    let offered = owner.offer(typed).await.unwrap();

    assert_eq!(offered.owner_id, owner.user.to_string());
    assert_eq!(offered.owner_email, email_of(&owner));
    assert_eq!(offered.recipient_email, email_of(&other));
    assert_eq!(offered.state(), ShareState::Offered);
    assert_eq!(other.shared_with_me().await.unwrap(), from_ref(&offered));
    let accepted = other.accept(&offered).await.unwrap();
    assert_eq!(accepted.state(), ShareState::Accepted);
    assert_ne!(accepted.etag, offered.etag);
    assert_eq!(owner.shares().await, from_ref(&accepted));
    assert_eq!(other.shared_with_me().await.unwrap(), from_ref(&accepted));
    // A repeat changes nothing.
    let again = Share {
        etag: String::new(),
        ..accepted.clone()
    };
    assert_eq!(other.accept(&again).await.unwrap(), accepted);
    let seen = other.in_book_of(&owner).get(&contact.id).await.unwrap();
    assert_eq!(seen, contact);
}

#[tokio::test]
async fn an_offer_is_for_whoever_proves_to_have_the_address() {
    let app = App::start().await;
    let (owner, other, mallory) = (app.plain_owner(), app.plain_owner(), app.plain_owner());
    let email = email_of(&other);
    let offered = owner
        .offer(sharing(&email, ShareRole::Reader))
        .await
        .unwrap();

    app.issuer.accounts.set_email(mallory.user, &email, false);
    assert_eq!(mallory.shared_with_me().await.unwrap(), []);
    let stolen = mallory.accept(&offered).await;
    assert_refused(stolen, Code::NotFound, "SHARE_NOT_FOUND");
    let ended = mallory.end_share(&offered).await;
    assert_refused(ended, Code::NotFound, "SHARE_NOT_FOUND");

    other.accept(&offered).await.unwrap();
    // From then on the address does not matter.
    app.issuer.accounts.set_email(mallory.user, &email, true);
    app.issuer
        .accounts
        .set_email(other.user, "new@example.com", true);
    assert_eq!(mallory.shared_with_me().await.unwrap(), []);
    assert_eq!(other.shared_with_me().await.unwrap().len(), 1);
    other.in_book_of(&owner).labels(0).await;
}

#[tokio::test]
async fn whoever_shares_has_a_verified_address() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let mut of_program = claims(Uuid::now_v7(), BOTH_SCOPES);
    of_program.as_object_mut().unwrap().remove("sid");
    let token = app.issuer.sign(&of_program);
    let program = Owner::new(app.channel.clone(), Uuid::now_v7(), &token);
    let share = || sharing("grace@example.com", ShareRole::Reader);

    assert_eq!(program.shared_with_me().await.unwrap(), []);
    let refused = program.offer(share()).await;
    assert_refused(refused, Code::FailedPrecondition, "EMAIL_NOT_VERIFIED");
    app.issuer
        .accounts
        .set_email(owner.user, "ada@example.com", false);
    let unverified = owner.offer(share()).await;
    assert_refused(unverified, Code::FailedPrecondition, "EMAIL_NOT_VERIFIED");
    app.issuer
        .accounts
        .set_email(owner.user, "ada@example.com", true);
    owner.offer(share()).await.unwrap();
}

#[tokio::test]
async fn an_offer_that_breaks_the_rules_is_refused_by_its_field() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let good = sharing("grace@example.com", ShareRole::Reader);
    let bad = [
        (
            "share.recipient_email",
            Share {
                recipient_email: "grace".into(),
                ..good.clone()
            },
        ),
        (
            "share.recipient_email",
            Share {
                recipient_email: email_of(&owner),
                ..good.clone()
            },
        ),
        (
            "share.role",
            Share {
                role: 0,
                ..good.clone()
            },
        ),
        (
            "share.role",
            Share {
                role: 9,
                ..good.clone()
            },
        ),
        (
            "share.label_id",
            Share {
                label_id: "friends".into(),
                ..good.clone()
            },
        ),
    ];

    for (field, share) in bad {
        assert_bad_fields(owner.offer(share).await, &[field]);
    }
    let nothing = CreateShareRequest::default();
    assert_bad_fields(
        owner.shares_client().create_share(nothing).await,
        &["share"],
    );
    let label_id = Uuid::now_v7().to_string();
    let no_label = owner.offer(Share { label_id, ..good }).await;
    assert_refused(no_label, Code::NotFound, "LABEL_NOT_FOUND");
    assert_eq!(owner.shares().await, []);
}

#[tokio::test]
async fn the_same_is_offered_once_whatever_the_role_and_the_spelling() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let label = owner.create_label("Friends").await.unwrap();
    let all = sharing("grace@example.com", ShareRole::Reader);
    let some = Share {
        label_id: label.id,
        ..all.clone()
    };
    let first = owner.offer(all.clone()).await.unwrap();
    let second = owner.offer(some.clone()).await.unwrap();

    for (share, made) in [(all, first), (some, second)] {
        let share = Share {
            recipient_email: " Grace@EXAMPLE.com".into(),
            role: ShareRole::Editor.into(),
            ..share
        };
        let again = owner.offer(share).await;
        assert_eq!(metadata(again.as_ref().unwrap_err(), "id"), made.id);
        assert_refused(again, Code::AlreadyExists, "SHARE_EXISTS");
    }
    assert_eq!(owner.shares().await.len(), 2);
}

#[tokio::test]
async fn offers_at_the_same_time_make_one_share() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let share = sharing("grace@example.com", ShareRole::Reader);

    let offers = (0..8).map(|_| owner.offer(share.clone()));
    let offers = futures_util::future::join_all(offers).await;

    assert_eq!(offers.iter().filter(|offer| offer.is_ok()).count(), 1);
    for offer in offers.into_iter().filter(Result::is_err) {
        assert_refused(offer, Code::AlreadyExists, "SHARE_EXISTS");
    }
}

#[tokio::test]
async fn an_owner_has_a_hundred_shares_and_no_more() {
    let app = App::start().await;
    let owner = app.plain_owner();
    for number in 0..100 {
        let email = format!("user{number}@example.com");
        owner
            .offer(sharing(&email, ShareRole::Reader))
            .await
            .unwrap();
    }
    let one_more = || owner.offer(sharing("more@example.com", ShareRole::Reader));

    assert_refused(
        one_more().await,
        Code::ResourceExhausted,
        "SHARE_QUOTA_EXCEEDED",
    );
    let mut client = owner.shares_client();
    let mut request = ListSharesRequest {
        page_size: 33,
        ..ListSharesRequest::default()
    };
    let mut emails = Vec::new();
    loop {
        let page = client
            .list_shares(request.clone())
            .await
            .unwrap()
            .into_inner();
        emails.extend(page.shares.into_iter().map(|share| share.recipient_email));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let all: Vec<_> = (0..100).map(|n| format!("user{n}@example.com")).collect();
    assert_eq!(emails, all);
    let theirs = ListSharedWithMeRequest {
        page_token: request.page_token,
        ..ListSharedWithMeRequest::default()
    };
    assert_bad_fields(client.list_shared_with_me(theirs).await, &["page_token"]);
    owner.end_share(&owner.shares().await[7]).await.unwrap();
    one_more().await.unwrap();
}

#[tokio::test]
async fn each_side_changes_what_is_its_own() {
    let app = App::start().await;
    let (owner, other, stranger) = (app.plain_owner(), app.plain_owner(), app.plain_owner());
    let (_, share) = owner.shares_with(&other, None, ShareRole::Reader).await;

    assert_bad_fields(
        other.set_role(&share, ShareRole::Editor).await,
        &["share.role"],
    );
    let state = |state: ShareState| Share {
        state: state.into(),
        ..share.clone()
    };
    let undone = other
        .update_share(state(ShareState::Offered), &["state"])
        .await;
    assert_bad_fields(undone, &["share.state"]);
    let by_owner = owner
        .update_share(state(ShareState::Accepted), &["state"])
        .await;
    assert_bad_fields(by_owner, &["share.state"]);
    assert_bad_fields(
        owner.update_share(share.clone(), &["label"]).await,
        &["update_mask"],
    );
    let strange = stranger.set_role(&share, ShareRole::Editor).await;
    assert_bad_fields(strange, &["share.role"]);
    let strange = stranger.accept(&share).await;
    assert_refused(strange, Code::NotFound, "SHARE_NOT_FOUND");

    let outdated = Share {
        etag: "\"1\"".into(),
        role: ShareRole::Editor.into(),
        ..share.clone()
    };
    let refused = owner.update_share(outdated, &["role"]).await;
    assert_eq!(metadata(refused.as_ref().unwrap_err(), "etag"), share.etag);
    assert_refused(refused, Code::Aborted, "ETAG_MISMATCH");
    let changed = owner.set_role(&share, ShareRole::Editor).await.unwrap();
    assert_eq!(changed.role(), ShareRole::Editor);
    assert_eq!(changed.state(), ShareState::Accepted);
    assert_ne!(changed.etag, share.etag);
    assert_eq!(other.shared_with_me().await.unwrap(), from_ref(&changed));
    // Without a mask, the other side's field is ignored.
    let whole = Share {
        state: ShareState::Offered.into(),
        ..changed.clone()
    };
    assert_eq!(owner.update_share(whole, &[]).await.unwrap(), changed);
    let whole = Share {
        role: ShareRole::Reader.into(),
        ..changed.clone()
    };
    assert_eq!(other.update_share(whole, &[]).await.unwrap(), changed);
    // Nothing is written if nothing changes.
    assert_eq!(
        owner.set_role(&changed, ShareRole::Editor).await.unwrap(),
        changed
    );
}

#[tokio::test]
async fn either_side_ends_a_share_and_nobody_else() {
    let app = App::start().await;
    let (owner, other, stranger) = (app.plain_owner(), app.plain_owner(), app.plain_owner());
    for by_owner in [true, false] {
        let (seer, share) = owner.shares_with(&other, None, ShareRole::Editor).await;
        let strange = stranger.end_share(&share).await;
        assert_refused(strange, Code::NotFound, "SHARE_NOT_FOUND");
        seer.has(ada()).await;

        let side = if by_owner { &owner } else { &other };
        side.end_share(&share).await.unwrap();

        assert_eq!(owner.shares().await, []);
        assert_eq!(other.shared_with_me().await.unwrap(), []);
        assert_refused(seer.create(ada()).await, Code::NotFound, "SHARE_NOT_FOUND");
        assert_refused(
            side.end_share(&share).await,
            Code::NotFound,
            "SHARE_NOT_FOUND",
        );
        side.end_share_with(&share, true).await.unwrap();
    }
    // An offer can be refused, too.
    let offer = owner
        .offer(sharing(&email_of(&other), ShareRole::Reader))
        .await
        .unwrap();
    other.end_share(&offer).await.unwrap();
    assert_eq!(owner.shares().await, []);
}

#[tokio::test]
async fn nobody_learns_whether_an_address_has_an_account() {
    let app = App::start().await;
    let (owner, known) = (app.plain_owner(), app.plain_owner());
    let blank = |share: Share| Share {
        id: String::new(),
        recipient_email: String::new(),
        etag: String::new(),
        create_time: None,
        update_time: None,
        expire_time: None,
        ..share
    };
    let of = async |email: &str| {
        let share = owner
            .offer(sharing(email, ShareRole::Reader))
            .await
            .unwrap();
        blank(share)
    };

    assert_eq!(of(&email_of(&known)).await, of("nobody@example.com").await);
}
