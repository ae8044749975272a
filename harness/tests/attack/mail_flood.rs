//! Unwanted mail to somebody, and mail that an attacker wants to suppress.

use proto::auth::v1::{
    ChangeEmailRequest, ChangePasswordRequest, DeleteMeRequest, RequestPasswordResetRequest,
    SendEmailVerificationRequest, TokenPair,
};

use crate::pair::{Pair, Side, until};
use crate::user::{OTHER_PASSWORD, PASSWORD, bearer};

const STRANGER: &str = "stranger@example.com";
const CHANGED: &str = "Your password was changed";

async fn change_password(side: &Side, access: &str, current: &str, new: &str) {
    let request = ChangePasswordRequest {
        current_password: current.into(),
        new_password: new.into(),
    };
    let mut account = side.account.clone();
    let changed = account.change_password(bearer(request, access)).await;
    changed.unwrap();
}

async fn change_email(side: &Side, access: &str, new_email: &str) {
    let request = ChangeEmailRequest {
        current_password: PASSWORD.into(),
        new_email: new_email.into(),
        code: String::new(),
    };
    let mut account = side.account.clone();
    let changed = account.change_email(bearer(request, access)).await;
    changed.unwrap();
}

async fn ask_for_mail(side: &Side, email: &str) {
    let mut auth = side.auth.clone();
    let request = SendEmailVerificationRequest {
        email: email.into(),
    };
    auth.send_email_verification(request).await.unwrap();
    let request = RequestPasswordResetRequest {
        email: email.into(),
    };
    auth.request_password_reset(request).await.unwrap();
}

async fn delete(side: &Side, access: &str) {
    let request = DeleteMeRequest {
        current_password: PASSWORD.into(),
    };
    let mut account = side.account.clone();
    account.delete_me(bearer(request, access)).await.unwrap();
}

/// Returns when no mail waits.
pub(crate) async fn all_sent(pair: &Pair) {
    let db = sqlx::PgPool::connect_with(pair.database.admin())
        .await
        .unwrap();
    until("the outbox is empty", async || {
        let sql = "SELECT count(*) FROM auth.outbox";
        let waiting: i64 = sqlx::query_scalar(sql).fetch_one(&db).await.unwrap();
        (waiting == 0).then_some(())
    })
    .await;
}

/// Every call that sends mail, by an account that squats the address.
async fn make_mail(side: &Side, other: &Side) {
    let TokenPair { access_token, .. } = side.user(STRANGER).await;
    for _ in 0..2 {
        change_password(side, &access_token, PASSWORD, OTHER_PASSWORD).await;
        change_password(other, &access_token, OTHER_PASSWORD, PASSWORD).await;
    }
    ask_for_mail(other, STRANGER).await;
    change_email(side, &access_token, "attacker@example.com").await;
    change_email(other, &access_token, STRANGER).await;
    ask_for_mail(side, STRANGER).await;
    delete(other, &access_token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_address_gets_five_mails_whatever_is_called() {
    let pair = Pair::start().await;
    // If an account is deleted before a sender runs, no mail is sent at all.
    let first = pair.side(0).user(STRANGER).await;
    let confirm = "Confirm your e-mail address";
    pair.mailbox.token(STRANGER, confirm).await;
    delete(&pair.side(1), &first.access_token).await;

    for number in 0..6 {
        make_mail(&pair.side(number), &pair.side(number + 1)).await;
    }
    all_sent(&pair).await;

    let count = pair.mailbox.count(STRANGER, "");

    assert!((1..=5).contains(&count), "{count} mails");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_silences_a_notice_by_asking_for_mail() {
    let pair = Pair::start().await;
    let ada = "ada@example.com";
    let access = pair.side(0).user(ada).await.access_token;
    let token = pair.mailbox.token(ada, "Confirm your e-mail address").await;
    pair.side(1).verify_email(token, &access).await.unwrap();

    for number in 0..20 {
        ask_for_mail(&pair.side(number), ada).await;
    }
    change_password(&pair.side(0), &access, PASSWORD, OTHER_PASSWORD).await;

    all_sent(&pair).await;
    assert_eq!(pair.mailbox.count(ada, CHANGED), 1);
    let asked_for = pair.mailbox.count(ada, "") - 1;
    assert!((1..=5).contains(&asked_for), "{asked_for}");
}
