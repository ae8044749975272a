//! Sync and watch.

use std::collections::HashSet;
use std::sync::Arc;

use chassis::page_token::Sealer;
use chassis::paging::{PAGE_BYTES_MAX, Sizes};
use futures_util::{Stream, StreamExt};
use proto::contacts::server::watch_contacts_response::Event as Answered;
use proto::contacts::server::{SyncContactsResponse, WatchContactsResponse};
use proto::contacts::v1::{CaughtUp, Heartbeat, SyncContactsRequest};

use super::labels;
use crate::contact::ContactId;
use crate::error::Result;
use crate::store::labels::LabelChange;
use crate::sync::cursor::{SyncCursor, SyncTokens};
use crate::sync::{self, Feed, Limits};
use crate::watch::stream::{Event, Notice, Reader, notices};

const SIZES: Sizes = Sizes {
    default: 100,
    max: 500,
};
/// No further contact is added to a page of this size. The last one can be of the largest
/// size, and the page still stays within the limit of clients.
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
    let next = tokens.open("PAGE_TOKEN_INVALID", "page_token", &request.page_token)?;

    let page = feed.read(next.or(since), limits).await?;

    Ok(answer(&tokens, page))
}

fn since(tokens: &SyncTokens<'_>, token: &str) -> Result<Option<SyncCursor>> {
    tokens.open("SYNC_TOKEN_INVALID", "sync_token", token)
}

fn answer(tokens: &SyncTokens<'_>, page: sync::Page) -> SyncContactsResponse {
    // The response has no order between its two lists: an id that was removed and then
    // created again is returned as a contact only.
    let lives = page.items.iter().filter(|item| item.contact.is_some());
    let mut seen: HashSet<ContactId> = lives.map(|item| item.id).collect();
    let mut answer = SyncContactsResponse::default();
    for item in page.items {
        match item.contact {
            Some(contact) => answer.changed.push(contact),
            None if seen.insert(item.id) => answer.deleted_ids.push(item.id.to_string()),
            None => {}
        }
    }
    for LabelChange { id, label } in page.labels {
        match label {
            Some(label) => answer.changed_labels.push(labels::message(label, 0)),
            None => answer.deleted_label_ids.push(id.to_string()),
        }
    }
    let token = tokens.seal(&page.end);
    if page.more {
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
    let notices = notices(reader, since);
    Ok(notices
        .map(move |notice| notice.map(|notice| event(&SyncTokens::new(&sealer, owner), notice))))
}

fn event(tokens: &SyncTokens<'_>, notice: Notice) -> WatchContactsResponse {
    let event = match notice.event {
        Event::Changed(contact) => Answered::Changed(contact),
        Event::Deleted(id) => Answered::Deleted(id.to_string()),
        Event::Label(LabelChange { id, label }) => match label {
            Some(label) => Answered::LabelChanged(labels::message(label, 0)),
            None => Answered::LabelDeleted(id.to_string()),
        },
        Event::CaughtUp => Answered::CaughtUp(CaughtUp {}),
        Event::Heartbeat => Answered::Heartbeat(Heartbeat {}),
    };
    WatchContactsResponse {
        event: Some(event),
        sync_token: tokens.seal(&notice.cursor),
    }
}
