//! Bytes that are not a valid request.

use futures_util::{StreamExt, stream};
use prost::Message;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Status};

use crate::app::App;
use crate::good_requests::{good_requests, string_fields};
use crate::refusal::reason;
use crate::sample::{ada, full};
use crate::wire;

#[tokio::test]
async fn text_that_is_no_utf_8_is_refused_in_every_string() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let bearer = format!("Bearer {}", owner.token);
    let mark = "QZQZ";

    for request in good_requests(&owner).await {
        for field in string_fields(&request.message) {
            let good = field.set(&request.message, mark).encode_to_vec();
            let at = good.windows(4).position(|four| four == mark.as_bytes());
            for bad in [
                b"\xff\xfe\xfd\xfc",
                b"\xc0\x80ab",
                b"a\xed\xa0\x80",
                b"abc\xe2",
            ] {
                let mut message = good.clone();
                message[at.unwrap()..][..4].copy_from_slice(bad);
                let answer =
                    wire::call(&app.channel, &request.method, Some(&bearer), message).await;

                let code = answer.err().map(|status| status.code());
                let case = format!("{} {}", request.method, field.path());
                assert_eq!(code, Some(Code::InvalidArgument), "{case}");
            }
        }
    }
}

/// Some bytes changed, truncated, doubled or inserted.
fn mutate(random: &mut fastrand::Rng, good: &[u8]) -> Vec<u8> {
    let mut message = good.to_vec();
    for _ in 0..random.usize(1..=4) {
        let at = random.usize(..=message.len());
        match random.u8(0..6) {
            0 => message.truncate(at),
            1 => message.insert(at, random.u8(..)),
            2 => message.extend_from_slice(&good[..at.min(good.len())]),
            3 => {
                let noise: Vec<u8> = (0..random.usize(1..=16)).map(|_| random.u8(..)).collect();
                message.splice(at..at, noise);
            }
            _ if at < message.len() => message[at] ^= 1 << random.u8(0..8),
            _ => message.push(random.u8(..)),
        }
    }
    message
}

#[tokio::test]
async fn no_bytes_whatever_make_the_service_fail() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let bearer = format!("Bearer {}", owner.token);
    let mut random = fastrand::Rng::with_seed(0x0bad);
    let (app, bearer) = (&app, &bearer);

    for request in good_requests(&owner).await {
        let good = request.message.encode_to_vec();
        let method = &request.method;
        let messages: Vec<_> = (0..300).map(|_| mutate(&mut random, &good)).collect();
        stream::iter(messages)
            .for_each_concurrent(4, |message| async move {
                let sent = message.clone();
                let answer = wire::call(&app.channel, method, Some(bearer), message).await;
                let code = answer.as_ref().err().map(Status::code);
                let blamed_on_caller = matches!(
                    code,
                    None | Some(
                        Code::InvalidArgument
                            | Code::NotFound
                            | Code::AlreadyExists
                            | Code::Aborted
                            | Code::FailedPrecondition
                    )
                );
                // The call leaves an export after its first piece, and the service may notice
                // it after the next call has arrived.
                let is_limited =
                    method == "ExportContacts" && code == Some(Code::ResourceExhausted);
                assert!(
                    blamed_on_caller || is_limited,
                    "{method} {answer:?} to {sent:?}"
                );
            })
            .await;
    }
    owner.create(ada()).await.unwrap();
}

#[tokio::test]
async fn every_beginning_of_a_good_request_is_answered() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let bearer = format!("Bearer {}", owner.token);

    for request in good_requests(&owner).await {
        let good = request.message.encode_to_vec();
        for length in (0..good.len()).step_by(3) {
            let message = good[..length].to_vec();
            let answer = wire::call(&app.channel, &request.method, Some(&bearer), message).await;

            let code = answer.err().map(|status| status.code());
            let fine = matches!(code, None | Some(Code::InvalidArgument | Code::NotFound));
            assert!(fine, "{} {length}: {code:?}", request.method);
        }
    }
}

#[tokio::test]
async fn fields_that_are_not_known_are_passed_over() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let bearer = format!("Bearer {}", owner.token);

    for request in good_requests(&owner).await {
        let mut message = request.message.encode_to_vec();
        prost::encoding::string::encode(900, &"from the future".into(), &mut message);
        let answer = wire::call(&app.channel, &request.method, Some(&bearer), message).await;

        assert!(answer.is_ok(), "{}: {answer:?}", request.method);
    }
}

#[tokio::test]
async fn groups_within_groups_without_end_are_refused() {
    let app = App::start().await;
    let bearer = format!("Bearer {}", app.plain_owner().token);

    for method in wire::methods() {
        // The start of group 100, repeated.
        let message = [0xa3, 0x06].repeat(100_000);
        let answer = wire::call(&app.channel, method.name(), Some(&bearer), message).await;

        assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_connection_lives_on() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let bearer = format!("Bearer {}", owner.token);

    for method in wire::methods() {
        for size in [(4 << 20) + 1, 20 << 20] {
            let message = vec![0; size];
            let answer = wire::call(&app.channel, method.name(), Some(&bearer), message).await;

            let status = answer.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted);
            assert_eq!(reason(&status), "MESSAGE_TOO_LARGE");
        }
    }
    owner.create(ada()).await.unwrap();
}

#[tokio::test]
async fn a_compressed_request_is_understood_but_not_unpacked_without_end() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let mut packed = owner.clone();
    packed.client = packed.client.send_compressed(CompressionEncoding::Gzip);
    let mut bomb = ada();
    bomb.notes = "x".repeat(30 << 20);

    let stored = packed.create(full()).await.unwrap();
    let refused = packed.create(bomb).await.unwrap_err();

    assert_eq!(owner.get(&stored.id).await.unwrap(), stored);
    assert_eq!(refused.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_request_of_very_many_empty_elements_is_refused_before_it_is_decoded() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let bearer = format!("Bearer {}", owner.token);
    let empty = [0x0a, 0].repeat(1_000_000);

    for method in ["BatchCreateContacts", "BatchUpdateContacts"] {
        let answer = wire::call(&app.channel, method, Some(&bearer), empty.clone()).await;
        assert_eq!(
            reason(&answer.unwrap_err()),
            "REQUEST_MALFORMED",
            "{method}"
        );
    }
}
