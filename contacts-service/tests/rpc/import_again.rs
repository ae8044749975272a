//! The same file is imported twice, or meets contacts with its uids.

use futures_util::{StreamExt, stream};
use proto::contacts::v1::{Contact, Email, ImportConflict, ImportHeader, ImportOutcome, Phone};

use crate::app::{App, book};
use crate::import::{SAMPLES, people};
use crate::owner_imports::{chunk, import_message};

fn header(on_conflict: ImportConflict, import_id: &str) -> ImportHeader {
    ImportHeader {
        on_conflict: on_conflict.into(),
        import_id: import_id.into(),
        ..ImportHeader::default()
    }
}

const RULES: [ImportConflict; 4] = [
    ImportConflict::Skip,
    ImportConflict::Update,
    ImportConflict::Merge,
    ImportConflict::Duplicate,
];

#[tokio::test]
async fn the_same_import_again_changes_nothing() {
    let app = App::start().await;
    for rule in RULES {
        let owner = app.owner();
        let file = [SAMPLES.concat(), people(0..20)].concat();
        let first = owner.import(header(rule, "a"), &file).await;
        let before = book(&app, owner.user).await;

        let second = owner.import(header(rule, "a"), &file).await;

        assert_eq!(first.counts(), [30, 2, 0, 0], "{rule:?}");
        assert_eq!(second.counts(), [0, 0, 32, 0], "{rule:?}");
        assert_eq!(book(&app, owner.user).await, before, "{rule:?}");
        let another = owner.import(header(rule, "b"), people(0..20)).await;
        assert_eq!(another.counts(), [20, 0, 0, 0]);
    }
}

#[tokio::test]
async fn a_broken_import_is_completed_by_the_same_one() {
    let app = App::start().await;
    let owner = app.owner();
    let file = people(0..1300);
    let messages = [import_message(
        owner.named_in(header(ImportConflict::Skip, "x")),
    )]
    .into_iter()
    .chain(file.as_bytes()[..file.len() / 2].chunks(1000).map(chunk))
    .collect::<Vec<_>>();
    // The rest never comes.
    let messages = stream::iter(messages).chain(stream::pending());
    let mut answers = owner
        .client
        .clone()
        .import_contacts(messages)
        .await
        .unwrap()
        .into_inner();
    let progress = answers.message().await.unwrap();
    assert!(progress.is_some());
    assert_eq!(owner.total_size().await, 500);
    drop(answers);

    let imported = owner.import(header(ImportConflict::Skip, "x"), &file).await;

    assert_eq!(imported.counts(), [800, 0, 500, 0]);
    assert_eq!(owner.total_size().await, 1300);
}

fn stored() -> Contact {
    Contact {
        uid: "u1".into(),
        given_name: "Ada".into(),
        notes: "mine".into(),
        labels: vec!["Friends".into()],
        phones: vec![Phone {
            number: "+49305550123".into(),
            ..Phone::default()
        }],
        ..Contact::default()
    }
}

const CARD: &str = "BEGIN:VCARD\nUID:u1\nN:;Ada;;;\nEMAIL:ada@example.com\nTEL;TYPE=CELL:+49305550199\n\
                    CATEGORIES:Work\nEND:VCARD\n";

#[tokio::test]
async fn the_contact_with_the_uid_is_kept_changed_merged_or_doubled() {
    let app = App::start().await;
    for (rule, counts) in [
        (ImportConflict::Skip, [0, 0, 1, 0]),
        (ImportConflict::Update, [0, 1, 0, 0]),
        (ImportConflict::Merge, [0, 1, 0, 0]),
        (ImportConflict::Duplicate, [1, 0, 0, 0]),
    ] {
        let owner = app.owner();
        let before = owner.has(stored()).await;

        let imported = owner.import(header(rule, ""), CARD).await;

        assert_eq!(imported.counts(), counts, "{rule:?}");
        let after = owner.get(&before.id).await.unwrap();
        let phones: Vec<_> = after
            .phones
            .iter()
            .map(|phone| phone.number.as_str())
            .collect();
        match rule {
            ImportConflict::Update => {
                assert_eq!(phones, ["+49305550199"]);
                assert_eq!(after.labels, ["Friends", "Work"]);
                assert_eq!(after.notes, "mine");
            }
            ImportConflict::Merge => {
                assert_eq!(phones, ["+49305550123", "+49305550199"]);
                assert_eq!(after.labels, ["Friends", "Work"]);
                assert_eq!(after.emails[0].address, "ada@example.com");
            }
            _ => assert_eq!(after, before),
        }
        if rule == ImportConflict::Skip {
            assert_eq!(imported.lines(), [(1, ImportOutcome::Skipped)]);
            assert_eq!(imported.rows[0].contact_id, before.id);
        }
        let again = owner.import(header(rule, ""), CARD).await;
        let is_double = rule == ImportConflict::Duplicate;
        assert_eq!(
            again.counts(),
            if is_double { counts } else { [0, 0, 1, 0] },
            "{rule:?}"
        );
    }
}

#[tokio::test]
async fn a_uid_that_is_twice_in_a_file_is_a_conflict_within_it() {
    let app = App::start().await;
    for (rule, counts, names) in [
        (ImportConflict::Skip, [1, 0, 1, 0], vec!["One"]),
        (ImportConflict::Update, [1, 1, 0, 0], vec!["Two"]),
        (ImportConflict::Duplicate, [2, 0, 0, 0], vec!["One", "Two"]),
    ] {
        let owner = app.owner();
        let file = "BEGIN:VCARD\nUID:x\nFN:One\nEND:VCARD\nBEGIN:VCARD\nUID:x\nFN:Two\nEND:VCARD\n";

        let imported = owner.import(header(rule, ""), file).await;

        assert_eq!(imported.counts(), counts, "{rule:?}");
        let found = owner.bare().await;
        let found: Vec<_> = found
            .iter()
            .map(|contact| contact.formatted_name.as_str())
            .collect();
        assert_eq!(found, names);
    }
}

#[tokio::test]
async fn a_contact_that_was_deleted_after_its_import_does_not_come_back() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .import(header(ImportConflict::Skip, "x"), people(["Ada"]))
        .await;
    let request = proto::contacts::v1::ListContactsRequest {
        owner_id: owner.book.clone(),
        ..proto::contacts::v1::ListContactsRequest::default()
    };
    let listed = owner.client.clone().list_contacts(request).await.unwrap();
    owner
        .delete(&listed.into_inner().contacts[0].id)
        .await
        .unwrap();

    let again = owner
        .import(header(ImportConflict::Skip, "x"), people(["Ada"]))
        .await;

    assert_eq!(again.counts(), [0, 0, 1, 0]);
    assert_eq!(owner.total_size().await, 0);
}

#[tokio::test]
async fn a_contact_that_the_card_would_make_invalid_stays() {
    let app = App::start().await;
    let owner = app.owner();
    let emails = (0..100).map(|number| Email {
        address: format!("{number}@example.com"),
        ..Email::default()
    });
    let full = Contact {
        emails: emails.collect(),
        ..stored()
    };
    let before = owner.has(full).await;

    let imported = owner.import(header(ImportConflict::Merge, ""), CARD).await;

    assert_eq!(imported.counts(), [0, 0, 0, 1]);
    assert_eq!(owner.get(&before.id).await.unwrap(), before);
}

#[tokio::test]
async fn two_merges_at_once_lose_nothing() {
    let app = App::start().await;
    let owner = app.owner();
    let file = |email: &str| {
        let cards = (0..50).map(|number| {
            format!("BEGIN:VCARD\nUID:u{number}\nFN:Ada\nEMAIL:{email}@example.com\nEND:VCARD\n")
        });
        cards.collect::<String>()
    };
    owner
        .import(header(ImportConflict::Skip, ""), file("first"))
        .await;

    // They do not meet each time.
    for round in 0..4 {
        let merge = |name| {
            let file = file(&format!("{name}{round}"));
            owner.import(header(ImportConflict::Merge, ""), file)
        };
        let (one, other) = tokio::join!(merge("one"), merge("other"));

        assert_eq!(one.counts(), [0, 50, 0, 0], "{:?}", one.rows);
        assert_eq!(other.counts(), [0, 50, 0, 0], "{:?}", other.rows);
    }
    for contact in owner.bare().await {
        assert_eq!(contact.emails.len(), 9, "{contact:?}");
    }
}
