//! Somebody else's address, held by an attacker who came first.

use proto::auth::v1::{
    ChangeEmailRequest, EnrollTotpRequest, RequestPasswordResetRequest, ResetPasswordRequest,
    SendEmailVerificationRequest, VerifyEmailRequest,
};

use crate::mail_flood::all_sent;
use crate::pair::{Pair, Side, until};
use crate::user::{OTHER_PASSWORD, PASSWORD, bearer, reason, refusal};

const VICTIM: &str = "victim@example.com";
const CONFIRM: &str = "Confirm your e-mail address";

/// The click on the link, without an account.
async fn click(side: &Side, token: &str) -> Result<bool, tonic::Status> {
    let request = VerifyEmailRequest {
        token: token.to_owned(),
        current_password: String::new(),
    };
    let answer = side.auth.clone().verify_email(request).await?;
    Ok(answer.into_inner().password_removed)
}

async fn choose_password(pair: &Pair, side: &Side) {
    let mut auth = side.auth.clone();
    let request = RequestPasswordResetRequest {
        email: VICTIM.into(),
    };
    auth.request_password_reset(request).await.unwrap();
    let token = pair.mailbox.token(VICTIM, "Choose a new password").await;
    let request = ResetPasswordRequest {
        token,
        new_password: OTHER_PASSWORD.into(),
    };
    auth.reset_password(request).await.unwrap();
}

/// No token of the attacker works any more, on any service.
async fn is_out(pair: &Pair, attacker: &proto::auth::v1::TokenPair) {
    for side in &pair.sides {
        let refused = until("contacts refuses the token", async || {
            let status = side.list(&attacker.access_token).await.err()?;
            Some(reason(&status))
        })
        .await;
        assert_eq!(refused, "TOKEN_REVOKED");
        let refreshed = side.refresh(&attacker.refresh_token).await;
        assert_eq!(refusal(refreshed), "SESSION_REVOKED");
        let log_in = side.log_in(VICTIM, PASSWORD).await;
        assert_eq!(refusal(log_in), "INVALID_CREDENTIALS");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attacker_keeps_nothing_when_the_owner_of_the_mailbox_comes() {
    let pair = Pair::start().await;
    let attacker = pair.side(0).user(VICTIM).await;
    let request = EnrollTotpRequest {
        current_password: PASSWORD.into(),
    };
    let mut account = pair.side(1).account;
    let enrolled = account
        .enroll_totp(bearer(request, &attacker.access_token))
        .await;
    assert_eq!(refusal(enrolled), "EMAIL_NOT_VERIFIED");

    let token = pair.mailbox.token(VICTIM, CONFIRM).await;
    assert!(click(&pair.side(1), &token).await.unwrap());

    is_out(&pair, &attacker).await;
    choose_password(&pair, &pair.side(0)).await;
    let owner = pair.side(1).log_in(VICTIM, OTHER_PASSWORD).await;
    pair.side(0)
        .list(&owner.unwrap().access_token)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_the_attackers_link_does_not_confirm_the_attackers_account() {
    let pair = Pair::start().await;
    let attacker = pair.side(0).user(VICTIM).await;
    pair.mailbox.token(VICTIM, CONFIRM).await;
    let request = SendEmailVerificationRequest {
        email: VICTIM.into(),
    };
    let mut auth = pair.side(1).auth;
    let asked = auth
        .send_email_verification(bearer(request, &attacker.access_token))
        .await;
    asked.unwrap();
    until("the second mail comes", async || {
        (pair.mailbox.count(VICTIM, CONFIRM) == 2).then_some(())
    })
    .await;
    let token = pair.mailbox.token(VICTIM, CONFIRM).await;

    for side in &pair.sides {
        let clicked = click(side, &token).await;
        assert_eq!(refusal(clicked), "EMAIL_TOKEN_OF_SESSION");
    }

    choose_password(&pair, &pair.side(1)).await;
    is_out(&pair, &attacker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_email_gets_nothing_of_the_account() {
    let pair = Pair::start().await;
    let ada = "ada@example.com";
    let owner = pair.side(0).user(ada).await;
    let token = pair.mailbox.token(ada, CONFIRM).await;
    let other_side = pair.side(1);
    let confirmed = other_side.verify_email(token, &owner.access_token).await;
    confirmed.unwrap();
    let request = ChangeEmailRequest {
        current_password: PASSWORD.into(),
        new_email: VICTIM.into(),
        code: String::new(),
    };
    let mut account = pair.side(1).account;
    let changed = account
        .change_email(bearer(request, &owner.access_token))
        .await;
    changed.unwrap();

    // Whoever reads the mailbox of the mistyped address.
    let token = pair
        .mailbox
        .token(VICTIM, "Confirm your new e-mail address")
        .await;
    let clicked = click(&pair.side(0), &token).await;
    assert_eq!(refusal(clicked), "EMAIL_TOKEN_OF_SESSION");
    let request = RequestPasswordResetRequest {
        email: VICTIM.into(),
    };
    let asked = pair.side(0).auth.request_password_reset(request).await;
    asked.unwrap();
    all_sent(&pair).await;
    assert_eq!(pair.mailbox.count(VICTIM, "Choose a new password"), 0);

    // Has an account of its own, and nothing else.
    let other = pair.side(1).user(VICTIM).await;
    for side in &pair.sides {
        side.list(&other.access_token).await.unwrap();
        side.log_in(ada, PASSWORD).await.unwrap();
    }
}
