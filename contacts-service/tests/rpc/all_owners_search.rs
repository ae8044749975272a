//! `SearchContacts` with `all_owners`.

use std::cmp::Reverse;

use contacts_service::contact::order::order_key;
use proto::contacts::v1::{
    Contact, MatchTier, SearchContactsRequest, SearchField, SearchResult, ShareRole,
};

use crate::all_owners_world::{World, in_all, owned};
use crate::app::App;
use crate::owner::{Owner, field_mask};
use crate::owner_labels::labelled;

/// What the reader finds in each owner's contacts alone, with its owner.
async fn found_in_each(world: &World, request: &SearchContactsRequest) -> Vec<SearchResult> {
    let mut all = Vec::new();
    for owner in &world.owners {
        let reader = world.readers[0].in_book_of(owner);
        let request = SearchContactsRequest {
            all_owners: false,
            page_size: 100,
            ..request.clone()
        };
        let found = reader.search_all(request).await.into_iter();
        all.extend(found.map(|one| SearchResult {
            contact: one.contact.map(|contact| owned(&contact, owner)),
            ..one
        }));
    }
    all
}

/// Every page of a search, each through another replica.
async fn search_all(world: &World, mut request: SearchContactsRequest) -> Vec<SearchResult> {
    let mut results = Vec::new();
    for number in 0.. {
        let page = world.readers[number % 2].search(request.clone()).await;
        let page = page.unwrap();
        results.extend(page.results);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    results
}

/// The rank of a result where one field alone is searched.
fn rank(result: &SearchResult) -> impl Ord + use<> {
    let pass = match result.match_tier() {
        MatchTier::Spelling => 1,
        MatchTier::Fuzzy => 2,
        _ => 0,
    };
    let contact = result.contact.clone().unwrap();
    let key = match (&*contact.family_name, &*contact.given_name) {
        ("", "") => order_key(&[&contact.display_name]),
        ("", given) => order_key(&[given, "", ""]),
        (family, given) => order_key(&[family, given, ""]),
    };
    let starred = Reverse(contact.starred);
    (
        pass,
        result.match_tier,
        starred,
        key,
        contact.id,
        contact.owner_id,
    )
}

#[tokio::test]
async fn results_are_merged_by_rank_whatever_the_page_size() {
    let world = World::new(11).await;
    for query in ["ada", "a", "same person", "zanna", "persom", "person"] {
        let request = SearchContactsRequest {
            fields: vec![SearchField::Name.into()],
            ..in_all(query)
        };
        let mut expected = found_in_each(&world, &request).await;
        expected.sort_by_cached_key(rank);
        assert!(expected.len() > 3, "{query}: {}", expected.len());
        for page_size in [1, 2, 7, 100] {
            let request = SearchContactsRequest {
                page_size,
                ..request.clone()
            };
            let found = search_all(&world, request).await;
            assert_eq!(found, expected, "{query} by {page_size}");
        }
    }
}

#[tokio::test]
async fn the_results_of_one_owner_are_those_of_a_search_in_its_book() {
    let world = World::new(12).await;
    for (query, filter) in [
        ("ada", ""),
        ("work", ""),
        ("example", "labels:work"),
        ("example", "-labels:work"),
        ("a", "starred=true OR labels:friends"),
    ] {
        let request = SearchContactsRequest {
            filter: filter.into(),
            ..in_all(query)
        };
        let expected = found_in_each(&world, &request).await;
        for page_size in [3, 100] {
            let request = SearchContactsRequest {
                page_size,
                ..request.clone()
            };
            let mut found = search_all(&world, request).await;
            let place = |one: &SearchResult| {
                let owner = &one.contact.as_ref().unwrap().owner_id;
                let mut owners = world.owners.iter();
                owners.position(|known| known.user.to_string() == *owner)
            };
            found.sort_by_key(place);
            assert_eq!(found, expected, "{query} {filter} by {page_size}");
        }
    }
}

/// The names that a search finds.
async fn names(reader: &Owner, request: SearchContactsRequest) -> Vec<String> {
    let found = reader.search(request).await.unwrap().results.into_iter();
    let names = found.map(|one| one.contact.unwrap().given_name);
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn labels_are_searched_where_all_of_them_are_seen() {
    let app = App::start().await;
    let [reader, whole, of_label] = [(); 3].map(|()| app.plain_owner());
    for (owner, name) in [(&reader, "Own"), (&whole, "Whole"), (&of_label, "Some")] {
        let contact = Contact {
            given_name: name.into(),
            ..labelled(&["Friends", "Work"])
        };
        owner.has(contact).await;
    }
    whole.shares_with(&reader, None, ShareRole::Reader).await;
    let label = of_label.label("Friends").await;
    of_label
        .shares_with(&reader, Some(&label), ShareRole::Reader)
        .await;

    for query in ["work", "friends"] {
        assert_eq!(names(&reader, in_all(query)).await, ["Own", "Whole"]);
    }
    let all = ["Own", "Some", "Whole"];
    assert_eq!(names(&reader, in_all("lovelace")).await, all);
    let only_labels = SearchContactsRequest {
        fields: vec![SearchField::Label.into()],
        ..in_all("work")
    };
    assert_eq!(names(&reader, only_labels).await, ["Own", "Whole"]);
    let filtered = |filter: &str| SearchContactsRequest {
        filter: filter.into(),
        ..in_all("lovelace")
    };
    let work = names(&reader, filtered("labels:work")).await;
    assert_eq!(work, ["Own", "Whole"]);
    assert_eq!(names(&reader, filtered("labels:friends")).await, all);
    assert_eq!(names(&reader, filtered("-labels:work")).await, ["Some"]);
}

#[tokio::test]
async fn what_another_owner_has_just_written_is_found() {
    let app = App::start().await;
    let [reader, other, stranger] = [(); 3].map(|()| app.plain_owner());
    other.shares_with(&reader, None, ShareRole::Editor).await;
    stranger.has(labelled(&[])).await;
    assert_eq!(names(&reader, in_all("ada")).await, [""; 0]);
    for count in 1..4 {
        let stored = other.has(labelled(&[])).await;
        let request = SearchContactsRequest {
            read_mask: Some(field_mask(&["notes"])),
            ..in_all("ada")
        };
        let found = reader.search(request).await.unwrap().results;
        assert_eq!(found.len(), count);
        let contact = found.into_iter().filter_map(|one| one.contact);
        let contact = contact.max_by(|a, b| a.id.cmp(&b.id)).unwrap();
        let expected = Contact {
            id: stored.id,
            etag: stored.etag,
            owner_id: other.user.to_string(),
            ..Contact::default()
        };
        assert_eq!(contact, expected);
    }
}
