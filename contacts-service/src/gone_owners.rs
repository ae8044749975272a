//! Removes the address books of users whose accounts are gone.
//!
//! The auth service may tell while this one is away: it is asked from a cursor
//! that rests in the database, and moves on only when all that was told before is
//! removed. A call that was let in before its token was revoked can write behind the
//! removal, so each owner is removed again when no token is left. Removing what is
//! not there is nothing, so that replicas can all do this.

use std::collections::HashSet;
use std::time::Duration;

use chassis::access::revocations::Revocations;
use chassis::auth_client::deletion_feed::{Deleted, DeletionFeed};
use chassis::database::pool::Pool;
use chassis::trouble::Trouble;
use chassis::user_id::UserId;
use tokio::time::timeout;

use crate::error::{Error, Result};
use crate::store::{cursors, gone_owners, owners, shares};

/// The name of the feed in the table of cursors.
const FEED: &str = "deleted_users";
/// Between two passes that nobody asks for.
const PAUSE: Duration = Duration::from_secs(30);
/// Behind a pass that failed.
const RETRY: Duration = Duration::from_secs(2);
/// Rows of a table that one transaction removes: few enough to disturb nobody.
const BATCH: i64 = 500;

/// Why a pass did not reach its end.
#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error("the auth service does not respond")]
    Feed(#[from] tonic::Status),
    #[error(transparent)]
    Store(#[from] Error),
}

/// Removes for ever what `feed` tells; at once where a user is revoked.
pub async fn follow(db: Pool, feed: DeletionFeed, revocations: &Revocations) {
    let mut purge = Purge {
        db,
        feed,
        removed: HashSet::new(),
    };
    let mut trouble = Trouble::new("cannot remove the contacts of all deleted users");
    loop {
        let pause = match purge.pass().await {
            Ok(()) => {
                trouble.is_over();
                PAUSE
            }
            Err(error) => {
                trouble.failed(&error);
                RETRY
            }
        };
        // Woken or not, the next pass finds what there is.
        let _ = timeout(pause, revocations.user_revoked()).await;
    }
}

struct Purge {
    db: Pool,
    feed: DeletionFeed,
    /// Owners who are removed, but are told again while they have tokens.
    removed: HashSet<UserId>,
}

impl Purge {
    /// One owner who cannot be removed does not keep the others, but the cursor.
    async fn pass(&mut self) -> Result<(), PassError> {
        let since = cursors::get(&self.db, FEED).await?;
        let (mut kept, mut page_token) = (since.clone(), String::new());
        let mut removed = HashSet::new();
        let mut failed = None;
        loop {
            let page = self.feed.page(&since, &page_token).await?;
            for Deleted {
                user_id,
                tokens_ended,
            } in page.deleted
            {
                let is_due = tokens_ended || !self.removed.contains(&user_id);
                if is_due && let Err(error) = remove(&self.db, user_id).await {
                    failed = Some(error);
                    continue;
                }
                if !tokens_ended {
                    removed.insert(user_id);
                }
            }
            if failed.is_none() && page.cursor != kept {
                cursors::keep(&self.db, FEED, &page.cursor).await?;
                kept = page.cursor;
            }
            if page.next_page_token.is_empty() {
                break;
            }
            page_token = page.next_page_token;
        }
        self.removed = removed;
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Removes all that an owner has, a batch after the other, and then what others share
/// with it; returns how many rows
/// that were. Each batch takes the owner's row first, as every write does, so that
/// a write is seen or waits, and replicas do one batch each in turn.
pub async fn remove(db: &Pool, owner: UserId) -> Result<u64> {
    let mut count = 0;
    loop {
        let mut tx = db.begin().await?;
        owners::hold(&mut tx, owner).await?;
        let (removed, is_all) = gone_owners::remove_batch(&mut tx, owner, BATCH).await?;
        count += removed;
        if is_all {
            count += gone_owners::remove_owner(&mut *tx, owner).await?;
        }
        tx.commit().await?;
        if is_all {
            break;
        }
    }
    for sharer in shares::owners_of(db, owner).await? {
        let mut tx = db.begin().await?;
        owners::take(&mut tx, sharer).await?;
        count += shares::delete_of_recipient(&mut *tx, sharer, owner).await?;
        tx.commit().await?;
    }
    if count > 0 {
        tracing::info!(%owner, count, "deleted the address book of a deleted user");
    }
    Ok(count)
}
