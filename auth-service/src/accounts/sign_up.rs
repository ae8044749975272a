//! Creates an account.

use chassis::serve::deadline::Deadline;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};

use crate::accounts::Accounts;
use crate::error::{Error, Result};
use crate::mail::About;
use crate::model::audit::Kind;
use crate::model::email::Email;
use crate::model::request_id::RequestId;
use crate::model::user::{DisplayName, User};
use crate::passwords::Password;
use crate::passwords::credentials::{Attempt, new_password_version};
use crate::passwords::hasher::Turn;
use crate::store;
use crate::store::audit::Event;
use crate::store::emails::{EmailRow, NewEmail};
use crate::throttle::Guess;
use chassis::sha256::sha256;

/// How long a sign-up can be repeated with its request id.
const REPEAT_MAX: TimeDelta = TimeDelta::hours(24);

/// The account to create.
#[derive(Debug)]
pub struct NewAccount {
    /// Its address.
    pub email: Email,
    /// Its password.
    pub password: Password,
    /// The display name.
    pub display_name: DisplayName,
    /// The client's request id.
    pub request_id: Option<RequestId>,
}

impl NewAccount {
    /// Parses the request.
    pub fn parse(
        email: &str,
        password: &str,
        display_name: &str,
        request_id: &str,
    ) -> Result<Self> {
        let email = Email::parse(email)?;
        Ok(Self {
            password: Password::choose(password, "password", &email)?,
            email,
            display_name: DisplayName::parse(display_name, "display_name")?,
            request_id: RequestId::parse(request_id)?,
        })
    }

    fn body_hash(&self) -> [u8; 32] {
        sha256(self.display_name.as_str().as_bytes())
    }
}

impl Accounts {
    /// Refuses if the operator disabled sign-up.
    pub fn ensure_sign_up_enabled(&self) -> Result<()> {
        if self.rules.sign_up_enabled {
            Ok(())
        } else {
            Err(Error::SignUpDisabled)
        }
    }

    /// Creates an account. Of several calls with one e-mail one succeeds.
    pub async fn sign_up(
        &self,
        new: NewAccount,
        ip: &str,
        deadline: Deadline,
        now: DateTime<Utc>,
    ) -> Result<User> {
        // A repeat reveals whether its password is the account's, so it counts as a
        // guess, like a log-in.
        let attempt = Attempt {
            guess: Guess::LogIn,
            failure: Kind::SignUpFailed,
            ip,
            deadline,
            now,
        };
        // Before hashing, so that a taken e-mail costs no hash.
        if let Some(known) = store::emails::get(&self.db, new.email.as_str()).await? {
            return self.repeat(known, new, attempt).await;
        }
        let password = new.password.clone();
        let hash = self.passwords.hash(password, Turn::Later, deadline).await?;
        if let Some(user) = self.insert(&new, &hash, ip, now).await? {
            return Ok(user);
        }
        // Another call was faster, or this one was sent twice.
        let known = store::emails::get(&self.db, new.email.as_str()).await?;
        self.repeat(known.ok_or(Error::EmailTaken)?, new, attempt)
            .await
    }

    async fn insert(
        &self,
        new: &NewAccount,
        password_hash: &str,
        ip: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<User>> {
        let user = User {
            id: UserId::generate(),
            email: new.email.as_str().to_owned(),
            display_name: new.display_name.as_str().to_owned(),
            email_verified: false,
            mfa_enabled: false,
            roles: Vec::new(),
            disabled: false,
            version: 1,
            create_time: now,
            update_time: now,
            pending_email: None,
            pending_email_expire_time: None,
        };
        let email = NewEmail {
            email: new.email.as_str(),
            user_id: user.id,
            password_hash,
            password_version: new_password_version()?,
            request_hash: new.request_id.map(|id| id.0),
            request_body_hash: new.request_id.map(|_| new.body_hash()),
        };
        let mut tx = self.db.begin().await?;
        if !store::emails::insert(&mut *tx, &email, now).await? {
            return Ok(None);
        }
        store::users::insert(&mut *tx, &user).await?;
        let event = Event::new(user.id, Kind::SignUp, ip);
        store::audit::insert(&mut *tx, event, now).await?;
        self.mail
            .welcome(&mut tx, &new.email, About { ip, now })
            .await?;
        tx.commit().await?;
        Ok(Some(user))
    }

    /// The response for a taken e-mail: the account, if the same call created it.
    async fn repeat(&self, known: EmailRow, new: NewAccount, attempt: Attempt<'_>) -> Result<User> {
        let same_request = new.request_id.is_some_and(|id| {
            known.request_hash.as_deref() == Some(&id.0)
                && attempt.now < known.create_time + REPEAT_MAX
        });
        if !same_request {
            self.note_taken(&known, attempt).await?;
            return Err(Error::EmailTaken);
        }
        let reused = || {
            let problem = "was used for another request";
            Error::invalid("REQUEST_ID_REUSED", "request_id", problem)
        };
        // Before the password is checked, so that this response does not depend on it.
        if known.request_body_hash.as_deref() != Some(&new.body_hash()) {
            return Err(reused());
        }
        let checked = self
            .passwords
            .check(Some(&new.email), new.password, "", attempt)
            .await
            .map_err(|error| match error {
                Error::InvalidCredentials => reused(),
                other => other,
            })?;
        if checked.user_id != known.user_id {
            // Another account has the e-mail now.
            return Err(Error::EmailTaken);
        }
        store::users::get(&self.db, known.user_id)
            .await?
            .ok_or(Error::UserMissing)
    }

    /// Records that somebody learned that an e-mail has an account.
    async fn note_taken(&self, known: &EmailRow, attempt: Attempt<'_>) -> Result<()> {
        let (id, now) = (known.user_id, attempt.now);
        if self.throttle.allow_strangers_entry(id, now).await? {
            let event = Event::new(id, Kind::SignUpTaken, attempt.ip);
            store::audit::insert(&self.db, event, now).await?;
        }
        Ok(())
    }
}
