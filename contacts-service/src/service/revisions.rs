//! The revisions of a contact.

use chassis::database::pool::Pool;
use chassis::page_token::Sealer;
use chassis::paging::{Pages, Paging, Sizes};
use proto::contacts::server::{
    ContactRevision, ListContactRevisionsResponse, RestoreContactResponse,
};
use proto::contacts::v1::{ListContactRevisionsRequest, RestoreContactRequest};
use tonic::{Request, Response, Status};

use super::ContactsService;
use crate::contact::ContactId;
use crate::contact::stored::timestamp;
use crate::error::{Error, Result};
use crate::model::revision::{REVISIONS_MAX, Revision};
use crate::model::share::visible::View;
use crate::store::revisions;

const SIZES: Sizes = Sizes {
    default: 20,
    max: 50,
};

impl ContactsService {
    /// Restores a contact.
    pub(super) async fn restore(
        &self,
        request: &Request<RestoreContactRequest>,
    ) -> Result<Response<RestoreContactResponse>, Status> {
        let book = self.book(request).await?;
        let request = request.get_ref();
        let id = ContactId::parse("id", &request.id)?;
        let version = parse_id(&request.revision_id)?;

        let contact = book.restore(id, version, &request.etag).await?;

        Ok(Response::new(RestoreContactResponse { contact }))
    }
}

/// Parses the id of a revision, which is the version of its write.
fn parse_id(text: &str) -> Result<i64> {
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
    let paging = Paging::take(&mut request.page_size, &mut request.page_token);
    let pages = Pages::new(
        sealer,
        "ListContactRevisions",
        view.owner,
        &request,
        paging,
        SIZES,
    )?;
    let id = ContactId::parse("id", &request.id)?;
    let after: Option<i64> = pages.cursor()?;

    // Read first: a revision that is written between the two reads is newer than both
    // results.
    let last = revisions::newest(db, view.owner, id).await?;
    let last = last.ok_or(Error::NotFound(id))?;
    if !view.visible.includes(&last.contact)? {
        return Err(Error::NotFound(id));
    }
    let before = after.unwrap_or(last.contact.version);
    // A caller who sees only some revisions gets a page of those, so all are read.
    let limit = if view.owner == view.reader {
        pages.limit()
    } else {
        REVISIONS_MAX
    };
    let earlier = revisions::before(db, view.owner, &last.contact, before, limit).await?;
    let first = after.is_none().then_some(last);
    let mut shown: Vec<Revision> = Vec::new();
    for revision in first.into_iter().chain(earlier) {
        let state = revision.state;
        if let Some(contact) = view.visible.show_state(revision.contact, state)? {
            shown.push(Revision {
                contact,
                ..revision
            });
        }
    }

    let bytes = |revision: &Revision| revision.contact.body.len();
    let version = |revision: &Revision| revision.contact.version;
    let next_page_token = pages.cut_by_bytes(&mut shown, bytes, version);
    Ok(ListContactRevisionsResponse {
        revisions: shown.into_iter().map(message).collect(),
        next_page_token,
    })
}

fn message(revision: Revision) -> ContactRevision {
    ContactRevision {
        revision_id: revision.contact.version.to_string(),
        revision_time: Some(timestamp(revision.contact.update_time)),
        change: revision.change.into(),
        writer_id: revision
            .writer
            .map_or_else(String::new, |id| id.to_string()),
        contact: revision.contact.encoded(),
    }
}
