//! The photo of a contact.

use bytes::Bytes;
use prost::Message;
use proto::contacts::v1::PhotoInfo;

use crate::error::Result;

/// The maximum size of a photo, in bytes; the table's CHECK has the same limit.
pub const PHOTO_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Identifies a photo of an owner: the SHA-256 of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct PhotoHash(pub [u8; 32]);

/// The type of a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoType {
    /// A JPEG file.
    Jpeg,
    /// A PNG file.
    Png,
    /// A WebP file.
    Webp,
}

impl PhotoType {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// A photo that was checked, without its metadata, as it is stored and sent. Only
/// `crate::photo` makes one.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Identifies it.
    pub hash: PhotoHash,
    /// Its type.
    pub kind: PhotoType,
    /// The file.
    pub bytes: Bytes,
}

impl Photo {
    /// Its metadata, which are part of the body of each contact that has it.
    #[must_use]
    pub fn info(&self) -> PhotoInfo {
        PhotoInfo {
            etag: self.hash.etag(),
            media_type: self.kind.media_type().to_owned(),
            byte_size: self.size(),
        }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> i64 {
        i64::try_from(self.bytes.len()).unwrap_or(i64::MAX)
    }
}

impl PhotoHash {
    /// The etag of the photo. The purge looks for it in bodies (`store/photos.rs`).
    #[must_use]
    pub fn etag(self) -> String {
        format!("\"{}\"", hex::encode(self.0))
    }

    /// The photo with this etag.
    #[must_use]
    pub fn from_etag(etag: &str) -> Option<Self> {
        let digits = etag.strip_prefix('"')?.strip_suffix('"')?;
        let bytes = hex::decode(digits).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The photo of a stored body, if it has one.
    pub fn of_body(body: &[u8]) -> Result<Option<Self>> {
        let info = info_of(body)?;
        Ok(info.and_then(|info| Self::from_etag(&info.etag)))
    }
}

/// A contact of which only the photo is decoded.
#[derive(Clone, PartialEq, Eq, prost::Message)]
struct OnlyPhoto {
    #[prost(message, optional, tag = "32")]
    photo: Option<PhotoInfo>,
}

/// The photo's metadata in a stored body, without decoding the rest.
pub fn info_of(body: &[u8]) -> Result<Option<PhotoInfo>> {
    Ok(OnlyPhoto::decode(body)?.photo)
}

#[cfg(test)]
mod tests {
    use proto::contacts::v1::Contact;

    use super::*;

    #[test]
    fn a_body_names_its_photo_by_the_hash() {
        let photo = Photo {
            hash: PhotoHash([0xab; 32]),
            kind: PhotoType::Png,
            bytes: Bytes::from_static(b"12345"),
        };
        let body = Contact {
            given_name: "Ada".into(),
            photo: Some(photo.info()),
            formatted_name: "Ada L".into(),
            ..Contact::default()
        };

        let body = body.encode_to_vec();

        assert_eq!(info_of(&body).unwrap(), Some(photo.info()));
        assert_eq!(PhotoHash::of_body(&body).unwrap(), Some(photo.hash));
        let etag = photo.hash.etag();
        assert!(body.windows(etag.len()).any(|part| part == etag.as_bytes()));
    }

    #[test]
    fn an_etag_that_is_not_of_a_photo_names_none() {
        for etag in ["", "\"\"", "\"12\"", "ab", "\"zz\""] {
            assert_eq!(PhotoHash::from_etag(etag), None, "{etag}");
        }
    }
}
