//! Answering the challenge of a log-in.

use chassis::database::pool::Transaction;
use chrono::{DateTime, Utc};

use super::{Call, Mfa, MfaCode};
use crate::error::{Error, Result};
use crate::model::device_token::Owner;
use crate::model::session::Client;
use crate::model::user::User;
use crate::model::user_token::UserToken;
use crate::sessions::grant::{Grant, SessionRequest};
use crate::sessions::{Proof, SignedIn};
use crate::store;
use crate::store::emails::PasswordRef;
use crate::store::mfa::ChallengeRow;
use crate::throttle::Guess;

impl Mfa {
    /// Starts the session of a log-in whose challenge is answered. A wrong code does not
    /// use up the challenge.
    pub async fn complete(
        &self,
        id: &UserToken,
        code: &MfaCode,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<SignedIn> {
        let call = Call {
            session_id: None,
            ip: &client.ip,
            now,
        };
        // Checked before the code is counted, otherwise strangers could use up anybody's
        // attempts.
        let challenge = store::mfa::challenge(&self.db, id.user_id, id.hash(), now)
            .await?
            .ok_or(Error::MfaChallengeExpired)?;
        let request = SessionRequest {
            client_label: &challenge.client_label,
            grant: Grant::parse(&challenge.scopes)?,
        };
        // Recovery codes are too long to be guessed. They are counted per challenge, so
        // that an owner can use one while somebody who knows the password has used up the
        // attempts of the app.
        let of = match code.guess() {
            Guess::RecoveryCode => id.as_str().to_owned(),
            _ => id.user_id.to_string(),
        };
        let counted = self.count(&of, code, now).await?;
        let done = async {
            let mut tx = self.db.begin().await?;
            let user = take(&mut tx, id, &challenge).await?;
            request.grant.ensure_role(&user.roles)?;
            self.spend(&mut tx, user.id, code, &call).await?;
            let proof = Proof::SecondFactor;
            let tokens = self
                .sessions
                .start(&mut tx, &user, proof, request, client, now)
                .await?;
            self.throttle.code_succeeded(&mut tx, counted).await?;
            let owner = Owner {
                user_id: user.id,
                password_version: challenge.password_version,
            };
            let device_token = self.passwords.device_token(owner, now)?;
            tx.commit().await?;
            Ok(SignedIn {
                user,
                tokens,
                device_token,
            })
        };
        self.noted(done.await, id.user_id, &call).await
    }
}

/// Deletes the challenge. As in a log-in, from here to the commit neither the password
/// nor the user can change.
async fn take(tx: &mut Transaction, id: &UserToken, challenge: &ChallengeRow) -> Result<User> {
    let password = PasswordRef {
        email: &challenge.email,
        user_id: id.user_id,
        version: challenge.password_version,
    };
    if !store::emails::lock_password(&mut **tx, password).await? {
        return Err(Error::MfaChallengeExpired);
    }
    let user = store::users::lock_for_change(&mut **tx, id.user_id)
        .await?
        .ok_or(Error::UserMissing)?;
    if user.disabled {
        return Err(Error::AccountDisabled);
    }
    // The challenge is gone if a parallel call used it, or the second factor was
    // disabled.
    let taken = store::mfa::take_challenge(&mut **tx, id.user_id, id.hash()).await?;
    if !taken || !user.mfa_enabled {
        return Err(Error::MfaChallengeExpired);
    }
    Ok(user)
}
