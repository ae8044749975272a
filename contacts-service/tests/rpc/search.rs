//! `SearchContacts`: what it finds.

use proto::contacts::v1::SearchField as Field;
use proto::contacts::v1::{Contact, Email, MatchTier, SearchContactsRequest, SearchResult};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{email, full, named, organization, phone};

fn noted(given: &str, notes: &str) -> Contact {
    Contact {
        notes: notes.into(),
        ..named(given, "")
    }
}

async fn found_in(owner: &Owner, query: &str, fields: &[Field]) -> Vec<String> {
    let request = SearchContactsRequest {
        query: query.into(),
        fields: fields.iter().map(|field| (*field).into()).collect(),
        ..SearchContactsRequest::default()
    };
    let results = owner.search(request).await.unwrap().results.into_iter();
    results.map(|r| r.contact.unwrap().display_name).collect()
}

#[tokio::test]
async fn case_marks_width_and_script_do_not_count() {
    let app = App::start().await;
    let owner = app.owner();
    for name in [
        "Müller",
        "Ковальчук",
        "Straße",
        "Παπαδόπουλος",
        "Łódź",
        "김철수",
    ] {
        owner.has(named("", name)).await;
    }

    for (query, name) in [
        ("muller", "Müller"),
        ("MÜLLER", "Müller"),
        ("Mu\u{308}ller", "Müller"),
        ("ｍｕｌｌｅｒ", "Müller"),
        ("ülle", "Müller"),
        ("koval", "Ковальчук"),
        ("коваль", "Ковальчук"),
        ("КОВАЛЬЧУК", "Ковальчук"),
        ("valchuk", "Ковальчук"),
        ("strasse", "Straße"),
        ("STRAßE", "Straße"),
        ("straẞe", "Straße"),
        ("papadopoulos", "Παπαδόπουλος"),
        ("παπαδοπουλος", "Παπαδόπουλος"),
        ("lodz", "Łódź"),
        ("김철", "김철수"),
    ] {
        assert_eq!(owner.found_names(query).await, [name], "{query}");
    }
}

#[tokio::test]
async fn a_phone_is_found_by_its_digits_and_as_typed() {
    let app = App::start().await;
    let owner = app.owner();
    let contact = Contact {
        phones: vec![phone("+49 (30) 123-456"), phone("0171/99 88 77")],
        ..named("Ada", "")
    };
    owner.has(contact).await;
    owner.has(noted("Bea", "room 4930123")).await;

    for query in [
        "+49 (30) 123-456",
        "+4930123456",
        "49 30 12 34 56",
        "0123456",
        "3456",
        "0171 998877",
        "017199",
    ] {
        let found = owner.found_names(query).await;
        assert_eq!(found.first().map(|name| &**name), Some("Ada"), "{query}");
    }
    assert_eq!(owner.found_names("4930123456").await, ["Ada"]);
    assert_eq!(owner.exact_names("+49 30 999").await, [""; 0]);
}

#[tokio::test]
async fn every_field_is_looked_at_and_named() {
    let app = App::start().await;
    let owner = app.owner();
    let stored = owner.has(full()).await;

    for (query, field) in [
        ("Dr.", Field::Name),
        ("Augusta", Field::Name),
        ("lovelace jr", Field::Name),
        ("luvlis", Field::Name),
        ("ayda", Field::Name),
        ("countess", Field::Nickname),
        ("ada@example", Field::Email),
        ("engine.example", Field::Email),
        ("7946 0958", Field::Phone),
        ("analytical", Field::Organization),
        ("programs", Field::Organization),
        ("founder", Field::Organization),
        ("then some more", Field::Notes),
    ] {
        let found = owner.found(query).await;
        assert_eq!(found.len(), 1, "{query}");
        assert_eq!(found[0].contact, Some(stored.clone()));
        assert!(found[0].matched_fields().any(|f| f == field), "{query}");
    }
}

#[tokio::test]
async fn wildcards_mean_themselves() {
    let app = App::start().await;
    let owner = app.owner();
    for notes in [
        "100% sure",
        "snake_case",
        r"C:\temp",
        "plain 100 snakecase C:temp",
    ] {
        owner.has(noted(notes, "")).await;
    }

    for (query, name) in [
        ("%", "100% sure"),
        ("100%", "100% sure"),
        ("0% s", "100% sure"),
        ("_", "snake_case"),
        ("e_c", "snake_case"),
        (r"\", r"C:\temp"),
        (r":\t", r"C:\temp"),
    ] {
        assert_eq!(owner.exact_names(query).await, [name], "{query}");
    }
    for query in ["%%", "__", r"\\", "1%0", "s_a", r"\%", "%' OR '1'='1"] {
        assert_eq!(owner.exact_names(query).await, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn every_word_must_be_somewhere() {
    let app = App::start().await;
    let owner = app.owner();
    let ada = Contact {
        organizations: vec![organization("Acme")],
        emails: vec![email("first@mail.example")],
        ..named("Ada", "Lovelace")
    };
    owner.has_all([ada, named("Ada", "Byron")]).await;

    assert_eq!(owner.found_names("ada").await.len(), 2);
    for query in ["lovelace ada", "acme ada", "mail acme love", "  ADA\tlov  "] {
        assert_eq!(owner.found_names(query).await, ["Ada Lovelace"], "{query}");
    }
    for query in ["ada zzz", "acme byron", "lovelace byron"] {
        assert_eq!(owner.found_names(query).await, [""; 0], "{query}");
    }
}

/// Words from few syllables, so that many contacts share some.
fn random_words(random: &mut fastrand::Rng, count: usize) -> String {
    let syllables = ["ka", "lo", "mi", "ra", "to", "ne"];
    let mut word = || {
        let parts = (0..random.usize(1..=3)).map(|_| syllables[random.usize(..6)]);
        parts.collect::<String>()
    };
    (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_found_agrees_with_a_scan_in_memory() {
    let app = App::start().await;
    let owner = app.owner();
    let mut random = fastrand::Rng::with_seed(80);
    let contacts: Vec<_> = (0..80)
        .map(|n| Contact {
            nickname: random_words(&mut random, n % 2),
            notes: random_words(&mut random, n % 4),
            ..named(&random_words(&mut random, 1), &random_words(&mut random, 2))
        })
        .collect();
    owner.has_all(contacts.clone()).await;

    for _ in 0..60 {
        let words = random.usize(1..=3);
        let query = random_words(&mut random, words);
        let holds = |contact: &&Contact| {
            let parts = [
                &contact.given_name,
                &contact.family_name,
                &contact.nickname,
                &contact.notes,
            ];
            let names = [&contact.given_name, &contact.family_name];
            let joined = [names, [names[1], names[0]]]
                .map(|names| names.map(|n| n.replace(' ', "")).concat());
            let holds = |word: &str| {
                parts.iter().any(|part| part.contains(word))
                    || joined.iter().any(|name| name.starts_with(word))
                    || parts
                        .iter()
                        .take(2)
                        .any(|name| name.replace(' ', "").starts_with(word))
            };
            query.split(' ').all(holds)
        };
        let expected = contacts.iter().filter(holds).count();
        let found = owner.found(&query).await;

        let exact = |result: &&SearchResult| result.match_tier() <= MatchTier::Substring;
        assert_eq!(found.iter().filter(exact).count(), expected, "{query}");
    }
}

#[tokio::test]
async fn only_the_fields_asked_for_are_looked_at() {
    let app = App::start().await;
    let owner = app.owner();
    let by_mail = Contact {
        emails: vec![Email {
            address: "ada@example.com".into(),
            ..Email::default()
        }],
        ..named("Bea", "")
    };
    owner
        .has_all([named("Ada", ""), by_mail, noted("Cy", "knows Ada")])
        .await;

    assert_eq!(found_in(&owner, "ada", &[Field::Name]).await, ["Ada"]);
    assert_eq!(found_in(&owner, "ada", &[Field::Email]).await, ["Bea"]);
    assert_eq!(
        found_in(&owner, "ada", &[Field::Notes, Field::Email]).await,
        ["Bea", "Cy"]
    );
    assert_eq!(found_in(&owner, "ada", &[Field::Phone]).await, [""; 0]);
    assert_eq!(found_in(&owner, "ada", &[]).await, ["Ada", "Bea", "Cy"]);
}

#[tokio::test]
async fn a_field_that_does_not_exist_is_refused() {
    let app = App::start().await;
    let owner = app.owner();

    for field in [0, 14, -1, i32::MAX] {
        let request = SearchContactsRequest {
            query: "ada".into(),
            fields: vec![1, field],
            ..SearchContactsRequest::default()
        };
        assert_bad_fields(owner.search(request).await, &["fields"]);
    }
}

#[tokio::test]
async fn a_callers_own_writes_are_found_at_once() {
    let app = App::start().await;
    let owner = app.owner();

    for n in 0..20 {
        let stored = owner.has(named("Zelda", &format!("Number{n}"))).await;
        let full_name = format!("Zelda Number{n}");
        assert!(owner.found_names("zelda").await.contains(&full_name));
        let patch = Contact {
            id: stored.id.clone(),
            ..named("Link", "")
        };
        owner.update(patch, &[]).await.unwrap();
        assert_eq!(owner.found_names("zelda").await, [""; 0]);
        assert_eq!(owner.found("link").await.len(), 1);
        owner.delete(&stored.id).await.unwrap();
        assert_eq!(owner.found("link").await, []);
    }
}

#[tokio::test]
async fn a_query_of_nothing_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    owner.has(named("Ada", "")).await;

    for query in ["", "  \t\n", "\u{301}", "\0", "\u{a0}\u{2003}"] {
        let request = SearchContactsRequest {
            query: query.into(),
            ..SearchContactsRequest::default()
        };
        let answer = owner.search(request).await;
        assert_refused(answer.clone(), Code::InvalidArgument, "QUERY_EMPTY");
        assert_bad_fields(answer, &["query"]);
    }
}

#[tokio::test]
async fn a_query_of_too_much_is_refused() {
    let app = App::start().await;
    let owner = app.owner();
    let request = |query: String| SearchContactsRequest {
        query,
        ..SearchContactsRequest::default()
    };

    for query in ["x".repeat(201), ["x"; 11].join(" "), "\u{fdfa}".repeat(200)] {
        assert_bad_fields(owner.search(request(query)).await, &["query"]);
    }
    for query in ["é".repeat(200), ["x"; 10].join(" "), "㍿".repeat(200)] {
        assert_eq!(owner.search(request(query)).await.unwrap().results, []);
    }
}

#[tokio::test]
async fn a_typing_error_is_forgiven() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([
            named("Hans", "Müller"),
            named("Maria", "Kowalski"),
            named("Tom", ""),
        ])
        .await;

    for (query, name) in [
        ("mueller", "Hans Müller"),
        ("mulelr", "Hans Müller"),
        ("hans mulller", "Hans Müller"),
        ("kowalsky", "Maria Kowalski"),
        ("maria kovalski", "Maria Kowalski"),
        ("hanns", "Hans Müller"),
        ("maia", "Maria Kowalski"),
    ] {
        assert_eq!(owner.found_names(query).await, [name], "{query}");
    }
    for query in ["xxxxxx", "hq", "mxxxer"] {
        assert_eq!(owner.found_names(query).await, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn two_letters_swapped_in_a_short_word_are_forgiven() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([named("Hans", ""), named("Maria", ""), named("Ann", "")])
        .await;

    for (query, name) in [
        ("hnas", "Hans"),
        ("ahns", "Hans"),
        ("hasn", "Hans"),
        ("mraia", "Maria"),
        ("amria", "Maria"),
        ("nan", "Ann"),
    ] {
        assert_eq!(owner.found_names(query).await, [name], "{query}");
    }
}
