//! Accounts, and the rules for changing them.

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

use chassis::access::caller::Caller;
use chassis::access::token::TokenError;
use chassis::database::pool::Pool;
use chrono::{DateTime, Utc};

use self::export::Exports;
use crate::error::{Error, Result};
use crate::mail::Mail;
use crate::model::email::Email;
use crate::model::session::UserSession;
use crate::model::user::{DisplayName, User};
use crate::passwords::Passwords;
use crate::sessions::Sessions;
use crate::store;
use crate::throttle::Throttle;

/// The requested changes of a user.
#[derive(Clone, Debug)]
pub struct UserChange {
    /// The new display name, if it is to be changed.
    pub display_name: Option<DisplayName>,
    /// The etag that the change is based on; empty for any.
    pub etag: String,
}

/// The operator's settings for accounts.
#[derive(Clone, Copy, Debug)]
pub struct AccountRules {
    /// Whether anybody can sign up.
    pub sign_up_enabled: bool,
    /// Whether a log-in requires a verified e-mail.
    pub email_verification_required: bool,
}

/// The accounts.
pub struct Accounts {
    db: Pool,
    rules: AccountRules,
    throttle: Arc<Throttle>,
    passwords: Arc<Passwords>,
    mail: Arc<Mail>,
    sessions: Arc<Sessions>,
    exports: Arc<Exports>,
}

impl Accounts {
    /// Stores accounts in this database.
    #[must_use]
    pub fn new(
        db: Pool,
        rules: AccountRules,
        throttle: Arc<Throttle>,
        passwords: Arc<Passwords>,
        mail: Arc<Mail>,
        sessions: Arc<Sessions>,
        exports: Arc<Exports>,
    ) -> Self {
        Self {
            db,
            rules,
            throttle,
            passwords,
            mail,
            sessions,
            exports,
        }
    }

    /// Returns the account of a call's access token and its session, if both are valid
    /// now: a token can outlive either by minutes.
    pub async fn of_caller(&self, caller: &Caller, now: DateTime<Utc>) -> Result<UserSession> {
        // A service account's token has no session.
        let session_id = caller.session_id.ok_or(TokenError::Invalid)?;
        let user = store::users::of_caller(&self.db, caller, session_id, now)
            .await?
            .ok_or(TokenError::Revoked)?;
        if user.disabled {
            return Err(Error::AccountDisabled);
        }
        Ok(UserSession { user, session_id })
    }

    /// Notifies an address that the user offers it contacts.
    pub async fn announce_share(&self, user: &User, to: &Email, now: DateTime<Utc>) -> Result<()> {
        if !user.email_verified {
            return Err(Error::EmailNotVerified);
        }
        self.mail.announce_share(user, to, now).await
    }

    /// Changes an account; returns it after the change.
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
}
