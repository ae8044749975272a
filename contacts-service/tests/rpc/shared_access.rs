//! The responses of all calls with an `owner_id`, by what is shared.

use std::collections::HashSet;

use prost::Message;
use prost_reflect::{ReflectMessage, Value};
use proto::contacts::v1::ShareRole;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::app::App;
use crate::good_requests::{GoodRequest, good_requests};
use crate::owner::Owner;
use crate::owner_shares::{email_of, sharing};
use crate::refusal::{assert_refused, reason};
use crate::wire;

/// A valid request of every call about contacts or labels, made by `caller` with
/// `owner_id`.
async fn answers(
    app: &App,
    requests: &[GoodRequest],
    caller: &Owner,
    owner_id: &str,
) -> Vec<(String, Result<(), Status>)> {
    let bearer = format!("Bearer {}", caller.token);
    let mut answers = Vec::new();
    for request in requests {
        let mut message = request.message.clone();
        message.set_field_by_name("owner_id", Value::String(owner_id.to_owned()));
        let bytes = message.encode_to_vec();
        let answer = wire::call(&app.channel, &request.method, Some(&bearer), bytes).await;
        answers.push((request.method.clone(), answer.map(drop)));
    }
    answers
}

/// A valid request of every call about the owner's contacts or labels.
async fn requests(owner: &Owner) -> Vec<GoodRequest> {
    let mut requests = good_requests(owner).await;
    requests.retain(|request| {
        let has_owner = request.message.descriptor().get_field_by_name("owner_id");
        has_owner.is_some() && !request.method.contains("Share")
    });
    assert!(requests.len() >= 28, "{}", requests.len());
    requests
}

fn reasons(answers: &[(String, Result<(), Status>)]) -> HashSet<String> {
    let of = |(_, answer): &(String, Result<(), Status>)| {
        answer.as_ref().map_or_else(reason, |()| "OK".to_owned())
    };
    answers.iter().map(of).collect()
}

const READS: [&str; 16] = [
    "GetContact",
    "GetPhoto",
    "ExportContacts",
    "BatchGetContacts",
    "ListContacts",
    "ListDeletedContacts",
    "ListContactRevisions",
    "FindDuplicates",
    "ListIgnoredDuplicates",
    "SearchContacts",
    "ListUpcomingBirthdays",
    "SyncContacts",
    "WatchContacts",
    "GetContactStats",
    "GetLabel",
    "ListLabels",
];

/// Calls that need all contacts.
const WHOLE: [&str; 7] = [
    "IgnoreDuplicate",
    "ListIgnoredDuplicates",
    "UnignoreDuplicate",
    "CreateLabel",
    "UpdateLabel",
    "DeleteLabel",
    "ModifyLabelMembers",
];

#[tokio::test]
async fn a_stranger_is_told_what_is_told_of_nobody() {
    let app = App::start().await;
    let (owner, stranger) = (app.plain_owner(), app.plain_owner());
    let requests = requests(&owner).await;
    // An offer is not a share yet.
    let offer = sharing(&email_of(&stranger), ShareRole::Editor);
    owner.offer(offer).await.unwrap();

    let of_owner = answers(&app, &requests, &stranger, &owner.user.to_string()).await;
    let of_nobody = answers(&app, &requests, &stranger, &Uuid::now_v7().to_string()).await;

    assert_eq!(reasons(&of_owner), ["SHARE_NOT_FOUND".to_owned()].into());
    for ((method, one), (_, other)) in of_owner.into_iter().zip(of_nobody) {
        let (one, other) = (one.unwrap_err(), other.unwrap_err());
        assert_eq!(one.code(), Code::NotFound, "{method}");
        assert_eq!(one.message(), other.message(), "{method}");
        assert_eq!(one.details(), other.details(), "{method}");
    }
}

#[tokio::test]
async fn a_reader_reads_everything_and_writes_nothing() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let (_, share) = owner.shares_with(&other, None, ShareRole::Reader).await;
    let requests = requests(&owner).await;
    let before = crate::app::book(&app, owner.user).await;
    let owner_id = owner.user.to_string();

    for (method, answer) in answers(&app, &requests, &other, &owner_id).await {
        if READS.contains(&&*method) {
            answer.unwrap();
        } else {
            let status = answer.unwrap_err();
            let refusal = (status.code(), reason(&status));
            let expected = (Code::PermissionDenied, "SHARE_READ_ONLY".to_owned());
            assert_eq!(refusal, expected, "{method}");
        }
    }

    assert_eq!(crate::app::book(&app, owner.user).await, before);
    owner.end_share(&share).await.unwrap();
    let ended = answers(&app, &requests, &other, &owner_id).await;
    assert_eq!(reasons(&ended), ["SHARE_NOT_FOUND".to_owned()].into());
}

#[tokio::test]
async fn an_editor_does_what_the_owner_does_except_purging() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    owner.shares_with(&other, None, ShareRole::Editor).await;
    let requests = requests(&owner).await;

    let mut answers = answers(&app, &requests, &other, &owner.user.to_string()).await;

    let at = answers
        .iter()
        .position(|(method, _)| method == "PurgeContacts");
    let (_, purged) = answers.remove(at.unwrap());
    assert_refused(purged, Code::PermissionDenied, "SHARE_NOT_OWNER");
    assert_eq!(reasons(&answers), ["OK".to_owned()].into(), "{answers:?}");
}

#[tokio::test]
async fn the_editor_of_another_label_reaches_nothing() {
    let app = App::start().await;
    let (owner, other) = (app.plain_owner(), app.plain_owner());
    let requests = requests(&owner).await;
    let label = owner.create_label("Empty").await.unwrap();
    owner
        .shares_with(&other, Some(&label), ShareRole::Editor)
        .await;
    let before = crate::app::book(&app, owner.user).await;

    for (method, answer) in answers(&app, &requests, &other, &owner.user.to_string()).await {
        // The lists are empty; other tests check them.
        let lists = [
            "BatchGetContacts",
            "ListContacts",
            "ListDeletedContacts",
            "SearchContacts",
            "ListLabels",
            "FindDuplicates",
            "GetContactStats",
        ];
        let feeds = [
            "ListUpcomingBirthdays",
            "SyncContacts",
            "WatchContacts",
            "ExportContacts",
        ];
        // What they delete may be missing.
        let fine = ["DeleteContact", "BatchDeleteContacts"];
        if [&lists[..], &feeds, &fine].concat().contains(&&*method) {
            answer.unwrap();
            continue;
        }
        let status = answer.unwrap_err();
        let expected = match &*method {
            whole if WHOLE.contains(&whole) => "SHARE_OF_LABEL",
            "GetLabel" => "LABEL_NOT_FOUND",
            "UnmergeContacts" => "MERGE_NOT_FOUND",
            "PurgeContacts" => "SHARE_NOT_OWNER",
            "CreateContact" | "BatchCreateContacts" => "SHARE_LABEL_REQUIRED",
            _ => "CONTACT_NOT_FOUND",
        };
        assert_eq!(reason(&status), expected, "{method}");
    }

    assert_eq!(crate::app::book(&app, owner.user).await, before);
}

#[tokio::test]
async fn an_owner_may_name_itself() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let requests = requests(&owner).await;

    let answers = answers(&app, &requests, &owner, &owner.user.to_string()).await;

    assert_eq!(reasons(&answers), ["OK".to_owned()].into(), "{answers:?}");
}
