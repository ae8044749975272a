//! Images, and what cameras and programs put into them.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::WebP;
use img_parts::{Bytes, ImageEXIF};

/// In all metadata below.
pub const SECRET: &[u8] = b"Secret Street 7";

/// A small image; another one for each `shade`.
pub fn image(format: ImageFormat, shade: u8) -> Vec<u8> {
    sized(format, 24, shade)
}

/// One with sides of so many pixels.
pub fn sized(format: ImageFormat, side: u32, shade: u8) -> Vec<u8> {
    let wave = |at: u32| u8::try_from(at % 256).unwrap();
    let pixel = |x: u32, y: u32| Rgb([shade, wave(x * 9), wave(y * 7)]);
    let mut file = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(side, side, pixel);
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A small JPEG.
pub fn jpeg(shade: u8) -> Vec<u8> {
    image(ImageFormat::Jpeg, shade)
}

/// A JPEG of several scans, each of which makes it finer.
pub const PROGRESSIVE: &[u8] = include_bytes!("progressive.jpg");

/// The first scan of it, as a whole image.
pub fn one_scan() -> Vec<u8> {
    let at = |from: usize, marker: u8| {
        let mut places = PROGRESSIVE[from..].windows(2);
        from + places.position(|two| two == [0xff, marker]).unwrap()
    };
    let (start_of_scan, table, end) = (0xda, 0xc4, [0xff, 0xd9]);
    [&PROGRESSIVE[..at(at(0, start_of_scan), table)], &end].concat()
}

/// A JPEG without the last of its pixels, and with the mark of its end.
pub fn without_pixels(file: &[u8], bytes: usize) -> Vec<u8> {
    [&file[..file.len() - 2 - bytes], &[0xff, 0xd9]].concat()
}

/// A small PNG.
pub fn png(shade: u8) -> Vec<u8> {
    image(ImageFormat::Png, shade)
}

/// A small WebP.
pub fn webp(shade: u8) -> Vec<u8> {
    image(ImageFormat::WebP, shade)
}

/// EXIF data with this orientation, a description and a place.
pub fn exif(orientation: u8) -> Bytes {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let mut entry = tag.to_le_bytes().to_vec();
        entry.extend(kind.to_le_bytes());
        entry.extend(count.to_le_bytes());
        entry.extend(value.to_le_bytes());
        entry
    };
    let mut tiff = b"II\x2a\0\x08\0\0\0\x03\0".to_vec();
    let gps = 8 + 2 + 3 * 12 + 4;
    let texts = gps + 2 + 2 * 12 + 4;
    let length = u32::try_from(SECRET.len()).unwrap();
    tiff.extend(entry(0x010e, 2, length, texts));
    tiff.extend(entry(0x0112, 3, 1, orientation.into()));
    tiff.extend(entry(0x8825, 4, 1, gps));
    tiff.extend([0; 4]);
    tiff.extend(2_u16.to_le_bytes());
    tiff.extend(entry(1, 2, 2, u32::from(b'N')));
    // 52° 31' 12".
    tiff.extend(entry(2, 5, 3, texts + length));
    tiff.extend([0; 4]);
    tiff.extend(SECRET);
    for number in [52_u32, 1, 31, 1, 12, 1] {
        tiff.extend(number.to_le_bytes());
    }
    tiff.into()
}

/// The latitude above, as it is stored.
pub const LATITUDE: &[u8] = &[52, 0, 0, 0, 1, 0, 0, 0, 31, 0, 0, 0, 1, 0, 0, 0];

fn with_secret(name: &[u8]) -> Bytes {
    [name, SECRET].concat().into()
}

/// A JPEG with EXIF, XMP, IPTC, a comment and previews.
pub fn talkative_jpeg(orientation: u8) -> Vec<u8> {
    let mut file = Jpeg::from_bytes(jpeg(1).into()).unwrap();
    file.set_exif(Some(exif(orientation)));
    let segments = [
        (
            markers::APP0,
            [b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x05", SECRET]
                .concat()
                .into(),
        ),
        (markers::APP0, with_secret(b"JFXX\0\x13")),
        (
            markers::APP1,
            with_secret(b"http://ns.adobe.com/xap/1.0/\0<x>"),
        ),
        (markers::APP2, with_secret(b"MPF\0")),
        (
            markers::APP13,
            with_secret(b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0f"),
        ),
        (markers::COM, with_secret(b"")),
    ];
    for (marker, contents) in segments {
        let segment = JpegSegment::new_with_contents(marker, contents);
        file.segments_mut().insert(1, segment);
    }
    file.encoder().bytes().to_vec()
}

/// A PNG with EXIF, XMP, texts and a time.
pub fn talkative_png(orientation: u8) -> Vec<u8> {
    let mut png = Png::from_bytes(png(1).into()).unwrap();
    png.set_exif(Some(exif(orientation)));
    let chunks = [
        (*b"tEXt", with_secret(b"Comment\0")),
        (*b"iTXt", with_secret(b"XML:com.adobe.xmp\0\0\0\0\0")),
        (*b"prVt", with_secret(b"")),
        (
            *b"tIME",
            Bytes::from_static(b"\x07\xea\x01\x02\x03\x04\x05"),
        ),
    ];
    for (kind, contents) in chunks {
        png.chunks_mut().insert(1, PngChunk::new(kind, contents));
    }
    png.encoder().bytes().to_vec()
}

/// A WebP with EXIF, XMP and a chunk of one program.
pub fn talkative_webp(orientation: u8) -> Vec<u8> {
    let mut webp = WebP::from_bytes(webp(1).into()).unwrap();
    for id in [*b"XMP ", *b"PRVT"] {
        let content = RiffContent::Data(with_secret(b"<x>"));
        webp.chunks_mut().push(RiffChunk::new(id, content));
    }
    webp.set_exif(Some(exif(orientation)));
    webp.encoder().bytes().to_vec()
}

/// A PNG of exactly so many bytes, most of them in a comment.
pub fn png_of(size: usize) -> Vec<u8> {
    let mut png = Png::from_bytes(png(1).into()).unwrap();
    let padding = vec![b'x'; size - png.len() - 12];
    let chunk = PngChunk::new(*b"tEXt", padding.into());
    png.chunks_mut().insert(1, chunk);
    let file = png.encoder().bytes().to_vec();
    assert_eq!(file.len(), size);
    file
}

/// A JPEG of at least so many bytes, all of them pixels.
pub fn large_jpeg(least: usize) -> Vec<u8> {
    let mut files = (200..)
        .step_by(50)
        .map(|side| noise(ImageFormat::Jpeg, side));
    files.find(|file| file.len() >= least).unwrap()
}

/// A PNG of at least so many bytes, of which hardly any can be compressed.
pub fn large_png(least: u32) -> Vec<u8> {
    noise(ImageFormat::Png, (least / 3).isqrt() + 1)
}

/// Pixels that have nothing in common.
fn noise(format: ImageFormat, side: u32) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    let noise = RgbImage::from_fn(side, side, |_, _| {
        Rgb([random.u8(..), random.u8(..), random.u8(..)])
    });
    let mut file = Cursor::new(Vec::new());
    noise.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A PNG whose header promises so many pixels a side, with hardly any data.
pub fn bomb(side: u32) -> Vec<u8> {
    let mut png = Png::from_bytes(png(1).into()).unwrap();
    let mut header = png.chunks()[0].contents().to_vec();
    header[..4].copy_from_slice(&side.to_be_bytes());
    header[4..8].copy_from_slice(&side.to_be_bytes());
    png.chunks_mut()[0] = PngChunk::new(*b"IHDR", header.into());
    png.encoder().bytes().to_vec()
}

/// A JPEG whose header promises so many pixels a side, with hardly any data.
pub fn jpeg_bomb(side: u16) -> Vec<u8> {
    let mut file = jpeg(1);
    let frame = file.windows(2).position(|two| two == [0xff, 0xc0]);
    let side = side.to_be_bytes();
    file[frame.unwrap() + 5..][..4].copy_from_slice(&[side, side].concat());
    file
}

/// So many zero bytes, compressed to a hundred and fiftieth (RFC 1950 and 1951): a zero, and
/// repetitions of the byte before.
pub fn packed_zeros(count: u32) -> Vec<u8> {
    let (mut packed, mut bits, mut filled) = (vec![0x78, 0x01], 0_u32, 0);
    let mut put = |code: &str| {
        for bit in code.bytes() {
            bits |= u32::from(bit - b'0') << filled;
            filled += 1;
            if filled == 8 {
                packed.push(u8::try_from(bits).unwrap());
                (bits, filled) = (0, 0);
            }
        }
    };
    // The last block, with the fixed codes; then a zero.
    put("110");
    put("00110000");
    for _ in 0..(count - 1) / 258 {
        put("1100010100000");
    }
    for _ in 0..(count - 1) % 258 {
        put("00110000");
    }
    // The end, and bits up to the next byte.
    put("0000000");
    put("0000000");
    packed.extend((((count % 65_521) << 16) | 1).to_be_bytes());
    packed
}

/// Whether a file contains these bytes.
pub fn contains(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|window| window == part)
}
