//! Verifies an e-mail: whoever has the token has read the mailbox.
//!
//! That alone does not prove who owns the account, because anybody can sign up with any
//! address. The first verification therefore also needs a proof of the account's user, by
//! a session or the password; otherwise the caller takes the account over, and everything
//! set up before is removed.

use chassis::clock::Clock;
use chassis::database::pool::Transaction;

use crate::accounts::Accounts;
use crate::accounts::claim;
use crate::error::{Error, Result};
use crate::model::audit::Kind;
use crate::model::email_tokens::{self, Purpose};
use crate::model::user::User;
use crate::model::user_token::UserToken;
use crate::passwords::Password;
use crate::passwords::credentials::{Attempt, Credentials, new_password_version};
use crate::store;
use crate::store::audit::Event;
use crate::store::email_tokens::Bound;

/// The caller's proof to be the account's user.
pub enum Claimant {
    /// A valid session.
    Session(Box<User>),
    /// The password.
    Password(Password),
    /// No proof.
    Unknown,
}

/// The result of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The account keeps its sessions, second factor and password.
    Kept,
    /// Sessions were revoked, second factor and password removed.
    Claimed,
}

impl Accounts {
    /// Verifies the e-mail that a token was mailed to, if the account still has it.
    pub async fn verify_email(
        &self,
        token: &str,
        claimant: Claimant,
        attempt: Attempt<'_>,
        clock: &Clock,
    ) -> Result<Verified> {
        let invalid = || Error::EmailTokenInvalid;
        let token = email_tokens::parse(token).ok_or_else(invalid)?;
        let (purpose, now) = (Purpose::Verification, attempt.now);
        // Before hashing, so that a forged token costs no hash.
        let bound = store::email_tokens::get(&self.db, &token, purpose, now)
            .await?
            .ok_or_else(invalid)?;
        let user = store::users::get(&self.db, token.user_id).await?;
        let user = user.ok_or_else(invalid)?;
        let is_change = user.wants(&bound.email);
        if !is_change && user.email != bound.email {
            return Err(invalid());
        }
        let proof = self.prove(&user, &bound, claimant, attempt).await?;
        if is_change {
            // A session requested it, so there is a proof.
            self.move_account(&user, &token, attempt).await?;
            return Ok(Verified::Kept);
        }

        let mut tx = self.db.begin().await?;
        store::email_tokens::spend(&mut *tx, &token, purpose, now)
            .await?
            .ok_or_else(invalid)?;
        let is_proven = proof.is_proven();
        if let Proof::Password(checked) = proof {
            checked.lock(&mut tx).await?;
        }
        let verified = if is_proven {
            Verified::Kept
        } else {
            self.claim(&mut tx, &token, &bound, attempt, clock).await?
        };
        store::users::confirm_email(&mut *tx, token.user_id, &bound.email, now)
            .await?
            .ok_or_else(invalid)?;
        let event = Event::new(token.user_id, Kind::EmailVerified, attempt.ip);
        store::audit::insert(&mut *tx, event, now).await?;
        tx.commit().await?;
        Ok(verified)
    }

    async fn prove(
        &self,
        user: &User,
        bound: &Bound,
        claimant: Claimant,
        attempt: Attempt<'_>,
    ) -> Result<Proof> {
        match claimant {
            Claimant::Session(caller) if caller.id != user.id => Err(Error::EmailTokenOfOther),
            Claimant::Session(..) => Ok(Proof::Session),
            Claimant::Password(password) => {
                let checked = self.passwords.check_own(user, password, attempt).await?;
                Ok(Proof::Password(Box::new(checked)))
            }
            // A session requested this mail; other readers of the mailbox cannot use it.
            Claimant::Unknown if bound.session_id.is_some() || user.wants(&bound.email) => {
                Err(Error::EmailTokenOfSession)
            }
            Claimant::Unknown => Ok(Proof::None),
        }
    }

    /// Takes the account over if its e-mail was never verified.
    async fn claim(
        &self,
        tx: &mut Transaction,
        token: &UserToken,
        bound: &Bound,
        attempt: Attempt<'_>,
        clock: &Clock,
    ) -> Result<Verified> {
        // Locks in the same order as log-ins and resets.
        if !store::emails::hold(&mut **tx, &bound.email, token.user_id).await? {
            return Err(Error::EmailTokenInvalid);
        }
        let user = store::users::lock_for_change(&mut **tx, token.user_id).await?;
        let user = user.ok_or(Error::EmailTokenInvalid)?;
        if user.email_verified {
            return Ok(Verified::Kept);
        }
        let version = new_password_version()?;
        store::emails::remove_password(&mut **tx, &bound.email, user.id, version).await?;
        let kind = Kind::AccountClaimed;
        store::session_ends::end_all(tx, user.id, None, kind, clock).await?;
        store::wanted_emails::forget(&mut **tx, user.id, attempt.now).await?;
        claim::take_over(tx, user.id, attempt.ip, attempt.now).await?;
        Ok(Verified::Claimed)
    }
}

enum Proof {
    Session,
    Password(Box<Credentials>),
    None,
}

impl Proof {
    fn is_proven(&self) -> bool {
        !matches!(self, Self::None)
    }
}
