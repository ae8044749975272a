//! A label has one spelling, that of `LabelsService`, in every contact.

use proto::contacts::v1::{Contact, ListContactsRequest, UpdateContactRequest};

use crate::app::App;
use crate::label_races::assert_labels_complete;
use crate::mirror::Mirror;
use crate::owner::{Owner, field_mask};
use crate::owner_labels::labelled;
use crate::replicas::two;

/// Names of labels, each with other spellings of it.
const SPELLINGS: [(&str, &[&str]); 12] = [
    ("Family", &["family", "FAMILY", "fAMILY"]),
    (
        "Familie Müller",
        &["familie müller", "FAMILIE MU\u{308}LLER"],
    ),
    ("Straße", &["STRASSE", "strasse"]),
    ("O'Brien", &["o\u{2019}brien", "O\u{2bc}BRIEN"]),
    ("Smith-Jones", &["smith\u{2011}jones", "SMITH\u{2013}JONES"]),
    ("ΦΊΛΟΙ", &["φίλοι", "Φίλοι"]),
    ("Друзья", &["друзья", "ДРУЗЬЯ"]),
    ("ＷＯＲＫ", &["work", "Work"]),
    ("ﾊﾟﾊﾟ", &["パパ"]),
    ("Book  club", &["book club", "BOOK\u{a0}CLUB"]),
    ("Co\u{ad}op", &["coop", "COOP"]),
    ("کریم", &["كريم"]),
];

/// The labels of a contact, as each call returns them.
async fn everywhere(owner: &Owner, id: &str) -> Vec<Vec<String>> {
    let listed = owner.list_all(ListContactsRequest::default()).await;
    let (batch, _) = owner.batch_get(&[id], false).await.unwrap();
    let found = owner.found("Ada").await.into_iter();
    let found = found.filter_map(|result| result.contact);
    let synced = Mirror::of(owner).await.contacts.into_values();
    let newest = owner.revisions(id, 1).await.remove(0).contact;
    let one = owner.get(id).await.unwrap();
    let all = listed.into_iter().chain(batch).chain(found).chain(synced);
    let all = all.chain(newest).chain([one]);
    all.filter(|contact| contact.id == id)
        .map(|contact| contact.labels)
        .collect()
}

async fn assert_spelled(owner: &Owner, id: &str, labels: &[&str]) {
    let found = everywhere(owner, id).await;
    assert_eq!(found.len(), 6);
    for found in found {
        assert_eq!(found, labels);
    }
}

fn ada(labels: &[&str]) -> Contact {
    Contact {
        given_name: "Ada".into(),
        ..labelled(labels)
    }
}

#[tokio::test]
async fn a_new_contact_has_the_spelling_of_the_label() {
    let app = App::start().await;
    let owner = app.owner();

    for (name, others) in SPELLINGS {
        let label = owner.create_label(name).await.unwrap().name;
        for other in others {
            let created = owner.has(ada(&["Other", other])).await;
            assert_eq!(created.labels, ["Other", &*label]);
            assert_spelled(&owner, &created.id, &["Other", &label]).await;
        }
    }
    assert_eq!(owner.labels(0).await.len(), SPELLINGS.len() + 1);
    assert_labels_complete(&app, &owner).await;
}

#[tokio::test]
async fn a_batch_has_the_first_spelling_of_a_new_label() {
    let app = App::start().await;
    let owner = app.owner();
    let labels = [["Family"], ["FAMILY"], ["family"]];
    let contacts = labels.map(|labels| ada(&labels));

    let created = owner.create_all(contacts, false).await.unwrap();

    for contact in created {
        assert_eq!(contact.unwrap().labels, ["Family"]);
    }
    assert_eq!(owner.label_counts().await, [("Family".to_owned(), 3)]);
}

#[tokio::test]
async fn a_renamed_label_is_spelled_anew_in_contacts_with_three_spellings() {
    let app = App::start().await;
    let owner = app.owner();
    let mut contacts = Vec::new();
    for spelling in ["Family", "FAMILY", "family"] {
        contacts.push(owner.has(ada(&[spelling, "Work"])).await);
    }
    let mut mirror = Mirror::of(&owner).await;

    // As they are in a book from before there was one spelling.
    let mut db = app.admin().await;
    for (contact, old) in contacts.iter().zip(["Family", "FAMILY", "family"]) {
        let sql = "UPDATE contacts.contacts SET body = decode(replace(encode(body, 'hex'), $2, $3),
                   'hex') WHERE id = $1::uuid";
        let (now, old) = (hex::encode("Family"), hex::encode(old));
        let write = sqlx::query(sql).bind(&contact.id).bind(now).bind(old);
        assert_eq!(write.execute(&mut db).await.unwrap().rows_affected(), 1);
    }
    let mut label = owner.label("Family").await;
    for name in ["FaMiLy", "Familie", "FAMILIE"] {
        label = owner.rename_label(&label, name).await.unwrap();
        for contact in &contacts {
            assert_spelled(&owner, &contact.id, &[name, "Work"]).await;
        }
        mirror.sync(&owner, 2).await;
        mirror.assert_same(&owner).await;
    }
    let created = owner.has(ada(&["familie"])).await;
    assert_eq!(created.labels, ["FAMILIE"]);
}

#[tokio::test]
async fn an_update_spells_the_labels_that_it_adds_and_keeps_the_others() {
    let app = App::start().await;
    let owner = app.owner();
    owner.create_label("Family").await.unwrap();
    let stored = owner.has(ada(&["Work"])).await;
    let with = |labels: &[&str]| Contact {
        id: stored.id.clone(),
        ..ada(labels)
    };

    // Nothing but the case of a label that it has.
    let same = owner.update(with(&["WORK"]), &["labels"]).await.unwrap();
    assert_eq!(same, stored);
    let added = owner.update(with(&["FAMILY", "work", "new"]), &["labels"]);
    let added = added.await.unwrap();
    assert_eq!(added.labels, ["Family", "Work", "new"]);
    assert_spelled(&owner, &stored.id, &["Family", "Work", "new"]).await;
    let batch = owner.batch_update([with(&["NEW", "Club"])], false).await;
    assert_eq!(batch.unwrap()[0].as_ref().unwrap().labels, ["new", "Club"]);
}

#[tokio::test]
async fn a_repeated_update_with_another_spelling_has_the_first_response() {
    let app = App::start().await;
    let owner = app.owner();
    owner.create_label("Family").await.unwrap();
    let stored = owner.has(ada(&[])).await;
    let request = UpdateContactRequest {
        contact: Some(Contact {
            labels: vec!["FAMILY".into()],
            ..stored
        }),
        update_mask: Some(field_mask(&["labels"])),
        ..UpdateContactRequest::default()
    };

    let first = owner.update_with(request.clone()).await.unwrap();

    assert_eq!(owner.update_with(request).await.unwrap(), first);
    assert_eq!(first.labels, ["Family"]);
}

#[tokio::test]
async fn a_restored_contact_has_the_spelling_of_now() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(ada(&["Family"])).await;
    let revision = owner.revision_ids(&stored.id).await.remove(0);
    let label = owner.label("Family").await;
    owner.rename_label(&label, "FAMILY").await.unwrap();
    let mut noted = owner.get(&stored.id).await.unwrap();
    noted.notes = "new".into();
    let noted = owner.update(noted, &["notes"]).await.unwrap();

    let restored = owner.restore(&stored.id, &revision, &noted.etag).await;
    let restored = restored.unwrap();

    assert_eq!((&*restored.labels[0], &*restored.notes), ("FAMILY", ""));
    let repeated = owner.restore(&stored.id, &revision, &noted.etag).await;
    assert_eq!(repeated.unwrap(), restored);
}

#[tokio::test]
async fn of_two_spellings_written_at_once_one_is_everywhere() {
    let app = App::start().await;
    let [here, there] = two(&app).await;

    for number in 0..10 {
        let (one, other) = (format!("Label{number}"), format!("LABEL{number}"));
        let (a, b) = (ada(&[&one]), ada(&[&other]));
        let (a, b) = tokio::join!(here.has(a), there.has(b));
        assert_eq!(a.labels, b.labels);
        assert_eq!(here.label(&a.labels[0]).await.contact_count, 2);
    }
}
