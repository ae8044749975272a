//! The budgets of mail to an address.
//!
//! Mail that anyone can request, by any call, shares one budget per address. The sender
//! counts what it sends, so a request that no mail follows uses nothing up. Notices go to
//! verified addresses only and have a budget per kind, so that requests for mail or other
//! changes cannot suppress them. Budgets survive the account.

use std::sync::Arc;

use chassis::database::pool::{Pool, Transaction};
use chrono::{DateTime, Utc};

use super::{Letter, Outbox, Topic};
use crate::error::Result;
use crate::model::email::Email;
use crate::model::session::UserSession;
use crate::model::user::User;
use crate::throttle::Throttle;

/// The call that a mail concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    /// The client's address.
    pub(crate) ip: &'a str,
    /// Its time.
    pub(crate) now: DateTime<Utc>,
}

/// Mail to the owners of accounts, within their budgets.
pub struct Mail {
    db: Pool,
    throttle: Arc<Throttle>,
    outbox: Outbox,
}

impl Mail {
    /// Stores mail in this outbox.
    #[must_use]
    pub fn new(db: Pool, throttle: Arc<Throttle>, outbox: Outbox) -> Self {
        Self {
            db,
            throttle,
            outbox,
        }
    }

    /// Stores a letter until it is sent, if the transaction commits.
    pub(crate) async fn put(&self, tx: &mut Transaction, letter: &Letter) -> Result<()> {
        self.outbox.put(&mut **tx, letter).await
    }

    /// Requests a mail with a token, for `asker` or without proof. The call never looks
    /// up the account and runs the same statements for every address. The sender finds
    /// out later whether there is one, and whether its budget is used up.
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
        if self.may_ask(ip, now).await? {
            let letter = match asker {
                Some(UserSession { user, session_id }) if user.wants(email.as_str()) => {
                    Letter::of_new_email((user.id, *session_id), &email, ip, now)
                }
                // A session can request it for its own account only.
                Some(UserSession { user, session_id }) if user.email == email.as_str() => {
                    Letter::new(topic, &email, ip, now).asked_by(Some(*session_id))
                }
                _ => Letter::new(topic, &email, ip, now),
            };
            self.outbox.put(&self.db, &letter).await?;
        }
        Ok(())
    }

    /// Counts a mail that a client address requests; false if it requested too many.
    pub(crate) async fn may_ask(&self, ip: &str, now: DateTime<Utc>) -> Result<bool> {
        self.throttle.allow_asker(ip, now).await
    }

    /// Sends the verification mail of a new account. Sign-ups have limits of their own,
    /// so the client's address is not counted.
    pub(crate) async fn welcome(
        &self,
        tx: &mut Transaction,
        email: &Email,
        about: About<'_>,
    ) -> Result<()> {
        let About { ip, now } = about;
        let letter = Letter::new(Topic::Verification, email, ip, now);
        self.outbox.put(&mut **tx, &letter).await
    }

    /// Notifies an address that the owner of an account offers it contacts, within the budgets
    /// of both. It never looks up the account of the address.
    pub(crate) async fn announce_share(
        &self,
        owner: &User,
        to: &Email,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let (id, email) = (owner.id, to.as_str());
        if self
            .throttle
            .allow_share_notice(&mut tx, id, email, now)
            .await?
        {
            let letter = Letter::of_share(&owner.email, to, now);
            self.outbox.put(&mut *tx, &letter).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notifies the owner of an account of a change. An unverified address can be a
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
