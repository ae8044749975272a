//! Exports: which contacts, read once, and then a file of what they were at that moment.
//!
//! No transaction stays open while a client reads the file. A contact that was written since
//! is read from its revisions; if that revision exists no longer, the export ends.

pub mod error;

use async_stream::try_stream;
use card_formats::{ExportFormat, Photo, Writer};
use chassis::database::pool::Pool;
use futures_util::Stream;
use tokio::task::yield_now;

use crate::contact::photo::PhotoHash;
use crate::contact::stored::Stored;
use crate::error::Result;
use crate::model::filter::{Filter, Listed};
use crate::model::share::visible::View;
use crate::store::exports::{Selected, select};
use crate::store::{contacts, photos, revisions};
use error::ExportError;

/// The maximum number of exports of a replica. Each holds up to 8 MiB: 32 bytes for each
/// contact, a page, and the piece with a photo in base64.
pub const AT_A_TIME: usize = 50;
/// Those of one user.
pub const OF_USER: usize = 4;

/// The maximum size of a piece, in bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// The most contacts that are read at a time, and the size after which no more are added.
const PAGE: usize = 32;
const PAGE_BYTES: i64 = 256 * 1024;

/// How contacts are exported.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The format of the file.
    pub format: ExportFormat,
    /// Whether the file contains their photos.
    pub photos: bool,
}

/// A piece of the file.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The number of contacts in the file up to here.
    pub count: usize,
    /// The number of contacts in the whole file.
    pub total: usize,
}

/// An export in progress.
pub struct Export {
    view: View,
    settings: Settings,
    selected: Vec<Selected>,
}

impl Export {
    /// Begins an export of the contacts that `filter` selects at this moment.
    pub async fn begin(
        db: &Pool,
        view: View,
        (filter, listed): (&Filter, Listed),
        settings: Settings,
    ) -> Result<Self> {
        let selected = select(db, &view, filter, listed).await?;
        Ok(Self {
            view,
            settings,
            selected,
        })
    }

    /// The file, read over this `db`. While nobody reads it, nothing is read for it.
    pub fn pieces(self, db: Pool) -> impl Stream<Item = Result<Piece>> {
        let mut writer = Writer::new(self.settings.format);
        let (mut count, total) = (0, self.selected.len());
        let mut written = Vec::new();
        writer.header(&mut written);
        try_stream! {
            for page in pages(&self.selected) {
                for contact in self.read(&db, page).await? {
                    self.write(&db, contact, &mut writer, &mut written).await?;
                    count += 1;
                    if written.len() >= PIECE_BYTES {
                        for bytes in written.chunks(PIECE_BYTES) {
                            yield Piece { bytes: bytes.to_vec(), count, total };
                        }
                        written = Vec::new();
                    }
                    // Other calls of this thread can run.
                    yield_now().await;
                }
            }
            writer.end(&mut written);
            // Also of an empty file.
            yield Piece { bytes: written, count, total };
        }
    }

    /// The contacts of a page as they were when they were selected, in its order.
    async fn read(&self, db: &Pool, page: &[Selected]) -> Result<Vec<Stored>> {
        let owner = self.view.owner;
        let ids: Vec<_> = page.iter().map(|selected| selected.id.0).collect();
        let mut current = contacts::get_many(db, owner, &ids).await?;
        let changed: Vec<_> = page
            .iter()
            .filter_map(|then| Some((current.get(&then.id)?, then.version)))
            .filter(|(now, version)| now.version != *version)
            .collect();
        if !changed.is_empty() {
            let earlier = revisions::at_versions(db, owner, &changed).await?;
            current.extend(earlier);
        }
        let contacts = page.iter().map(|then| {
            let contact = current.remove(&then.id);
            let contact = contact.filter(|contact| contact.version == then.version);
            let seen = self
                .view
                .visible
                .show(contact.ok_or(ExportError::Changed)?)?;
            Ok(seen.ok_or(ExportError::Changed)?)
        });
        contacts.collect()
    }

    /// Appends a contact to the file. The photo is dropped before the piece is sent.
    async fn write(
        &self,
        db: &Pool,
        contact: Stored,
        writer: &mut Writer,
        written: &mut Vec<u8>,
    ) -> Result<()> {
        let photo = self.photo(db, &contact).await?;
        writer.contact(&contact.message()?, photo.as_ref(), written);
        Ok(())
    }

    async fn photo(&self, db: &Pool, contact: &Stored) -> Result<Option<Photo>> {
        let hash = PhotoHash::of_body(&contact.body)?;
        let Some(hash) = hash.filter(|_| self.settings.photos) else {
            return Ok(None);
        };
        let owner = self.view.owner;
        if let Some(photo) = photos::whole(db, owner, hash).await? {
            return Ok(Some(Photo {
                media_type: photo.media_type,
                data: photo.bytes,
            }));
        }
        let now = contacts::get(db, owner, contact.id).await?;
        if now.is_none_or(|now| now.version != contact.version) {
            return Err(ExportError::Changed.into());
        }
        tracing::error!(contact = %contact.id, "a contact's photo is missing");
        Ok(None)
    }
}

/// The contacts by page.
fn pages(selected: &[Selected]) -> impl Iterator<Item = &[Selected]> {
    let mut rest = selected;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |selected: &&Selected| {
            let fits = bytes <= PAGE_BYTES;
            bytes += selected.size;
            fits
        };
        let count = rest.iter().take(PAGE).take_while(fits).count();
        let (page, others) = rest.split_at(count);
        rest = others;
        (!page.is_empty()).then_some(page)
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::contact::ContactId;

    #[test]
    fn pages_have_few_contacts_and_bytes_but_at_least_one() {
        let sizes = |size, count| {
            let selected = Selected {
                id: ContactId(Uuid::nil()),
                version: 1,
                size,
            };
            let selected = vec![selected; count];
            pages(&selected).map(<[_]>::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(500, 0), [0; 0]);
        assert_eq!(sizes(500, 70), [32, 32, 6]);
        assert_eq!(sizes(100 * 1024, 7), [3, 3, 1]);
        assert_eq!(sizes(2 * PAGE_BYTES, 2), [1, 1]);
    }
}
