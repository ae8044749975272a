//! What the database stores of second factors.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::settings::keyring::generate_line;
use tonic::Code;

use crate::app::{App, PASSWORD};
use crate::at_rest::dump;
use crate::authenticator::Authenticator;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

#[tokio::test]
async fn nothing_that_opens_the_account_is_stored() {
    let app = App::start().await;
    let tokens = app.confirmed(ADA).await;
    let enrolled = app.enroll(&tokens.access_token, PASSWORD).await.unwrap();
    let ada = app.secured(BOB).await;
    let challenge = app.challenge(BOB).await;

    let dump = dump(&app).await;

    let secret = Authenticator::scan(&enrolled.otpauth_uri);
    let mut usable = vec![
        enrolled.secret.clone(),
        hex::encode(&enrolled.secret),
        hex::encode(secret.secret()),
        hex::encode(ada.authenticator.secret()),
        challenge.id.clone(),
        hex::encode(&challenge.id),
        hex::encode(&BASE64_URL_SAFE_NO_PAD.decode(&challenge.id[4..]).unwrap()[16..]),
    ];
    for code in &ada.recovery_codes {
        let bare = code.replace('-', "");
        let hash = chassis::sha256::sha256(bare.as_bytes());
        usable.extend([code.clone(), hex::encode(&bare), hex::encode(hash), bare]);
    }
    for usable in usable {
        assert!(!dump.contains(&usable), "{usable}");
    }
    // Checks that the dump would contain it.
    let hash = chassis::sha256::sha256(challenge.id.as_bytes());
    assert!(dump.contains(&hex::encode(hash)));
}

#[tokio::test]
async fn a_secret_put_in_another_users_row_does_not_open() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    app.secured(BOB).await;
    app.sql(
        "UPDATE auth.totp_secrets SET secret_sealed = (
             SELECT s.secret_sealed FROM auth.totp_secrets AS s
             JOIN auth.users AS u ON u.id = s.user_id
             WHERE u.email = 'ada@example.com')",
    )
    .await;
    let challenge = app.challenge(BOB).await;

    let status = app
        .answer(&challenge.id, &ada.code(&app))
        .await
        .unwrap_err();

    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("app"), "{status:?}");
}

#[tokio::test]
async fn a_code_seals_the_secret_under_the_newest_key() {
    let app = App::start().await;
    let ada = app.secured(ADA).await;
    app.add_key(&generate_line(2).unwrap());
    let newer = app.replica().await;
    let sealed_with = async || -> i32 {
        let sql = "SELECT get_byte(secret_sealed, 0) FROM auth.totp_secrets";
        sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap()
    };
    assert_eq!(sealed_with().await, 1);

    let challenge = newer.challenge(ADA).await;
    newer.answer(&challenge.id, &ada.code(&app)).await.unwrap();

    assert_eq!(sealed_with().await, 2);
    app.advance(30);
    let challenge = newer.challenge(ADA).await;
    newer.answer(&challenge.id, &ada.code(&app)).await.unwrap();
}

#[tokio::test]
async fn an_unanswered_challenge_is_forgotten() {
    let app = App::start().await;
    app.secured(ADA).await;
    app.challenge(ADA).await;
    app.sql("TRUNCATE auth.throttles").await;
    let purge = async || {
        let (life, now) = (chrono::TimeDelta::minutes(11), app.clock().now());
        let options = app.database.connect_options("auth_service");
        let db = sqlx::PgPool::connect_with(options).await.unwrap();
        auth_service::purge::batch(&db, life, now).await.unwrap()
    };

    app.advance(300);
    assert_eq!(purge().await, 0);
    app.advance(1);
    assert_eq!(purge().await, 1);
    assert_eq!(purge().await, 0);
}
