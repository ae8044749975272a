//! Giving an account another password.

use chassis::clock::Clock;
use uuid::Uuid;

use crate::accounts::{Accounts, User};
use crate::audit::Kind;
use crate::credentials::{Attempt, new_password_version};
use crate::email::Email;
use crate::error::{Error, Result};
use crate::hasher::Turn;
use crate::mail::{Letter, Topic};
use crate::password::Password;
use crate::store;
use crate::store::audit::Event;

/// The old and the new password of an account.
#[derive(Debug)]
pub struct PasswordChange {
    /// The account's.
    pub email: Email,
    /// What the user says it is.
    pub current: Password,
    /// What it shall be.
    pub new: Password,
}

impl PasswordChange {
    /// Checks the new password.
    pub fn parse(user: &User, current: &str, new: &str) -> Result<Self> {
        let email = Email::parse(&user.email)?;
        Ok(Self {
            current: Password::claim(current),
            new: Password::choose(new, "new_password", &email)?,
            email,
        })
    }
}

impl Accounts {
    /// Sets a new password and ends the other sessions.
    pub async fn change_password(
        &self,
        user: &User,
        session_id: Uuid,
        change: PasswordChange,
        attempt: Attempt<'_>,
        clock: &Clock,
    ) -> Result<()> {
        let checked = self
            .check_own_password(user, change.current, attempt)
            .await?;
        let hash = self
            .hasher
            .hash(change.new, Turn::First, attempt.deadline)
            .await?;

        let version = new_password_version()?;
        let mut tx = self.db.begin().await?;
        if !store::emails::set_password(&mut *tx, (&checked).into(), version, &hash).await? {
            // Changed in between: what was right is not any more.
            return Err(Error::InvalidCredentials);
        }
        let kind = Kind::PasswordChanged;
        // The call may have waited for its hashes, and whoever watches revocations looks
        // for young ones.
        let now = clock.now();
        store::sessions::revoke_others(&mut *tx, user.id, session_id, kind, now).await?;
        let event = Event::new(user.id, kind, attempt.ip).session(session_id);
        store::audit::insert(&mut *tx, event, now).await?;
        let letter = Letter::new(Topic::PasswordChanged, &change.email, attempt.ip, now);
        self.outbox.put(&mut *tx, &letter).await?;
        tx.commit().await?;
        Ok(())
    }
}
