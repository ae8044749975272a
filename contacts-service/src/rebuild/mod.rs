//! Makes keys again that an earlier version of the program made, also one that still runs
//! beside this one during an upgrade.
//!
//! The owner's row says up to which version of the book all keys are current; what other
//! programs write lies above it. So the feed's index finds what is left, in the order of
//! versions, and nothing but the owner's row is marked. A contact keeps its version: for
//! clients that sync it did not change. Copies for searching follow the owner's row.

mod labels;

use std::time::Duration;

use chassis::clock::Clock;
use chassis::database::pool::Pool;
use chassis::start::chores;
use chassis::user_id::UserId;
use chrono::{DateTime, Utc};
use tokio::task::yield_now;
use uuid::Uuid;

use crate::contact::body::Body;
use crate::contact::keys::Keys;
use crate::contact::row::ContactRow;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::store::rebuild;

/// The pause between two looks at all owners: programs of the version before may write
/// until the upgrade is over.
const PAUSE: Duration = Duration::from_mins(10);
/// Owners that one statement looks at.
const OWNERS: i64 = 1000;
/// Contacts of one transaction, which holds the owner's row: other writes wait for it.
const CONTACTS: usize = 100;
/// More than any id.
const LAST_ID: Uuid = Uuid::max();

/// Looks for outdated keys periodically, in an endless loop.
pub async fn forever(db: Pool, clock: Clock) {
    let pass = async || pass(&db, clock.now()).await;
    chores::forever("made the keys of contacts again", PAUSE, pass).await;
}

/// Makes the outdated keys of all owners again; returns the number of contacts. Replicas
/// that do so at the same time share the work.
pub async fn pass(db: &Pool, now: DateTime<Utc>) -> Result<u64> {
    let mut count = 0;
    let mut failed = None;
    let mut after = Uuid::nil();
    loop {
        let owners = rebuild::owners(db, after, OWNERS).await?;
        let Some(last) = owners.last() else {
            break;
        };
        after = last.id.0;
        for owner in owners.iter().filter(|owner| owner.is_outdated) {
            // One that fails does not keep the others from it.
            match book(db, owner.id, now).await {
                Ok(contacts) => count += contacts,
                Err(error) => failed = Some(error),
            }
        }
    }
    failed.map_or(Ok(count), Err)
}

/// Makes the keys of one owner again, a batch at a time.
async fn book(db: &Pool, owner: UserId, now: DateTime<Utc>) -> Result<u64> {
    let (mut count, mut reached) = (0, None);
    loop {
        let mut tx = db.begin().await?;
        let Some(keyed) = rebuild::take(&mut tx, owner).await? else {
            return Ok(count);
        };
        let parted = match reached {
            None => labels::rename(&mut tx, owner, now).await?,
            Some(_) => labels::Parted::default(),
        };
        // Contacts of one version may be in several batches.
        let after = reached.max(Some((keyed, LAST_ID))).unwrap_or_default();
        let limit = i64::try_from(CONTACTS).unwrap_or(i64::MAX);
        let contacts = rebuild::contacts(&mut *tx, owner, after, limit).await?;
        let is_all = contacts.len() < CONTACTS;
        reached = contacts.last().map(|last| (last.version, last.id.0));
        count += contacts.len() as u64;
        let rows = keyed_rows(contacts).await?;
        rebuild::store_keys(&mut *tx, owner, &rows).await?;
        labels::respell(&mut tx, owner, now, &rows).await?;
        let complete = reached.map_or(keyed, |(version, _)| version - 1).max(keyed);
        rebuild::set_keyed(&mut *tx, owner, Some(complete).filter(|_| !is_all)).await?;
        tx.commit().await?;
        parted.report();
        if is_all {
            return Ok(count);
        }
    }
}

async fn keyed_rows(contacts: Vec<Stored>) -> Result<Vec<ContactRow>> {
    let mut rows = Vec::with_capacity(contacts.len());
    for (number, contact) in contacts.into_iter().enumerate() {
        let keys = Keys::of(&Body::decode(&contact.body)?);
        rows.push(ContactRow {
            contact,
            keys,
            photo: None,
        });
        // Other calls get their turn on the thread.
        if number % 20 == 0 {
            yield_now().await;
        }
    }
    Ok(rows)
}
