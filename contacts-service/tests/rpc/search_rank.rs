//! `SearchContacts`: order and paging.

use proto::contacts::v1::{
    Contact, MatchTier, SearchContactsRequest, SearchContactsResponse, SearchResult,
};
use tonic::Code;

use crate::app::App;
use crate::owner::{ENDLESS, Owner};
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{email, named, organization, phone};

async fn page(owner: &Owner, query: &str, size: i32, token: &str) -> SearchContactsResponse {
    let request = SearchContactsRequest {
        query: query.into(),
        page_size: size,
        page_token: token.into(),
        fields: vec![],
        ..SearchContactsRequest::default()
    };
    owner.search(request).await.unwrap()
}

async fn paged(owner: &Owner, query: &str, size: i32) -> Vec<SearchResult> {
    let mut results = Vec::new();
    let mut token = String::new();
    loop {
        let page = page(owner, query, size, &token).await;
        assert!(page.results.len() <= usize::try_from(size).unwrap());
        results.extend(page.results);
        assert!(results.len() < ENDLESS, "the results do not end");
        token = page.next_page_token;
        if token.is_empty() {
            return results;
        }
    }
}

fn tiers(results: &[SearchResult]) -> Vec<(&str, MatchTier)> {
    let tier = |result: &SearchResult| result.match_tier();
    let names = results
        .iter()
        .map(|r| &*r.contact.as_ref().unwrap().display_name);
    names.zip(results.iter().map(tier)).collect()
}

#[tokio::test]
async fn better_tiers_come_first() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([
            named("", "Smith-Lindan"),
            named("", "Berlinda"),
            named("Linda", "Zed"),
            named("Lindau", ""),
            named("Peter", "Linda"),
            named("Old Linda", ""),
        ])
        .await;

    let found = owner.found("linda").await;

    let expected = [
        ("Peter Linda", MatchTier::Field),
        ("Linda Zed", MatchTier::Field),
        ("Lindau", MatchTier::FieldPrefix),
        ("Old Linda", MatchTier::WordPrefix),
        ("Smith-Lindan", MatchTier::WordPrefix),
        ("Berlinda", MatchTier::Substring),
    ];
    assert_eq!(tiers(&found), expected);
}

#[tokio::test]
async fn digits_in_a_phone_come_before_parts_of_words() {
    let app = App::start().await;
    let owner = app.owner();
    let with_phone = |given: &str, number: &str| Contact {
        phones: vec![phone(number)],
        ..named(given, "")
    };
    owner
        .has_all([
            named("Room x4711", ""),
            with_phone("Ann", "+1 (555) 0147-11"),
            named("4711", ""),
        ])
        .await;

    let found = owner.found("4711").await;

    let expected = [
        ("4711", MatchTier::Field),
        ("Ann", MatchTier::PhoneDigits),
        ("Room x4711", MatchTier::Substring),
    ];
    assert_eq!(tiers(&found), expected);
}

#[tokio::test]
async fn within_a_tier_favourites_then_fields_then_names_decide() {
    let app = App::start().await;
    let owner = app.owner();
    let nicknamed = |given: &str| Contact {
        nickname: "Max".into(),
        ..named(given, "")
    };
    let employed = Contact {
        organizations: vec![organization("Max")],
        ..named("Zoe", "A")
    };
    let starred = Contact {
        starred: true,
        notes: "max".into(),
        ..named("Zoe", "Z")
    };
    let stored = owner
        .has_all([
            employed,
            nicknamed("B"),
            nicknamed("A"),
            named("Max", "B"),
            named("Max", "A"),
            named("Max", "A"),
            starred,
        ])
        .await;

    let found = owner.found("max").await;

    assert!(
        found
            .iter()
            .all(|result| result.match_tier() == MatchTier::Field)
    );
    let found: Vec<_> = found.into_iter().map(|r| r.contact.unwrap()).collect();
    let expected = [6, 4, 5, 3, 2, 1, 0].map(|at| stored[at].clone());
    assert_eq!(found, expected);
}

/// Contacts that match "mar" in every tier, many of them equal.
async fn crowd(owner: &Owner) {
    let mut random = fastrand::Rng::with_seed(7);
    let names = [
        "Mar", "Maria", "Al Mar", "Lamar", "Omar", "Marc", "Mär", "De Marco", "mra", "Mra",
    ];
    for n in 0..90 {
        let contact = Contact {
            starred: n % 7 == 0,
            emails: vec![email(&format!(
                "{n}@{}.example",
                ["mar", "x", "lamar"][n % 3]
            ))],
            notes: ["", "met mar", "samara"][n / 2 % 3].into(),
            ..named(
                random.choice(&names).unwrap(),
                random.choice(&names).unwrap(),
            )
        };
        owner.has(contact).await;
    }
}

#[tokio::test]
async fn pages_put_together_are_the_whole_answer() {
    let app = App::start().await;
    let owner = app.owner();
    crowd(&owner).await;

    for query in ["mar", "m", "ar", "mar x", "exam", "maria al", "99", "%"] {
        let whole = page(&owner, query, 100, "").await;
        assert_eq!(whole.next_page_token, "");
        for size in [1, 7, 50] {
            let paged = paged(&owner, query, size).await;
            assert_eq!(paged, whole.results, "{query} by {size}");
        }
    }
}

#[tokio::test]
async fn results_are_in_one_total_order() {
    let app = App::start().await;
    let owner = app.owner();
    crowd(&owner).await;
    let key = |result: &SearchResult| {
        let contact = result.contact.as_ref().unwrap();
        let is_fuzzy = result.match_tier() == MatchTier::Fuzzy;
        (is_fuzzy, result.match_tier, !contact.starred)
    };

    for query in ["mar", "lamar", "a", "mar ex"] {
        let found = owner.found(query).await;
        assert!(found.len() > 3, "{query}");
        assert!(found.iter().map(key).is_sorted(), "{query}");
        assert_eq!(found, owner.found(query).await);
    }
}

#[tokio::test]
async fn typing_errors_are_forgiven_whatever_the_size_of_pages() {
    let app = App::start().await;
    let owner = app.owner();
    let right = ["Anna", "Annabel", "Joanna"].map(|name| named("Kowalski", name));
    let wrong = ["B", "C", "D", "E", "F"].map(|name| named("Kowalsky", name));
    owner.has_all(right).await;
    owner.has_all(wrong).await;
    let fuzzy = |results: &[SearchResult]| {
        let fuzzy = results
            .iter()
            .filter(|r| r.match_tier() == MatchTier::Fuzzy);
        fuzzy.count()
    };

    let all = page(&owner, "kowalski", 100, "").await.results;

    assert_eq!((all.len(), fuzzy(&all)), (8, 5));
    for size in 1..=9 {
        assert_eq!(paged(&owner, "kowalski", size).await, all, "by {size}");
    }
    let only_fuzzy = page(&owner, "kowalskx", 100, "").await.results;
    assert_eq!(fuzzy(&only_fuzzy), 8);
    for size in [1, 2, 3] {
        assert_eq!(paged(&owner, "kowalskx", size).await, only_fuzzy);
    }
}

#[tokio::test]
async fn a_page_holds_what_is_asked_for_but_100_at_most() {
    let app = App::start().await;
    let owner = app.owner();
    let creations = (0..102).map(|n| owner.create(named("Max", &format!("N{n:03}"))));
    futures_util::future::join_all(creations).await;

    for (size, shown) in [(0, 20), (1, 1), (100, 100), (101, 100), (i32::MAX, 100)] {
        let page = page(&owner, "max", size, "").await;
        assert_eq!(page.results.len(), shown);
        assert!(!page.next_page_token.is_empty());
    }
    let negative = SearchContactsRequest {
        query: "max".into(),
        page_size: -1,
        ..SearchContactsRequest::default()
    };
    let answer = owner.search(negative).await;
    assert_refused(answer.clone(), Code::InvalidArgument, "PAGE_SIZE_INVALID");
    assert_bad_fields(answer, &["page_size"]);
}

#[tokio::test]
async fn no_result_is_repeated_or_missed_while_others_come_and_go() {
    let app = App::start().await;
    let owner = app.owner();
    let stay = owner
        .has_all((0..12).map(|n| named("Max", &format!("N{n:02}"))))
        .await;
    let mut token = String::new();
    let mut seen = Vec::new();

    for n in 0..12 {
        let page = page(&owner, "max", 1, &token).await;
        seen.extend(page.results.into_iter().map(|r| r.contact.unwrap().id));
        token = page.next_page_token;
        let behind = owner.has(named("Max", &format!("A{n:02}"))).await;
        if n % 2 == 0 {
            owner.delete(&behind.id).await.unwrap();
        }
    }

    assert_eq!(seen, crate::sample::ids(&stay));
    assert_eq!(token, "");
}
