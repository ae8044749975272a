//! Giving an account another e-mail.

use uuid::Uuid;

use crate::accounts::{Accounts, User};
use crate::audit::Kind;
use crate::credentials::{Attempt, new_password_version};
use crate::email::{Email, parse_field};
use crate::error::{Error, Result};
use crate::mail::{About, Letter, Topic};
use crate::password::Password;
use crate::store;
use crate::store::audit::Event;

/// The e-mails of an account, before and after.
#[derive(Debug)]
pub struct EmailChange {
    old: Email,
    new: Email,
    /// What the user says it is.
    current_password: Password,
}

impl EmailChange {
    /// Reads what came over the wire.
    pub fn parse(user: &User, current_password: &str, new_email: &str) -> Result<Self> {
        Ok(Self {
            old: Email::parse(&user.email)?,
            new: parse_field(new_email, "new_email")?,
            current_password: Password::claim(current_password),
        })
    }
}

impl Accounts {
    /// Changes the e-mail at once, and mails to both addresses. Of several accounts
    /// that want one address one wins. What was mailed to the old address before
    /// dies.
    pub async fn change_email(
        &self,
        user: User,
        session_id: Uuid,
        change: EmailChange,
        attempt: Attempt<'_>,
    ) -> Result<User> {
        let EmailChange { old, new, .. } = &change;
        let checked = self
            .check_own_password(&user, change.current_password.clone(), attempt)
            .await?;
        if old == new {
            return Ok(user);
        }
        let (ip, now) = (attempt.ip, attempt.now);
        // The new address can be anyone's: whoever has asked for too many mails sends no
        // more of them in this way.
        let allowed = self.may_ask(new, ip, now).await?;

        let (password, version) = ((&checked).into(), new_password_version()?);
        let mut tx = self.db.begin().await?;
        store::email_tokens::delete_all(&mut *tx, user.id).await?;
        if !store::emails::take(&mut *tx, password).await? {
            // Changed in between: what was right is not any more.
            return Err(Error::InvalidCredentials);
        }
        if !store::emails::copy(&mut *tx, password, new.as_str(), version).await? {
            return Err(Error::EmailTaken);
        }
        store::emails::delete(&mut *tx, old.as_str(), user.id).await?;
        self.notify(&mut tx, &user, Topic::EmailChanged, About { ip, now })
            .await?;
        let user = store::users::set_email(&mut *tx, user.id, new.as_str(), now)
            .await?
            .ok_or(Error::UserMissing)?;
        let event = Event::new(user.id, Kind::EmailChanged, ip).session(session_id);
        store::audit::insert(&mut *tx, event, now).await?;
        if allowed {
            let letter = Letter::new(Topic::Verification, new, ip, now);
            self.outbox.put(&mut *tx, &letter).await?;
        }
        tx.commit().await?;
        Ok(user)
    }
}
