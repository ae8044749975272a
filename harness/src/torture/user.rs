//! A user with a session, and how it is made.

use std::time::Duration;

use proto::auth::v1::log_in_response::Result as LogInResult;
use proto::auth::v1::{LogInRequest, SignUpRequest, TokenPair};
use tokio::time::sleep;

use super::calls::{Answer, Caller, Clients, signed};

pub(super) const PASSWORD: &str = "the otter naps at noon";

/// A user who is logged in.
#[derive(Clone, Debug)]
pub(super) struct User {
    /// The number of its caller.
    pub(super) owner: usize,
    pub(super) id: String,
    pub(super) email: String,
    pub(super) token: String,
}

impl User {
    /// Of all its contacts.
    pub(super) fn family_name(&self) -> String {
        format!("Owner{}", self.owner)
    }

    /// Signs up and logs in.
    pub(super) async fn join(caller: &Caller, email: String, request_id: &str) -> Option<Self> {
        let id = sign_up(caller, &email, request_id).await?;
        let tokens = log_in(caller, &email).await?;
        Some(Self {
            owner: caller.owner,
            id,
            email,
            token: tokens.access_token,
        })
    }
}

/// Repeats a sign-up until it is acknowledged; returns the user's id.
pub(super) async fn sign_up(caller: &Caller, email: &str, request_id: &str) -> Option<String> {
    let request = SignUpRequest {
        email: email.to_owned(),
        password: PASSWORD.into(),
        request_id: request_id.to_owned(),
        ..SignUpRequest::default()
    };
    let make = |mut to: Clients| {
        let request = signed("", request.clone());
        async move { to.auth.sign_up(request).await }
    };
    match caller.settle("SignUp", email, make).await.answer {
        Answer::Done(response) => Some(response.user?.id),
        Answer::Refused(refusal) => {
            let text = format!("SignUp was refused: {refusal}");
            caller.history.violate("accounts", email, text);
            None
        }
        Answer::Unknown => None,
    }
}

/// Repeats a log-in until it is acknowledged.
pub(super) async fn log_in(caller: &Caller, email: &str) -> Option<TokenPair> {
    let request = LogInRequest {
        email: email.to_owned(),
        password: PASSWORD.into(),
        ..LogInRequest::default()
    };
    let make = |mut to: Clients| {
        let request = signed("", request.clone());
        async move { to.auth.log_in(request).await }
    };
    match caller.settle("LogIn", email, make).await.answer {
        Answer::Done(response) => match response.result {
            Some(LogInResult::Tokens(tokens)) => Some(tokens),
            _ => None,
        },
        Answer::Refused(refusal) => {
            let text = format!("LogIn was refused: {refusal}");
            caller.history.violate("accounts", email, text);
            sleep(Duration::from_millis(100)).await;
            None
        }
        Answer::Unknown => None,
    }
}
