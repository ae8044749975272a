//! What mail an address gets, and how often.
//!
//! Mail that anyone can ask for, by whichever call, shares one budget for each address.
//! Notices go to confirmed addresses only and have shares of their own, by kind, so that
//! nobody silences one by asking for mail or by other changes. Budgets survive the account.

use std::sync::Arc;

use chassis::database::pool::{Pool, Transaction};
use chrono::{DateTime, Utc};

use super::{Letter, Outbox, Topic};
use crate::error::Result;
use crate::model::email::Email;
use crate::model::session::UserSession;
use crate::model::user::User;
use crate::throttle::Throttle;

/// The call that a mail is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// Where it came from.
    pub(crate) ip: &'a str,
    /// Its time.
    pub(crate) now: DateTime<Utc>,
}

/// Mail to the owners of accounts, as much of it as they may get.
pub struct Mail {
    db: Pool,
    throttle: Arc<Throttle>,
    outbox: Outbox,
}

impl Mail {
    /// Puts mail into this outbox.
    #[must_use]
    pub fn new(db: Pool, throttle: Arc<Throttle>, outbox: Outbox) -> Self {
        Self {
            db,
            throttle,
            outbox,
        }
    }

    /// Keeps a letter until it is sent, if the transaction commits.
    pub(crate) async fn put(&self, tx: &mut Transaction, letter: &Letter) -> Result<()> {
        self.outbox.put(&mut **tx, letter).await
    }

    /// Asks for a mail with a token, by `asker`, or by someone who proves nothing. The call never looks
    /// up the account and takes the same statements for every address. The sender finds
    /// out later whether there is one, after the answer has gone out. Too many are not
    /// sent.
    pub async fn ask(
        &self,
        topic: Topic,
        email: &str,
        asker: Option<&UserSession>,
        ip: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let Ok(email) = Email::parse(email) else {
            return Ok(());
        };
        if self.may_ask(&email, ip, now).await? {
            let letter = match asker {
                Some(UserSession { user, session_id }) if user.wants(email.as_str()) => {
                    Letter::of_new_email((user.id, *session_id), &email, ip, now)
                }
                // A session asks for its own account only.
                Some(UserSession { user, session_id }) if user.email == email.as_str() => {
                    Letter::new(topic, &email, ip, now).asked_by(Some(*session_id))
                }
                _ => Letter::new(topic, &email, ip, now),
            };
            self.outbox.put(&self.db, &letter).await?;
        }
        Ok(())
    }

    /// Counts a mail that is asked for, by its address and by who asks; false where there
    /// were too many of late.
    pub(crate) async fn may_ask(&self, to: &Email, ip: &str, now: DateTime<Utc>) -> Result<bool> {
        Ok(self.throttle.allow_asker(ip, now).await?
            && self.throttle.allow_mail(&self.db, to.as_str(), now).await?)
    }

    /// Asks a new account to confirm its e-mail. Sign-ups are limited by themselves, so
    /// that only the address counts.
    pub(crate) async fn welcome(
        &self,
        tx: &mut Transaction,
        email: &Email,
        about: About<'_>,
    ) -> Result<()> {
        let About { ip, now } = about;
        if self
            .throttle
            .allow_mail(&mut **tx, email.as_str(), now)
            .await?
        {
            let letter = Letter::new(Topic::Verification, email, ip, now);
            self.outbox.put(&mut **tx, &letter).await?;
        }
        Ok(())
    }

    /// Tells the owner of an account of a change. An unverified address can be a
    /// stranger's, and gets no mail.
    pub(crate) async fn notify(
        &self,
        tx: &mut Transaction,
        user: &User,
        topic: Topic,
        about: About<'_>,
    ) -> Result<()> {
        let About { ip, now } = about;
        if !user.email_verified {
            return Ok(());
        }
        let (email, kind) = (&user.email, topic.name());
        if self.throttle.allow_notice(tx, email, kind, now).await? {
            let letter = Letter::new(topic, &Email::parse(&user.email)?, ip, now);
            self.outbox.put(&mut **tx, &letter).await?;
        }
        Ok(())
    }
}
