//! The deletion of accounts that are neither verified nor used.

use std::time::Duration;

use auth_service::accounts::expiry::Expiry;
use auth_service::throttle::Throttle;
use chassis::database::pool::Pool;
use chrono::TimeDelta;

use crate::app::{App, PASSWORD, in_time, refusal};
use crate::deletion::texts;
use crate::mail_server::MailServer;

const DAY: i64 = 86_400;

/// Deletes what is due after 30 days.
async fn expire(app: &App) {
    let options = app.database.connect_options("auth_service");
    let db = Pool::new(options, 2, Duration::from_secs(3));
    let expiry = Expiry {
        after: TimeDelta::days(30),
        throttle: Throttle::new(db.clone(), &app.ring(), 300),
    };
    while expiry.batch(&db, &app.clock()).await.unwrap() > 0 {}
}

async fn emails(app: &App) -> Vec<String> {
    texts(app, "SELECT email FROM auth.users ORDER BY email").await
}

#[tokio::test]
async fn an_account_that_nobody_confirms_or_uses_ends() {
    let app = App::start().await;
    for name in ["admin", "confirmed", "squatted", "used"] {
        app.sign_up(&format!("{name}@example.com")).await.unwrap();
    }
    app.confirm_email("confirmed@example.com").await;
    app.sql("UPDATE auth.users SET roles = '{admin}' WHERE email LIKE 'admin@%'")
        .await;
    app.advance(29 * DAY);
    app.log_in("used@example.com", PASSWORD).await.unwrap();
    expire(&app).await;
    assert_eq!(emails(&app).await.len(), 4);

    app.advance(DAY + 1);
    expire(&app).await;

    let left = ["admin", "confirmed", "used"].map(|name| format!("{name}@example.com"));
    assert_eq!(emails(&app).await, left);
    assert_eq!(app.audited("user_expired").await, 1);
    app.sign_up("squatted@example.com").await.unwrap();
    // It was unused for the same time again.
    app.advance(30 * DAY + 1);
    expire(&app).await;
    assert_eq!(emails(&app).await, left[..2]);
}

/// For accounts of the previous version the time starts when they are first checked,
/// unless one of their addresses was ever verified.
#[tokio::test]
async fn an_account_from_before_has_the_whole_time() {
    let app = App::start().await;
    for email in ["ada@example.com", "bob@example.com"] {
        app.sign_up(email).await.unwrap();
    }
    app.sql(
        "UPDATE auth.users SET unconfirmed_since = NULL;
         INSERT INTO auth.audit_events (user_id, id, kind, event_time, ip)
         SELECT id, gen_random_uuid(), 'email_verified', create_time, ''
         FROM auth.users WHERE email LIKE 'bob@%'",
    )
    .await;
    app.advance(100 * DAY);
    expire(&app).await;
    assert_eq!(emails(&app).await.len(), 2);

    app.advance(30 * DAY + 1);
    expire(&app).await;

    assert_eq!(emails(&app).await, ["bob@example.com"]);
}

#[tokio::test]
async fn a_service_that_sends_mail_ends_them_by_itself_and_another_does_not() {
    let server = MailServer::start().await;
    for sends in [false, true] {
        let flags = ["--unverified-account-seconds=100"];
        let app = App::start_with(&[]).await;
        app.sign_up("ada@example.com").await.unwrap();
        app.advance(101);
        let mail = server.flags();
        let mail = mail.iter().map(String::as_str).filter(|_| sends);
        let flags: Vec<_> = flags.into_iter().chain(mail).collect();

        // The service starts with a purge.
        let _purges = app.replica_with(&flags).await;

        if sends {
            in_time("the account does not end", async || {
                emails(&app).await.is_empty().then_some(())
            })
            .await;
            let log_in = app.log_in("ada@example.com", PASSWORD).await;
            assert_eq!(refusal(log_in), "INVALID_CREDENTIALS");
        } else {
            app.log_in("ada@example.com", PASSWORD).await.unwrap();
        }
    }
}
