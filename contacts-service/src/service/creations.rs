//! Parses creations.

use bytes::Bytes;
use chassis::sha256::sha256;
use chassis::text;
use prost::Message;
use proto::contacts::server::BatchCreateContactsResponse;
use proto::contacts::v1::{BatchCreateContactsRequest, Contact, CreateContactRequest};

use super::changes;
use crate::book::Book;
use crate::book::batch::{Outcome, check_size};
use crate::book::creation::{CreateOptions, NewContact, Repeatable};
use crate::contact::body::{Body, clear_parsed, parse_uid};
use crate::contact::phone::DefaultRegion;
use crate::error::{Error, Result};

/// The longest request id, in characters.
const REQUEST_ID_CHARS_MAX: usize = 64;

/// The contact in a request, without the fields of phones that clients cannot set.
pub(super) fn contact_of(contact: Option<Contact>) -> Result<Contact> {
    let missing = || Error::invalid("FIELD_INVALID", "contact", "is required");
    let mut contact = contact.ok_or_else(missing)?;
    clear_parsed(&mut contact);
    Ok(contact)
}

/// The country of national numbers for requests that name none.
pub(super) async fn region(
    book: &Book<'_>,
    requests: &[CreateContactRequest],
) -> Result<DefaultRegion> {
    let contacts = requests.iter();
    let contacts = contacts.map(|one| (&*one.default_region, one.contact.as_ref()));
    book.region_for(contacts).await
}

/// Parses a creation; `region` is for a request that names none.
pub(super) fn new(request: CreateContactRequest, region: DefaultRegion) -> Result<NewContact> {
    let region = DefaultRegion::parse_or(&request.default_region, region)?;
    let contact = contact_of(request.contact)?;
    Ok(NewContact {
        uid: parse_uid("contact.uid", &contact.uid)?,
        body: Body::parse(contact, region)?,
        photo: None,
    })
}

pub(super) fn options(request: &CreateContactRequest) -> Result<CreateOptions> {
    let bare = || CreateContactRequest {
        request_id: String::new(),
        ..request.clone()
    };
    parse_options(&request.request_id, request.validate_only, bare)
}

pub(super) fn batch_options(request: &BatchCreateContactsRequest) -> Result<CreateOptions> {
    let bare = || BatchCreateContactsRequest {
        request_id: String::new(),
        ..request.clone()
    };
    parse_options(&request.request_id, request.validate_only, bare)
}

/// A repeatable call, identified by the request id and the `bare` request.
pub(super) fn parse_options<M: Message>(
    request_id: &str,
    validate_only: bool,
    bare: impl FnOnce() -> M,
) -> Result<CreateOptions> {
    let request_id = text::single_line(request_id, REQUEST_ID_CHARS_MAX)
        .map_err(|problem| Error::invalid("REQUEST_ID_INVALID", "request_id", problem))?;
    let is_repeatable = !request_id.is_empty() && !validate_only;
    Ok(CreateOptions {
        repeatable: is_repeatable.then(|| Repeatable {
            request_id,
            hash: sha256(&bare().encode_to_vec()),
        }),
        validate_only,
    })
}

/// Parses the contacts of a batch: each is valid, or has an error.
pub(super) async fn batch(
    request: BatchCreateContactsRequest,
    region: DefaultRegion,
) -> Result<Vec<Result<NewContact>>> {
    let new = |request| one_of_many(request, region);
    let batch = changes::batch(request.requests, new).await?;
    // Checked first, because the response contains all contacts.
    check_size(
        "requests",
        batch.iter().map(|new| {
            new.as_ref()
                .map_or(0, |new| new.body.message().encoded_len())
        }),
    )?;
    Ok(batch)
}

fn one_of_many(request: CreateContactRequest, region: DefaultRegion) -> Result<NewContact> {
    let problem = "must be empty here; set it for the whole batch";
    if !request.request_id.is_empty() {
        return Err(Error::invalid("FIELD_INVALID", "request_id", problem));
    }
    if request.validate_only {
        return Err(Error::invalid("FIELD_INVALID", "validate_only", problem));
    }
    changes::ensure_no_owner(&request.owner_id)?;
    new(request, region)
}

/// The response to a batch, as it is stored for repeats of the call.
pub(super) fn encode_batch(outcomes: Vec<Outcome>) -> Bytes {
    let results = changes::results(outcomes);
    BatchCreateContactsResponse { results }
        .encode_to_vec()
        .into()
}
