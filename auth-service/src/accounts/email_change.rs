//! Changes the e-mail of an account.
//!
//! The account keeps its e-mail until the new mailbox has verified the new one, so a
//! mistyped address, or that of a stranger, never becomes the account's.

use uuid::Uuid;

use crate::accounts::Accounts;
use crate::error::{Error, Result};
use crate::mail::{About, Letter, Topic};
use crate::mfa::StepUp;
use crate::model::audit::Kind;
use crate::model::email::{Email, parse_field};
use crate::model::email_tokens::Purpose;
use crate::model::user::User;
use crate::model::user_token::UserToken;
use crate::passwords::Password;
use crate::passwords::credentials::{Attempt, Credentials, new_password_version};
use crate::store;
use crate::store::audit::Event;
use crate::store::emails::PasswordRef;

/// The e-mails of an account, before and after.
#[derive(Debug)]
pub struct EmailChange {
    old: Email,
    new: Email,
    /// The current password, as sent.
    current_password: Password,
}

impl EmailChange {
    /// Parses the request.
    pub fn parse(user: &User, current_password: &str, new_email: &str) -> Result<Self> {
        Ok(Self {
            old: Email::parse(&user.email)?,
            new: parse_field(new_email, "new_email")?,
            current_password: Password::claim(current_password),
        })
    }
}

impl Accounts {
    /// Stores the requested e-mail of the account, and mails a token to it. A later call
    /// replaces an earlier one; one for the account's own e-mail cancels it.
    pub async fn change_email(
        &self,
        user: User,
        session_id: Uuid,
        change: EmailChange,
        step_up: &StepUp<'_>,
        attempt: Attempt<'_>,
    ) -> Result<User> {
        let password = change.current_password.clone();
        let checked = self.passwords.check_own(&user, password, attempt).await?;
        if change.old == change.new {
            let kept = store::wanted_emails::forget(&self.db, user.id, attempt.now).await?;
            return Ok(kept.unwrap_or(user));
        }
        // Counted first, because everything after this reveals whether the new e-mail has
        // an account.
        self.throttle
            .attempt_email_change(user.id, attempt.now)
            .await?
            .map_err(|retry_after| Error::EmailChangeThrottled { retry_after })?;
        let done = self
            .ask_new_mailbox(&user, session_id, &change.new, &checked, step_up, attempt)
            .await;
        let done = step_up.noted(done, &user).await;
        if let Err(Error::EmailTaken) = done {
            let kind = Kind::EmailChangeTaken;
            let event = Event::new(user.id, kind, attempt.ip).session(session_id);
            store::audit::insert(&self.db, event, attempt.now).await?;
        }
        done
    }

    async fn ask_new_mailbox(
        &self,
        user: &User,
        session_id: Uuid,
        new: &Email,
        checked: &Credentials,
        step_up: &StepUp<'_>,
        Attempt { ip, now, .. }: Attempt<'_>,
    ) -> Result<User> {
        let counted = step_up.count(user).await?;
        // The new address can be anyone's, so the budget of requested mail applies.
        let mails = self.mail.may_ask(ip, now).await?;

        let mut tx = self.db.begin().await?;
        checked.lock(&mut tx).await?;
        if store::emails::get(&mut *tx, new.as_str()).await?.is_some() {
            return Err(Error::EmailTaken);
        }
        let until = now + Purpose::Verification.life();
        let changed = store::wanted_emails::set(&mut *tx, user.id, new.as_str(), until, now)
            .await?
            .ok_or(Error::UserMissing)?;
        step_up.spend(&mut tx, &changed, &counted).await?;
        let kind = Kind::EmailChangeRequested;
        let event = Event::new(user.id, kind, ip).session(session_id);
        store::audit::insert(&mut *tx, event, now).await?;
        if mails {
            let letter = Letter::of_new_email((user.id, session_id), new, ip, now);
            self.mail.put(&mut tx, &letter).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Replaces an account's e-mail with the requested one, which `token` proves, and
    /// notifies the previous address. If several accounts requested one address, only one
    /// gets it. Tokens that were mailed before, to either address, stop working.
    pub(crate) async fn move_account(
        &self,
        user: &User,
        token: &UserToken,
        Attempt { ip, now, .. }: Attempt<'_>,
    ) -> Result<()> {
        let invalid = || Error::EmailTokenInvalid;
        let (id, version) = (user.id, new_password_version()?);
        let mut tx = self.db.begin().await?;
        let spent = store::email_tokens::spend_all(&mut *tx, token, Purpose::Verification, now)
            .await?
            .ok_or_else(invalid)?;
        // The token is valid only while the password is the one with which the change was
        // requested.
        let old = PasswordRef {
            email: &user.email,
            user_id: id,
            version: spent.password_version,
        };
        if !store::emails::take(&mut *tx, old).await? {
            return Err(invalid());
        }
        if !store::emails::copy(&mut *tx, old, &spent.email, version).await? {
            return Err(Error::EmailTaken);
        }
        store::emails::delete(&mut *tx, old.email, id).await?;
        let before = store::users::lock_for_change(&mut *tx, id).await?;
        let before = before.ok_or_else(invalid)?;
        store::wanted_emails::take(&mut *tx, id, &spent.email, now)
            .await?
            .ok_or_else(invalid)?;
        let event = Event::new(id, Kind::EmailChanged, ip);
        store::audit::insert(&mut *tx, event, now).await?;
        // The notice comes last, as in every change of a user, because it locks a row,
        // too.
        self.mail
            .notify(&mut tx, &before, Topic::EmailChanged, About { ip, now })
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
