//! Confirming an e-mail: who has the token has read the mailbox.

use chrono::{DateTime, Utc};

use crate::accounts::Accounts;
use crate::audit::Kind;
use crate::email_tokens::{self, Purpose};
use crate::error::{Error, Result};
use crate::store;
use crate::store::audit::Event;

impl Accounts {
    /// Confirms the e-mail that a token was mailed to, while the account has it.
    pub async fn verify_email(&self, token: &str, ip: &str, now: DateTime<Utc>) -> Result<()> {
        let token = email_tokens::parse(token).ok_or(Error::EmailTokenInvalid)?;
        let mut tx = self.db.begin().await?;
        let spent = store::email_tokens::spend(&mut *tx, &token, Purpose::Verification, now)
            .await?
            .ok_or(Error::EmailTokenInvalid)?;
        store::users::confirm_email(&mut *tx, token.user_id, &spent.email, now)
            .await?
            .ok_or(Error::EmailTokenInvalid)?;
        let event = Event::new(token.user_id, Kind::EmailVerified, ip);
        store::audit::insert(&mut *tx, event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
