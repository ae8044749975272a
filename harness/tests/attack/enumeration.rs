//! Whether a response reveals if an e-mail has an account. `cargo dev load --goals`
//! measures time.

use std::fmt::Debug;

use proto::auth::v1::{RequestPasswordResetRequest, SendEmailVerificationRequest};
use tonic::{Response, Status};

use crate::app::Secured;
use crate::pair::Pair;
use crate::user::OTHER_PASSWORD;

/// Everything of a response that a client sees.
fn seen<T: Debug>(answer: Result<Response<T>, Status>) -> String {
    match answer {
        Ok(answer) => format!(
            "{:?} {:?}",
            answer.get_ref(),
            header_names(answer.metadata())
        ),
        Err(status) => format!(
            "{:?} {:?} {:?} {:?}",
            status.code(),
            status.message(),
            status.details(),
            header_names(status.metadata()),
        ),
    }
}

/// The values contain the date and the id of the call.
fn header_names(metadata: &tonic::metadata::MetadataMap) -> Vec<String> {
    let mut names: Vec<_> = metadata
        .keys()
        .map(|key| match key {
            tonic::metadata::KeyRef::Ascii(key) => key.to_string(),
            tonic::metadata::KeyRef::Binary(key) => key.to_string(),
        })
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn known_and_unknown_emails_have_the_same_answers_to_the_byte() {
    let pair = Pair::start().await;
    let known = "ada@example.com";
    let secured = "bob@example.com";
    pair.side(0).sign_up(known).await.unwrap();
    Secured::new(&pair, &pair.side(0), secured).await;
    let mut all = Vec::new();

    for email in [known, secured, "unknown@example.com"] {
        let mut answers = Vec::new();
        for side in &pair.sides {
            let mut auth = side.auth.clone();
            let request = proto::auth::v1::LogInRequest {
                email: email.into(),
                password: OTHER_PASSWORD.into(),
                ..Default::default()
            };
            answers.push(seen(auth.log_in(request).await));
            let email = email.to_owned();
            let request = SendEmailVerificationRequest {
                email: email.clone(),
            };
            answers.push(seen(auth.send_email_verification(request).await));
            let request = RequestPasswordResetRequest { email };
            answers.push(seen(auth.request_password_reset(request).await));
        }
        all.push(answers);
    }

    assert_eq!(all[0], all[2]);
    assert_eq!(all[1], all[2]);
    assert!(all[0][0].contains("INVALID") || all[0][0].contains("Unauthenticated"));
}
