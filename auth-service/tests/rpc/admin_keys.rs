//! What administrators do with signing keys.

use proto::auth::v1::watch_revocations_response::Revoked;
use proto::auth::v1::{
    ListAuditEventsRequest, ListSigningKeysRequest, RevokeSigningKeyRequest,
    RotateSigningKeyRequest, SigningAlgorithm, SigningKey, SigningKeyState,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::admin::Admin;
use crate::app::{App, PASSWORD, refusal};
use crate::programs::{SECRET, secret_file, token};
use crate::revocations::{next, watch};
use crate::signing_keys::{FLAGS, key_that_is, kid, published, states};

async fn rotate(by: &Admin) -> (SigningKey, bool) {
    let request = by.asks(RotateSigningKeyRequest {});
    let answer = by.client.clone().rotate_signing_key(request).await.unwrap();
    let next = answer.into_inner();
    (next.key.unwrap(), next.already_staged)
}

pub(crate) async fn revoke(by: &Admin, kid: &str) -> Result<SigningKey, Status> {
    let request = by.asks(RevokeSigningKeyRequest { kid: kid.into() });
    let answer = by.client.clone().revoke_signing_key(request).await?;
    Ok(answer.into_inner().key.unwrap())
}

async fn list(by: &Admin) -> Vec<SigningKey> {
    let request = by.asks(ListSigningKeysRequest::default());
    let answer = by.client.clone().list_signing_keys(request).await;
    answer.unwrap().into_inner().keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rotations_asked_for_at_once_stage_one_key() {
    let app = App::alone(&FLAGS).await;
    let replica = app.replica_with(&FLAGS).await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let there = Admin::with(&replica, ada.tokens.clone(), ada.id.clone());
    app.advance(5);

    let (a, b, c, d) = tokio::join!(rotate(&ada), rotate(&there), rotate(&ada), rotate(&there));

    let asked = [a, b, c, d];
    let staged = key_that_is(&app, "staged").await;
    assert!(asked.iter().all(|(key, _)| key.kid == staged));
    assert_eq!(asked.iter().filter(|(_, before)| !before).count(), 1);
    assert_eq!(states(&app).await, ["active", "staged"]);
    let keys = list(&ada).await;
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0].kid, staged);
    assert_eq!(keys[0].state(), SigningKeyState::Staged);
    assert_eq!(keys[1].state(), SigningKeyState::Active);
    assert_eq!(keys[0].algorithm, "EdDSA");
    assert_eq!(keys[0].signing_algorithm(), SigningAlgorithm::Eddsa);
    let made = keys[1].create_time.unwrap().seconds;
    assert_eq!(keys[0].state_time.unwrap().seconds, made + 5);

    let events = ada
        .audit(ListAuditEventsRequest {
            kind: "signing_key_staged".into(),
            ..ListAuditEventsRequest::default()
        })
        .await;
    let (events, _) = events.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!((&events[0].detail, &events[0].actor_id), (&staged, &ada.id));
    assert_eq!(events[0].user_id, Uuid::nil().to_string());
}

#[tokio::test]
async fn a_key_that_was_stolen_is_taken_out() {
    let app = App::alone(&FLAGS).await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let stolen = kid(&ada.tokens.access_token);

    let revoked = revoke(&ada, &stolen).await.unwrap();

    assert_eq!(revoked.state(), SigningKeyState::Revoked);
    // Directly after the response, without waiting for the next reading of the keys.
    assert!(!published(&app).await.contains(&stolen));
    assert_eq!(refusal(revoke(&ada, &stolen).await), "TOKEN_INVALID");
    let signed = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    assert_ne!(kid(&signed.access_token), stolen);
    let ada = Admin::refreshed(&app, &ada.tokens, &ada.id).await;
    // A repeat succeeds, and records nothing.
    assert_eq!(revoke(&ada, &stolen).await.unwrap(), revoked);
    let audit = app.key_audit().await;
    let revocations = audit.iter().filter(|kind| *kind == "signing_key_revoked");
    assert_eq!(revocations.count(), 1);
    for nobodys in ["", "unknown", "a\0b", &"a".repeat(10_000)] {
        let status = revoke(&ada, nobodys).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound, "{status:?}");
    }
    assert_eq!(states(&app).await, ["active", "revoked"]);
}

#[tokio::test]
async fn a_key_that_is_asked_for_is_published_from_the_answer_on() {
    let app = App::alone(&FLAGS).await;
    let ada = Admin::new(&app, "ada@example.org").await;

    let (key, _) = rotate(&ada).await;

    assert!(published(&app).await.contains(&key.kid));
}

#[tokio::test]
async fn the_role_of_contacts_cannot_keep_keys_as_they_are() {
    let app = App::alone(&FLAGS).await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let contacts = app.database.connect_options("contacts_service");
    let mut contacts = PgConnection::connect_with(&contacts).await.unwrap();
    // Any role can take such a lock; "signkeys" in ASCII was formerly the lock of the
    // keys.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(0x7369_676e_6b65_7973_i64)
        .execute(&mut contacts)
        .await
        .unwrap();

    let (key, _) = rotate(&ada).await;

    assert!(published(&app).await.contains(&key.kid));
    for mode in ["ACCESS SHARE", "SHARE ROW EXCLUSIVE"] {
        let lock = format!("BEGIN; LOCK TABLE auth.signing_keys IN {mode} MODE");
        let refused = sqlx::raw_sql(AssertSqlSafe(lock))
            .execute(&mut contacts)
            .await;
        let refused = refused.unwrap_err();
        let code = refused.as_database_error().unwrap().code();
        assert_eq!(code.as_deref(), Some("42501"), "{refused}");
        sqlx::raw_sql("ROLLBACK")
            .execute(&mut contacts)
            .await
            .unwrap();
    }
}

/// A subscriber that receives a revoked key reads the keys of the service that sent it.
#[tokio::test]
async fn a_replica_has_taken_a_key_out_before_it_tells_of_it() {
    let (_file, secret) = secret_file(SECRET);
    let app = App::alone(&[FLAGS[0], FLAGS[1], &secret]).await;
    token(&app).await;
    let replica = app.replica_with(&FLAGS).await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let stolen = kid(&ada.tokens.access_token);
    let mut feed = watch(&replica, "").await;

    revoke(&ada, &stolen).await.unwrap();

    assert_eq!(next(&mut feed).await.0, [Revoked::KeyId(stolen.clone())]);
    assert!(!published(&replica).await.contains(&stolen));
    let signed = replica.log_in("ada@example.org", PASSWORD).await.unwrap();
    assert_ne!(kid(&signed.access_token), stolen);
}

#[tokio::test]
async fn keys_are_listed_page_by_page() {
    let app = App::alone(&FLAGS).await;
    let ada = Admin::new(&app, "ada@example.org").await;
    rotate(&ada).await;
    let whole = list(&ada).await;
    assert_eq!(whole.len(), 2);

    let mut pages = Vec::new();
    let mut request = ListSigningKeysRequest {
        page_size: 1,
        ..ListSigningKeysRequest::default()
    };
    loop {
        let mut client = ada.client.clone();
        let answer = client.list_signing_keys(ada.asks(request.clone())).await;
        let page = answer.unwrap().into_inner();
        assert_eq!(page.keys.len(), 1);
        pages.extend(page.keys);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }

    assert_eq!(pages, whole);
}
