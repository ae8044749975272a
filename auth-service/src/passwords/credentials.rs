//! Checking the password of an account.

use std::sync::Arc;

use aws_lc_rs::{hmac, rand};
use chassis::database::pool::{Pool, Transaction};
use chassis::serve::deadline::Deadline;
use chassis::settings::keyring::KeyRing;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::model::audit::Kind;
use crate::model::device_token::{DeviceTokens, Owner};
use crate::model::email::Email;
use crate::model::user::User;
use crate::passwords::Password;
use crate::passwords::hasher::{Hasher, Turn};
use crate::passwords::phc::Verdict;
use crate::store;
use crate::store::audit::Event;
use crate::store::emails::{EmailRow, PasswordRef};
use crate::throttle::{Attempted, Guess, GuessedAccount, Throttle};

/// A correct password, with its state when it was checked.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user.
    pub user_id: UserId,
    /// The account's e-mail when the password was checked.
    pub email: String,
    /// The version of the password, unique to this password of this account.
    pub password_version: i64,
    /// The stored hash.
    pub password_hash: String,
    /// Whether the hash has outdated parameters.
    pub outdated: bool,
}

impl Credentials {
    /// The account of the password.
    pub(crate) fn owner(&self) -> Owner {
        Owner {
            user_id: self.user_id,
            password_version: self.password_version,
        }
    }

    /// Locks the password until the transaction ends; fails if it was changed after the
    /// check, or the account has another e-mail.
    pub(crate) async fn lock(&self, tx: &mut Transaction) -> Result<()> {
        if store::emails::lock_password(&mut **tx, self.into()).await? {
            Ok(())
        } else {
            Err(Error::AccountChanged)
        }
    }
}

impl<'a> From<&'a Credentials> for PasswordRef<'a> {
    fn from(checked: &'a Credentials) -> Self {
        Self {
            email: &checked.email,
            user_id: checked.user_id,
            version: checked.password_version,
        }
    }
}

/// The data of a call that a password check needs.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// What is guessed, if the call counts as a guess.
    pub guess: Guess,
    /// The kind of audit event for a wrong password.
    pub failure: Kind,
    /// The client's address.
    pub ip: &'a str,
    /// The deadline of the call.
    pub deadline: Deadline,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// The passwords of accounts. Guesses are counted before they are checked.
pub struct Passwords {
    db: Pool,
    hasher: Arc<Hasher>,
    throttle: Arc<Throttle>,
    devices: DeviceTokens,
    /// Derives pseudonyms of unknown e-mails for the audit log.
    pseudonyms: hmac::Key,
}

impl Passwords {
    /// Checks passwords against this database.
    #[must_use]
    pub fn new(db: Pool, hasher: Arc<Hasher>, throttle: Arc<Throttle>, ring: &KeyRing) -> Self {
        let (_, key) = ring.current("audit-pseudonym");
        Self {
            db,
            hasher,
            throttle,
            devices: DeviceTokens::new(ring),
            pseudonyms: hmac::Key::new(hmac::HMAC_SHA256, &*key),
        }
    }

    /// Checks the password of a log-in. An unknown or invalid e-mail takes the same
    /// statements and the same time as a wrong password. A device that has logged in to
    /// this account is counted separately.
    pub async fn check(
        &self,
        email: Option<&Email>,
        password: Password,
        device_token: &str,
        attempt: Attempt<'_>,
    ) -> Result<Credentials> {
        // Text that is not an address becomes the empty one, which has no account.
        let email = email.map_or("", Email::as_str);
        // Read before the attempt is counted, because a device token is checked against
        // the account. The password is checked after that.
        let known = store::emails::get(&self.db, email).await?;
        let owner = known.as_ref().map_or(Owner::NOBODY, EmailRow::owner);
        let device = self.devices.device(device_token, owner, attempt.now);
        let whose = device
            .as_ref()
            .map_or(GuessedAccount::Email(email), GuessedAccount::Device);
        let attempted = self.attempt(whose, &attempt).await?;
        let blamed = known
            .as_ref()
            .map_or_else(|| self.pseudonym(email), |row| row.user_id);
        let known = known.map(|row| (email, row));
        self.verify(known, password, &attempted, blamed, attempt)
            .await
    }

    /// Checks the password of a user who calls with a session. It is not checked if the
    /// account got another e-mail after the call began, or was deleted.
    pub async fn check_own(
        &self,
        user: &User,
        password: Password,
        attempt: Attempt<'_>,
    ) -> Result<Credentials> {
        let attempted = self
            .attempt(GuessedAccount::User(user.id), &attempt)
            .await?;
        let known = store::emails::get_of(&self.db, &user.email, user.id).await?;
        let Some(row) = known else {
            self.throttle.not_made(&attempted).await?;
            return Err(Error::AccountChanged);
        };
        let known = Some((&*user.email, row));
        self.verify(known, password, &attempted, user.id, attempt)
            .await
    }

    async fn attempt(&self, whose: GuessedAccount<'_>, attempt: &Attempt<'_>) -> Result<Attempted> {
        let (guess, ip, now) = (attempt.guess, attempt.ip, attempt.now);
        let allowed = self.throttle.attempt(guess, whose, ip, now).await?;
        allowed.map_err(|retry_after| Error::LogInThrottled { retry_after })
    }

    /// Checks a password against the stored hash, or against a dummy; a wrong one is
    /// recorded for the account `blamed`.
    async fn verify(
        &self,
        known: Option<(&str, EmailRow)>,
        password: Password,
        attempted: &Attempted,
        blamed: UserId,
        attempt: Attempt<'_>,
    ) -> Result<Credentials> {
        let stored = known.as_ref().map(|(_, row)| row.password_hash.clone());
        // An account without a password accepts none.
        let stored = stored.filter(|hash| !hash.is_empty());
        let verdict = self
            .hasher
            .verify(password, stored, Turn::First, attempt.deadline)
            .await;
        let verdict = match verdict {
            // The password was not checked, so the attempt does not count.
            Err(error) => {
                self.throttle.not_made(attempted).await?;
                return Err(error);
            }
            Ok(verdict) => verdict,
        };
        match known {
            Some((email, row)) if verdict != Verdict::Wrong => {
                self.throttle.succeeded(attempted).await?;
                Ok(Credentials {
                    user_id: row.user_id,
                    email: email.to_owned(),
                    password_version: row.password_version,
                    password_hash: row.password_hash,
                    outdated: verdict == Verdict::RightButOutdated,
                })
            }
            _ => {
                let event = Event::new(blamed, attempt.failure, attempt.ip);
                store::audit::insert(&self.db, event, attempt.now).await?;
                Err(Error::InvalidCredentials)
            }
        }
    }

    /// Hashes a new password.
    pub async fn hash(&self, password: Password, turn: Turn, deadline: Deadline) -> Result<String> {
        self.hasher.hash(password, turn, deadline).await
    }

    /// Hashes a correct password again, if its hash has outdated parameters.
    pub async fn rehash(
        &self,
        checked: &Credentials,
        password: Password,
        deadline: Deadline,
    ) -> Result<Option<String>> {
        if !checked.outdated {
            return Ok(None);
        }
        match self.hasher.hash(password, Turn::Later, deadline).await {
            Ok(hash) => Ok(Some(hash)),
            // The next log-in tries again.
            Err(Error::HasherOverloaded { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates the token of a device that has logged in.
    pub fn device_token(&self, owner: Owner, now: DateTime<Utc>) -> Result<Zeroizing<String>> {
        self.devices.issue(owner, now)
    }

    /// The pseudonym of an e-mail without an account in the audit log.
    fn pseudonym(&self, email: &str) -> UserId {
        let tag = hmac::sign(&self.pseudonyms, email.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&tag.as_ref()[..16]);
        // Version 8, because users' ids have version 7.
        UserId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// Generates the version of a new password: 63 random bits, unique over all accounts.
pub(crate) fn new_password_version() -> Result<i64> {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes)?;
    Ok(i64::from_be_bytes(bytes) & i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_positive_and_differ() {
        let (one, other) = (new_password_version(), new_password_version());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(one > 0 && other > 0 && one != other);
    }
}
