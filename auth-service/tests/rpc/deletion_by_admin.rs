//! `DeleteUser`, and administrators who go.

use crate::admin::Admin;
use crate::app::{App, PASSWORD, refusal};
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
    let gone = texts(&app, "SELECT user_id::text FROM auth.deleted_users");
    assert_eq!(gone.await, [user.id]);
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
