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

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::hmac;
use chassis::access::caller::Caller;
use chassis::access::token::TokenError;
use chassis::database::pool::Pool;
use chassis::start::keyring::KeyRing;
use chassis::text::single_line;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::mail::Outbox;
use crate::model::device_token::DeviceTokens;
use crate::model::refresh_token::sha256;
use crate::passwords::hasher::Hasher;
use crate::passwords::predictable::is_counted_up;
use crate::store;
use crate::throttle::Throttle;

/// One account.
#[derive(Clone, Debug)]
pub struct User {
    /// Its identity.
    pub id: UserId,
    /// Normalised.
    pub email: String,
    /// The name to show; can be empty.
    pub display_name: String,
    /// Whether the owner of the mailbox has confirmed it.
    pub email_verified: bool,
    /// Whether a log-in asks for a second factor.
    pub mfa_enabled: bool,
    /// What the user may do beyond its own account.
    pub roles: Vec<String>,
    /// Whether it may not be used.
    pub disabled: bool,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub create_time: DateTime<Utc>,
    /// When it was last changed.
    pub update_time: DateTime<Utc>,
    /// The e-mail that it has once the owner of that mailbox confirms it.
    pub pending_email: Option<String>,
    /// Until when that is possible.
    pub pending_email_expire_time: Option<DateTime<Utc>>,
}

impl User {
    /// Whether this is the e-mail that the user wants.
    #[must_use]
    pub fn wants(&self, email: &str) -> bool {
        self.pending_email.as_deref() == Some(email)
    }

    /// The version as clients see it (RFC 9110 section 8.8.3).
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

/// A name to show: trimmed, at most 200 characters, on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// The longest name, in characters; the table's CHECK says the same.
    pub const CHARS_MAX: usize = 200;

    /// Accepts a name or says what is wrong with it; `field` is where it came
    /// from.
    pub fn parse(text: &str, field: &'static str) -> Result<Self> {
        single_line(text, Self::CHARS_MAX)
            .map(Self)
            .map_err(|problem| Error::invalid("DISPLAY_NAME_INVALID", field, problem))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a client calls a request, so that it can repeat it; kept as SHA-256. Whoever knows
/// it can have an answer again, so that nobody may guess it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub [u8; 32]);

impl RequestId {
    /// The shortest id, in characters: 128 bits in base64. A UUID has 36.
    pub const CHARS_MIN: usize = 22;
    /// The longest id, in characters.
    pub const CHARS_MAX: usize = 64;
    /// An id with fewer different characters was not made at random: of 22 random digits
    /// one in two million has fewer, of UUIDs none.
    const DIFFERENT_CHARS_MIN: usize = 5;

    /// Reads an id; the empty text is none.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let invalid = |problem| Error::invalid("REQUEST_ID_INVALID", "request_id", problem);
        let text = single_line(text, Self::CHARS_MAX).map_err(|problem| invalid(problem.into()))?;
        if text.is_empty() {
            return Ok(None);
        }
        let different: BTreeSet<char> = text.chars().collect();
        let is_short = text.chars().count() < Self::CHARS_MIN;
        if is_short || different.len() < Self::DIFFERENT_CHARS_MIN || is_counted_up(&text) {
            let problem = "can be guessed; send a random UUID, or 22 to 64 random characters";
            return Err(invalid(Cow::from(problem)));
        }
        Ok(Some(Self(sha256(text.as_bytes()))))
    }
}

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
