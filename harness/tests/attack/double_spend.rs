//! One secret, used at both replicas at the same moment.

use std::collections::BTreeSet;
use std::fmt::Debug;

use proto::auth::v1::complete_mfa_request::Code;
use proto::auth::v1::{
    RequestPasswordResetRequest, ResetPasswordRequest, SendEmailVerificationRequest,
};
use tokio::task::JoinSet;
use tonic::Status;

use crate::app::Secured;
use crate::pair::{Pair, Side};
use crate::user::{OTHER_PASSWORD, PASSWORD, reason};

/// Makes a dozen concurrent calls, at the replicas in turn.
async fn at_once<T, F>(pair: &Pair, call: impl Fn(Side, usize) -> F) -> Vec<Result<T, Status>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Status>> + Send + 'static,
{
    let mut calls = JoinSet::new();
    for number in 0..12 {
        calls.spawn(call(pair.side(number), number));
    }
    calls.join_all().await
}

/// One call succeeded, and the others failed with this reason.
fn one_won<T: Debug>(answers: &[Result<T, Status>], reasons: &[&str]) {
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for status in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert!(reasons.contains(&&*reason(status)), "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_has_one_successor() {
    let pair = Pair::start().await;
    let token = pair.side(0).user("ada@example.com").await.refresh_token;

    let answers = at_once(&pair, |side, _| {
        let token = token.clone();
        async move { side.refresh(&token).await }
    })
    .await;

    let answers = answers.into_iter().map(Result::unwrap);
    let (replayed, first): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.replayed);
    assert_eq!(first.len(), 1);
    let tokens = replayed.into_iter().chain(first);
    let tokens: BTreeSet<_> = tokens
        .map(|all| all.tokens.unwrap().refresh_token)
        .collect();
    assert_eq!(tokens.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_token_works_once() {
    let pair = Pair::start().await;
    let email = "ada@example.com";
    let user = pair.side(0).user(email).await;
    let mut auth = pair.side(0).auth;
    let request = SendEmailVerificationRequest {
        email: email.into(),
    };
    auth.send_email_verification(request).await.unwrap();
    let request = RequestPasswordResetRequest {
        email: email.into(),
    };
    auth.request_password_reset(request).await.unwrap();
    let confirm = pair
        .mailbox
        .token(email, "Confirm your e-mail address")
        .await;
    let choose = pair.mailbox.token(email, "Choose a new password").await;

    let confirmed = at_once(&pair, |side, _| {
        let (token, access) = (confirm.clone(), user.access_token.clone());
        async move { side.verify_email(token, &access).await }
    })
    .await;
    one_won(&confirmed, &["EMAIL_TOKEN_INVALID"]);
    let chosen = at_once(&pair, |side, number| {
        let request = ResetPasswordRequest {
            token: choose.clone(),
            new_password: format!("copper-meadow-{number}"),
        };
        async move { side.auth.clone().reset_password(request).await }
    })
    .await;
    one_won(&chosen, &["RESET_TOKEN_INVALID"]);
    for side in &pair.sides {
        side.log_in(email, PASSWORD).await.unwrap_err();
        side.refresh(&user.refresh_token).await.unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_and_a_recovery_code_work_once() {
    let pair = Pair::start().await;
    let email = "ada@example.com";
    let ada = Secured::new(&pair, &pair.side(0), email).await;
    let recovery = Code::RecoveryCode(ada.recovery_codes[0].clone());
    for code in [Code::TotpCode(ada.code()), recovery] {
        let mut challenges = Vec::new();
        for number in 0..12 {
            challenges.push(pair.side(number).challenge(email, PASSWORD).await.id);
        }

        let answers = at_once(&pair, |side, number| {
            let (challenge, code) = (challenges[number].clone(), code.clone());
            async move { side.complete(challenge, code).await }
        });

        one_won(
            &answers.await,
            &["MFA_CODE_INVALID", "MFA_THROTTLED", "LOG_IN_THROTTLED"],
        );
    }
}

#[tokio::test]
async fn a_reset_does_not_pass_by_the_second_factor() {
    let pair = Pair::start().await;
    let email = "ada@example.com";
    Secured::new(&pair, &pair.side(0), email).await;
    let request = RequestPasswordResetRequest {
        email: email.into(),
    };
    let mut auth = pair.side(0).auth;
    auth.request_password_reset(request).await.unwrap();
    let token = pair.mailbox.token(email, "Choose a new password").await;

    let request = ResetPasswordRequest {
        token,
        new_password: OTHER_PASSWORD.into(),
    };
    auth.reset_password(request).await.unwrap();

    let challenge = pair.side(1).challenge(email, OTHER_PASSWORD).await;
    let guess = Code::TotpCode("not it".into());
    pair.side(0)
        .complete(challenge.id, guess)
        .await
        .unwrap_err();
}
