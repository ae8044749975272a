//! Giving an account another e-mail.

use chassis::database::pool::Transaction;
use uuid::Uuid;

use crate::accounts::credentials::{Attempt, Credentials, new_password_version};
use crate::accounts::{Accounts, User};
use crate::error::{Error, Result};
use crate::mail::{About, Letter, Topic};
use crate::mfa::StepUp;
use crate::model::audit::Kind;
use crate::model::email::{Email, parse_field};
use crate::passwords::Password;
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
        step_up: &StepUp<'_>,
        attempt: Attempt<'_>,
    ) -> Result<User> {
        let password = change.current_password.clone();
        let checked = self.check_own_password(&user, password, attempt).await?;
        if change.old == change.new {
            return Ok(user);
        }
        // Before anything tells whether the new e-mail has an account.
        self.throttle
            .attempt_email_change(user.id, attempt.now)
            .await?;
        let counted = step_up.count(&user).await?;
        let about = About {
            ip: attempt.ip,
            now: attempt.now,
        };
        // The new address can be anyone's: whoever has asked for too many mails sends no
        // more of them in this way.
        let mails = self.may_ask(&change.new, about.ip, about.now).await?;

        let done = async {
            let mut tx = self.db.begin().await?;
            let changed = self.move_account(&mut tx, &user, &change, &checked, about);
            let changed = changed.await?;
            step_up.spend(&mut tx, &changed, &counted).await?;
            let event = Event::new(user.id, Kind::EmailChanged, about.ip).session(session_id);
            store::audit::insert(&mut *tx, event, about.now).await?;
            if mails {
                let topic = Topic::Verification;
                let letter = Letter::new(topic, &change.new, about.ip, about.now);
                let letter = letter.asked_by(Some(session_id));
                self.outbox.put(&mut *tx, &letter).await?;
            }
            tx.commit().await?;
            Ok(changed)
        };
        let done = step_up.noted(done.await, &user).await;
        if let Err(Error::EmailTaken) = done {
            let event = Event::new(user.id, Kind::EmailChangeTaken, about.ip).session(session_id);
            store::audit::insert(&self.db, event, about.now).await?;
        }
        done
    }

    /// Gives an account whose password was checked its new address, and tells the old one.
    async fn move_account(
        &self,
        tx: &mut Transaction,
        user: &User,
        EmailChange { old, new, .. }: &EmailChange,
        checked: &Credentials,
        about: About<'_>,
    ) -> Result<User> {
        let version = new_password_version()?;
        store::email_tokens::delete_all(&mut **tx, user.id).await?;
        if !store::emails::take(&mut **tx, checked.into()).await? {
            // Changed in between: what was right is not any more.
            return Err(Error::InvalidCredentials);
        }
        if !store::emails::copy(&mut **tx, checked.into(), new.as_str(), version).await? {
            return Err(Error::EmailTaken);
        }
        store::emails::delete(&mut **tx, old.as_str(), user.id).await?;
        let changed = store::users::set_email(&mut **tx, user.id, new.as_str(), about.now);
        let changed = changed.await?.ok_or(Error::UserMissing)?;
        // Last, as whatever else changes the user does: its notice locks a row as well.
        self.notify(tx, user, Topic::EmailChanged, about).await?;
        Ok(changed)
    }
}
