//! Deletes the address books of deleted users.
//!
//! This service may be down when a user is deleted. It therefore reads from a cursor that
//! is stored in the database and advances only when all earlier users are processed. A
//! call that was admitted before its token was revoked can write after the deletion, so
//! each owner is deleted again when no token can be valid. Deleting a missing owner has
//! no effect, so all replicas can do this.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chassis::access::revocations::Revocations;
use chassis::auth_client::deletion_feed::{Deleted, DeletionFeed};
use chassis::database::pool::Pool;
use chassis::start::lag::Lag;
use chassis::trouble::Trouble;
use chassis::user_id::UserId;
use tokio::time::timeout;

use crate::copies::Copies;
use crate::error::{Error, Result};
use crate::store::{cursors, gone_owners, owners, shares};

/// The name of the feed in the table of cursors.
const FEED: &str = "deleted_users";
/// The pause between two passes.
const PAUSE: Duration = Duration::from_secs(30);
/// The pause after a failed pass.
const RETRY: Duration = Duration::from_secs(2);
/// Rows of a table that one transaction deletes: few enough not to disturb others.
const BATCH: i64 = 500;

/// Why a pass failed.
#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error("the auth service does not respond")]
    Feed(#[from] tonic::Status),
    #[error(transparent)]
    Store(#[from] Error),
}

/// Deletes the users of `feed`, in an endless loop; at once when a user is revoked.
pub async fn follow(
    db: Pool,
    copies: Arc<Copies>,
    feed: DeletionFeed,
    revocations: Arc<Revocations>,
    lag: Lag,
) {
    let mut purge = Purge {
        db,
        copies,
        feed,
        removed: HashSet::new(),
    };
    let mut trouble = Trouble::new("cannot remove the contacts of all deleted users");
    loop {
        let pause = match purge.pass().await {
            Ok(()) => {
                lag.after(0);
                trouble.is_over();
                PAUSE
            }
            Err(error) => {
                trouble.failed(&error);
                RETRY
            }
        };
        // With or without a wake-up, the next pass finds all users.
        let _ = timeout(pause, revocations.user_revoked()).await;
    }
}

struct Purge {
    db: Pool,
    copies: Arc<Copies>,
    feed: DeletionFeed,
    /// Owners that are deleted already, but listed again while they have tokens.
    removed: HashSet<UserId>,
}

impl Purge {
    /// Deletes the owners that the feed lists. If one cannot be deleted, the others still
    /// are, but the cursor does not move past it.
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
                self.copies.forget(user_id);
                if !tokens_ended {
                    removed.insert(user_id);
                }
            }
            if failed.is_none() && page.cursor != kept {
                cursors::set(&self.db, FEED, &page.cursor).await?;
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

/// Deletes everything of an owner in batches, and then the shares of others with it;
/// returns the number of rows. Each batch locks the owner's row first, as every write
/// does, so that replicas take turns and no write is missed.
pub async fn remove(db: &Pool, owner: UserId) -> Result<u64> {
    let mut count = 0;
    loop {
        let mut tx = db.begin().await?;
        owners::lock(&mut tx, owner).await?;
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
    for sharer in shares::owners_shared_with(db, owner).await? {
        let mut tx = db.begin().await?;
        owners::begin_write(&mut tx, sharer).await?;
        count += shares::delete_of_recipient(&mut *tx, sharer, owner).await?;
        tx.commit().await?;
    }
    if count > 0 {
        tracing::info!(%owner, count, "deleted the address book of a deleted user");
    }
    Ok(count)
}
