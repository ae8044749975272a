//! The mails to an owner about the second factor.

use crate::app::{PASSWORD, refusal};
use crate::mail::all_sent;
use crate::mail_server::MailServer;

const ADA: &str = "ada@example.com";
const ON: &str = "Two-step verification was turned on";
const OFF: &str = "Two-step verification was turned off";
const RENEWED: &str = "Your recovery codes were renewed";

#[tokio::test]
async fn each_change_of_the_second_factor_is_told_once() {
    let server = MailServer::start().await;
    let app = server.app().await;

    let ada = app.secured(ADA).await;
    let [on] = server.mailed(ADA, ON, 1).await.try_into().unwrap();
    let code = ada.code(&app);
    let codes = app.regenerate(ada.access(), PASSWORD, &code).await.unwrap();
    let [renewed] = server.mailed(ADA, RENEWED, 1).await.try_into().unwrap();
    let by = app.disable_totp(ada.access(), PASSWORD, &codes[0]).await;
    by.unwrap();
    let [off] = server.mailed(ADA, OFF, 1).await.try_into().unwrap();

    for mail in [on, renewed, off] {
        let call = "from 127.0.0.1 on 2027-01-15 at 08:00 UTC.";
        assert!(mail.text.contains(call), "{}", mail.text);
        for secret in ada.recovery_codes.iter().chain(&codes) {
            assert!(!mail.text.contains(secret));
        }
    }
}

#[tokio::test]
async fn what_is_refused_is_not_told() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let ada = app.secured(ADA).await;
    let wrong = ada.wrong_code(&app);

    let refused = app.confirm(ada.access(), &wrong).await;
    assert_eq!(refusal(refused), "TOTP_ENABLED");
    let refused = app.regenerate(ada.access(), PASSWORD, &wrong).await;
    assert_eq!(refusal(refused), "MFA_CODE_INVALID");
    let refused = app.disable_totp(ada.access(), PASSWORD, &wrong).await;
    assert_eq!(refusal(refused), "MFA_CODE_INVALID");

    server.mailed(ADA, ON, 1).await;
    all_sent(&app).await;
    for subject in [OFF, RENEWED] {
        assert_eq!(server.mailed(ADA, subject, 0).await.len(), 0);
    }
}
