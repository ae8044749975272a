//! Changes the password of an account.

use chassis::clock::Clock;
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::error::{Error, Result};
use crate::mail::{About, Topic};
use crate::model::audit::Kind;
use crate::model::email::Email;
use crate::model::user::User;
use crate::passwords::Password;
use crate::passwords::credentials::{Attempt, new_password_version};
use crate::passwords::hasher::Turn;
use crate::sessions::TokenPair;
use crate::store;
use crate::store::audit::Event;

/// The old and the new password of an account.
#[derive(Debug)]
pub struct PasswordChange {
    /// The current password, as sent.
    pub current: Password,
    /// The new password.
    pub new: Password,
}

impl PasswordChange {
    /// Checks the new password.
    pub fn parse(user: &User, current: &str, new: &str) -> Result<Self> {
        let email = Email::parse(&user.email)?;
        Ok(Self {
            current: Password::claim(current),
            new: Password::choose(new, "new_password", &email)?,
        })
    }
}

impl Accounts {
    /// Sets a new password, revokes the other sessions, and issues new tokens for the
    /// calling one: a copy of its refresh token no longer works.
    pub async fn change_password(
        &self,
        user: &User,
        session_id: Uuid,
        change: PasswordChange,
        attempt: Attempt<'_>,
        clock: &Clock,
    ) -> Result<TokenPair> {
        let checked = self
            .passwords
            .check_own(user, change.current, attempt)
            .await?;
        let hash = self
            .passwords
            .hash(change.new, Turn::First, attempt.deadline)
            .await?;

        let version = new_password_version()?;
        let mut tx = self.db.begin().await?;
        if !store::emails::set_password(&mut *tx, (&checked).into(), version, &hash).await? {
            return Err(Error::AccountChanged);
        }
        // A pending change of the e-mail was requested with the previous password.
        store::wanted_emails::forget(&mut *tx, user.id, attempt.now).await?;
        let kind = Kind::PasswordChanged;
        store::session_ends::end_all(&mut tx, user.id, Some(session_id), kind, clock).await?;
        // Read again, because the call may have waited for its hashes.
        let now = clock.now();
        let tokens = self
            .sessions
            .renew(&mut tx, user.id, session_id, now)
            .await?;
        let event = Event::new(user.id, kind, attempt.ip).session(session_id);
        store::audit::insert(&mut *tx, event, now).await?;
        let about = About {
            ip: attempt.ip,
            now,
        };
        self.mail
            .notify(&mut tx, user, Topic::PasswordChanged, about)
            .await?;
        tx.commit().await?;
        Ok(tokens)
    }
}
