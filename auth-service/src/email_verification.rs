//! Confirming an e-mail: who has the token has read the mailbox.

use chrono::{DateTime, Utc};

use crate::accounts::Accounts;
use crate::audit::Kind;
use crate::email::Email;
use crate::email_tokens::{self, Purpose};
use crate::error::{Error, Result};
use crate::mail::{Letter, Topic};
use crate::store;
use crate::store::audit::Event;

impl Accounts {
    /// Asks for a mail with a token, by someone who proves nothing. Whether there is
    /// an account shows only when the mail is written, behind the answer: the call
    /// takes the same statements for every address. Too many are not sent.
    pub async fn ask_for_mail(
        &self,
        topic: Topic,
        email: &str,
        ip: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let Ok(email) = Email::parse(email) else {
            return Ok(());
        };
        let what = topic.name();
        if self
            .throttle
            .allow_mail(what, email.as_str(), ip, now)
            .await?
        {
            let letter = Letter::new(topic, &email, ip, now);
            self.outbox.put(&self.db, &letter).await?;
        }
        Ok(())
    }

    /// Confirms the e-mail that a token was mailed to, while the account has it.
    pub async fn verify_email(&self, token: &str, ip: &str, now: DateTime<Utc>) -> Result<()> {
        let token = email_tokens::parse(token).ok_or(Error::EmailTokenInvalid)?;
        let mut tx = self.db.begin().await?;
        let spent = store::email_tokens::spend(&mut *tx, &token, Purpose::Verification, now)
            .await?
            .ok_or(Error::EmailTokenInvalid)?;
        if !store::users::confirm_email(&mut *tx, token.user_id, &spent.email, now).await? {
            return Err(Error::EmailTokenInvalid);
        }
        let event = Event::new(token.user_id, Kind::EmailVerified, ip);
        store::audit::insert(&mut *tx, event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
