//! Files that are not photos, and calls that do not send one.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use image::ImageFormat;
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::WebP;
use proto::contacts::v1::SetPhotoHeader;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::Code;
use uuid::Uuid;

use crate::app::{App, rows};
use crate::owner_photos::{chunk, header};
use crate::photo_files::{
    PROGRESSIVE, bomb, jpeg, jpeg_bomb, packed_zeros, png, png_of, sized, webp, without_pixels,
};
use crate::refusal::{assert_refused, fields};
use crate::sample::ada;

const MOST: usize = 2 * 1024 * 1024;

/// The result of a call that ends although its client goes on.
async fn promptly<T>(call: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), call).await.unwrap()
}

/// Malformed files with what is wrong with them.
fn malformed() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let with = |mut file: Vec<u8>, more: &[u8]| {
        file.extend(more);
        file
    };
    let half = |file: Vec<u8>| file[..file.len() / 2].to_vec();
    let cut = |file: Vec<u8>| file[..file.len() - 2].to_vec();
    let mut animated_png = Png::from_bytes(png(1).into()).unwrap();
    let control = PngChunk::new(*b"acTL", vec![0, 0, 0, 1, 0, 0, 0, 0].into());
    animated_png.chunks_mut().insert(1, control);
    let mut animated_webp = WebP::from_bytes(webp(1).into()).unwrap();
    let control = RiffContent::Data(vec![0; 6].into());
    animated_webp
        .chunks_mut()
        .push(RiffChunk::new(*b"ANIM", control));
    let mut flipped_png = png(1);
    let middle = flipped_png.len() / 2;
    flipped_png[middle] ^= 1;
    let mut flipped_webp = webp(1);
    flipped_webp[20] ^= 0xff;
    let mut wrong_jpeg = jpeg(1);
    let table = wrong_jpeg.windows(2).position(|two| two == [0xff, 0xc4]);
    wrong_jpeg[table.unwrap() + 5..][..16].fill(0xff);
    vec![
        ("nothing", Vec::new(), "is empty"),
        ("text", b"hello".to_vec(), "must be a JPEG, PNG or WebP"),
        (
            "GIF",
            b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(),
            "must be a JPEG",
        ),
        ("SVG", b"<svg xmlns='x'/>".to_vec(), "must be a JPEG"),
        ("AVI", b"RIFF\x04\0\0\0AVI ".to_vec(), "must be a JPEG"),
        ("half a JPEG", half(jpeg(1)), "is truncated"),
        ("a JPEG without its end", cut(jpeg(1)), "is truncated"),
        (
            "a JPEG of one marker",
            jpeg(1)[..3].to_vec(),
            "is truncated",
        ),
        ("half a PNG", half(png(1)), "is truncated"),
        ("a PNG without its end", cut(png(1)), "is truncated"),
        ("half a WebP", half(webp(1)), "is truncated"),
        ("a WebP without its end", cut(webp(1)), "is truncated"),
        (
            "JPEG and more",
            with(jpeg(1), b"PK\x03\x04"),
            "after the end",
        ),
        ("two JPEGs", with(jpeg(1), &jpeg(2)), "after the end"),
        ("PNG and more", with(png(1), b"x"), "after the end"),
        ("WebP and more", with(webp(1), b"xy"), "after the end"),
        ("a JPEG with a wrong table", wrong_jpeg, "is damaged"),
        ("a PNG with a wrong bit", flipped_png, "is damaged"),
        ("a WebP with wrong bits", flipped_webp, "is damaged"),
        (
            "an animated PNG",
            animated_png.encoder().bytes().to_vec(),
            "animated",
        ),
        (
            "an animated WebP",
            animated_webp.encoder().bytes().to_vec(),
            "animated",
        ),
        ("a bomb", bomb(50_000), "at most 16,777,216 pixels"),
        ("a JPEG bomb", jpeg_bomb(5000), "at most 16,777,216 pixels"),
        ("a PNG that lies", bomb(30), "is damaged"),
    ]
}

/// JPEGs with the mark of the end, and without the pixels before it.
fn cut_jpegs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let half = jpeg(1).len() / 4;
    vec![
        ("half", without_pixels(&jpeg(1), half), "is truncated"),
        ("most", without_pixels(&jpeg(1), 4), "is truncated"),
        (
            "most of a progressive one",
            without_pixels(PROGRESSIVE, 3),
            "is truncated",
        ),
    ]
}

#[tokio::test]
async fn a_malformed_file_is_refused_with_what_is_wrong() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;

    for (case, file, problem) in malformed().into_iter().chain(cut_jpegs()) {
        let status = owner.set_photo(&contact.id, &file).await.unwrap_err();

        let told = status.message().to_owned();
        assert!(told.contains(problem), "{case}: {told}");
        assert_eq!(fields(&status), ["chunk"], "{case}");
        assert_refused::<()>(Err(status), Code::InvalidArgument, "PHOTO_INVALID");
    }
    assert_eq!(owner.get(&contact.id).await.unwrap(), contact);
    assert_eq!(rows(&app, "photos", owner.user).await, 0);
}

#[tokio::test]
async fn a_real_bomb_is_refused_before_it_is_decoded() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    // 50,000 rows of 50,000 black and white pixels, and a byte for the filter of each.
    let mut bomb = Png::from_bytes(bomb(50_000).into()).unwrap();
    let mut start = bomb.chunks()[0].contents().to_vec();
    start[8..10].copy_from_slice(&[1, 0]);
    bomb.chunks_mut()[0] = PngChunk::new(*b"IHDR", start.into());
    for chunk in bomb.chunks_mut() {
        if chunk.kind() == *b"IDAT" {
            let zeros = packed_zeros(50_000 * (1 + 50_000 / 8));
            *chunk = PngChunk::new(*b"IDAT", zeros.into());
        }
    }
    let file = bomb.encoder().bytes();
    assert!(file.len() < MOST, "{}", file.len());

    let refused = owner.set_photo(&contact.id, &file).await;

    assert_refused(refused, Code::InvalidArgument, "PHOTO_INVALID");
}

#[tokio::test]
async fn two_mebibytes_are_accepted_and_one_byte_more_is_not() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;

    let most = owner.set_photo(&contact.id, &png_of(MOST)).await.unwrap();
    let more = owner.set_photo(&contact.id, &png_of(MOST + 1)).await;

    let status = more.unwrap_err();
    assert!(status.message().contains("at most 2 MiB"), "{status:?}");
    assert_refused::<()>(Err(status), Code::InvalidArgument, "PHOTO_INVALID");
    assert_eq!(owner.get(&contact.id).await.unwrap(), most);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_while_it_is_sent() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let mut parts = vec![owner.photo_header(&contact.id, "")];
    parts.extend((0..41).map(|_| chunk(&vec![0; 52_000])));
    // The rest is never sent.
    let endless = stream::iter(parts).chain(stream::pending());

    let refused = promptly(owner.client.clone().set_photo(endless)).await;

    assert_refused(refused, Code::InvalidArgument, "PHOTO_INVALID");
}

#[tokio::test]
async fn a_large_image_is_accepted_up_to_its_pixels() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;

    let large = sized(ImageFormat::Jpeg, 1200, 1);
    owner.set_photo(&contact.id, &large).await.unwrap();
    let refused = owner.set_photo(&contact.id, &bomb(4097)).await;

    assert_refused(refused, Code::InvalidArgument, "PHOTO_INVALID");
}

#[tokio::test]
async fn a_call_without_its_header_or_with_two_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let first = || owner.photo_header(&contact.id, "");
    let photo = || chunk(&jpeg(1));

    for parts in [
        vec![],
        vec![photo()],
        vec![photo(), first()],
        vec![first(), photo(), first()],
        vec![first(), first(), photo()],
    ] {
        let status = owner.send_photo(parts).await.unwrap_err();
        assert_eq!(fields(&status), ["header"]);
        assert_refused::<()>(Err(status), Code::InvalidArgument, "FIELD_INVALID");
    }
    for (id, code, reason) in [
        ("x", Code::InvalidArgument, "ID_INVALID"),
        (
            &*Uuid::now_v7().to_string(),
            Code::NotFound,
            "CONTACT_NOT_FOUND",
        ),
    ] {
        let refused = owner.set_photo(id, &jpeg(1)).await;
        assert_refused(refused, code, reason);
        assert_refused(owner.photo(id).await, code, reason);
        assert_refused(owner.delete_photo(id, "").await, code, reason);
    }
    let unshared = header(SetPhotoHeader {
        id: contact.id.clone(),
        owner_id: Uuid::now_v7().into(),
        ..SetPhotoHeader::default()
    });
    let refused = owner.send_photo(vec![unshared, photo()]).await;
    assert_refused(refused, Code::NotFound, "SHARE_NOT_FOUND");
}

#[tokio::test]
async fn a_deleted_contact_gets_and_loses_no_photo_but_shows_it() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    owner.set_photo(&contact.id, &jpeg(1)).await.unwrap();
    owner.delete(&contact.id).await.unwrap();

    let set = owner.set_photo(&contact.id, &jpeg(2)).await;
    let removed = owner.delete_photo(&contact.id, "").await;

    assert_refused(set, Code::NotFound, "CONTACT_NOT_FOUND");
    assert_refused(removed, Code::NotFound, "CONTACT_NOT_FOUND");
    assert!(owner.photo(&contact.id).await.unwrap().1 == jpeg(1));
}

#[tokio::test]
async fn a_sender_that_goes_silent_is_refused_and_nothing_changes() {
    let app = App::with(&["--request-message-seconds", "1"]).await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let parts = vec![owner.photo_header(&contact.id, ""), chunk(&jpeg(1)[..100])];
    let silent = stream::iter(parts).chain(stream::pending());

    let refused = promptly(owner.client.clone().set_photo(silent)).await;

    assert_refused(refused, Code::DeadlineExceeded, "REQUEST_INCOMPLETE");
    assert_eq!(owner.get(&contact.id).await.unwrap(), contact);
}

#[tokio::test]
async fn the_deadline_of_a_call_includes_its_upload() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let parts = vec![owner.photo_header(&contact.id, ""), chunk(&jpeg(1))];
    let mut slow = tonic::Request::new(stream::iter(parts).chain(stream::pending()));
    // The client's own timer may be faster than the response.
    slow.set_timeout(Duration::from_millis(300));

    let refused = promptly(owner.client.clone().set_photo(slow)).await;

    let code = refused.unwrap_err().code();
    let is_late = matches!(code, Code::DeadlineExceeded | Code::Cancelled);
    assert!(is_late, "{code:?}");
    assert_eq!(owner.get(&contact.id).await.unwrap(), contact);
}

#[tokio::test]
async fn a_call_that_breaks_in_the_middle_changes_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = owner.has(ada()).await;
    let whole = jpeg(1);
    for length in [0, 1, whole.len() / 2, whole.len()] {
        let (taken, was_taken) = oneshot::channel::<()>();
        let parts = vec![owner.photo_header(&contact.id, ""), chunk(&whole[..length])];
        // Resolves when the client has sent everything before.
        let last = stream::once(async move {
            let _ = taken.send(());
            std::future::pending().await
        });
        let mut client = owner.client.clone();
        let sent = stream::iter(parts).chain(last);
        let call = tokio::spawn(async move { client.set_photo(sent).await });
        promptly(was_taken).await.unwrap();
        call.abort();
        let _ = call.await;
    }
    // A call after them on the same connection.
    assert_eq!(owner.get(&contact.id).await.unwrap(), contact);
    assert_eq!(app.version(&owner).await, 1);
    assert_eq!(rows(&app, "photos", owner.user).await, 0);
}

#[tokio::test]
async fn many_photos_at_a_time_are_all_set() {
    let app = App::start().await;
    let owner = app.owner();
    let contacts = owner.has_numbered(20).await;
    let sets = contacts.iter().enumerate().map(|(number, contact)| {
        let (owner, shade) = (owner.clone(), u8::try_from(number % 5).unwrap());
        async move { owner.set_photo(&contact.id, &png(shade)).await }
    });

    let set: Vec<_> = stream::iter(sets).buffered(10).collect().await;

    for set in set {
        set.unwrap();
    }
    assert_eq!(rows(&app, "photos", owner.user).await, 5);
}
