//! `SearchContacts`: addresses, URLs, relations and other parts that come after names.

use contacts_service::rebuild::pass;
use proto::contacts::v1::SearchField as Field;
use proto::contacts::v1::{
    Contact, Event, Impp, ListContactsRequest, PostalAddress, Relation, SearchContactsRequest,
    ShareRole, Url,
};
use sqlx::{AssertSqlSafe, Executor};

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{date, email, full, named, organization};

fn at(city: &str) -> PostalAddress {
    PostalAddress {
        city: city.into(),
        ..PostalAddress::default()
    }
}

async fn found_in(owner: &Owner, query: &str, fields: &[Field]) -> Vec<String> {
    let request = SearchContactsRequest {
        query: query.into(),
        fields: fields.iter().map(|field| (*field).into()).collect(),
        ..SearchContactsRequest::default()
    };
    let results = owner.search(request).await.unwrap().results.into_iter();
    results
        .map(|one| one.contact.unwrap().display_name)
        .collect()
}

#[tokio::test]
async fn every_other_part_is_searched_and_named() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(named("Somebody", "Else")).await;
    let stored = owner.has(full()).await;

    for (query, field) in [
        ("james", Field::Address),
        ("12 St James\u{2019}s Square", Field::Address),
        ("second door", Field::Address),
        ("flat 3", Field::Address),
        ("london", Field::Address),
        ("greater london", Field::Address),
        ("sw1y 4jh", Field::Address),
        ("SW1Y", Field::Address),
        ("united kingdom", Field::Address),
        ("ada.example", Field::Url),
        ("https://ada.example", Field::Url),
        ("xmpp:ada@example.com", Field::Impp),
        ("babbage", Field::Relation),
        ("charles", Field::Relation),
        ("wedding", Field::Event),
        ("shoe size", Field::CustomField),
        ("shoe 38", Field::CustomField),
        ("maths", Field::Label),
        ("FRIENDS", Field::Label),
        ("ada wedding", Field::Event),
        ("londn", Field::Address),
        ("babage", Field::Relation),
    ] {
        let found = owner.found(query).await;
        assert_eq!(found.len(), 1, "{query}");
        assert_eq!(found[0].contact.as_ref(), Some(&stored));
        assert!(found[0].matched_fields().any(|f| f == field), "{query}");
    }
    // The kinds of addresses and relations are not searched.
    for query in ["blog", "chat", "friend spouse"] {
        assert_eq!(owner.exact_names(query).await, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn a_search_in_one_of_them_leaves_the_others() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await.display_name;

    for (query, field) in [
        ("london", Field::Address),
        ("ada", Field::Url),
        ("ada", Field::Impp),
        ("charles", Field::Relation),
        ("wed", Field::Event),
        ("38", Field::CustomField),
        ("maths", Field::Label),
    ] {
        assert_eq!(
            found_in(&owner, query, &[field]).await,
            [&*stored],
            "{query}"
        );
        assert_eq!(
            found_in(&owner, query, &[Field::Nickname]).await,
            [""; 0],
            "{query}"
        );
    }
    assert_eq!(
        found_in(&owner, "london", &[Field::Notes, Field::Label]).await,
        [""; 0]
    );
}

/// Contacts that have a word in one part each, from the least important to the most.
fn with_berlin_everywhere() -> Vec<Contact> {
    let of = |number: usize| named(&format!("N{number:02}"), "");
    vec![
        Contact {
            notes: "Berlin".into(),
            ..of(11)
        },
        Contact {
            labels: vec!["Berlin".into()],
            ..of(10)
        },
        Contact {
            custom_fields: [("Berlin".to_owned(), String::new())].into(),
            ..of(9)
        },
        Contact {
            events: vec![Event {
                date: Some(date(1990, 1, 1)),
                label: "Berlin".into(),
            }],
            ..of(8)
        },
        Contact {
            relations: vec![Relation {
                name: "Berlin".into(),
                ..Relation::default()
            }],
            ..of(7)
        },
        Contact {
            impps: vec![Impp {
                uri: "berlin".into(),
                ..Impp::default()
            }],
            ..of(6)
        },
        Contact {
            urls: vec![Url {
                url: "berlin".into(),
                ..Url::default()
            }],
            ..of(5)
        },
        Contact {
            addresses: vec![at("Berlin")],
            ..of(4)
        },
        Contact {
            organizations: vec![organization("Berlin")],
            ..of(3)
        },
        Contact {
            nickname: "Berlin".into(),
            ..of(2)
        },
        named("Berlin", ""),
    ]
}

#[tokio::test]
async fn within_a_tier_the_more_important_field_comes_first() {
    let app = App::start().await;
    let owner = app.owner();
    let contacts = with_berlin_everywhere();
    let mut expected: Vec<String> = contacts.iter().map(|one| one.given_name.clone()).collect();
    expected.reverse();
    owner.has_all(contacts).await;

    assert_eq!(owner.found_names("berlin").await, expected);
    // And in pages, of which each begins where the one before ended.
    let request = SearchContactsRequest {
        query: "Berlin".into(),
        page_size: 2,
        ..SearchContactsRequest::default()
    };
    let found = owner.search_all(request).await.into_iter();
    let names: Vec<_> = found.map(|one| one.contact.unwrap().given_name).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_filter_finds_each_part() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has_all(with_berlin_everywhere()).await;
    // Parts without any text to search for.
    let bare = Contact {
        events: vec![Event {
            date: Some(date(2000, 2, 3)),
            ..Event::default()
        }],
        urls: vec![Url {
            url: "-".into(),
            ..Url::default()
        }],
        ..named("Bare", "")
    };
    owner.has(bare).await;

    for (filter, expected) in [
        ("has:address", &["N04"][..]),
        ("has:url", &["Bare", "N05"]),
        ("has:impp", &["N06"]),
        ("has:relation", &["N07"]),
        ("has:event", &["Bare", "N08"]),
        ("has:custom_field", &["N09"]),
        ("has:label", &["N10"]),
        ("has:notes", &["N11"]),
        ("has:nickname", &["N02"]),
        ("has:organization", &["N03"]),
        ("has:event AND has:url", &["Bare"]),
    ] {
        let request = ListContactsRequest {
            filter: filter.into(),
            ..ListContactsRequest::default()
        };
        let listed = owner.list_all(request).await.into_iter();
        let names: Vec<String> = listed.map(|contact| contact.given_name).collect();
        assert_eq!(names, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_domain_is_found_as_displayed_and_as_sent_wherever_it_is() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = Contact {
        emails: vec![email("a@xn--mnchen-3ya.example")],
        urls: vec![Url {
            url: "https://xn--bcher-kva.example/x".into(),
            ..Url::default()
        }],
        ..named("Ada", "")
    };
    owner.has(contact).await;

    for query in [
        "a@münchen.example",
        "a@xn--mnchen-3ya.example",
        "munchen",
        "bücher.example",
        "https://bücher.example/x",
        "xn--bcher-kva.example",
    ] {
        assert_eq!(owner.exact_names(query).await, ["Ada"], "{query}");
    }
}

#[tokio::test]
async fn a_label_is_not_searched_by_whom_it_is_hidden_from() {
    let app = App::start().await;
    let (owner, reader) = (app.plain_owner(), app.plain_owner());
    let label = owner.create_label("Friends").await.unwrap();
    owner
        .shares_with(&reader, Some(&label), ShareRole::Reader)
        .await;
    let contact = Contact {
        labels: vec!["Friends".into(), "Debtors".into()],
        ..named("Ada", "Debts")
    };
    owner.has(contact).await;
    let reader = reader.in_book_of(&owner);

    assert_eq!(owner.found_names("debtors").await, ["Ada Debts"]);
    assert_eq!(owner.found_names("debtros").await, ["Ada Debts"]);
    for query in ["debtors", "ada debtors", "friends", "Debtor"] {
        assert_eq!(reader.exact_names(query).await, [""; 0], "{query}");
        assert_eq!(found_in(&reader, query, &[Field::Label]).await, [""; 0]);
    }
    assert_eq!(reader.found_names("ada").await, ["Ada Debts"]);
    assert_eq!(
        found_in(&reader, "ada", &[Field::Label, Field::Name])
            .await
            .len(),
        1
    );
    // A typing error of the name, to which only the label is similar as a whole.
    assert_eq!(reader.found_names("debxorz").await, [""; 0]);
}

#[tokio::test]
async fn a_renamed_label_is_found_by_its_new_name() {
    let app = App::start().await;
    let owner = app.plain_owner();
    let label = owner.create_label("Chess").await.unwrap();
    let contact = Contact {
        labels: vec!["Chess".into()],
        ..named("Ada", "")
    };
    owner.has(contact).await;
    assert_eq!(owner.exact_names("chess").await, ["Ada"]);

    owner.rename_label(&label, "Bridge").await.unwrap();

    assert_eq!(owner.exact_names("chess").await, [""; 0]);
    assert_eq!(owner.exact_names("bridge").await, ["Ada"]);
}

/// A copy that was made while the keys were those of the version before.
#[tokio::test]
async fn a_contact_of_an_earlier_release_is_found_when_its_keys_are_made_again() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = Contact {
        addresses: vec![at("Potsdam")],
        ..named("Ada", "")
    };
    owner.has(contact).await;
    let before = "UPDATE contacts.contacts SET search_text = E'\\n\\x02ada\\n';
                  UPDATE contacts.owner_state SET keys_version = keys_version - 1";
    let mut db = app.admin().await;
    db.execute(AssertSqlSafe(before.to_owned())).await.unwrap();
    assert_eq!(owner.exact_names("ada").await, ["Ada"]);
    assert_eq!(owner.exact_names("potsdam").await, [""; 0]);

    let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    pass(&app.pool(), now).await.unwrap();

    assert_eq!(owner.exact_names("potsdam").await, ["Ada"]);
}
