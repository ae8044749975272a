//! WebP files (RFC 9649).

use bytes::Bytes;
use img_parts::ImageEXIF;
use img_parts::riff::RiffContent;
use img_parts::webp::{CHUNK_ALPH, CHUNK_ICCP, CHUNK_VP8, CHUNK_VP8L, CHUNK_VP8X, WebP};

use super::{PhotoProblem, orientation};

/// The chunks that are part of a still image.
const KEPT: [[u8; 4]; 5] = [CHUNK_VP8X, CHUNK_VP8, CHUNK_VP8L, CHUNK_ALPH, CHUNK_ICCP];

/// The bits of the header for XMP data and an animation.
const XMP_OR_ANIMATION: u8 = 0b0000_0110;

/// The file without its metadata. The colour profile stays.
pub(super) fn cleaned(file: &Bytes) -> Result<Bytes, PhotoProblem> {
    let mut webp = WebP::from_bytes(file.clone())?;
    if usize::try_from(webp.len()).is_ok_and(|length| length < file.len()) {
        return Err(PhotoProblem::Trailing);
    }
    let is_frame = |id: [u8; 4]| matches!(&id, b"ANIM" | b"ANMF");
    if webp.chunks().iter().any(|chunk| is_frame(chunk.id())) {
        return Err(PhotoProblem::Animated);
    }
    let kept = webp.exif().and_then(|exif| orientation::alone(&exif));
    webp.chunks_mut().retain(|chunk| KEPT.contains(&chunk.id()));
    for chunk in webp.chunks_mut() {
        if chunk.id() == CHUNK_VP8X
            && let RiffContent::Data(data) = chunk.content_mut()
        {
            let mut header = data.to_vec();
            let flags = header.first_mut().ok_or(PhotoProblem::Damaged)?;
            *flags &= !XMP_OR_ANIMATION;
            *data = header.into();
        }
    }
    webp.set_exif(kept);
    Ok(webp.encoder().bytes())
}
