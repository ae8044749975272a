//! Photos of a user's contacts.

use futures_util::stream;
use prost::Message;
use proto::contacts::v1::set_photo_request::Part;
use proto::contacts::v1::{
    Contact, DeletePhotoRequest, GetPhotoRequest, PhotoInfo, SetPhotoHeader, SetPhotoRequest,
    get_photo_response,
};
use tonic::Status;

use crate::owner::Owner;

/// The first message of a call that sets a photo.
pub fn header(part: SetPhotoHeader) -> SetPhotoRequest {
    SetPhotoRequest {
        part: Some(Part::Header(part)),
    }
}

/// A later one.
pub fn chunk(bytes: &[u8]) -> SetPhotoRequest {
    SetPhotoRequest {
        part: Some(Part::Chunk(bytes.to_vec())),
    }
}

/// A valid request of a call about this contact's photo.
pub fn photo_bytes_of(method: &str, id: &str) -> Option<Vec<u8>> {
    let id = id.to_owned();
    match method {
        "GetPhoto" => Some(
            GetPhotoRequest {
                id,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        "DeletePhoto" => Some(
            DeletePhotoRequest {
                id,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        _ => None,
    }
}

impl Owner {
    /// The first message, for a contact of this owner.
    pub fn photo_header(&self, id: &str, etag: &str) -> SetPhotoRequest {
        header(SetPhotoHeader {
            id: id.into(),
            etag: etag.into(),
            owner_id: self.book.clone(),
        })
    }

    pub async fn set_photo(&self, id: &str, file: &[u8]) -> Result<Contact, Status> {
        self.set_photo_at(id, "", file).await
    }

    pub async fn set_photo_at(&self, id: &str, etag: &str, file: &[u8]) -> Result<Contact, Status> {
        let mut parts = vec![self.photo_header(id, etag)];
        parts.extend(file.chunks(50_000).map(chunk));
        self.send_photo(parts).await
    }

    pub async fn send_photo(&self, parts: Vec<SetPhotoRequest>) -> Result<Contact, Status> {
        let answer = self.client.clone().set_photo(stream::iter(parts)).await?;
        Ok(answer.into_inner().contact.unwrap())
    }

    /// The metadata and the bytes of a photo.
    pub async fn photo(&self, id: &str) -> Result<(PhotoInfo, Vec<u8>), Status> {
        self.photo_unless(id, "").await
    }

    /// The same for a caller that has the photo with this etag.
    pub async fn photo_unless(&self, id: &str, etag: &str) -> Result<(PhotoInfo, Vec<u8>), Status> {
        let request = GetPhotoRequest {
            id: id.into(),
            etag: etag.into(),
            owner_id: self.book.clone(),
        };
        let mut parts = self.client.clone().get_photo(request).await?.into_inner();
        let first = parts.message().await?.unwrap().part;
        let Some(get_photo_response::Part::Info(info)) = first else {
            panic!("{first:?} is not the metadata");
        };
        let mut file = Vec::new();
        while let Some(next) = parts.message().await? {
            let Some(get_photo_response::Part::Chunk(chunk)) = next.part else {
                panic!("{next:?} is not a chunk");
            };
            assert!(!chunk.is_empty() && chunk.len() <= 64 * 1024);
            file.extend(chunk);
        }
        Ok((info, file))
    }

    pub async fn delete_photo(&self, id: &str, etag: &str) -> Result<Contact, Status> {
        let request = DeletePhotoRequest {
            id: id.into(),
            etag: etag.into(),
            owner_id: self.book.clone(),
        };
        let answer = self.client.clone().delete_photo(request).await?;
        Ok(answer.into_inner().contact.unwrap())
    }
}
