//! Signing keys that may have leaked.

use auth_service::model::signing_key::Algorithm;
use auth_service::signing_keys;
use chassis::settings::keyring::{KeyRing, generate_line};
use tonic::Code;

use crate::app::{App, PASSWORD, refusal};
use crate::signing_keys::{
    ADA, FLAGS, change, key_that_is, keys, kid, pool, published, rotate, sealed_bytes, states,
    until_not_published, until_published, until_signs,
};

/// Stages a key, and advances the clock past its staging; returns its kid when it signs.
async fn rotate_fully(app: &App) -> String {
    let new = rotate(app).await;
    until_published(app, &new).await;
    app.advance(20);
    until_signs(app, &new).await;
    new
}

#[tokio::test]
async fn the_tokens_of_a_revoked_key_are_refused_and_a_new_one_signs() {
    let app = App::alone(&FLAGS).await;
    let tokens = app.user(ADA).await;
    let stolen = kid(&tokens.access_token);
    let (db, ring, clock) = (pool(&app), app.ring(), app.clock());
    let revoke = async |kid: &str| {
        signing_keys::revoke(change(&db).await, &ring, Algorithm::EdDsa, kid, &clock)
            .await
            .unwrap()
    };

    app.get_me(&tokens.access_token).await.unwrap();
    assert!(!revoke("unknown").await);
    assert!(revoke(&stolen).await);
    assert!(!revoke(&stolen).await);

    assert_eq!(states(&app).await.len(), 2);
    let new = key_that_is(&app, "active").await;
    assert_eq!(key_that_is(&app, "revoked").await, stolen);
    assert_eq!(sealed_bytes(&app, &stolen).await, 0);
    until_not_published(&app, &stolen).await;
    assert_eq!(
        refusal(app.get_me(&tokens.access_token).await),
        "TOKEN_INVALID"
    );
    let fresh = app.refresh(&tokens.refresh_token).await.unwrap();
    let fresh = fresh.tokens.unwrap().access_token;
    assert_eq!(kid(&fresh), new);
    app.get_me(&fresh).await.unwrap();
    assert_eq!(
        app.key_audit().await,
        [
            "signing_key_activated",
            "signing_key_revoked",
            "signing_key_activated"
        ]
    );
}

#[tokio::test]
async fn the_staged_key_takes_the_place_of_a_revoked_one() {
    let app = App::alone(&FLAGS).await;
    let stolen = kid(&app.user(ADA).await.access_token);
    let (db, ring, clock) = (pool(&app), app.ring(), app.clock());
    let next = rotate(&app).await;

    let change = change(&db).await;
    let revoked = signing_keys::revoke(change, &ring, Algorithm::EdDsa, &stolen, &clock).await;

    assert!(revoked.unwrap());
    let mut after = keys(&app).await;
    after.sort();
    let mut expected = [
        (stolen, "revoked".to_owned()),
        (next.clone(), "active".to_owned()),
    ];
    expected.sort();
    assert_eq!(after, expected);
    until_signs(&app, &next).await;
}

#[tokio::test]
async fn a_staged_or_retiring_key_can_be_revoked_and_the_active_one_signs_on() {
    let app = App::alone(&FLAGS).await;
    let first = app.user(ADA).await.access_token;
    let (db, ring) = (pool(&app), app.ring());
    let active = rotate_fully(&app).await;
    let staged = rotate(&app).await;
    app.get_me(&first).await.unwrap();

    for kid in [&kid(&first), &staged] {
        let clock = app.clock();
        let change = change(&db).await;
        let revoked = signing_keys::revoke(change, &ring, Algorithm::EdDsa, kid, &clock).await;
        assert!(revoked.unwrap());
        until_not_published(&app, kid).await;
    }

    assert_eq!(refusal(app.get_me(&first).await), "TOKEN_INVALID");
    let access = app.log_in(ADA, PASSWORD).await.unwrap().access_token;
    assert_eq!(kid(&access), active);
    assert_eq!(published(&app).await, [active]);
}

/// This key file lacks the line that decrypts the successor.
#[tokio::test]
async fn a_revoked_key_does_not_sign_on_where_its_successor_does_not_open() {
    let app = App::alone(&FLAGS).await;
    let tokens = app.user(ADA).await;
    let (stolen, clock) = (kid(&tokens.access_token), app.clock());
    let foreign = KeyRing::parse(&generate_line(2).unwrap()).unwrap();

    let change = change(&pool(&app)).await;
    let revoked = signing_keys::revoke(change, &foreign, Algorithm::EdDsa, &stolen, &clock).await;

    assert!(revoked.unwrap());
    until_not_published(&app, &stolen).await;
    let refused = app.get_me(&tokens.access_token).await;
    assert_eq!(refusal(refused), "TOKEN_INVALID");
    let status = app.log_in(ADA, PASSWORD).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
}
