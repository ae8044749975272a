//! Accounts: what they are, and the rules of changing them.

pub mod credentials;
pub mod deletion;
pub mod email_change;
pub mod email_verification;
pub mod expiry;
pub mod export;
pub mod log_in;
pub mod password_change;
pub mod password_reset;
pub mod sign_up;

pub mod claim;

use std::sync::Arc;

use aws_lc_rs::hmac;
use chassis::access::caller::Caller;
use chassis::access::token::TokenError;
use chassis::database::pool::Pool;
use chassis::start::keyring::KeyRing;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::mail::Outbox;
use crate::model::device_token::DeviceTokens;
use crate::model::user::{DisplayName, User};
use crate::passwords::hasher::Hasher;
use crate::store;
use crate::throttle::Throttle;

/// What a user wants to have changed.
#[derive(Clone, Debug)]
pub struct UserChange {
    /// The new display name, where it is to be changed.
    pub display_name: Option<DisplayName>,
    /// The version that the change was made from; empty for any.
    pub etag: String,
}

/// What the operator decided on accounts.
#[derive(Clone, Copy, Debug)]
pub struct AccountRules {
    /// Whether strangers can make accounts.
    pub sign_up_enabled: bool,
    /// Whether a log-in needs a confirmed e-mail.
    pub email_verification_required: bool,
}

/// The accounts.
pub struct Accounts {
    pub(crate) db: Pool,
    pub(crate) hasher: Arc<Hasher>,
    pub(crate) outbox: Outbox,
    pub(crate) rules: AccountRules,
    pub(crate) throttle: Throttle,
    pub(crate) devices: DeviceTokens,
    /// Names unknown e-mails in the audit without saying them.
    pseudonyms: hmac::Key,
}

impl Accounts {
    /// Keeps accounts in this database.
    #[must_use]
    pub fn new(
        db: Pool,
        hasher: Arc<Hasher>,
        ring: &KeyRing,
        throttle: Throttle,
        outbox: Outbox,
        rules: AccountRules,
    ) -> Self {
        let (_, key) = ring.current("audit-pseudonym");
        Self {
            db,
            hasher,
            outbox,
            rules,
            throttle,
            devices: DeviceTokens::new(ring),
            pseudonyms: hmac::Key::new(hmac::HMAC_SHA256, &*key),
        }
    }

    /// Returns the account of a call's access token and its session, where both
    /// are in order at this moment: a token is good for minutes after either is
    /// not.
    pub async fn of_caller(&self, caller: &Caller, now: DateTime<Utc>) -> Result<(User, Uuid)> {
        // A program's token stands for no account.
        let session_id = caller.session_id.ok_or(TokenError::Invalid)?;
        let user = store::users::of_caller(&self.db, caller, session_id, now)
            .await?
            .ok_or(TokenError::Revoked)?;
        if user.disabled {
            return Err(Error::AccountDisabled);
        }
        Ok((user, session_id))
    }

    /// Changes an account; returns it as it is then.
    pub async fn update(&self, user: User, change: UserChange, now: DateTime<Utc>) -> Result<User> {
        let expected = (!change.etag.is_empty()).then_some(user.version);
        if expected.is_some() && change.etag != user.etag() {
            return Err(Error::EtagMismatch { etag: user.etag() });
        }
        let Some(name) = change.display_name else {
            return Ok(user);
        };
        let id = user.id;
        if let Some(user) =
            store::users::set_display_name(&self.db, id, &name, expected, now).await?
        {
            return Ok(user);
        }
        let user = store::users::get(&self.db, id)
            .await?
            .ok_or(TokenError::Revoked)?;
        Err(Error::EtagMismatch { etag: user.etag() })
    }

    /// Stands for an e-mail without an account in the audit.
    pub(crate) fn pseudonym(&self, email: &str) -> UserId {
        let tag = hmac::sign(&self.pseudonyms, email.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&tag.as_ref()[..16]);
        // Version 8: no user's id, which are of version 7.
        UserId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}
