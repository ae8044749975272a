//! A number is found in every form in which it is dialled.

use proto::contacts::v1::{
    Contact, CreateContactRequest, ListContactsRequest, SearchContactsRequest,
};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::assert_refused;
use crate::sample::{named, phone};

async fn has(owner: &Owner, name: &str, number: &str, default_region: &str) {
    let contact = Contact {
        phones: vec![phone(number)],
        ..named(name, "")
    };
    let request = CreateContactRequest {
        contact: Some(contact),
        default_region: default_region.into(),
        ..CreateContactRequest::default()
    };
    owner.create_with(request).await.unwrap();
}

/// International, national of a known and of an unknown country, with 00, and of Italy, whose
/// numbers keep their 0.
async fn people(owner: &Owner) {
    has(owner, "Berlin", "+49 30 1234567", "").await;
    has(owner, "Mobile", "0049 172 7654321", "").await;
    has(owner, "Hamburg", "040 9876543", "DE").await;
    has(owner, "Unknown", "089 5556667", "").await;
    has(owner, "London", "+44 20 7946 0958", "").await;
    has(owner, "Rome", "+39 06 698 12345", "").await;
    has(owner, "York", "(212) 555-2368", "US").await;
}

async fn found(owner: &Owner, query: &str, default_region: &str) -> Vec<String> {
    let request = SearchContactsRequest {
        query: query.into(),
        default_region: default_region.into(),
        ..SearchContactsRequest::default()
    };
    let results = owner.search(request).await.unwrap().results.into_iter();
    results.map(|one| one.contact.unwrap().given_name).collect()
}

async fn filtered(owner: &Owner, number: &str, default_region: &str) -> Vec<String> {
    let request = ListContactsRequest {
        filter: format!("phone=\"{number}\""),
        default_region: default_region.into(),
        ..ListContactsRequest::default()
    };
    let listed = owner.list(request).await.unwrap().contacts.into_iter();
    listed.map(|contact| contact.given_name).collect()
}

#[tokio::test]
async fn a_search_finds_the_national_and_the_international_form() {
    let app = App::start().await;
    let owner = app.owner();
    people(&owner).await;

    for (query, default_region, name) in [
        ("030 1234567", "", "Berlin"),
        ("030 1234567", "DE", "Berlin"),
        ("0049 30 1234567", "", "Berlin"),
        ("+49 (0)30 1234567", "", "Berlin"),
        ("+49 (0)30 123", "", "Berlin"),
        ("0172 7654321", "", "Mobile"),
        ("0172/765", "", "Mobile"),
        ("+49 172 7654321", "", "Mobile"),
        ("+49 40 9876543", "", "Hamburg"),
        ("+49 89 5556667", "", "Unknown"),
        ("0044 20 7946 0958", "", "London"),
        ("020 7946 0958", "GB", "London"),
        ("020 7946 0958", "", "London"),
        ("06 698 12345", "IT", "Rome"),
        ("0039 06 69812345", "", "Rome"),
        ("011 39 06 698 12345", "US", "Rome"),
        ("+1 212 555 2368", "", "York"),
        ("1-212-555-2368", "US", "York"),
        ("\u{202a}+49\u{2011}30\u{2011}1234567\u{202c}", "", "Berlin"),
        ("tel:030-1234567", "DE", "Berlin"),
        ("٠٣٠ ١٢٣٤٥٦٧", "DE", "Berlin"),
        ("+٤٩ ٣٠ ١٢٣٤٥٦٧", "", "Berlin"),
        ("०३० १२३४५६७", "", "Berlin"),
    ] {
        assert_eq!(
            found(&owner, query, default_region).await,
            [name],
            "{query}"
        );
    }
    assert_eq!(found(&owner, "+43 30 1234567", "").await, [""; 0]);
}

#[tokio::test]
async fn a_filter_finds_the_national_and_the_international_form() {
    let app = App::start().await;
    let owner = app.owner();
    people(&owner).await;

    for (number, default_region, name) in [
        ("030 1234567", "DE", "Berlin"),
        ("0049 30 1234567", "", "Berlin"),
        ("+49 (0)30 1234567", "", "Berlin"),
        ("0172 7654321", "DE", "Mobile"),
        ("+49 40 9876543", "", "Hamburg"),
        ("040/9876543", "", "Hamburg"),
        ("+49 89 5556667", "", "Unknown"),
        ("020 7946 0958", "GB", "London"),
        ("011 44 20 7946 0958", "US", "London"),
        ("06 698 12345", "IT", "Rome"),
        ("212-555-2368", "US", "York"),
        ("٠٣٠ ١٢٣٤٥٦٧", "DE", "Berlin"),
    ] {
        assert_eq!(
            filtered(&owner, number, default_region).await,
            [name],
            "{number}"
        );
    }
    for (number, default_region) in [
        ("030 1234567", ""),
        ("030 1234567", "AT"),
        ("030 123456", "DE"),
    ] {
        assert_eq!(
            filtered(&owner, number, default_region).await,
            [""; 0],
            "{number}"
        );
    }
}

#[tokio::test]
async fn without_a_region_that_of_the_settings_counts() {
    let app = App::start().await;
    let owner = app.plain_owner();
    people(&owner).await;
    assert_eq!(filtered(&owner, "030 1234567", "").await, [""; 0]);

    owner.set_region("DE").await;

    assert_eq!(filtered(&owner, "030 1234567", "").await, ["Berlin"]);
    assert_eq!(filtered(&owner, "030 1234567", "AT").await, [""; 0]);
    assert_eq!(found(&owner, "0172 7654321", "").await, ["Mobile"]);
}

#[tokio::test]
async fn a_region_that_does_not_exist_is_refused() {
    let app = App::start().await;
    let owner = app.owner();

    for filter in ["", "phone=\"030 1234567\"", "has:email"] {
        let list = ListContactsRequest {
            filter: filter.into(),
            default_region: "XX".into(),
            ..ListContactsRequest::default()
        };
        assert_refused(
            owner.list(list).await,
            Code::InvalidArgument,
            "REGION_INVALID",
        );
        let search = SearchContactsRequest {
            query: "ada".into(),
            filter: filter.into(),
            default_region: "XX".into(),
            ..SearchContactsRequest::default()
        };
        let found = owner.search(search).await;
        assert_refused(found, Code::InvalidArgument, "REGION_INVALID");
    }
}
