//! Resets the password with a token from a mail.
//!
//! Tokens, e-mails, users and sessions are locked in this order, also when the e-mail
//! changes, to avoid deadlocks.

use chassis::clock::Clock;
use chassis::serve::deadline::Deadline;

use crate::accounts::Accounts;
use crate::accounts::claim;
use crate::error::{Error, Result};
use crate::mail::{About, Topic};
use crate::model::audit::Kind;
use crate::model::email::Email;
use crate::model::email_tokens::{self, Purpose};
use crate::passwords::Password;
use crate::passwords::credentials::new_password_version;
use crate::passwords::hasher::Turn;
use crate::store;
use crate::store::audit::Event;
use crate::store::emails::PasswordRef;

impl Accounts {
    /// Sets a new password and revokes every session. Of several calls with one token one
    /// succeeds; a refused password does not use up the token.
    pub async fn reset_password(
        &self,
        token: &str,
        new_password: &str,
        ip: &str,
        deadline: Deadline,
        clock: &Clock,
    ) -> Result<()> {
        let now = clock.now();
        let invalid = || Error::ResetTokenInvalid;
        let token = email_tokens::parse(token).ok_or_else(invalid)?;
        // Before hashing, so that a forged token costs no hash.
        let bound = store::email_tokens::get(&self.db, &token, Purpose::Reset, now)
            .await?
            .ok_or_else(invalid)?;
        let email = Email::parse(&bound.email)?;
        let password = Password::choose(new_password, "new_password", &email)?;
        let hash = self.passwords.hash(password, Turn::First, deadline).await?;

        let (user_id, address) = (token.user_id, email.as_str());
        let version = new_password_version()?;
        let mut tx = self.db.begin().await?;
        let spent = store::email_tokens::spend(&mut *tx, &token, Purpose::Reset, now)
            .await?
            .ok_or_else(invalid)?;
        let old = PasswordRef {
            email: address,
            user_id,
            version: spent.password_version,
        };
        if !store::emails::set_password(&mut *tx, old, version, &hash).await? {
            return Err(invalid());
        }
        let before = store::users::lock_for_change(&mut *tx, user_id).await?;
        // Reading the mailbox also verifies the e-mail.
        let user = store::users::confirm_email(&mut *tx, user_id, address, now)
            .await?
            .ok_or_else(invalid)?;
        if before.is_some_and(|before| !before.email_verified) {
            // Otherwise somebody else's second factor would lock the owner of the mailbox
            // out.
            claim::take_over(&mut tx, user_id, ip, now).await?;
        }
        // A pending change of the e-mail was requested with the previous password.
        store::wanted_emails::forget(&mut *tx, user_id, now).await?;
        let kind = Kind::PasswordReset;
        store::session_ends::end_all(&mut tx, user_id, None, kind, clock).await?;
        // Read again, because the call may have waited for its hash.
        let now = clock.now();
        self.throttle.forgive(&mut tx, user_id, address).await?;
        let event = Event::new(user_id, kind, ip);
        store::audit::insert(&mut *tx, event, now).await?;
        self.mail
            .notify(&mut tx, &user, Topic::PasswordChanged, About { ip, now })
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
