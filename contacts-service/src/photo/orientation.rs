//! The only metadata that a photo keeps: without it, it would be shown lying on its side.

use bytes::Bytes;
use image::metadata::Orientation;

/// EXIF data with nothing but the orientation that these have; `None` if that is the usual
/// one.
pub(super) fn alone(exif: &[u8]) -> Option<Bytes> {
    let orientation = Orientation::from_exif_chunk(exif)?;
    if orientation == Orientation::NoTransforms {
        return None;
    }
    // TIFF 6.0, section 2: a header, and a directory of one entry, the tag 0x0112 with one
    // 16-bit number.
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec();
    tiff[19] = orientation.to_exif();
    Some(tiff.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_unusual_orientation_is_kept() {
        for number in 2..=8 {
            let little = [
                &b"II\x2a\0\x08\0\0\0\x02\0"[..],
                &[0x12, 1, 3, 0, 1, 0, 0, 0, number, 0, 0, 0],
                &[0x25, 0x88, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0],
                &[0; 12],
            ]
            .concat();

            let kept = alone(&little).unwrap();

            assert_eq!(kept.len(), 26);
            let read = Orientation::from_exif_chunk(&kept).unwrap();
            assert_eq!(read.to_exif(), number);
        }
        assert_eq!(alone(b""), None);
        assert_eq!(alone(b"II\x2a\0\x08\0\0\0\0\0"), None);
    }
}
