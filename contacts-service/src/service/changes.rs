//! Parses updates and deletions, also of batches.

use proto::contacts::server::{BatchContactResult, batch_contact_result};
use proto::contacts::v1::{DeleteContactRequest, UpdateContactRequest};
use tokio::task::yield_now;

use super::creations::contact_of;
use crate::book::Book;
use crate::book::batch::{Outcome, check_count};
use crate::book::change::{ContactUpdate, Deletion};
use crate::contact::ContactId;
use crate::contact::body::parse_uid;
use crate::contact::mask::UpdateMask;
use crate::contact::phone::DefaultRegion;
use crate::error::{Error, Result};

/// The country of national numbers for requests that name none.
pub(super) async fn region(
    book: &Book<'_>,
    requests: &[UpdateContactRequest],
) -> Result<DefaultRegion> {
    let contacts = requests.iter();
    let contacts = contacts.map(|one| (&*one.default_region, one.contact.as_ref()));
    book.region_for(contacts).await
}

/// Parses an update; `region` is for one that names none, and counts for the phones that it
/// writes.
pub(super) fn change(
    request: UpdateContactRequest,
    region: DefaultRegion,
) -> Result<ContactUpdate> {
    let patch = contact_of(request.contact)?;
    let mask = UpdateMask::parse(request.update_mask.as_ref(), &patch)?;
    let region = if mask.names("phones") {
        region
    } else {
        DefaultRegion::NONE
    };
    Ok(ContactUpdate {
        id: ContactId::parse("contact.id", &patch.id)?,
        uid: parse_uid("contact.uid", &patch.uid)?,
        mask,
        region: DefaultRegion::parse_or(&request.default_region, region)?,
        etag: patch.etag.clone(),
        allow_missing: request.allow_missing,
        photo: None,
        patch,
    })
}

pub(super) fn deletion(request: DeleteContactRequest) -> Result<Deletion> {
    Ok(Deletion {
        id: ContactId::parse("id", &request.id)?,
        etag: request.etag,
        allow_missing: request.allow_missing,
    })
}

pub(super) fn change_of_many(
    request: UpdateContactRequest,
    region: DefaultRegion,
) -> Result<ContactUpdate> {
    ensure_no_owner(&request.owner_id)?;
    change(request, region)
}

pub(super) fn deletion_of_many(request: DeleteContactRequest) -> Result<Deletion> {
    ensure_no_owner(&request.owner_id)?;
    deletion(request)
}

/// Refuses an owner in a request of a batch.
pub(super) fn ensure_no_owner(owner_id: &str) -> Result<()> {
    if owner_id.is_empty() {
        return Ok(());
    }
    let problem = "must be empty here; set it for the whole batch";
    Err(Error::invalid("FIELD_INVALID", "owner_id", problem))
}

/// The parsed requests of a batch, or their errors. Yields in between, because parsing
/// five hundred of the largest takes most of a second.
pub(super) async fn batch<T, R>(
    requests: Vec<R>,
    read: impl Fn(R) -> Result<T>,
) -> Result<Vec<Result<T>>> {
    check_count(requests.len())?;
    let mut batch = Vec::with_capacity(requests.len());
    for request in requests {
        batch.push(read(request));
        yield_now().await;
    }
    Ok(batch)
}

/// Encodes the results of a batch, in the order of the requests.
pub(super) fn results(outcomes: Vec<Outcome>) -> Vec<BatchContactResult> {
    let results = outcomes.into_iter().map(|outcome| BatchContactResult {
        result: match outcome {
            Outcome::Nothing => None,
            Outcome::Done(contact) => Some(batch_contact_result::Result::Contact(contact)),
            Outcome::Refused(error) => Some(batch_contact_result::Result::Status(error.into())),
        },
    });
    results.collect()
}
