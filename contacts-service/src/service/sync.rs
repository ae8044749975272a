//! Sync and watch.

use std::collections::HashSet;
use std::sync::Arc;

use chassis::page_token::Sealer;
use chassis::paging::{PAGE_BYTES_MAX, Sizes};
use futures_util::{Stream, StreamExt};
use proto::contacts::server::watch_contacts_response::Event as Answered;
use proto::contacts::server::{SyncContactsResponse, WatchContactsResponse};
use proto::contacts::v1::{CaughtUp, Heartbeat, SyncContactsRequest};

use crate::contact::ContactId;
use crate::error::Result;
use crate::sync::position::{Position, SyncTokens};
use crate::sync::{self, Feed, Limits};
use crate::watch::stream::{Event, Reader, Told, tell};

const SIZES: Sizes = Sizes {
    default: 100,
    max: 500,
};
/// The last contact starts below this size, so that the page stays within the limit of
/// clients.
const BYTES: usize = PAGE_BYTES_MAX - 64 * 1024;

/// A page of the changes since the request's token.
pub(super) async fn sync(
    sealer: &Sealer,
    feed: &mut Feed,
    request: &SyncContactsRequest,
) -> Result<SyncContactsResponse> {
    let limits = Limits {
        count: i64::try_from(SIZES.parse(request.page_size)?).unwrap_or(i64::MAX),
        bytes: i64::try_from(BYTES).unwrap_or(i64::MAX),
    };
    let tokens = SyncTokens::new(sealer, feed.owner());
    let since = since(&tokens, &request.sync_token)?;
    let page = tokens.open("PAGE_TOKEN_INVALID", "page_token", &request.page_token)?;

    let part = feed.read(page.or(since), limits).await?;

    Ok(answer(&tokens, part))
}

fn since(tokens: &SyncTokens<'_>, token: &str) -> Result<Option<Position>> {
    tokens.open("SYNC_TOKEN_INVALID", "sync_token", token)
}

fn answer(tokens: &SyncTokens<'_>, part: sync::Part) -> SyncContactsResponse {
    // The two lists have no common order: a contact that was purged and created again
    // with the same id exists.
    let lives = part.items.iter().filter(|item| item.contact.is_some());
    let mut told: HashSet<ContactId> = lives.map(|item| item.id).collect();
    let mut answer = SyncContactsResponse::default();
    for item in part.items {
        match item.contact {
            Some(contact) => answer.changed.push(contact),
            None if told.insert(item.id) => answer.deleted_ids.push(item.id.to_string()),
            None => {}
        }
    }
    let token = tokens.seal(&part.end);
    if part.more {
        answer.next_page_token = token;
    } else {
        answer.next_sync_token = token;
    }
    answer
}

/// The events since a token.
pub(super) fn watch(
    sealer: Arc<Sealer>,
    reader: Reader,
    token: &str,
) -> Result<impl Stream<Item = Result<WatchContactsResponse>> + use<>> {
    let owner = reader.feed.owner();
    let since = since(&SyncTokens::new(&sealer, owner), token)?;
    let told = tell(reader, since);
    Ok(told.map(move |told| told.map(|told| event(&SyncTokens::new(&sealer, owner), told))))
}

fn event(tokens: &SyncTokens<'_>, told: Told) -> WatchContactsResponse {
    let event = match told.event {
        Event::Changed(contact) => Answered::Changed(contact),
        Event::Deleted(id) => Answered::Deleted(id.to_string()),
        Event::CaughtUp => Answered::CaughtUp(CaughtUp {}),
        Event::Heartbeat => Answered::Heartbeat(Heartbeat {}),
    };
    WatchContactsResponse {
        event: Some(event),
        sync_token: tokens.seal(&told.position),
    }
}
