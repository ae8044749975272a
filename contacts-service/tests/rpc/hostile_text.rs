//! Hostile texts in every string of every request.

use futures_util::{StreamExt, stream};
use prost::Message;
use tonic::{Code, Status};

use crate::app::App;
use crate::good_requests::{good_requests, string_fields};
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, fields, reason};
use crate::sample::{ada, named};
use crate::wire;

/// The expected response to a hostile text.
#[derive(Debug, PartialEq)]
enum Due {
    /// Refused, with the field named.
    Refused,
    /// The text is ignored.
    Ignored,
    /// The text is not the etag of this contact.
    Aborted,
}

/// The expected response for each string that is not simply validated.
fn due(method: &str, path: &str) -> Due {
    let in_batch = path.strip_prefix("requests[0].");
    match (method.trim_start_matches("Batch"), in_batch.unwrap_or(path)) {
        ("CreateContacts", path) => due("CreateContact", path),
        ("UpdateContacts", path) => due("UpdateContact", path),
        ("DeleteContacts", path) => due("DeleteContact", path),
        ("UpdateContact", "contact.etag")
        | ("RestoreContact" | "DeletePhoto", "etag")
        | ("UpdateLabel", "label.etag")
        | ("UpdateShare", "share.etag")
        | ("UpdateSettings", "settings.etag") => Due::Aborted,
        // What is deleted is missing, so no etag is compared; that of a photo is a question.
        ("DeleteContact" | "DeleteLabel" | "GetPhoto", "etag")
        | ("CreateLabel", "label.id" | "label.etag")
        | ("CreateShare", "share.id" | "share.etag")
        | ("UpdateShare", "share.recipient_email" | "share.label_id")
        | (
            "CreateShare" | "UpdateShare",
            "share.owner_id" | "share.owner_email" | "share.label_name",
        )
        | ("CreateContact", "contact.id" | "contact.etag")
        | (
            "CreateContact" | "UpdateContact",
            "contact.merged_into"
            | "contact.owner_id"
            | "contact.display_name"
            | "contact.phones[0].e164"
            | "contact.phones[0].extension"
            | "contact.photo.etag"
            | "contact.photo.media_type",
        ) => Due::Ignored,
        _ => Due::Refused,
    }
}

/// The response to every request with `text` in each string, one at a time.
async fn answers(app: &App, owner: &Owner, text: &str) -> Vec<(String, String, Option<Status>)> {
    let bearer = format!("Bearer {}", owner.token);
    let bearer = &bearer;
    let mut calls = Vec::new();
    for request in good_requests(owner).await {
        for field in string_fields(&request.message) {
            let message = field.set(&request.message, text).encode_to_vec();
            let (method, path) = (request.method.clone(), field.path());
            calls.push(async move {
                let answer = wire::call(&app.channel, &method, Some(bearer), message).await;
                (method, path, answer.err())
            });
        }
    }
    assert!(calls.len() > 90, "{}", calls.len());
    stream::iter(calls).buffered(4).collect().await
}

#[tokio::test]
async fn the_good_requests_are_good() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let bearer = format!("Bearer {}", owner.token);

    for request in good_requests(&owner).await {
        let message = request.message.encode_to_vec();
        let answer = wire::call(&app.channel, &request.method, Some(&bearer), message).await;
        assert!(answer.is_ok(), "{}: {answer:?}", request.method);
    }
}

#[tokio::test]
async fn a_text_that_breaks_the_rules_is_refused_by_its_field() {
    let app = App::start().await;
    let owner = app.plain_owner();

    for text in [
        "a\0b",
        "\0",
        "a\u{1b}[31mb",
        "a\u{7f}b",
        &"x".repeat(70_000),
    ] {
        for (method, path, refusal) in answers(&app, &owner, text).await {
            let shown: String = text.chars().take(10).collect();
            let case = format!("{method} {path} {shown:?}: {refusal:?}");
            // A control character separates the words of a query.
            if path == "query" && refusal.is_none() {
                assert!(text.len() < 10, "{case}");
                continue;
            }
            match due(&method, &path) {
                Due::Ignored => assert!(refusal.is_none(), "{case}"),
                Due::Aborted => assert_eq!(reason(&refusal.unwrap()), "ETAG_MISMATCH", "{case}"),
                Due::Refused => {
                    let status = refusal.unwrap_or_else(|| panic!("{case}"));
                    assert_eq!(status.code(), Code::InvalidArgument, "{case}");
                    assert_eq!(fields(&status), [path], "{case}");
                    assert!(status.message().len() < 300, "{case}");
                }
            }
        }
    }
    owner.create(ada()).await.unwrap();
}

#[tokio::test]
async fn no_text_whatever_makes_the_service_fail() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let zalgo = format!("a{}", "\u{301}\u{489}".repeat(40));
    let texts = [
        "\u{202e}gnp.exe",
        "\u{200b}",
        "\u{feff}",
        "\u{fdd0}\u{ffff}\u{10ffff}",
        "\u{e000}",
        "\u{1d160}\u{fb2c}\u{344}",
        "ǅİßẞſΣ",
        "👨‍👩‍👧‍👦🏳️‍🌈",
        "a\r\nSet-Cookie: b",
        "' OR 1=1; DROP TABLE contacts.contacts; --",
        r"%_\%%\\",
        "${jndi:ldap://x}{{7*7}}%s%n",
        "../../etc/passwd",
        "NaN",
        "-1",
        " ",
        &zalgo,
        &"\u{fdfa}".repeat(90),
        &"é".repeat(100),
    ];

    for text in texts {
        for (method, path, refusal) in answers(&app, &owner, text).await {
            let code = refusal.as_ref().map(Status::code);
            let expected = match due(&method, &path) {
                Due::Aborted => code == Some(Code::Aborted),
                Due::Ignored => code.is_none(),
                // An earlier request of another method has stored this uid or label.
                Due::Refused if code == Some(Code::AlreadyExists) => {
                    path.ends_with("contact.uid") || path == "label.name"
                }
                Due::Refused => matches!(code, None | Some(Code::InvalidArgument)),
            };
            assert!(expected, "{method} {path} {text:?}: {refusal:?}");
        }
    }
}

#[tokio::test]
async fn hostile_names_come_back_as_they_went_in() {
    let app = App::start().await;
    let owner = app.plain_owner();

    for name in [
        "\u{202e}gnp.exe",
        "' OR 1=1; DROP TABLE contacts.contacts; --",
        r"%_\%%\\",
        "👨‍👩‍👧‍👦🏳️‍🌈",
        "a\u{200b}b",
        "<script>alert(1)</script>",
        "\u{e000}\u{10ffff}",
    ] {
        let stored = owner.create(named(name, "x")).await.unwrap();
        assert_eq!(owner.get(&stored.id).await.unwrap().given_name, name);
    }
}

#[tokio::test]
async fn a_custom_field_that_differs_in_form_only_is_refused() {
    let app = App::start().await;
    let mut contact = ada();
    for key in ["Größe", "Gro\u{308}ße"] {
        contact.custom_fields.insert(key.into(), "1".into());
    }

    let answer = app.plain_owner().create(contact).await;

    assert_bad_fields(answer, &["contact.custom_fields"]);
}
