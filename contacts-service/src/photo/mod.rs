//! Checks photos: that a file is an image, and that all of it is there. Removes its metadata,
//! without decoding and encoding the pixels again.

mod decode;
mod jpeg;
mod orientation;
mod png;
mod webp;

use std::sync::Arc;

use bytes::Bytes;
use chassis::sha256::sha256;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::contact::photo::{PHOTO_BYTES_MAX, Photo, PhotoHash, PhotoType};
use crate::error::Error;

/// The number of photos that are checked at a time, of all callers: each may take 150 MiB and
/// a processor for a second.
pub const AT_A_TIME: usize = 2;

/// The maximum number of pixels, so that a small file cannot fill the memory.
const PIXELS_MAX: u64 = 16 * 1024 * 1024;
/// The maximum size of the decoded pixels: four bytes each.
const DECODED_BYTES_MAX: u64 = 4 * PIXELS_MAX;

/// What is wrong with a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhotoProblem {
    /// There are no bytes.
    #[error("is empty")]
    Empty,
    /// There are too many.
    #[error("must have at most 2 MiB")]
    TooLarge,
    /// The type is another one.
    #[error("must be a JPEG, PNG or WebP image")]
    Unknown,
    /// The image has too many pixels.
    #[error("must have at most 16,777,216 pixels, and 64 MiB when it is decoded")]
    TooManyPixels,
    /// There are several images.
    #[error("must not be animated")]
    Animated,
    /// The end is missing.
    #[error("is truncated")]
    Truncated,
    /// Something follows the end.
    #[error("has bytes after the end of the image")]
    Trailing,
    /// A part is not as the format demands.
    #[error("is damaged")]
    Damaged,
}

impl PhotoProblem {
    /// The error for a photo in this field of a request.
    #[must_use]
    pub fn of_field(self, field: &str) -> Error {
        Error::invalid("PHOTO_INVALID", field, self.to_string())
    }
}

/// Checks a photo on another thread, because decoding takes long. Waits for one of `places`.
pub async fn check(file: Bytes, places: &Arc<Semaphore>) -> Result<Photo, PhotoProblem> {
    // Kept by the other thread, which goes on if the call ends. The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    let checked = spawn_blocking(move || {
        let _place = place;
        checked(&file)
    });
    // A decoder that panics does so because of the file.
    checked.await.unwrap_or(Err(PhotoProblem::Damaged))
}

/// Checks a photo, and removes its metadata. Takes up to a second.
pub fn checked(file: &Bytes) -> Result<Photo, PhotoProblem> {
    if file.is_empty() {
        return Err(PhotoProblem::Empty);
    }
    if file.len() > PHOTO_BYTES_MAX {
        return Err(PhotoProblem::TooLarge);
    }
    let kind = kind(file).ok_or(PhotoProblem::Unknown)?;
    let bytes = match kind {
        PhotoType::Jpeg => jpeg::cleaned(file),
        PhotoType::Png => png::cleaned(file),
        PhotoType::Webp => webp::cleaned(file),
    }?;
    // The orientation may take more than what was removed.
    if bytes.len() > PHOTO_BYTES_MAX {
        return Err(PhotoProblem::TooLarge);
    }
    decode::check(kind, &bytes)?;
    Ok(Photo {
        hash: PhotoHash(sha256(&bytes)),
        kind,
        bytes,
    })
}

/// The type of a file, by its first bytes.
fn kind(file: &[u8]) -> Option<PhotoType> {
    match file {
        [0xff, 0xd8, 0xff, ..] => Some(PhotoType::Jpeg),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(PhotoType::Png),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(PhotoType::Webp),
        _ => None,
    }
}

impl From<img_parts::Error> for PhotoProblem {
    fn from(error: img_parts::Error) -> Self {
        match error {
            img_parts::Error::Truncated => Self::Truncated,
            _ => Self::Damaged,
        }
    }
}
