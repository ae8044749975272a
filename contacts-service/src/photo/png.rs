//! PNG files (W3C, Portable Network Graphics, third edition).

use bytes::Bytes;
use img_parts::ImageEXIF;
use img_parts::png::Png;

use super::{PhotoProblem, orientation};

/// The chunks that are part of the image: pixels, transparency and colours.
const KEPT: [&[u8; 4]; 13] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP",
    b"sBIT", b"pHYs", b"bKGD",
];

/// The file without its metadata. The colour profile stays.
pub(super) fn cleaned(file: &Bytes) -> Result<Bytes, PhotoProblem> {
    let mut png = Png::from_bytes(file.clone())?;
    if png
        .chunks()
        .last()
        .is_none_or(|last| last.kind() != *b"IEND")
    {
        return Err(PhotoProblem::Truncated);
    }
    if png.len() < file.len() {
        return Err(PhotoProblem::Trailing);
    }
    if png.chunk_by_type(*b"acTL").is_some() {
        return Err(PhotoProblem::Animated);
    }
    let kept = png.exif().and_then(|exif| orientation::alone(&exif));
    png.chunks_mut()
        .retain(|chunk| KEPT.contains(&&chunk.kind()));
    png.set_exif(kept);
    Ok(png.encoder().bytes())
}
