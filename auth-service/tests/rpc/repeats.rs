//! Calls of administrators that are repeated because their response was lost.

use crate::admin::Admin;
use crate::app::{App, refusal};
use crate::programs::{asks, issue};

const FIRST: &str = "5f0c2a1b-e4d7-498f-a36b-1c9d8e2f7041";
const SECOND: &str = "9b3e71d0-2c58-4f6a-8d14-e0a7c5b2936f";
const THIRD: &str = "c82d4f17-90ab-4e63-b75c-16f3d8a0e925";

async fn works(app: &App, secret: &str) -> bool {
    issue(app, asks("mailer", secret, &[])).await.is_ok()
}

#[tokio::test]
async fn a_rotation_that_is_repeated_gets_the_same_secret_and_ends_none() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    let (_, running) = by.create("mailer", &["contacts.read"]).await.unwrap();
    app.advance(1);
    let rotated = by.rotate_secret_as("mailer", FIRST).await.unwrap();

    for _ in 0..3 {
        app.advance(60);
        let again = by.rotate_secret_as("mailer", FIRST).await.unwrap();
        assert_eq!(again, rotated);
    }

    assert!(works(&app, &running).await && works(&app, &rotated).await);
    let audit = app.audit().await;
    let rotations = audit
        .iter()
        .filter(|kind| *kind == "service_account_secret_rotated");
    assert_eq!(rotations.count(), 1);
}

#[tokio::test]
async fn repeats_at_once_make_one_secret() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    let (_, running) = by.create("mailer", &["contacts.read"]).await.unwrap();
    app.advance(1);

    let (a, b, c) = tokio::join!(
        by.rotate_secret_as("mailer", FIRST),
        by.rotate_secret_as("mailer", FIRST),
        by.rotate_secret_as("mailer", FIRST),
    );

    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert!(a == b && b == c);
    assert!(works(&app, &running).await && works(&app, &a).await);
}

#[tokio::test]
async fn a_repeat_brings_no_secret_back_that_ended() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    by.create("mailer", &["contacts.read"]).await.unwrap();
    let mut secrets = Vec::new();
    for id in [FIRST, SECOND, THIRD] {
        app.advance(1);
        secrets.push(by.rotate_secret_as("mailer", id).await.unwrap());
    }
    assert!(!works(&app, &secrets[0]).await);

    app.advance(1);
    let late = by.rotate_secret_as("mailer", FIRST).await.unwrap();

    assert_ne!(late, secrets[0]);
    assert!(!works(&app, &secrets[0]).await);
}

#[tokio::test]
async fn an_account_that_is_made_again_is_the_same_for_the_same_caller_alone() {
    let app = App::start().await;
    let by = Admin::new(&app, "root@example.org").await;
    let other = Admin::new(&app, "admin@example.org").await;
    let made = by
        .create_as("mailer", &["contacts.read"], FIRST)
        .await
        .unwrap();

    let again = by.create_as("mailer", &["contacts.read"], FIRST).await;
    assert_eq!(again.unwrap(), made);
    for refused in [
        other.create_as("mailer", &["contacts.read"], FIRST).await,
        by.create_as("mailer", &["contacts.write"], FIRST).await,
        by.create_as("mailer", &["contacts.read"], SECOND).await,
        by.create_as("mailer", &["contacts.read"], "").await,
    ] {
        assert_eq!(refusal(refused), "SERVICE_ACCOUNT_TAKEN");
    }
}
