//! Log-in: checks the password and starts a session, or returns a challenge.

use chassis::serve::deadline::Deadline;
use chassis::text::single_line;
use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::accounts::Accounts;
use crate::error::{Error, Result};
use crate::mfa::challenge::{self, Challenge};
use crate::model::audit::Kind;
use crate::model::email::Email;
use crate::model::session::Client;
use crate::model::user::User;
use crate::passwords::Password;
use crate::passwords::credentials::Attempt;
use crate::sessions::grant::{Grant, SessionRequest};
use crate::sessions::{Proof, SignedIn};
use crate::store;
use crate::store::audit::Event;
use crate::throttle::Guess;

const CLIENT_LABEL_CHARS_MAX: usize = 100;

/// The credentials of a log-in.
#[derive(Debug)]
pub struct LogIn {
    /// The address; `None` if the text is not one, which must look like an unknown one.
    email: Option<Email>,
    password: Password,
    client_label: String,
    device_token: Zeroizing<String>,
    grant: Grant,
}

impl LogIn {
    /// Parses the request.
    pub fn parse(
        email: &str,
        password: &str,
        client_label: &str,
        device_token: Zeroizing<String>,
        scopes: &[String],
    ) -> Result<Self> {
        let client_label = single_line(client_label, CLIENT_LABEL_CHARS_MAX)
            .map_err(|problem| Error::invalid("CLIENT_LABEL_INVALID", "client_label", problem))?;
        Ok(Self {
            email: Email::parse(email).ok(),
            password: Password::claim(password),
            client_label,
            device_token,
            grant: Grant::parse(scopes)?,
        })
    }
}

/// The result of a correct password.
pub enum LoggedIn {
    /// The session.
    Session(Box<SignedIn>),
    /// The challenge to answer first.
    Challenge(Challenge),
}

impl Accounts {
    /// Checks the password, and starts a session or returns a challenge.
    pub async fn log_in(
        &self,
        log_in: LogIn,
        client: &Client,
        deadline: Deadline,
        now: DateTime<Utc>,
    ) -> Result<LoggedIn> {
        let attempt = Attempt {
            guess: Guess::LogIn,
            failure: Kind::LogInFailed,
            ip: &client.ip,
            deadline,
            now,
        };
        let email = log_in.email.as_ref();
        let password = log_in.password.clone();
        let checked = self
            .passwords
            .check(email, password, &log_in.device_token, attempt)
            .await?;
        let new_hash = self
            .passwords
            .rehash(&checked, log_in.password, deadline)
            .await?;

        let mut tx = self.db.begin().await?;
        if let Some(new_hash) = new_hash {
            store::emails::rehash(
                &mut *tx,
                (&checked).into(),
                &checked.password_hash,
                &new_hash,
            )
            .await?;
        }
        // From here to the commit neither the password nor the user can change: a change
        // that revokes the sessions is either earlier and visible, or later and includes
        // ours.
        checked.lock(&mut tx).await?;
        let user = store::users::lock_for_change(&mut *tx, checked.user_id)
            .await?
            .ok_or(Error::UserMissing)?;
        if let Err(refusal) = self.may_log_in(&user, log_in.grant) {
            let event = Event::new(user.id, Kind::LogInFailed, &client.ip);
            store::audit::insert(&mut *tx, event, now).await?;
            tx.commit().await?;
            return Err(refusal);
        }
        let request = SessionRequest {
            client_label: &log_in.client_label,
            grant: log_in.grant,
        };
        if user.mfa_enabled {
            let version = checked.password_version;
            let challenge =
                challenge::ask(&mut tx, &user, version, request, &client.ip, now).await?;
            tx.commit().await?;
            return Ok(LoggedIn::Challenge(challenge));
        }
        let tokens = self
            .sessions
            .start(&mut tx, &user, Proof::Password, request, client, now)
            .await?;
        let device_token = self.passwords.device_token(checked.owner(), now)?;
        tx.commit().await?;
        Ok(LoggedIn::Session(Box::new(SignedIn {
            user,
            tokens,
            device_token,
        })))
    }

    /// Errors that only a caller with the password may receive.
    fn may_log_in(&self, user: &User, grant: Grant) -> Result<()> {
        if user.disabled {
            return Err(Error::AccountDisabled);
        }
        if self.rules.email_verification_required && !user.email_verified {
            return Err(Error::EmailNotVerified);
        }
        grant.ensure_role(&user.roles)
    }
}
