//! Photos that are sent again after their connection broke.

use futures_util::stream::iter;
use proto::contacts::v1::set_photo_request::Part;
use proto::contacts::v1::{Contact, SetPhotoHeader, SetPhotoRequest};
use tokio::time::sleep;

use crate::client::Client;
use crate::error::Error;
use crate::watch::can_resume;

/// How much of the photo is in a message.
const CHUNK_BYTES: usize = 64 * 1024;

impl Client {
    /// Sets the photo of a contact, as `ContactsService.SetPhoto`; returns the contact.
    ///
    /// # Errors
    ///
    /// Those of `SetPhoto`, after as many attempts as the client's policy has.
    pub async fn set_photo(&self, header: SetPhotoHeader, photo: &[u8]) -> Result<Contact, Error> {
        let header = std::iter::once(Part::Header(header));
        let chunks = photo.chunks(CHUNK_BYTES);
        let parts = header.chain(chunks.map(|chunk| Part::Chunk(chunk.to_vec())));
        let messages: Vec<_> = parts
            .map(|part| SetPhotoRequest { part: Some(part) })
            .collect();
        let mut failed = 0;
        loop {
            let result = self.contacts().set_photo(iter(messages.clone())).await;
            let error = match result.map_err(Error::from) {
                Ok(response) => return Ok(response.into_inner().contact.unwrap_or_default()),
                Err(error) if can_resume(&error) => error,
                Err(error) => return Err(error),
            };
            failed += 1;
            match self.policy().delay(failed, &error) {
                Some(delay) => sleep(delay).await,
                None => return Err(error),
            }
        }
    }
}
