//! Deletes an account: one transaction deletes everything stored here, and records the
//! deletion for other services.

use chassis::clock::Clock;
use chassis::database::pool::{Pool, Transaction};
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::error::{Error, Result};
use crate::model::audit::Kind;
use crate::model::roles;
use crate::model::user::User;
use crate::passwords::Password;
use crate::passwords::credentials::Attempt;
use crate::store;
use crate::store::audit::Event;
use crate::throttle::Throttle;

/// How long after a deletion the sweep still looks for rows that running calls wrote
/// about the user: longer than the time between two purges.
const SWEPT: TimeDelta = TimeDelta::hours(3);
/// The number of users with remaining rows in one sweep.
const SWEPT_AT_ONCE: i64 = 100;

impl Accounts {
    /// Deletes the account of a user who knows its password.
    pub async fn delete_own(
        &self,
        user: &User,
        session_id: Uuid,
        password: Password,
        attempt: Attempt<'_>,
        clock: &Clock,
    ) -> Result<()> {
        let checked = self.passwords.check_own(user, password, attempt).await?;
        let version = Some(checked.password_version);
        let mut tx = self.db.begin().await?;
        let changed = || Error::AccountChanged;
        let taken = take(&mut tx, user, version).await?.ok_or_else(changed)?;
        let ended = end(&mut tx, taken, &self.throttle, clock).await?;
        let now = ended.ok_or_else(changed)?;
        let event = Event::new(user.id, Kind::UserDeleted, "").session(session_id);
        store::audit::insert(&mut *tx, event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// An account whose log-ins are locked until the transaction ends.
pub(crate) struct ClaimedUser<'a>(&'a User);

/// Deletes the tokens and the e-mail of an account, if its password has this version
/// (`None`: any version). Returns `None` if the account was changed or deleted meanwhile:
/// then the transaction must not be committed.
///
/// Locks in the order of resets and log-ins: first tokens, then the e-mail, then users.
/// The transaction must not have locked users yet.
pub(crate) async fn take<'a>(
    tx: &mut Transaction,
    user: &'a User,
    password_version: Option<i64>,
) -> Result<Option<ClaimedUser<'a>>> {
    store::email_tokens::delete_all(&mut **tx, user.id).await?;
    let taken = store::deletion::remove_email(&mut **tx, user, password_version).await?;
    Ok(taken.then_some(ClaimedUser(user)))
}

/// Deletes an account; returns the time of the deletion, or `None` if the account was
/// changed meanwhile: then the transaction must not be committed. If a user has many
/// rows, the sweep deletes the rest.
///
/// A log-in that locked the account earlier commits first, and its session is deleted
/// here; a later one finds no account. The time is read when no log-in can start any
/// more, so that no token is newer than its revocation.
pub(crate) async fn end(
    tx: &mut Transaction,
    ClaimedUser(user): ClaimedUser<'_>,
    throttle: &Throttle,
    clock: &Clock,
) -> Result<Option<DateTime<Utc>>> {
    let is_admin = roles::make_admin(&user.roles);
    if is_admin && store::users::lock_administrators(&mut **tx).await? == [user.id] {
        return Err(Error::LastAdministrator);
    }
    if !store::deletion::remove_user(&mut **tx, user.id, is_admin).await? {
        return Ok(None);
    }
    let removed = store::leftovers::remove_rows(tx, user.id, clock.now()).await?;
    let blanked = store::leftovers::blank_audit(&mut **tx, user.id, None).await?;
    throttle.forgive(tx, user.id, &user.email).await?;
    let now = clock.now();
    store::revocations::insert_user(&mut **tx, user.id, now).await?;
    let rows_left = removed.more || blanked.last.is_some();
    store::deletion::remember(&mut **tx, user.id, rows_left, now).await?;
    Ok(Some(now))
}

/// Deletes remaining rows of deleted users: those that were too many for the transaction
/// of the deletion, and those that running calls wrote meanwhile, such as the audit entry
/// of a wrong password. Returns the number of rows; call it again until it returns zero.
pub async fn sweep(db: &Pool, now: DateTime<Utc>) -> Result<u64> {
    let mut count = 0;
    for user_id in store::leftovers::unfinished(db, now - SWEPT, SWEPT_AT_ONCE).await? {
        count += finish(db, user_id, now).await?;
    }
    Ok(count)
}

/// Deletes all remaining rows of one user, in batches.
async fn finish(db: &Pool, user_id: UserId, now: DateTime<Utc>) -> Result<u64> {
    let mut count = 0;
    loop {
        let mut tx = db.begin().await?;
        let removed = store::leftovers::remove_rows(&mut tx, user_id, now).await?;
        tx.commit().await?;
        count += removed.rows;
        if !removed.more {
            break;
        }
    }
    let mut after = None;
    loop {
        let step = store::leftovers::blank_audit(db, user_id, after).await?;
        count += step.rows.unsigned_abs();
        after = step.last;
        if after.is_none() {
            break;
        }
    }
    store::leftovers::finished(db, user_id).await?;
    Ok(count)
}
