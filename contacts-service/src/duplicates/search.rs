//! The groups of an address book, a page at a time.

use std::collections::HashMap;

use chassis::database::pool::Pool;
use chassis::paging::fitting;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{Group, groups};
use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::share::visible::View;
use crate::store::{contacts, duplicates, ignored_pairs};

/// The number of concurrent searches for groups, of all callers. A search reads a whole
/// book and keeps a connection meanwhile, so a few more would leave no connection to
/// other calls.
pub const AT_A_TIME: usize = 2;

/// The place of the last group that was shown.
pub type DuplicatesCursor = (u32, Option<ContactId>);

/// A page of groups.
pub struct DuplicatesPage {
    /// The most certain first.
    pub groups: Vec<FoundGroup>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<DuplicatesCursor>,
}

/// A group with its contacts.
pub struct FoundGroup {
    /// The group.
    pub group: Group,
    /// The oldest first.
    pub contacts: Vec<Stored>,
}

/// Finds at most `size` of the groups in `view` after `cursor` that have at least `min_score`.
/// Waits for one of `places`.
pub async fn find(
    db: &Pool,
    places: &Semaphore,
    view: &View,
    min_score: f64,
    cursor: Option<DuplicatesCursor>,
    size: usize,
) -> Result<DuplicatesPage> {
    // Waits until the call's deadline; the semaphore is never closed.
    let _place = places.acquire().await.ok();
    // One snapshot, so that the compared and the returned contacts are from the same
    // moment.
    let mut tx = db.begin_snapshot().await?;
    let candidates = duplicates::candidates(&mut tx, view).await?;
    let ignored = ignored_pairs::list(&mut *tx, view.owner, None, ignored_pairs::PAIRS_MAX).await?;
    let all = off_thread(move || groups(&candidates, &ignored)).await?;

    let start = all.partition_point(|group| cursor.is_some_and(|cursor| group.place() <= cursor));
    let end = all.partition_point(|group| group.certainty() >= min_score);
    let mut rest = all.into_iter().take(end).skip(start).peekable();
    let mut shown: Vec<Group> = rest.by_ref().take(size).collect();
    let ids = shown.iter().flat_map(|group| &group.ids);
    let ids: Vec<Uuid> = ids.map(|id| id.0).collect();
    let mut contacts = contacts::get_many(&mut *tx, view.owner, &ids).await?;
    let bytes = |id: &ContactId| contacts.get(id).map_or(0, |contact| contact.body.len());
    let sizes = shown.iter().map(|group| group.ids.iter().map(bytes).sum());
    let fit = fitting(sizes, size).min(shown.len());
    let more = fit < shown.len() || rest.peek().is_some();
    shown.truncate(fit);
    Ok(DuplicatesPage {
        next: shown.last().filter(|_| more).map(Group::place),
        groups: with_contacts(shown, view, &mut contacts)?,
    })
}

/// Works on another thread, because a large book takes tens of milliseconds, in which this
/// one serves other calls.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let done = spawn_blocking(work).await;
    Ok(done.map_err(|_| sqlx::Error::WorkerCrashed)?)
}

fn with_contacts(
    groups: Vec<Group>,
    view: &View,
    contacts: &mut HashMap<ContactId, Stored>,
) -> Result<Vec<FoundGroup>> {
    let groups = groups.into_iter().map(|group| {
        let found = group.ids.iter().filter_map(|id| contacts.remove(id));
        let seen = found.filter_map(|contact| view.visible.show(contact).transpose());
        let contacts = seen.collect::<Result<_>>()?;
        Ok(FoundGroup { group, contacts })
    });
    groups.collect()
}
