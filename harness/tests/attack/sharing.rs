//! Contacts that are offered to one address, and that another user tries to get.

use std::slice::from_ref;

use proto::auth::v1::{SendEmailVerificationRequest, VerifyEmailRequest};
use proto::contacts::v1::shares_service_client::SharesServiceClient;
use proto::contacts::v1::{
    Contact, CreateContactRequest, CreateShareRequest, ListContactsRequest,
    ListSharedWithMeRequest, ListSharesRequest, Share, ShareRole, ShareState, UpdateShareRequest,
};
use tonic::Status;
use tonic::transport::Channel;

use crate::pair::{Pair, Side};
use crate::user::{PASSWORD, bearer, refusal};

fn shares(side: &Side) -> SharesServiceClient<Channel> {
    SharesServiceClient::new(side.contacts.clone())
}

async fn verify(pair: &Pair, email: &str) {
    let side = pair.side(1);
    let request = SendEmailVerificationRequest {
        email: email.into(),
    };
    let mut auth = side.auth.clone();
    auth.send_email_verification(request).await.unwrap();
    let token = pair.mailbox.token(email, "Confirm").await;
    let request = VerifyEmailRequest {
        token,
        current_password: PASSWORD.into(),
    };
    auth.verify_email(request).await.unwrap();
}

async fn offer(side: &Side, token: &str, email: &str) -> Share {
    let request = CreateShareRequest {
        share: Some(Share {
            recipient_email: email.into(),
            role: ShareRole::Reader.into(),
            ..Share::default()
        }),
        ..CreateShareRequest::default()
    };
    let made = shares(side).create_share(bearer(request, token)).await;
    made.unwrap().into_inner().share.unwrap()
}

async fn offered(side: &Side, token: &str) -> Vec<Share> {
    let request = bearer(ListSharedWithMeRequest::default(), token);
    let answer = shares(side).list_shared_with_me(request).await;
    answer.unwrap().into_inner().shares
}

async fn accept(side: &Side, share: &Share, token: &str) -> Result<(), Status> {
    let request = UpdateShareRequest {
        share: Some(Share {
            state: ShareState::Accepted.into(),
            ..share.clone()
        }),
        owner_id: share.owner_id.clone(),
        ..UpdateShareRequest::default()
    };
    let answer = shares(side).update_share(bearer(request, token)).await;
    answer.map(drop)
}

async fn list(side: &Side, owner_id: &str, token: &str) -> Result<Vec<Contact>, Status> {
    let request = ListContactsRequest {
        owner_id: owner_id.into(),
        ..ListContactsRequest::default()
    };
    let mut book = side.book.clone();
    let answer = book.list_contacts(bearer(request, token)).await?;
    Ok(answer.into_inner().contacts)
}

#[tokio::test]
async fn only_who_reads_the_mail_of_an_address_gets_what_is_offered_to_it() {
    let pair = Pair::start().await;
    let side = pair.side(0);
    let ada = side.user("ada@example.com").await;
    verify(&pair, "ada@example.com").await;
    let contact = CreateContactRequest {
        contact: Some(Contact {
            given_name: "Grace".into(),
            ..Contact::default()
        }),
        ..CreateContactRequest::default()
    };
    let contact = bearer(contact, &ada.access_token);
    side.book.clone().create_contact(contact).await.unwrap();
    let share = offer(&side, &ada.access_token, "bob@example.com").await;

    // A user that signs up with the address, but does not read its mail.
    let mallory = side.user("bob@example.com").await.access_token;
    for side in &pair.sides {
        assert_eq!(offered(side, &mallory).await, []);
        let stolen = accept(side, &share, &mallory).await;
        assert_eq!(refusal(stolen), "SHARE_NOT_FOUND");
        let seen = list(side, &share.owner_id, &mallory).await;
        assert_eq!(refusal(seen), "SHARE_NOT_FOUND");
    }

    // The same user, after verifying it.
    verify(&pair, "bob@example.com").await;
    assert_eq!(offered(&pair.side(1), &mallory).await, from_ref(&share));
    accept(&pair.side(1), &share, &mallory).await.unwrap();
    for side in &pair.sides {
        let seen = list(side, &share.owner_id, &mallory).await.unwrap();
        assert_eq!(seen[0].given_name, "Grace");
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_accepts_nothing() {
    let pair = Pair::start().await;
    let side = pair.side(0);
    let ada = side.user("ada@example.com").await;
    let bob = side.user("bob@example.com").await;
    for email in ["ada@example.com", "bob@example.com"] {
        verify(&pair, email).await;
    }
    let share = offer(&side, &ada.access_token, "bob@example.com").await;

    side.log_out(&bob.refresh_token).await;

    // Contacts may not have received it yet; the auth service has.
    let refused = accept(&side, &share, &bob.access_token).await;
    assert_eq!(refusal(refused), "TOKEN_REVOKED");
    let request = bearer(ListSharesRequest::default(), &ada.access_token);
    let listed = shares(&side).list_shares(request).await.unwrap();
    assert_eq!(listed.into_inner().shares, [share]);
}
