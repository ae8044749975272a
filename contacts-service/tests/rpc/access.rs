//! Who may call: every method requires a valid token with its scope.

use serde_json::json;
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, BOTH_SCOPES};
use crate::issuer::{Issuer, claims};
use crate::refusal::assert_refused;
use crate::wire;

const WRITING: [&str; 24] = [
    "CreateContact",
    "BatchCreateContacts",
    "UpdateContact",
    "BatchUpdateContacts",
    "DeleteContact",
    "BatchDeleteContacts",
    "UndeleteContact",
    "RestoreContact",
    "PurgeContacts",
    "CreateLabel",
    "UpdateLabel",
    "DeleteLabel",
    "ModifyLabelMembers",
    "IgnoreDuplicate",
    "UnignoreDuplicate",
    "MergeContacts",
    "UnmergeContacts",
    "UpdateSettings",
    "ImportContacts",
    "CreateShare",
    "UpdateShare",
    "DeleteShare",
    "SetPhoto",
    "DeletePhoto",
];

#[tokio::test]
async fn no_method_answers_without_a_token() {
    let app = App::start().await;

    for method in wire::methods() {
        let answer = wire::call(&app.channel, method.name(), None, Vec::new()).await;

        let challenge = answer.as_ref().unwrap_err().metadata();
        assert_eq!(challenge.get("www-authenticate").unwrap(), "Bearer");
        assert_refused(answer, Code::Unauthenticated, "TOKEN_MISSING");
    }
}

#[tokio::test]
async fn no_method_answers_to_a_bad_token() {
    let app = App::start().await;
    let another_issuer = Issuer::start().await;
    let forged = another_issuer.token(Uuid::now_v7(), BOTH_SCOPES);

    for method in wire::methods() {
        for token in ["", "x", "a.b.c", &forged] {
            let bearer = format!("Bearer {token}");
            let answer = wire::call(&app.channel, method.name(), Some(&bearer), vec![]).await;

            assert_refused(answer, Code::Unauthenticated, "TOKEN_INVALID");
        }
    }
}

#[tokio::test]
async fn a_token_that_says_something_wrong_is_refused() {
    let app = App::start().await;
    let user = Uuid::now_v7();
    let refusals = [
        ("exp", json!(1000), "TOKEN_EXPIRED"),
        ("aud", json!("billing"), "TOKEN_WRONG_AUDIENCE"),
        ("iss", json!("mallory"), "TOKEN_INVALID"),
        ("iat", json!(4_000_000_000_i64), "TOKEN_INVALID"),
        ("nbf", json!(4_000_000_000_i64), "TOKEN_INVALID"),
        ("sub", json!("ada"), "TOKEN_INVALID"),
        ("sub", json!(null), "TOKEN_INVALID"),
    ];

    for (claim, value, reason) in refusals {
        let mut claims = claims(user, BOTH_SCOPES);
        claims[claim] = value;
        let bearer = format!("Bearer {}", app.issuer.sign(&claims));
        let answer = wire::call(&app.channel, "ListContacts", Some(&bearer), vec![]).await;

        assert_refused(answer, Code::Unauthenticated, reason);
    }
}

#[tokio::test]
async fn every_method_wants_its_own_scope() {
    let app = App::start().await;

    for method in wire::methods() {
        let other = if WRITING.contains(&method.name()) {
            "contacts.read"
        } else {
            "contacts.write"
        };
        for scope in [other, "", "contacts", "contacts.readcontacts.write"] {
            let token = app.issuer.token(Uuid::now_v7(), scope);
            let bearer = format!("Bearer {token}");
            let answer = wire::call(&app.channel, method.name(), Some(&bearer), vec![]).await;

            assert_refused(answer, Code::PermissionDenied, "INSUFFICIENT_SCOPE");
        }
    }
}

#[tokio::test]
async fn a_method_is_content_with_its_own_scope() {
    let app = App::start().await;

    for method in wire::methods() {
        let scope = if WRITING.contains(&method.name()) {
            "contacts.write"
        } else {
            "contacts.read"
        };
        let token = app.issuer.token(app.plain_owner().user, scope);
        let bearer = format!("Bearer {token}");
        let answer = wire::call(&app.channel, method.name(), Some(&bearer), vec![]).await;

        let code = answer.err().map(|status| status.code());
        assert!(
            matches!(code, None | Some(Code::InvalidArgument)),
            "{code:?}"
        );
    }
}
