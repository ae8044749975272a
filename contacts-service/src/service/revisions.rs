//! The revisions of a contact.

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use proto::contacts::server::{ContactRevision, ListContactRevisionsResponse};
use proto::contacts::v1::ListContactRevisionsRequest;

use crate::book::revision::{REVISIONS_MAX, Revision};
use crate::contact::ContactId;
use crate::contact::stored::timestamp;
use crate::error::{Error, Result};
use crate::model::share::rights::{Part, View};
use crate::page::{Tokens, fitting, parse_size};
use crate::store::revisions;

const SIZE_DEFAULT: i64 = 20;

/// Reads the id of a revision, which is the version that its write was stamped with.
pub(super) fn parse_id(text: &str) -> Result<i64> {
    let version = text.parse::<i64>().ok();
    version
        .filter(|version| *version > 0 && version.to_string() == text)
        .ok_or_else(|| Error::invalid("ID_INVALID", "revision_id", "is not the id of a revision"))
}

/// A page of the revisions of a contact.
pub(super) async fn list(
    db: &Pool,
    sealer: &Sealer,
    view: &View,
    mut request: ListContactRevisionsRequest,
) -> Result<ListContactRevisionsResponse> {
    let size = parse_size(
        std::mem::take(&mut request.page_size),
        SIZE_DEFAULT,
        REVISIONS_MAX,
    )?;
    let token = std::mem::take(&mut request.page_token);
    let tokens = Tokens::new(sealer, "ListContactRevisions", view.owner, &request);
    let id = ContactId::parse("id", &request.id)?;
    let after: Option<i64> = tokens.open(&token)?;

    // Whatever is written between the two reads is later than both.
    let last = revisions::last(db, view.owner, id).await?;
    let last = last.ok_or(Error::NotFound(id))?;
    if !view.part.holds(&last.contact.body)? {
        return Err(Error::NotFound(id));
    }
    let before = after.unwrap_or(last.contact.version);
    // One more than asked for tells whether there is a next page; all do where some
    // are not seen.
    let limit = match view.part {
        Part::All => size + 1,
        Part::Of(_) => REVISIONS_MAX,
    };
    let earlier = revisions::before(db, view.owner, &last.contact, before, limit).await?;
    let first = after.is_none().then_some(last);
    let mut shown: Vec<Revision> = Vec::new();
    for revision in first.into_iter().chain(earlier) {
        if view.part.holds(&revision.contact.body)? {
            shown.push(revision);
        }
    }

    let sizes = shown.iter().map(|revision| revision.contact.body.len());
    let fit = fitting(sizes, usize::try_from(size).unwrap_or(usize::MAX));
    let more = shown.len() > fit;
    shown.truncate(fit);
    let position = shown.last().filter(|_| more);
    let position = position.map(|revision| revision.contact.version);
    Ok(ListContactRevisionsResponse {
        revisions: shown.into_iter().map(message).collect(),
        next_page_token: position.map_or_else(String::new, |version| tokens.seal(&version)),
    })
}

fn message(revision: Revision) -> ContactRevision {
    ContactRevision {
        revision_id: revision.contact.version.to_string(),
        revision_time: Some(timestamp(revision.contact.update_time)),
        change: revision.change.into(),
        contact: revision.contact.encoded(),
    }
}
