//! Sends the mail in the outbox. Every replica has a sender.
//!
//! A mail is leased in a short transaction, which also creates its token; SMTP runs
//! outside of any transaction. After sending, the sender deletes the mail. If a sender
//! dies before that, the mail is sent again when the lease ends: twice rather than never.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::{Pool, Transaction};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::transport::SendError;
use super::{Delivery, Letter, Outbox, Topic};
use crate::error::Result;
use crate::model::audit::Kind;
use crate::model::email_tokens::{PREFIX, Purpose};
use crate::model::user_token::UserToken;
use crate::store;
use crate::store::audit::Event;
use crate::store::email_tokens::Bound;
use crate::store::outbox::LeasedRow;
use crate::throttle::Throttle;

/// The pause between two polls of an outbox in which nothing is due.
const PAUSE: Duration = Duration::from_secs(1);
/// Mails that are sent concurrently.
const BATCH: i64 = 10;
/// The duration of a lease: longer than sending takes, and clocks differ.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// The first pause after a failure; each further one is twice as long.
const RETRY_MIN: TimeDelta = TimeDelta::seconds(5);
const RETRY_MAX: TimeDelta = TimeDelta::minutes(15);

/// Sends mail.
pub struct Sender {
    db: Pool,
    outbox: Outbox,
    delivery: Delivery,
    throttle: Throttle,
    clock: Clock,
}

/// A sender at work.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// A mail that is leased by this sender.
struct Leased {
    id: Uuid,
    attempts: i64,
    letter: Letter,
}

impl Sender {
    /// Sends from this database's outbox.
    #[must_use]
    pub fn new(
        db: Pool,
        outbox: Outbox,
        delivery: Delivery,
        throttle: Throttle,
        clock: Clock,
    ) -> Self {
        Self {
            db,
            outbox,
            delivery,
            throttle,
            clock,
        }
    }

    /// Sends until stopped.
    #[must_use]
    pub fn start(self) -> Running {
        let (stop, mut stopping) = watch::channel(false);
        let task = tokio::spawn(async move {
            loop {
                let pause = match self.batch().await {
                    Ok(0) => PAUSE,
                    Ok(_) => Duration::ZERO,
                    Err(error) => {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "cannot send mail"
                        );
                        PAUSE
                    }
                };
                tokio::select! {
                    _ = stopping.wait_for(|stop| *stop) => break,
                    () = sleep(pause) => {}
                }
            }
        });
        Running { stop, task }
    }

    /// Sends mails that are due, up to a batch; returns how many.
    pub async fn batch(&self) -> Result<usize> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let rows = store::outbox::lease(&mut *tx, now + LEASE, BATCH, now).await?;
        let count = rows.len();
        let mut leased = Vec::new();
        for row in rows {
            leased.extend(self.open(&mut tx, row, now).await?);
        }
        // Sorted by address, so that senders lock the budgets of addresses in the same
        // order.
        leased.sort_by(|one, other| one.letter.to.cmp(&other.letter.to));
        let mut mails = Vec::new();
        for mut mail in leased {
            if self.complete(&mut tx, &mut mail, now).await? {
                mails.push(mail);
            }
        }
        tx.commit().await?;
        join_all(mails.iter().map(|mail| self.deliver(mail))).await;
        Ok(count)
    }

    /// Opens a mail. Returns `None` if it is too old, or cannot be opened.
    async fn open(
        &self,
        tx: &mut Transaction,
        row: LeasedRow,
        now: DateTime<Utc>,
    ) -> Result<Option<Leased>> {
        let (id, attempts) = (row.id, row.attempts);
        if row.expire_time <= now {
            tracing::warn!(%id, attempts = attempts - 1, "a mail is given up: it is too old");
            store::outbox::delete(&mut **tx, id).await?;
            return Ok(None);
        }
        match self.outbox.open(id, &row.sealed) {
            Ok(letter) => Ok(Some(Leased {
                id,
                attempts,
                letter,
            })),
            Err(error) => {
                // Not deleted: a replica whose key file has the key can still send it.
                tracing::error!(%id, %error, "a mail in the outbox cannot be decrypted");
                Ok(None)
            }
        }
    }

    /// Creates the token of a mail the first time; false if there is nothing to send.
    async fn complete(
        &self,
        tx: &mut Transaction,
        Leased { id, letter, .. }: &mut Leased,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let (Some(purpose), None) = (letter.topic.purpose(), &letter.token) else {
            return Ok(true);
        };
        if !self.add_token(tx, purpose, letter, now).await? {
            store::outbox::delete(&mut **tx, *id).await?;
            return Ok(false);
        }
        let sealed = self.outbox.seal(*id, letter)?;
        store::outbox::reseal(&mut **tx, *id, &sealed).await?;
        Ok(true)
    }

    /// Creates the token of a letter; false if the address has no account that may have
    /// one, or its budget is used up.
    async fn add_token(
        &self,
        tx: &mut Transaction,
        purpose: Purpose,
        letter: &mut Letter,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let to = &letter.to;
        let recipient = match letter.user_id {
            Some(user_id) => store::wanted_emails::recipient(&mut **tx, user_id, to, now).await?,
            None => store::email_tokens::recipient(&mut **tx, to).await?,
        };
        let Some(recipient) = recipient.filter(|recipient| match letter.topic {
            Topic::Verification => !recipient.disabled && !recipient.email_verified,
            _ => !recipient.disabled,
        }) else {
            return Ok(false);
        };
        // Counted only now, when it is certain that a mail will be sent.
        let is_reset = purpose == Purpose::Reset;
        if !self.throttle.allow_mail(tx, to, is_reset, now).await? {
            return Ok(false);
        }
        let token = UserToken::generate(PREFIX, recipient.user_id)?;
        let bound = Bound {
            email: letter.to.clone(),
            password_version: recipient.password_version,
            session_id: letter.session_id,
        };
        let expire_time = letter.expire_time();
        store::email_tokens::insert(&mut **tx, &token, purpose, &bound, expire_time).await?;
        if is_reset {
            let kind = Kind::PasswordResetRequested;
            let event = Event::new(recipient.user_id, kind, &letter.ip);
            store::audit::insert(&mut **tx, event, letter.time).await?;
        }
        letter.token = Some(token.as_str().to_owned());
        letter.account_time = Some(recipient.create_time);
        Ok(true)
    }

    /// Sends one mail, and records the result.
    async fn deliver(&self, mail: &Leased) {
        let (id, attempts, topic) = (mail.id, mail.attempts, mail.letter.topic.name());
        let noted = match self.send(mail).await {
            Ok(()) => {
                // The folder transport logs one line for developers.
                if !self.delivery.transport.is_for_development() {
                    tracing::info!(%id, topic, "mail sent");
                }
                store::outbox::delete(&self.db, id).await
            }
            Err(SendError::Never(cause)) => {
                tracing::warn!(%id, topic, cause, "a mail is given up");
                store::outbox::delete(&self.db, id).await
            }
            Err(SendError::Later(cause)) => {
                tracing::warn!(%id, topic, attempts, cause, "a mail waits for another attempt");
                let due_time = self.clock.now() + pause_after(attempts);
                store::outbox::postpone(&self.db, id, attempts, due_time).await
            }
        };
        if let Err(error) = noted {
            // The mail is sent again when its lease ends.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(%id, topic, error, "cannot record the result of a mail");
        }
    }

    async fn send(&self, mail: &Leased) -> Result<(), SendError> {
        let written = self.delivery.writer.write(mail.id, &mail.letter);
        let written = written.map_err(|error| SendError::Never(error.to_string()))?;
        self.delivery.transport.send(mail.id, &written).await
    }
}

impl Running {
    /// Stops; mails being sent are finished, within `grace`.
    pub async fn stop(self, grace: Duration) {
        let abort = self.task.abort_handle();
        self.stop.send_replace(true);
        if timeout(grace, self.task).await.is_err() {
            abort.abort();
        }
    }
}

/// The pause after this many attempts.
fn pause_after(attempts: i64) -> TimeDelta {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    (RETRY_MIN * 2_i32.pow(doublings)).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::super::transport::SEND_MAX;
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour() {
        let pauses = [1, 2, 3, 8, 9, 1000].map(|attempts| pause_after(attempts).num_seconds());
        assert_eq!(pauses, [5, 10, 20, 640, 900, 900]);
    }

    #[test]
    fn a_lease_outlasts_the_sending() {
        assert!(LEASE.to_std().unwrap() > SEND_MAX + Duration::from_mins(1));
    }
}
