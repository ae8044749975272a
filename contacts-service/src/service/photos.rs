//! Receives and sends photos.

use std::time::Duration;

use async_stream::try_stream;
use bytes::{Bytes, BytesMut};
use chassis::access::caller::Caller;
use chassis::database::pool::Pool;
use chassis::serve::while_allowed::while_allowed;
use chassis::user_id::UserId;
use futures_util::{Stream, StreamExt};
use proto::contacts::server::{DeletePhotoResponse, SetPhotoResponse};
use proto::contacts::v1::{
    DeletePhotoRequest, GetPhotoRequest, GetPhotoResponse, PhotoInfo, SetPhotoHeader,
    SetPhotoRequest, get_photo_response, set_photo_request,
};
use tonic::{Request, Response, Status, Streaming};

use super::ContactsService;
use super::access::WRITE;
use crate::book::photo::PhotoChange;
use crate::contact::ContactId;
use crate::contact::photo::{PHOTO_BYTES_MAX, PhotoHash, info_of};
use crate::error::{Error, Result};
use crate::model::share::visible::View;
use crate::photo::{PhotoProblem, check};
use crate::store::photos;

/// The maximum size of a chunk of a photo that is sent. A stream holds one.
const CHUNK_BYTES: i32 = 64 * 1024;

/// The parts of a call that sets a photo.
type Parts = Streaming<SetPhotoRequest>;

impl ContactsService {
    /// Receives a photo, and stores it.
    pub(super) async fn receive_photo(
        &self,
        request: Request<Parts>,
    ) -> Result<Response<SetPhotoResponse>, Status> {
        let caller = Caller::with_scope(&request, WRITE).map_err(Error::from)?;
        let mut parts = request.into_inner();
        let header = header(&mut parts).await?;
        let book = self.book_for(&caller, &header.owner_id).await?;
        let change = change(&header.id, header.etag)?;
        let file = file(parts).await?;
        let photo = check(file, &self.photo_checks).await;
        let photo = photo.map_err(|problem| problem.of_field("chunk"))?;

        let contact = book.set_photo(&change, Some(&photo)).await?;

        Ok(Response::new(SetPhotoResponse { contact }))
    }

    /// Sends a photo, as long as the caller may read it.
    pub(super) async fn send_photo(
        &self,
        request: Request<GetPhotoRequest>,
    ) -> Result<impl Stream<Item = Result<GetPhotoResponse, Status>> + use<>, Status> {
        let caller = Caller::of(&request).map_err(Error::from)?;
        let found = self.read(request, async |view, request| {
            Ok((self.found(view, &request).await?, view.clone()))
        });
        let (found, view) = found.await?;
        let allowed = self.allowed(caller, view);
        let parts = while_allowed(sent(found), Duration::ZERO, async move || {
            allowed.check().await
        });
        Ok(parts.map(|part| part.map_err(Into::into)))
    }

    async fn found(&self, view: &View, request: &GetPhotoRequest) -> Result<Found> {
        let id = ContactId::parse("id", &request.id)?;
        let contact = self.reads.get(view.owner, id).await?;
        let contact = contact.ok_or(Error::NotFound(id))?;
        if !view.visible.includes(&contact)? {
            return Err(Error::NotFound(id));
        }
        let info = info_of(&contact.body)?.ok_or(Error::PhotoNotFound(id))?;
        let hash = PhotoHash::from_etag(&info.etag);
        Ok(Found {
            db: self.share_of(view.reader),
            owner: view.owner,
            id,
            hash: hash.filter(|_| info.etag != request.etag),
            info,
        })
    }

    /// Removes a photo.
    pub(super) async fn remove_photo(
        &self,
        request: Request<DeletePhotoRequest>,
    ) -> Result<Response<DeletePhotoResponse>, Status> {
        let book = self.book(&request).await?;
        let request = request.into_inner();
        let change = change(&request.id, request.etag)?;

        let contact = book.set_photo(&change, None).await?;

        Ok(Response::new(DeletePhotoResponse { contact }))
    }
}

fn change(id: &str, etag: String) -> Result<PhotoChange> {
    let id = ContactId::parse("id", id)?;
    Ok(PhotoChange { id, etag })
}

/// The first message.
async fn header(parts: &mut Parts) -> Result<SetPhotoHeader, Status> {
    let first = parts.message().await?.and_then(|first| first.part);
    if let Some(set_photo_request::Part::Header(header)) = first {
        return Ok(header);
    }
    let problem = "must be the first message";
    Err(Error::invalid("FIELD_INVALID", "header", problem).into())
}

/// The bytes of the other messages. Stops reading when there are too many.
async fn file(mut parts: Parts) -> Result<Bytes, Status> {
    let mut file = BytesMut::new();
    while let Some(next) = parts.message().await? {
        match next.part {
            Some(set_photo_request::Part::Chunk(chunk)) => {
                if file.len() + chunk.len() > PHOTO_BYTES_MAX {
                    return Err(PhotoProblem::TooLarge.of_field("chunk").into());
                }
                file.extend_from_slice(&chunk);
            }
            Some(set_photo_request::Part::Header(_)) => {
                let problem = "must be the first message only";
                return Err(Error::invalid("FIELD_INVALID", "header", problem).into());
            }
            None => {}
        }
    }
    Ok(file.freeze())
}

/// A photo to send.
struct Found {
    db: Pool,
    owner: UserId,
    id: ContactId,
    info: PhotoInfo,
    /// The photo; `None` if only its metadata is sent.
    hash: Option<PhotoHash>,
}

/// The messages. Each chunk is read when the one before it was taken, so that a stream that
/// nobody reads holds neither the photo nor a connection.
fn sent(found: Found) -> impl Stream<Item = Result<GetPhotoResponse>> {
    let message = |part| GetPhotoResponse { part: Some(part) };
    try_stream! {
        let Found { db, owner, id, info, hash } = found;
        let size = i32::try_from(info.byte_size).unwrap_or(i32::MAX);
        yield message(get_photo_response::Part::Info(info));
        let Some(hash) = hash else { return };
        let mut start = 0;
        while start < size {
            let chunk = photos::part(&db, owner, hash, start, CHUNK_BYTES).await?;
            let chunk = chunk.filter(|chunk| !chunk.is_empty());
            let chunk = chunk.ok_or(Error::PhotoNotFound(id))?;
            start += i32::try_from(chunk.len()).unwrap_or(i32::MAX);
            yield message(get_photo_response::Part::Chunk(chunk));
        }
    }
}
