//! `ChangePassword`.

use proto::auth::v1::{ChangePasswordRequest, TokenPair};
use tonic::{Code, Status};

use crate::app::{App, OTHER_PASSWORD, PASSWORD, bearer, fields, reason, refusal};

pub(crate) async fn change(
    app: &App,
    access: &str,
    current: &str,
    new: &str,
) -> Result<TokenPair, Status> {
    let request = ChangePasswordRequest {
        current_password: current.into(),
        new_password: new.into(),
    };
    let mut account = app.account.clone();
    let answer = account.change_password(bearer(request, access)).await?;
    Ok(answer.into_inner().tokens.unwrap())
}

#[tokio::test]
async fn a_new_password_replaces_the_old_and_ends_the_other_sessions() {
    let app = App::start().await;
    let mine = app.user("ada@example.org").await;
    let other = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    let bob = app.user("bob@example.org").await;

    let next = change(&app, &mine.access_token, PASSWORD, OTHER_PASSWORD)
        .await
        .unwrap();

    assert_eq!(
        refusal(app.refresh(&other.refresh_token).await),
        "SESSION_REVOKED"
    );
    assert_eq!(
        refusal(app.get_me(&other.access_token).await),
        "TOKEN_REVOKED"
    );
    assert_eq!(next.session_id, mine.session_id);
    app.get_me(&next.access_token).await.unwrap();
    app.refresh(&next.refresh_token).await.unwrap();
    app.refresh(&bob.refresh_token).await.unwrap();
    assert_eq!(
        refusal(app.log_in("ada@example.org", PASSWORD).await),
        "INVALID_CREDENTIALS"
    );
    app.log_in("ada@example.org", OTHER_PASSWORD).await.unwrap();
    assert!(app.audit().await.contains(&"password_changed".to_owned()));
}

/// Including one that was just replaced, with a `request_id` or within the grace period.
#[tokio::test]
async fn a_copy_of_the_calling_sessions_refresh_token_is_of_no_use_after_the_change() {
    let app = App::start().await;
    for is_older in [false, true] {
        let email = format!("ada.{is_older}@example.org");
        let mut mine = app.user(&email).await;
        let stolen = mine.refresh_token.clone();
        let id = "0d2f4c61-7f0b-4c39-9a35-4a8e7bb0d5e1";
        if is_older {
            let refreshed = app.refresh_as(&stolen, id).await.unwrap();
            mine = refreshed.tokens.unwrap();
        }

        let next = change(&app, &mine.access_token, PASSWORD, OTHER_PASSWORD).await;

        let by_thief = app.refresh_as(&stolen, id).await;
        assert_eq!(refusal(by_thief), "REFRESH_TOKEN_REUSED");
        let next = app.refresh(&next.unwrap().refresh_token).await;
        assert_eq!(refusal(next), "SESSION_REVOKED");
    }
}

#[tokio::test]
async fn a_wrong_current_password_changes_nothing() {
    let app = App::start().await;
    let mine = app.user("ada@example.org").await;
    let other = app.log_in("ada@example.org", PASSWORD).await.unwrap();

    for wrong in ["", "not-the-password", &"7q".repeat(600)] {
        let status = change(&app, &mine.access_token, wrong, OTHER_PASSWORD)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    }

    app.log_in("ada@example.org", PASSWORD).await.unwrap();
    app.refresh(&other.refresh_token).await.unwrap();
    assert_eq!(app.audited("password_change_failed").await, 3);
}

#[tokio::test]
async fn the_policy_holds_for_the_new_password() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;

    for (new, expected) in [
        ("short", "PASSWORD_TOO_SHORT"),
        (&*"7q".repeat(600), "PASSWORD_TOO_LONG"),
        ("passwordpassword", "PASSWORD_COMMON"),
        ("my-ada-likes-maths", "PASSWORD_CONTEXT"),
    ] {
        let status = change(&app, &access, PASSWORD, new).await.unwrap_err();
        assert_eq!(reason(&status), expected);
        assert_eq!(fields(&status), ["new_password"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_changes_at_once_one_wins() {
    let app = App::start().await;
    let access = app.user("ada@example.org").await.access_token;
    let held = app.begin_with("SELECT 1 FROM auth.emails FOR UPDATE").await;

    let (first, second, ()) = tokio::join!(
        change(&app, &access, PASSWORD, OTHER_PASSWORD),
        change(&app, &access, PASSWORD, "silver-orchard-77"),
        async {
            app.waiting_for_a_lock(2).await;
            held.rollback().await.unwrap();
        }
    );

    let (won, lost) = if first.is_ok() {
        (first, second)
    } else {
        (second, first)
    };
    won.unwrap();
    assert_eq!(refusal(lost), "ACCOUNT_CHANGED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_log_in_with_the_old_password_does_not_slip_past_the_change() {
    let app = App::start().await;
    app.user("ada@example.org").await;
    let changing = app
        .begin_with("UPDATE auth.emails SET password_version = password_version + 1")
        .await;

    // The password is checked and correct; then the change commits.
    let (answer, ()) = tokio::join!(app.log_in("ada@example.org", PASSWORD), async {
        app.waiting_for_a_lock(1).await;
        changing.commit().await.unwrap();
    });

    assert_eq!(refusal(answer), "ACCOUNT_CHANGED");
}
