//! Enables and disables the second factor, and generates recovery codes.

use chassis::database::pool::Transaction;
use chassis::serve::deadline::Deadline;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};

use super::totp::TotpSecret;
use super::{Call, Mfa, MfaCode, recovery_code};
use crate::error::{Error, Result};
use crate::mail::{About, Topic};
use crate::model::audit::Kind;
use crate::model::user::User;
use crate::passwords::Password;
use crate::passwords::credentials::{Attempt, Credentials};
use crate::store;
use crate::throttle::{CountedCode, Guess};

/// How long a new secret waits for its first code.
const PENDING_MAX: TimeDelta = TimeDelta::hours(1);

/// A new secret, for the user's app.
pub struct Enrolment {
    /// The secret in base32, for typing.
    pub secret: String,
    /// The secret as a URI, for a QR code.
    pub otpauth_uri: String,
}

/// The proof for a change of the second factor.
pub struct BothFactors {
    /// The current password.
    pub password: Password,
    /// A code of the app, or a recovery code.
    pub code: MfaCode,
}

impl Mfa {
    /// Generates a secret that is not in use yet. Needs the password, otherwise anyone
    /// with an access token could lock its owner out.
    pub async fn enroll(
        &self,
        user: &User,
        password: Password,
        deadline: Deadline,
        call: Call<'_>,
    ) -> Result<Enrolment> {
        if user.mfa_enabled {
            return Err(Error::TotpEnabled);
        }
        ensure_confirmed(user)?;
        let known = self.know(user, password, deadline, &call).await?;
        let secret = TotpSecret::generate()?;
        let sealed = self.seal(user.id, &secret)?;

        let mut tx = self.db.begin().await?;
        known.lock(&mut tx).await?;
        let user = store::users::lock(&mut *tx, user.id)
            .await?
            .ok_or(Error::UserMissing)?;
        if user.mfa_enabled {
            return Err(Error::TotpEnabled);
        }
        ensure_confirmed(&user)?;
        store::mfa::put_totp(&mut *tx, user.id, &sealed, call.now).await?;
        tx.commit().await?;
        Ok(Enrolment {
            otpauth_uri: secret.uri(&self.issuer, &user.email)?,
            secret: secret.base32(),
        })
    }

    /// Enables the second factor with the first code of the app; returns the recovery
    /// codes.
    pub async fn confirm(
        &self,
        user: &User,
        code: &MfaCode,
        call: Call<'_>,
    ) -> Result<Vec<String>> {
        if user.mfa_enabled {
            return Err(Error::TotpEnabled);
        }
        ensure_confirmed(user)?;
        let since = call.now - PENDING_MAX;
        if !store::mfa::has_totp_since(&self.db, user.id, since).await? {
            return Err(Error::TotpNotPending);
        }
        let counted = self.count_of(user.id, code, call.now).await?;
        let done = async {
            let mut tx = self.db.begin().await?;
            let user = store::users::set_mfa_enabled(&mut *tx, user.id, true, call.now)
                .await?
                .ok_or(Error::TotpEnabled)?;
            // Checked again with the row locked, because another call may have changed
            // the e-mail.
            ensure_confirmed(&user)?;
            self.spend(&mut tx, user.id, code, &call).await?;
            let codes = new_codes(&mut tx, user.id, call.now).await?;
            let changed = (Kind::MfaEnabled, Topic::MfaEnabled);
            self.tell(&mut tx, &user, changed, &call).await?;
            self.throttle.code_succeeded(&mut tx, counted).await?;
            tx.commit().await?;
            Ok(codes)
        };
        self.noted(done.await, user.id, &call).await
    }

    /// Disables the second factor and deletes everything that belongs to it.
    pub async fn disable(
        &self,
        user: &User,
        proof: BothFactors,
        deadline: Deadline,
        call: Call<'_>,
    ) -> Result<()> {
        let known = self.know(user, proof.password, deadline, &call).await?;
        if !user.mfa_enabled {
            return Err(Error::TotpNotEnabled);
        }
        let counted = self.count_of(user.id, &proof.code, call.now).await?;
        let done = async {
            let mut tx = self.db.begin().await?;
            known.lock(&mut tx).await?;
            let user = store::users::set_mfa_enabled(&mut *tx, user.id, false, call.now)
                .await?
                .ok_or(Error::TotpNotEnabled)?;
            self.spend(&mut tx, user.id, &proof.code, &call).await?;
            store::mfa::forget_user(&mut tx, user.id).await?;
            let changed = (Kind::MfaDisabled, Topic::MfaDisabled);
            self.tell(&mut tx, &user, changed, &call).await?;
            self.throttle.code_succeeded(&mut tx, counted).await?;
            tx.commit().await?;
            Ok(())
        };
        self.noted(done.await, user.id, &call).await
    }

    /// Replaces the recovery codes.
    pub async fn regenerate(
        &self,
        user: &User,
        proof: BothFactors,
        deadline: Deadline,
        call: Call<'_>,
    ) -> Result<Vec<String>> {
        let known = self.know(user, proof.password, deadline, &call).await?;
        if !user.mfa_enabled {
            return Err(Error::TotpNotEnabled);
        }
        let counted = self.count_of(user.id, &proof.code, call.now).await?;
        let done = async {
            let mut tx = self.db.begin().await?;
            known.lock(&mut tx).await?;
            let user = store::users::lock(&mut *tx, user.id).await?;
            let user = user.ok_or(Error::UserMissing)?;
            if !user.mfa_enabled {
                return Err(Error::TotpNotEnabled);
            }
            self.spend(&mut tx, user.id, &proof.code, &call).await?;
            let codes = new_codes(&mut tx, user.id, call.now).await?;
            let changed = (
                Kind::RecoveryCodesRegenerated,
                Topic::RecoveryCodesRegenerated,
            );
            self.tell(&mut tx, &user, changed, &call).await?;
            self.throttle.code_succeeded(&mut tx, counted).await?;
            tx.commit().await?;
            Ok(codes)
        };
        self.noted(done.await, user.id, &call).await
    }

    async fn know(
        &self,
        user: &User,
        password: Password,
        deadline: Deadline,
        call: &Call<'_>,
    ) -> Result<Credentials> {
        let attempt = Attempt {
            guess: Guess::MfaPassword,
            failure: Kind::MfaFailed,
            ip: call.ip,
            deadline,
            now: call.now,
        };
        self.passwords.check_own(user, password, attempt).await
    }

    /// Records a change, and mails its owner a notice.
    async fn tell(
        &self,
        tx: &mut Transaction,
        user: &User,
        (kind, topic): (Kind, Topic),
        call: &Call<'_>,
    ) -> Result<()> {
        store::audit::insert(&mut **tx, call.event(user.id, kind), call.now).await?;
        let about = About {
            ip: call.ip,
            now: call.now,
        };
        self.mail.notify(tx, user, topic, about).await
    }

    /// Counts a code, over all calls of the account.
    pub(super) async fn count_of(
        &self,
        user_id: UserId,
        code: &MfaCode,
        now: DateTime<Utc>,
    ) -> Result<CountedCode> {
        self.count(&user_id.to_string(), code, now).await
    }

    /// Counts a code of an account or of a challenge.
    pub(super) async fn count(
        &self,
        of: &str,
        code: &MfaCode,
        now: DateTime<Utc>,
    ) -> Result<CountedCode> {
        let allowed = self.throttle.attempt_code(code.guess(), of, now).await?;
        allowed.map_err(|retry_after| Error::MfaThrottled { retry_after })
    }
}

/// Refuses an unverified e-mail: somebody who signed up with another person's address
/// could otherwise lock its owner out.
fn ensure_confirmed(user: &User) -> Result<()> {
    if user.email_verified {
        Ok(())
    } else {
        Err(Error::EmailNotVerified)
    }
}

async fn new_codes(
    tx: &mut Transaction,
    user_id: UserId,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let codes: Vec<String> = (0..recovery_code::COUNT)
        .map(|_| recovery_code::generate())
        .collect::<Result<_>>()?;
    let hash = |code: &String| {
        let normalised = recovery_code::normalise(code);
        recovery_code::hash(user_id, &normalised).to_vec()
    };
    let hashes: Vec<_> = codes.iter().map(hash).collect();
    store::mfa::forget_recovery_codes(&mut **tx, user_id).await?;
    store::mfa::insert_recovery_codes(&mut **tx, user_id, &hashes, now).await?;
    Ok(codes)
}
