//! How phone numbers are parsed.

use proto::contacts::v1::{Contact, CreateContactRequest, Phone, UpdateContactRequest};

use crate::app::App;
use crate::owner::{Owner, field_mask};
use crate::sample::{ada, phone};

/// A contact with a national number of Germany.
async fn berliner(owner: &Owner) -> Contact {
    let contact = Contact {
        phones: vec![phone("030 123456")],
        ..ada()
    };
    owner
        .create_with(CreateContactRequest {
            contact: Some(contact),
            default_region: "DE".into(),
            ..CreateContactRequest::default()
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_number_stays_as_typed_and_is_understood_in_its_region() {
    let app = App::start().await;

    let stored = berliner(&app.owner()).await;

    assert_eq!(stored.phones[0].number, "030 123456");
    assert_eq!(stored.phones[0].e164, "+4930123456");
}

#[tokio::test]
async fn a_number_stays_understood_when_another_field_changes() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = berliner(&owner).await;
    let patch = Contact {
        id: stored.id.clone(),
        notes: "new".into(),
        ..Contact::default()
    };

    let updated = owner.update(patch, &["notes"]).await.unwrap();

    assert_eq!(updated.phones, stored.phones);
    assert_eq!(owner.get(&stored.id).await.unwrap().phones, stored.phones);
}

#[tokio::test]
async fn a_number_that_is_sent_back_as_it_was_stays_understood() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = berliner(&owner).await;
    let mut sent_back = stored.clone();
    sent_back.notes = "new".into();
    sent_back.phones.insert(0, phone("040 654321"));

    for mask in [&["*"][..], &[]] {
        let updated = owner.update(sent_back.clone(), mask).await.unwrap();

        assert_eq!(updated.phones[1], stored.phones[0]);
        assert_eq!(updated.phones[0], phone("040 654321"));
        sent_back = updated;
        sent_back.notes.push('!');
    }
}

/// Updates the numbers of a contact.
async fn dial(owner: &Owner, id: &str, numbers: &[&str], region: &str) -> Vec<String> {
    let request = UpdateContactRequest {
        contact: Some(Contact {
            id: id.into(),
            phones: numbers.iter().map(|number| phone(number)).collect(),
            ..Contact::default()
        }),
        update_mask: Some(field_mask(&["phones"])),
        default_region: region.into(),
        ..UpdateContactRequest::default()
    };
    let phones = owner.update_with(request).await.unwrap().phones;
    phones.into_iter().map(|phone| phone.e164).collect()
}

#[tokio::test]
async fn a_number_keeps_its_country_in_an_update_with_another_region() {
    let app = App::start().await;
    let owner = app.owner();
    let id = berliner(&owner).await.id;

    for spelling in [
        "030 123456",
        "030/12 34 56",
        "(030) 123-456",
        "\u{202a}030123456",
    ] {
        let numbers = dial(&owner, &id, &[spelling, "06 123456"], "IT").await;

        assert_eq!(numbers, ["+4930123456", "+3906123456"], "{spelling}");
    }
}

#[tokio::test]
async fn a_number_without_a_country_is_understood_when_its_region_is_given() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner
        .has(Contact {
            phones: vec![phone("030 123456")],
            ..ada()
        })
        .await;
    assert_eq!(stored.phones[0].e164, "");

    let numbers = dial(&owner, &stored.id, &["030 123456"], "DE").await;

    assert_eq!(numbers, ["+4930123456"]);
}

#[tokio::test]
async fn an_update_of_another_field_never_changes_the_country_of_a_number() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = berliner(&owner).await;
    let request = UpdateContactRequest {
        contact: Some(Contact {
            id: stored.id,
            notes: "new".into(),
            ..Contact::default()
        }),
        update_mask: Some(field_mask(&["notes"])),
        default_region: "US".into(),
        ..UpdateContactRequest::default()
    };

    let updated = owner.update_with(request).await.unwrap();

    assert_eq!(updated.phones, stored.phones);
}

#[tokio::test]
async fn a_short_number_a_local_one_and_a_placeholder_have_no_e164() {
    let app = App::start().await;
    let owner = app.owner();
    for (region, number) in [
        ("DE", "112"),
        ("DE", "123456"),
        ("AT", "133"),
        ("CN", "10086"),
        ("US", "555-0100"),
        ("US", "0000000000"),
    ] {
        let request = CreateContactRequest {
            contact: Some(Contact {
                phones: vec![phone(number)],
                ..ada()
            }),
            default_region: region.into(),
            ..CreateContactRequest::default()
        };

        let stored = owner.create_with(request).await.unwrap();

        assert_eq!(stored.phones, [phone(number)], "{region}");
    }
}

#[tokio::test]
async fn no_number_is_refused_or_breaks_anything_for_its_form() {
    let app = App::start().await;
    let owner = app.owner();
    let mut random = fastrand::Rng::with_seed(4930);
    let alphabet: Vec<char> =
        "0123456789+-()/.,;*# xXextDE=:&?\u{ff0b}\u{664}\u{202e}\u{200b}~aé電"
            .chars()
            .collect();
    let mut numbers: Vec<String> = [
        "tel:+49-30;ext=7;isub=1",
        "+",
        "++49",
        ";ext=",
        "911",
        "1-800-FLOWERS",
    ]
    .map(Into::into)
    .to_vec();
    numbers.extend((0..1494).map(|_| {
        let length = random.usize(1..=40);
        let text: String = (0..length)
            .map(|_| *random.choice(&alphabet).unwrap())
            .collect();
        format!("1{text}1")
    }));

    for (i, chunk) in numbers.chunks(100).enumerate() {
        let contact = Contact {
            phones: chunk.iter().map(|number| phone(number)).collect(),
            ..ada()
        };
        let request = CreateContactRequest {
            contact: Some(contact),
            default_region: ["DE", "US", ""][i % 3].into(),
            ..CreateContactRequest::default()
        };
        let stored = owner.create_with(request).await.unwrap();

        let kept = stored.phones.iter().map(|phone: &Phone| &phone.number);
        assert!(kept.eq(chunk));
    }
}
