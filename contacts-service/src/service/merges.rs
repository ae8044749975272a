//! Parses merges.

use std::collections::BTreeMap;

use bytes::Bytes;
use chassis::text;
use prost::Message;
use proto::contacts::server::{MergeContactsResponse, UnmergeContactsResponse};
use proto::contacts::v1::{MergeContactsRequest, UnmergeContactsRequest};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::ContactsService;
use super::creations::parse_options;
use crate::book::merge::{Merge, MergedContact};
use crate::contact::ContactId;
use crate::error::{Error, Result};

/// The longest key of an etag that an error repeats, in characters.
const SHOWN_CHARS_MAX: usize = 100;

pub(super) fn merge(request: MergeContactsRequest) -> Result<Merge> {
    let bare = || MergeContactsRequest {
        request_id: String::new(),
        ..request.clone()
    };
    let options = parse_options(&request.request_id, request.validate_only, bare)?;
    let primary = ContactId::parse("primary_id", &request.primary_id)?;
    let others = request.other_ids.iter().enumerate();
    let others = others.map(|(at, id)| ContactId::parse(&format!("other_ids[{at}]"), id));
    let others = others.collect::<Result<Vec<_>>>()?;
    Merge::check_others(primary, &others)?;
    let mut etags = BTreeMap::new();
    for (key, etag) in request.etags {
        let id = ContactId::parse("", &key).ok();
        let named = id.filter(|id| *id == primary || others.contains(id));
        let id = named.ok_or_else(|| stray_etag(&key))?;
        etags.insert(id, etag);
    }
    Ok(Merge {
        primary,
        others,
        etags,
        options,
    })
}

/// The error for an etag of a contact that is not merged. A key that is not a plain line
/// is not repeated in it.
fn stray_etag(key: &str) -> Error {
    let plain = text::single_line(key, SHOWN_CHARS_MAX);
    let field = plain.map_or("etags".into(), |key| format!("etags[{key:?}]"));
    Error::invalid(
        "FIELD_INVALID",
        field,
        "is not the id of a contact to merge",
    )
}

impl ContactsService {
    /// Undoes a merge.
    pub(super) async fn unmerge(
        &self,
        request: &Request<UnmergeContactsRequest>,
    ) -> Result<Response<UnmergeContactsResponse>, Status> {
        let book = self.book(request).await?;
        let merge = parse_id(&request.get_ref().merge_id)?;

        let contacts = book.unmerge(merge).await?;

        Ok(Response::new(UnmergeContactsResponse { contacts }))
    }
}

/// Parses the id of a merge.
fn parse_id(text: &str) -> Result<Uuid> {
    Ok(ContactId::parse("merge_id", text)?.0)
}

/// The response to a merge, as it is stored for repeats of the call.
pub(super) fn encode(merged: MergedContact) -> Bytes {
    let answer = MergeContactsResponse {
        contact: merged.contact,
        merge_id: merged
            .merge_id
            .map_or_else(String::new, |id| id.to_string()),
    };
    answer.encode_to_vec().into()
}
