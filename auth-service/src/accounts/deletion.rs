//! The end of an account: one transaction removes all that is kept here, and
//! writes down that other services have to follow.

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

/// For how long the rows of a deleted user are looked for again: longer than between
/// two purges.
const SWEPT: TimeDelta = TimeDelta::hours(3);
/// Users of whom rows are left that one sweep looks at.
const SWEPT_AT_ONCE: i64 = 100;

impl Accounts {
    /// Ends the account of a user who knows its password.
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
        // Changed in between: what was right is not any more.
        let changed = || Error::InvalidCredentials;
        let taken = take(&mut tx, user, version).await?.ok_or_else(changed)?;
        let ended = end(&mut tx, taken, &self.throttle, clock).await?;
        let now = ended.ok_or_else(changed)?;
        let event = Event::new(user.id, Kind::UserDeleted, "").session(session_id);
        store::audit::insert(&mut *tx, event, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// An account that nobody else logs in to, until the transaction ends.
pub(crate) struct Taken<'a>(&'a User);

/// Takes the tokens and the e-mail away from an account whose password has this version,
/// or any; `None` if the account was changed since it was read, or is gone: then the
/// transaction must not be committed.
///
/// In the order of resets and log-ins, so that the transaction must not hold users yet:
/// whoever spends a token takes it first, then the e-mail, then users.
pub(crate) async fn take<'a>(
    tx: &mut Transaction,
    user: &'a User,
    password_version: Option<i64>,
) -> Result<Option<Taken<'a>>> {
    store::email_tokens::delete_all(&mut **tx, user.id).await?;
    let taken = store::deletion::remove_email(&mut **tx, user, password_version).await?;
    Ok(taken.then_some(Taken(user)))
}

/// Ends an account; returns when, or `None` if it was changed since it was read: then the
/// transaction must not be committed. Of a user of whom there is much, the sweep removes
/// the rest.
///
/// A log-in that holds the account comes before, and loses its session here; a later
/// one finds nothing. The time is asked for when nothing can begin any more, so that
/// no token is younger than its revocation.
pub(crate) async fn end(
    tx: &mut Transaction,
    Taken(user): Taken<'_>,
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

/// Removes what is left of users who are gone: more than one transaction should remove,
/// and what calls that were under way have written meanwhile, as the entry of a wrong
/// password. Returns how many rows that were; to be called until it was none.
pub async fn sweep(db: &Pool, now: DateTime<Utc>) -> Result<u64> {
    let mut count = 0;
    for user_id in store::leftovers::unfinished(db, now - SWEPT, SWEPT_AT_ONCE).await? {
        count += finish(db, user_id, now).await?;
    }
    Ok(count)
}

/// Removes all that is left of one user, a batch at a time.
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
