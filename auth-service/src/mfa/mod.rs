//! The second factor: codes of an authenticator app, and recovery codes for a lost app.
//! The user's row says whether it is enabled.

pub mod challenge;
mod complete;
mod enrolment;
mod recovery_code;
mod step_up;
mod totp;

use std::sync::Arc;

use chassis::database::pool::{Pool, Transaction};
use chassis::settings::keyring::KeyRing;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use self::totp::TotpSecret;
use crate::error::{Error, Result};
use crate::mail::{About, Mail, Topic};
use crate::model::audit::Kind;
use crate::model::user::User;
use crate::passwords::Passwords;
use crate::sealed;
use crate::sessions::Sessions;
use crate::store;
use crate::store::audit::Event;
use crate::throttle::{Guess, Throttle};

pub use self::enrolment::{BothFactors, Enrolment};
pub use self::step_up::StepUp;

const KEY_PURPOSE: &str = "totp-secret-encryption";

/// A code as sent: of the authenticator app, or a recovery code. Must not be printed.
pub enum MfaCode {
    /// A code of the authenticator app.
    Totp(Zeroizing<String>),
    /// A recovery code.
    Recovery(Zeroizing<String>),
}

impl MfaCode {
    /// Parses a code of the app; spaces are ignored.
    #[must_use]
    pub fn totp(text: &str) -> Self {
        let kept = text.chars().filter(|c| !c.is_whitespace());
        Self::Totp(Zeroizing::new(kept.collect()))
    }

    /// Parses a recovery code.
    #[must_use]
    pub fn recovery(text: &str) -> Self {
        Self::Recovery(recovery_code::normalise(text))
    }

    /// Parses either kind, distinguished by its length.
    #[must_use]
    pub fn either(text: &str) -> Self {
        match Self::totp(text) {
            Self::Totp(code) if code.len() == totp::DIGITS => Self::Totp(code),
            _ => Self::recovery(text),
        }
    }

    fn guess(&self) -> Guess {
        match self {
            Self::Totp(_) => Guess::Totp,
            Self::Recovery(_) => Guess::RecoveryCode,
        }
    }
}

/// The second factors of the accounts.
pub struct Mfa {
    db: Pool,
    ring: Arc<KeyRing>,
    /// The name of this server in apps.
    issuer: String,
    throttle: Arc<Throttle>,
    passwords: Arc<Passwords>,
    mail: Arc<Mail>,
    sessions: Arc<Sessions>,
}

impl Mfa {
    /// Stores second factors in this database, with secrets sealed by the ring.
    #[must_use]
    pub fn new(
        db: Pool,
        ring: Arc<KeyRing>,
        issuer: String,
        throttle: Arc<Throttle>,
        passwords: Arc<Passwords>,
        mail: Arc<Mail>,
        sessions: Arc<Sessions>,
    ) -> Self {
        Self {
            db,
            ring,
            issuer,
            throttle,
            passwords,
            mail,
            sessions,
        }
    }

    /// The number of a user's unused recovery codes.
    pub async fn recovery_codes_left(&self, user: &User) -> Result<i64> {
        if !user.mfa_enabled {
            return Ok(0);
        }
        store::mfa::count_recovery_codes(&self.db, user.id).await
    }

    /// Disables a user's second factor for an administrator, and notifies the user;
    /// returns `None` if it is disabled already.
    pub(crate) async fn reset(
        &self,
        tx: &mut Transaction,
        user_id: UserId,
        about: About<'_>,
    ) -> Result<Option<User>> {
        let Some(user) = turn_off(tx, user_id, about.now).await? else {
            return Ok(None);
        };
        self.throttle.forgive_codes(tx, user_id).await?;
        self.mail.notify(tx, &user, Topic::MfaReset, about).await?;
        Ok(Some(user))
    }

    /// Uses up a code, or fails if it is wrong or was used before. Locks the secret's row
    /// first, so that a user's codes are checked one after the other.
    async fn spend(
        &self,
        tx: &mut Transaction,
        user_id: UserId,
        code: &MfaCode,
        call: &Call<'_>,
    ) -> Result<()> {
        let stored = store::mfa::lock_totp(&mut **tx, user_id)
            .await?
            .ok_or(Error::MfaCodeInvalid)?;
        match code {
            MfaCode::Totp(code) => {
                let secret = self.open(user_id, &stored)?;
                let step = secret.step(code, call.now).ok_or(Error::MfaCodeInvalid)?;
                let sealed = if sealed::is_current(&self.ring, &stored) {
                    stored
                } else {
                    // Sealed again with the newest key, so that old keys can be removed
                    // from the key file.
                    self.seal(user_id, &secret)?
                };
                if !store::mfa::take_step(&mut **tx, user_id, step, &sealed).await? {
                    return Err(Error::MfaCodeInvalid);
                }
            }
            MfaCode::Recovery(code) => {
                let hash = recovery_code::hash(user_id, code);
                if !store::mfa::take_recovery_code(&mut **tx, user_id, hash).await? {
                    return Err(Error::MfaCodeInvalid);
                }
                let event = call.event(user_id, Kind::RecoveryCodeUsed);
                store::audit::insert(&mut **tx, event, call.now).await?;
            }
        }
        Ok(())
    }

    /// Records why a code was refused, after the transaction that checked it; returns the
    /// outcome unchanged.
    async fn noted<T>(&self, done: Result<T>, user_id: UserId, call: &Call<'_>) -> Result<T> {
        let kind = match done {
            Err(Error::MfaCodeInvalid) => Kind::MfaFailed,
            Err(Error::AccountDisabled) => Kind::LogInFailed,
            done => return done,
        };
        store::audit::insert(&self.db, call.event(user_id, kind), call.now).await?;
        done
    }

    fn seal(&self, user_id: UserId, secret: &TotpSecret) -> Result<Vec<u8>> {
        let row = user_id.0.as_bytes();
        Ok(sealed::seal(
            &self.ring,
            KEY_PURPOSE,
            row,
            secret.as_bytes(),
        )?)
    }

    fn open(&self, user_id: UserId, sealed: &[u8]) -> Result<TotpSecret> {
        let row = user_id.0.as_bytes();
        let opened = sealed::open(&self.ring, KEY_PURPOSE, row, sealed);
        let failed = "cannot decrypt the secret of an authenticator app";
        let secret = opened.map_err(Error::internal(failed))?;
        TotpSecret::from_bytes(&secret)
            .ok_or("its length is wrong")
            .map_err(Error::internal(failed))
    }
}

/// Disables the second factor and deletes everything that belongs to it, even if it is
/// not confirmed yet; returns the user if it was enabled.
pub(crate) async fn turn_off(
    tx: &mut Transaction,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let user = store::users::set_mfa_enabled(&mut **tx, user_id, false, now).await?;
    store::mfa::forget_user(tx, user_id).await?;
    Ok(user)
}

/// The recorded data of a call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The calling session; `None` at a log-in.
    pub session_id: Option<Uuid>,
    /// The client's address.
    pub ip: &'a str,
    /// Its time.
    pub now: DateTime<Utc>,
}

impl<'a> Call<'a> {
    fn event(&self, user_id: UserId, kind: Kind) -> Event<'a> {
        let event = Event::new(user_id, kind, self.ip);
        match self.session_id {
            Some(id) => event.session(id),
            None => event,
        }
    }
}
