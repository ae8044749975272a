//! `DeleteUser`, and deletions of administrators.

use tonic::Status;

use crate::admin::Admin;
use crate::app::{App, PASSWORD, reason, refusal};
use crate::authenticator::PATIENT;
use crate::change_email::change;
use crate::deletion::{delete, texts};
use crate::programs;

#[tokio::test]
async fn an_administrator_ends_an_account_and_it_is_written_who_did() {
    let app = programs::app().await;
    let admin = Admin::new(&app, "root@example.org").await;
    let user = app.sign_up("ada@example.org").await.unwrap();
    let tokens = app.log_in("ada@example.org", PASSWORD).await.unwrap();

    admin.delete_user(&user.id).await.unwrap();

    assert_eq!(
        refusal(app.get_me(&tokens.access_token).await),
        "TOKEN_REVOKED"
    );
    let log_in = app.log_in("ada@example.org", PASSWORD).await;
    assert_eq!(refusal(log_in), "INVALID_CREDENTIALS");
    assert_eq!(refusal(admin.delete_user(&user.id).await), "USER_NOT_FOUND");
    let by = "SELECT actor_id::text FROM auth.audit_events WHERE kind = 'user_deleted'";
    assert_eq!(texts(&app, by).await.concat(), admin.id);
    let gone = texts(&app, "SELECT user_id::text FROM auth.deleted_users").await;
    assert_eq!(gone, [user.id]);
}

#[tokio::test]
async fn only_administrators_end_the_accounts_of_others() {
    let app = App::start().await;
    let admin = Admin::new(&app, "root@example.org").await;
    let user = app.sign_up("ada@example.org").await.unwrap();
    let tokens = app.log_in("ada@example.org", PASSWORD).await.unwrap();
    let ada = Admin::with(&app, tokens, user.id.clone());

    assert_eq!(
        refusal(ada.delete_user(&admin.id).await),
        "INSUFFICIENT_SCOPE"
    );
    assert_eq!(refusal(admin.delete_user(&admin.id).await), "OWN_ACCOUNT");
    assert_eq!(refusal(admin.delete_user("ada").await), "ID_INVALID");
    for there in [&ada, &admin] {
        app.get_me(&there.tokens.access_token).await.unwrap();
    }
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = App::start().await;
    let ada = Admin::new(&app, "ada@example.org").await;
    let bob = Admin::new(&app, "bob@example.org").await;

    delete(&app, &bob.tokens.access_token, PASSWORD)
        .await
        .unwrap();
    let last = delete(&app, &ada.tokens.access_token, PASSWORD).await;

    assert_eq!(refusal(last), "LAST_ADMINISTRATOR");
    app.log_in("ada@example.org", PASSWORD).await.unwrap();
}

/// A user's own call that locks several rows of the account.
#[derive(Clone, Copy, Debug)]
enum Write {
    LogIn,
    Enroll,
    ChangeEmail,
    DeleteMe,
}

impl Write {
    async fn run(self, app: &App, email: &str, access: &str) -> Result<(), Status> {
        match self {
            Self::LogIn => app.log_in(email, PASSWORD).await.map(drop),
            Self::Enroll => app.enroll(access, PASSWORD).await.map(drop),
            Self::ChangeEmail => {
                let new = format!("new-{email}");
                change(app, access, PASSWORD, &new).await.map(drop)
            }
            Self::DeleteMe => delete(app, access, PASSWORD).await,
        }
    }
}

/// Makes both wait for a row that both need, one after the other.
async fn in_turn<A, B>(
    app: &App,
    id: &str,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> (A, B) {
    let mut held = app.db.begin().await.unwrap();
    sqlx::query("SELECT FROM auth.users WHERE id = $1::uuid FOR UPDATE")
        .bind(id)
        .execute(&mut *held)
        .await
        .unwrap();
    let second = async {
        app.waiting_for_a_lock(1).await;
        second.await
    };
    let release = async {
        app.waiting_for_a_lock(2).await;
        held.rollback().await.unwrap();
    };
    let (first, second, ()) = tokio::join!(first, second, release);
    (first, second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_administrator_who_is_deleted_while_it_writes_is_in_nobodys_way() {
    let app = App::start_with(PATIENT).await;
    let root = Admin::new(&app, "root@example.com").await;
    for (write, late) in [
        (Write::LogIn, "OK"),
        (Write::Enroll, "OK"),
        (Write::ChangeEmail, "OK"),
        (Write::DeleteMe, "USER_NOT_FOUND"),
    ] {
        for deletion_first in [true, false] {
            let email = format!("{write:?}-{deletion_first}@example.com").to_lowercase();
            let ada = Admin::new(&app, &email).await;
            app.confirm_email(&email).await;
            let deletion = root.delete_user(&ada.id);
            let own = write.run(&app, &email, &ada.tokens.access_token);

            let (deleted, written) = if deletion_first {
                in_turn(&app, &ada.id, deletion, own).await
            } else {
                let (written, deleted) = in_turn(&app, &ada.id, own, deletion).await;
                (deleted, written)
            };

            let said = |answer: Result<(), Status>| {
                answer.map_or_else(|status| reason(&status), |()| "OK".to_owned())
            };
            let expected = if deletion_first {
                ("OK", "ACCOUNT_CHANGED")
            } else {
                (late, "OK")
            };
            let (deleted, written) = (said(deleted), said(written));
            assert_eq!((&*deleted, &*written), expected, "{write:?}");
        }
    }
}
