//! JPEG files (ITU-T T.81, annex B).

use bytes::Bytes;
use img_parts::ImageEXIF;
use img_parts::jpeg::markers::{
    APP0, APP2, APP14, APP15, COM, DAC, DHT, DNL, DQT, DRI, EOI, JPG0, JPG13, RST0, RST7, SOF2, SOS,
};
use img_parts::jpeg::{Jpeg, JpegSegment};
use memchr::memchr;

use super::{PhotoProblem, orientation};

/// The size of a JFIF segment without a preview.
const JFIF_BYTES: usize = 14;

/// The file without its metadata. The colour profile stays.
pub(super) fn cleaned(file: &Bytes) -> Result<Bytes, PhotoProblem> {
    let mut jpeg = Jpeg::from_bytes(file.clone())?;
    let scan = jpeg.segments().last().filter(|last| last.has_entropy());
    let scan = scan.ok_or(PhotoProblem::Truncated)?;
    let rest = scan.len_with_entropy() - scan.len();
    check_scans(&file[file.len() - rest..])?;
    let kept = jpeg.exif().and_then(|exif| orientation::alone(&exif));
    let segments = jpeg.segments_mut();
    segments.retain(is_kept);
    for segment in segments.iter_mut() {
        if segment.marker() == APP0 {
            *segment = without_preview(segment);
        }
    }
    jpeg.set_exif(kept);
    Ok(jpeg.encoder().bytes())
}

/// Whether the pixels come in several scans, each of which makes the image finer.
pub(super) fn is_progressive(file: &[u8]) -> bool {
    let jpeg = Jpeg::from_bytes(Bytes::copy_from_slice(file));
    jpeg.is_ok_and(|jpeg| jpeg.segment_by_marker(SOF2).is_some())
}

/// Whether a segment is part of the image: no preview, EXIF, XMP, IPTC, comment, or anything
/// of one program.
fn is_kept(segment: &JpegSegment) -> bool {
    let begins = |name: &[u8]| segment.contents().starts_with(name);
    match segment.marker() {
        APP0 => begins(b"JFIF\0") && segment.contents().len() >= JFIF_BYTES,
        APP2 => begins(b"ICC_PROFILE\0"),
        // How the colours are stored.
        APP14 => begins(b"Adobe"),
        APP0..=APP15 | JPG0..=JPG13 | COM => false,
        _ => true,
    }
}

/// The JFIF segment with a preview of no pixels: it may show what was cut off.
fn without_preview(segment: &JpegSegment) -> JpegSegment {
    let mut contents = segment.contents()[..JFIF_BYTES].to_vec();
    contents[JFIF_BYTES - 2..].fill(0);
    JpegSegment::new_with_contents(APP0, contents.into())
}

/// Checks what follows the header of the first scan: its pixels, other scans, and the end of
/// the image, which is that of the file.
fn check_scans(mut rest: &[u8]) -> Result<(), PhotoProblem> {
    loop {
        let marker = memchr(0xff, rest).ok_or(PhotoProblem::Truncated)?;
        rest = &rest[marker + 1..];
        match *rest {
            // Part of the pixels, or fill bytes.
            [0 | RST0..=RST7, ..] => rest = &rest[1..],
            [0xff, ..] => {}
            [EOI] => return Ok(()),
            [EOI, ..] => return Err(PhotoProblem::Trailing),
            [DHT | DQT | DRI | SOS | DNL | DAC, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                rest = rest.get(1 + length..).ok_or(PhotoProblem::Truncated)?;
            }
            [] | [DHT | DQT | DRI | SOS | DNL | DAC, ..] => return Err(PhotoProblem::Truncated),
            _ => return Err(PhotoProblem::Damaged),
        }
    }
}
