//! The parts in which a file is stored: one is read while the one before is stored.

use proto::contacts::v1::{Contact, ImportHeader, ImportOutcome};

use crate::app::App;
use crate::import::people;
use crate::owner_imports::{chunk, import_message};

#[tokio::test]
async fn what_was_stored_is_told_before_the_error_that_ends_the_import() {
    let app = App::start().await;
    let owner = app.owner();
    let header = || import_message(owner.named_in(ImportHeader::default()));
    let file = people(0..1100);

    // The second header is an error.
    let messages = vec![header(), chunk(file.as_bytes()), header()];
    let imported = owner.send_import(messages).await;

    assert!(imported.error.is_some());
    let rows: Vec<_> = imported
        .progress
        .iter()
        .map(|progress| progress.rows)
        .collect();
    assert_eq!(rows, [500, 1000]);
    assert_eq!(owner.total_size().await, 1000);
}

#[tokio::test]
async fn what_became_of_the_cards_is_told_in_their_order() {
    let app = App::start().await;
    let owner = app.owner();
    let known = Contact {
        uid: "known".into(),
        given_name: "Ada".into(),
        ..Contact::default()
    };
    owner.has(known).await;
    let (empty, again) = (
        "BEGIN:VCARD\nEND:VCARD\n",
        "BEGIN:VCARD\nUID:known\nFN:Ada\nEND:VCARD\n",
    );
    let file = [
        people(0..10).as_str(),
        again,
        empty,
        &people(0..600),
        empty,
        again,
        &people(0..600),
        empty,
    ]
    .concat();

    let imported = owner.import(ImportHeader::default(), file).await;

    assert_eq!(imported.counts(), [1210, 0, 2, 3]);
    let told: Vec<_> = imported
        .rows
        .iter()
        .map(|row| (row.index, row.outcome()))
        .collect();
    let (skipped, failed) = (ImportOutcome::Skipped, ImportOutcome::Failed);
    assert_eq!(
        told,
        [
            (10, skipped),
            (11, failed),
            (612, failed),
            (613, skipped),
            (1214, failed)
        ]
    );
}
