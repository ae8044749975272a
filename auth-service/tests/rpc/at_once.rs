//! Calls with the correct password that change one account at the same time. None of them
//! fails because of a wrong password, and no failure is recorded.

use tonic::Status;

use crate::app::{App, PASSWORD, reason};
use crate::change_email::{change as change_email, confirm, token_for};
use crate::change_password::change as change_password;
use crate::deletion::delete;
use crate::email_verification::verify;

const ADA: &str = "ada@example.com";
const LOVELACE: &str = "lovelace@example.com";

/// What somebody does with the correct password.
#[derive(Clone, Copy, Debug)]
enum Act {
    LogIn,
    ChangePassword,
    ChangeEmail,
    VerifyEmail,
    Enroll,
    DeleteMe,
}

impl Act {
    async fn run(self, app: &App, access: &str, token: &str) -> Result<(), Status> {
        match self {
            Self::LogIn => app.log_in(ADA, PASSWORD).await.map(drop),
            // Another version of the same password, which stays the correct one.
            Self::ChangePassword => change_password(app, access, PASSWORD, PASSWORD)
                .await
                .map(drop),
            Self::ChangeEmail => {
                let changed = change_email(app, access, PASSWORD, "ada.king@example.com").await;
                changed.map(drop)
            }
            Self::VerifyEmail => verify(app, token).await,
            Self::Enroll => app.enroll(access, PASSWORD).await.map(drop),
            Self::DeleteMe => delete(app, access, PASSWORD).await,
        }
    }
}

fn said(answer: Result<(), Status>) -> String {
    answer.map_or_else(|status| reason(&status), |()| "OK".to_owned())
}

/// The audit events of wrong passwords.
async fn failures(app: &App) -> Vec<String> {
    let mut kinds = app.audit().await;
    kinds.retain(|kind| kind.ends_with("_failed"));
    kinds
}

/// An access token, and a token that verifies the e-mail that the account requested.
async fn account(app: &App) -> (String, String) {
    let access = app.confirmed(ADA).await.access_token;
    change_email(app, &access, PASSWORD, LOVELACE)
        .await
        .unwrap();
    let token = token_for(app, LOVELACE).await;
    (access, token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_is_overtaken_is_told_to_retry() {
    for late in [
        Act::LogIn,
        Act::ChangePassword,
        Act::ChangeEmail,
        Act::Enroll,
        Act::DeleteMe,
    ] {
        let app = App::start().await;
        let (access, token) = account(&app).await;
        let held = app.begin_with("SELECT FROM auth.emails FOR UPDATE").await;

        let (first, second, ()) = tokio::join!(
            Act::ChangePassword.run(&app, &access, &token),
            async {
                app.waiting_for_a_lock(1).await;
                late.run(&app, &access, &token).await
            },
            async {
                app.waiting_for_a_lock(2).await;
                held.rollback().await.unwrap();
            }
        );

        let answers = (said(first), said(second));
        let expected = ("OK".to_owned(), "ACCOUNT_CHANGED".to_owned());
        assert_eq!(answers, expected, "{late:?}");
        assert_eq!(failures(&app).await, [""; 0], "{late:?}");
    }
}

/// The account gets another e-mail after the call has begun, before the password is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_whose_account_moves_away_is_told_to_retry() {
    for late in [Act::ChangePassword, Act::ChangeEmail, Act::DeleteMe] {
        let app = App::start().await;
        let (access, token) = account(&app).await;
        let mut held = app.db.begin().await.unwrap();
        // A password is counted before it is read.
        sqlx::query("LOCK TABLE auth.throttles IN ACCESS EXCLUSIVE MODE")
            .execute(&mut *held)
            .await
            .unwrap();

        let (late_answer, ()) = tokio::join!(late.run(&app, &access, &token), async {
            app.waiting_for_a_lock(1).await;
            // Its notice is counted as well.
            sqlx::query("UPDATE auth.users SET email_verified = false")
                .execute(&app.db)
                .await
                .unwrap();
            confirm(&app, &access, &token).await.unwrap();
            held.rollback().await.unwrap();
        });

        assert_eq!(said(late_answer), "ACCOUNT_CHANGED", "{late:?}");
        assert_eq!(failures(&app).await, [""; 0], "{late:?}");
        app.log_in(LOVELACE, PASSWORD).await.unwrap();
    }
}

/// As many at once as the throttle admits, over two services.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_calls_at_once_none_is_told_that_the_password_is_wrong() {
    let app = App::start().await;
    let replica = app.replica().await;
    for round in 0..20 {
        let (access, token) = account(&app).await;
        let acts = [
            Act::ChangePassword,
            [Act::ChangePassword, Act::ChangeEmail][round % 2],
            [Act::VerifyEmail, Act::DeleteMe][round / 2 % 2],
        ];
        let (first, second, third) = tokio::join!(
            acts[0].run(&app, &access, &token),
            acts[1].run(&replica, &access, &token),
            acts[2].run(&app, &access, &token),
        );

        let answers = [first, second, third].map(said);
        let known = [
            "OK",
            "ACCOUNT_CHANGED",
            "TOKEN_REVOKED",
            "EMAIL_TOKEN_INVALID",
        ];
        let is_known = |answer: &String| known.contains(&&**answer);
        assert!(answers.iter().all(is_known), "{acts:?}: {answers:?}");
        assert!(answers.contains(&"OK".to_owned()), "{acts:?}: {answers:?}");
        assert_eq!(failures(&app).await, [""; 0], "{acts:?}: {answers:?}");
        app.sql("TRUNCATE auth.emails, auth.users, auth.throttles, auth.email_tokens")
            .await;
    }
}
