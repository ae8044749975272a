//! The region of national numbers in calls that name none.

use proto::contacts::v1::{
    BatchCreateContactsRequest, Contact, CreateContactRequest, ShareRole, UpdateContactRequest,
};

use crate::app::App;
use crate::owner::field_mask;
use crate::replicas::two;
use crate::sample::{ada, phone};

fn calling(numbers: &[&str]) -> Contact {
    Contact {
        phones: numbers.iter().map(|number| phone(number)).collect(),
        ..ada()
    }
}

fn understood(contact: &Contact) -> Vec<&str> {
    contact.phones.iter().map(|phone| &*phone.e164).collect()
}

/// A national number of each region, and its E.164 form.
const NATIONAL: [(&str, &str, &str); 13] = [
    ("DE", "030 1234567", "+49301234567"),
    ("AT", "01 5123456", "+4315123456"),
    ("CH", "044 668 18 00", "+41446681800"),
    ("GB", "020 7946 0958", "+442079460958"),
    ("US", "(202) 555-0173", "+12025550173"),
    ("FR", "01 42 68 53 00", "+33142685300"),
    ("IT", "06 698 12345", "+390669812345"),
    ("ES", "912 345 678", "+34912345678"),
    ("PL", "22 123 45 67", "+48221234567"),
    ("UA", "044 123 4567", "+380441234567"),
    ("JP", "03-3210-1234", "+81332101234"),
    ("IN", "011 2345 6789", "+911123456789"),
    ("EG", "٠٢ ٢٣٤٥ ٦٧٨٩", "+20223456789"),
];

#[tokio::test]
async fn a_national_number_is_understood_in_the_region_of_the_settings() {
    let app = App::start().await;
    let owner = app.plain_owner();

    for (region, number, e164) in NATIONAL {
        owner.set_region(region).await;
        let stored = owner.has(calling(&[number, "+49 30 7654321"])).await;
        assert_eq!(understood(&stored), [e164, "+49307654321"], "{region}");
    }
}

#[tokio::test]
async fn the_region_of_a_call_comes_before_that_of_the_settings() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner.set_region("FR").await;
    let request = |default_region: &str| CreateContactRequest {
        contact: Some(calling(&["030 1234567", "01 42 68 53 00"])),
        default_region: default_region.into(),
        ..CreateContactRequest::default()
    };

    let single = owner.create_with(request("DE")).await.unwrap();
    let batch = BatchCreateContactsRequest {
        requests: vec![request("DE"), request(""), request("XX")],
        allow_partial: true,
        ..BatchCreateContactsRequest::default()
    };
    let batch = owner.batch_create(batch).await.unwrap();

    assert_eq!(understood(&single)[0], "+49301234567");
    assert_eq!(understood(batch[0].as_ref().unwrap())[0], "+49301234567");
    assert_eq!(understood(batch[1].as_ref().unwrap())[1], "+33142685300");
    assert!(batch[2].is_err());
}

#[tokio::test]
async fn another_region_changes_no_number_that_is_stored() {
    let app = App::start().await;
    let owner = app.plain_owner();
    owner.set_region("DE").await;
    let stored = owner
        .has(calling(&["030 1234567", "01 42 68 53 00 12"]))
        .await;
    owner.set_region("FR").await;
    assert_eq!(owner.get(&stored.id).await.unwrap(), stored);

    let mut noted = stored.clone();
    noted.notes = "new".into();
    let noted = owner.update(noted, &["notes"]).await.unwrap();
    assert_eq!(noted.phones, stored.phones);
    let mut more = noted.clone();
    more.phones.push(phone("01 42 68 53 00"));
    let batch = owner.batch_update([more], false).await.unwrap();
    let more = batch[0].clone().unwrap();

    assert_eq!(more.phones[..1], stored.phones[..1]);
    assert_eq!(understood(&more)[2], "+33142685300");
}

#[tokio::test]
async fn an_update_that_writes_no_phone_leaves_each_as_it_was_understood() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let stored = owner.has(calling(&["030 1234567"])).await;
    assert_eq!(understood(&stored), [""]);
    owner.set_region("DE").await;

    let starred = Contact {
        starred: true,
        etag: String::new(),
        ..stored
    };
    let masked = owner.update(starred.clone(), &["starred"]).await.unwrap();
    let sent = owner.update_with(UpdateContactRequest {
        contact: Some(starred),
        update_mask: Some(field_mask(&["*"])),
        ..UpdateContactRequest::default()
    });

    assert_eq!(understood(&masked), [""]);
    assert_eq!(understood(&sent.await.unwrap()), ["+49301234567"]);
}

#[tokio::test]
async fn an_editor_writes_in_the_region_of_the_owner() {
    let app = App::start().await;
    let (owner, editor) = (app.plain_owner(), app.plain_owner());
    let (shared, _) = owner.shares_with(&editor, None, ShareRole::Editor).await;
    owner.set_region("GB").await;
    editor.set_region("US").await;

    let stored = shared.has(calling(&["020 7946 0958"])).await;

    assert_eq!(understood(&stored), ["+442079460958"]);
}

#[tokio::test]
async fn what_one_instance_sets_the_other_one_uses_at_once() {
    let app = App::start().await;
    let [here, there] = two(&app).await;

    for (region, number, e164) in NATIONAL {
        here.set_region(region).await;
        assert_eq!(there.settings().await, here.settings().await);
        assert_eq!(understood(&there.has(calling(&[number])).await), [e164]);
    }
}
