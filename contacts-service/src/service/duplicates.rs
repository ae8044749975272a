//! Pages of groups of contacts that may be the same person.

use std::collections::{HashMap, HashSet};

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes, fitting};
use chassis::user_id::UserId;
use proto::contacts::server::{DuplicateGroup, FindDuplicatesResponse};
use proto::contacts::v1::{FindDuplicatesRequest, IgnoreDuplicateRequest};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::contact::ContactId;
use crate::contact::stored::Stored;
use crate::duplicates::{Group, groups};
use crate::error::{Error, Result};
use crate::store::{contacts, duplicates};

const SIZES: Sizes = Sizes {
    default: 20,
    max: 100,
};

/// The two contacts of a pair.
pub(super) fn parse_pair(request: &IgnoreDuplicateRequest) -> Result<[ContactId; 2]> {
    let id = ContactId::parse("id", &request.id)?;
    let other = ContactId::parse("other_id", &request.other_id)?;
    if id == other {
        let problem = "must be a different contact";
        return Err(Error::invalid("FIELD_INVALID", "other_id", problem));
    }
    Ok([id, other])
}

/// The number of concurrent searches for groups: each reads a whole book and holds a
/// connection, so more of them would use up the pool.
pub const AT_A_TIME: usize = 2;

/// A page of the owner's groups.
pub(super) async fn find(
    db: &Pool,
    sealer: &Sealer,
    places: &Semaphore,
    owner: UserId,
    mut request: FindDuplicatesRequest,
) -> Result<FindDuplicatesResponse> {
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let pages = Pages::new(sealer, "FindDuplicates", owner, &request, paging, SIZES)?;
    let after: Option<(u32, Option<ContactId>)> = pages.cursor()?;

    // Waits as long as the caller does; the semaphore is never closed.
    let _place = places.acquire().await.ok();
    // Comparison and response use the same snapshot.
    let mut tx = db.begin_snapshot().await?;
    duplicates::sort_in_memory(&mut tx).await?;
    let shared = duplicates::shared(&mut *tx, owner).await?;
    let ids: HashSet<Uuid> = shared
        .iter()
        .flat_map(|shared| &shared.ids)
        .map(|id| id.0)
        .collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let members = duplicates::members(&mut *tx, owner, &ids).await?;
    let ignored = duplicates::ignored(&mut *tx, owner).await?;
    // A large book takes tens of milliseconds, during which this thread serves other
    // calls.
    let found = spawn_blocking(move || groups(&shared, members, &ignored));
    let found = found.await.map_err(|_| sqlx::Error::WorkerCrashed)?;

    let start = found.partition_point(|group| after.is_some_and(|after| group.place() <= after));
    let rest = &found[start..];
    let candidates = &rest[..rest.len().min(pages.size())];
    let ids = candidates.iter().flat_map(|group| &group.ids);
    let ids: Vec<Uuid> = ids.map(|id| id.0).collect();
    let mut contacts = contacts::get_many(&mut *tx, owner, &ids).await?;
    let bytes = |id: &ContactId| contacts.get(id).map_or(0, |contact| contact.body.len());
    let sizes = candidates
        .iter()
        .map(|group| group.ids.iter().map(bytes).sum());
    let fit = fitting(sizes, pages.size()).min(candidates.len());

    let last = candidates[..fit].last().filter(|_| fit < rest.len());
    let next_page_token = last.map_or_else(String::new, |group| pages.token(&group.place()));
    let shown = candidates[..fit].iter();
    let groups = shown.map(|group| message(group, &mut contacts)).collect();
    Ok(FindDuplicatesResponse {
        groups,
        next_page_token,
    })
}

fn message(group: &Group, contacts: &mut HashMap<ContactId, Stored>) -> DuplicateGroup {
    let contacts = group.ids.iter().filter_map(|id| contacts.remove(id));
    DuplicateGroup {
        contacts: contacts.map(Stored::encoded).collect(),
        score: f64::from(group.score) / 1000.0,
        reasons: group
            .reasons
            .iter()
            .map(|reason| (*reason).into())
            .collect(),
    }
}
