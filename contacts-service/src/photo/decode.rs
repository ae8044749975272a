//! Decodes a photo, to see that it is the image that its header promises.

use std::hash::{DefaultHasher, Hasher};
use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{ImageDecoder, ImageError, Limits};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{DECODED_BYTES_MAX, PIXELS_MAX, PhotoProblem, jpeg};
use crate::contact::photo::PhotoType;

/// Checks the size in the header, and then decodes everything.
pub(super) fn check(kind: PhotoType, file: &[u8]) -> Result<(), PhotoProblem> {
    match kind {
        PhotoType::Jpeg => check_jpeg(file),
        PhotoType::Png => {
            let mut limits = Limits::no_limits();
            limits.max_alloc = Some(DECODED_BYTES_MAX);
            read(PngDecoder::with_limits(Cursor::new(file), limits))
        }
        PhotoType::Webp => {
            let decoder = WebPDecoder::new(Cursor::new(file));
            if let Ok(decoder) = &decoder
                && decoder.has_animation()
            {
                return Err(PhotoProblem::Animated);
            }
            read(decoder)
        }
    }
}

fn read(decoder: image::ImageResult<impl ImageDecoder>) -> Result<(), PhotoProblem> {
    let decoder = decoder.map_err(|error| problem(&error))?;
    let (width, height) = decoder.dimensions();
    check_size(u64::from(width), u64::from(height))?;
    let size = decoder.total_bytes();
    if size > DECODED_BYTES_MAX {
        return Err(PhotoProblem::TooManyPixels);
    }
    let mut pixels = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    let done = decoder.read_image(&mut pixels);
    done.map_err(|error| problem(&error))
}

fn problem(error: &ImageError) -> PhotoProblem {
    match error {
        ImageError::Limits(_) => PhotoProblem::TooManyPixels,
        _ => PhotoProblem::Damaged,
    }
}

/// Decodes a file a second time with other bytes before its end: if pixels are missing there,
/// the decoder takes zeros for them the first time, and these bytes the second time. Those of
/// a whole image do not change.
fn check_jpeg(file: &[u8]) -> Result<(), PhotoProblem> {
    let pixels = jpeg_pixels(file, true)?;
    match jpeg_pixels(&with_more(file), false) {
        Ok(others) if others != pixels => Err(PhotoProblem::Truncated),
        // A progressive file of one scan has to have its end there.
        Err(_) if !jpeg::is_progressive(file) => Err(PhotoProblem::Truncated),
        _ => Ok(()),
    }
}

/// The file with bytes before its end that are neither zeros nor a marker.
fn with_more(file: &[u8]) -> Vec<u8> {
    const END: [u8; 2] = [0xff, 0xd9];
    let mut pixels = file.strip_suffix(&END).unwrap_or(file);
    while let Some(rest) = pixels.strip_suffix(&[0xff]) {
        pixels = rest;
    }
    [pixels, &[0xa5; 64], &END].concat()
}

/// A hash of the decoded pixels, which may take too much memory to keep.
fn jpeg_pixels(file: &[u8], is_strict: bool) -> Result<u64, PhotoProblem> {
    let options = DecoderOptions::default()
        .set_strict_mode(is_strict)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    let damaged = |_| PhotoProblem::Damaged;
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or(PhotoProblem::Damaged)?;
    let wide = |pixels| u64::try_from(pixels).unwrap_or(u64::from(u32::MAX));
    check_size(wide(width), wide(height))?;
    // Grey stays grey; everything else can be converted.
    if decoder.input_colorspace() == Some(ColorSpace::Luma) {
        let grey = decoder.options().jpeg_set_out_colorspace(ColorSpace::Luma);
        decoder.set_options(grey);
    }
    let pixels = decoder.decode().map_err(damaged)?;
    let mut hasher = DefaultHasher::new();
    hasher.write(&pixels);
    Ok(hasher.finish())
}

fn check_size(width: u64, height: u64) -> Result<(), PhotoProblem> {
    if width * height > PIXELS_MAX {
        return Err(PhotoProblem::TooManyPixels);
    }
    Ok(())
}
