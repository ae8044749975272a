//! `SearchContacts`: other spellings of names, which come after what was typed.

use proto::contacts::v1::{Contact, MatchTier, SearchContactsRequest};

use crate::app::App;
use crate::owner::Owner;
use crate::sample::{named, organization};

/// The names that a query finds in another spelling, in pages of two.
async fn spelled(owner: &Owner, query: &str) -> Vec<String> {
    let mut request = SearchContactsRequest {
        query: query.into(),
        page_size: 2,
        ..SearchContactsRequest::default()
    };
    let mut names = Vec::new();
    loop {
        let page = owner.search(request.clone()).await.unwrap();
        let results = page.results.into_iter();
        let spelled = results.filter(|result| result.match_tier() == MatchTier::Spelling);
        names.extend(spelled.map(|result| result.contact.unwrap().display_name));
        if page.next_page_token.is_empty() {
            return names;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn names_are_found_by_their_digraphs_and_romanisations() {
    let app = App::start().await;
    let owner = app.owner();
    let names = [
        ("Hans", "Müller"),
        ("Ali", "Öztürk"),
        ("Nils", "Ågård"),
        ("Johann", "Goethe"),
        ("Александр", "Пушкин"),
        ("Алексей", "Толстой"),
        ("Ксения", "Собчак"),
        ("Евгений", "Королёв"),
        ("Юлія", "Тимошенко"),
        ("Богдан", "Хмельницький"),
        ("Μπάμπης", "Γκίκας"),
        ("Ευάγγελος", "Ντίνος"),
    ];
    let names = names.map(|(given, family)| named(given, family));
    owner.has_all(names).await;
    let firm = Contact {
        organizations: vec![organization("Дружба")],
        ..Contact::default()
    };
    owner.has(firm).await;

    for (query, name) in [
        ("Mueller", "Hans Müller"),
        ("hans muel", "Hans Müller"),
        ("oeztuerk", "Ali Öztürk"),
        ("Aagaard", "Nils Ågård"),
        ("Göthe", "Johann Goethe"),
        ("Alexander", "Александр Пушкин"),
        ("alexander pushkin", "Александр Пушкин"),
        ("alexand", "Александр Пушкин"),
        ("Alexey", "Алексей Толстой"),
        ("Alexei tolstoi", "Алексей Толстой"),
        ("Xenia", "Ксения Собчак"),
        ("Yevgeny", "Евгений Королёв"),
        ("Korolyov", "Евгений Королёв"),
        ("Evgenij Korolev", "Евгений Королёв"),
        ("Yuliia", "Юлія Тимошенко"),
        ("Tymoshenko", "Юлія Тимошенко"),
        ("Bohdan", "Богдан Хмельницький"),
        ("Khmelnytsky", "Богдан Хмельницький"),
        ("Babis", "Μπάμπης Γκίκας"),
        ("Mpampis Gikas", "Μπάμπης Γκίκας"),
        ("Evangelos", "Ευάγγελος Ντίνος"),
        ("Dinos", "Ευάγγελος Ντίνος"),
        ("Družba", "Дружба"),
    ] {
        assert_eq!(spelled(&owner, query).await, [name], "{query}");
    }
    for query in ["Müller", "Goethe", "Пушкин", "pushkin", "zz", "al"] {
        assert_eq!(spelled(&owner, query).await, [""; 0], "{query}");
    }
}

#[tokio::test]
async fn what_was_typed_comes_first_then_other_spellings_then_typing_errors() {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all([
            named("", "Muelner"),
            named("", "Müller"),
            named("", "Mueller"),
            named("", "Muller"),
            named("", "Moeller"),
        ])
        .await;

    let found = owner.found("mueller").await;

    let tiers = found.iter().map(|result| {
        let name = &result.contact.as_ref().unwrap().display_name;
        (&**name, result.match_tier())
    });
    assert_eq!(
        tiers.collect::<Vec<_>>(),
        [
            ("Mueller", MatchTier::Field),
            ("Müller", MatchTier::Spelling),
            ("Muller", MatchTier::Spelling),
            ("Moeller", MatchTier::Fuzzy),
            ("Muelner", MatchTier::Fuzzy),
        ]
    );
}

#[tokio::test]
async fn a_query_in_cyrillic_or_greek_finds_latin_names() {
    let app = App::start().await;
    let owner = app.owner();
    let pairs = [
        ("Александр", "Alexander"),
        ("Алексей", "Alexey"),
        ("Ксения", "Xenia"),
        ("Евгений", "Yevgeny"),
        ("Юлия", "Julia"),
        ("Пётр", "Pyotr"),
        ("Дмитрий", "Dmitry"),
        ("Хрущёв", "Khrushchev"),
        ("Чайковский", "Tchaikovsky"),
        ("Виктор", "Victor"),
        ("Татьяна", "Tatiana"),
        ("Сергей", "Sergei"),
        ("Иван", "Ivan"),
        ("Владимир", "Vladimir"),
        ("Михаил", "Mikhail"),
        ("Жанна", "Zhanna"),
        ("Наталья", "Natalya"),
        ("Горбачёв", "Gorbatschow"),
        ("Цветаева", "Tsvetaeva"),
        ("Юрий", "Yuri"),
        ("Володимир", "Volodymyr"),
        ("Παπαδόπουλος", "Papadopoulos"),
        ("Δημήτρης", "Dimitris"),
        ("Κωνσταντίνος", "Constantinos"),
        ("Ευάγγελος", "Evangelos"),
        ("Σοφία", "Sophia"),
        ("Μπάμπης", "Babis"),
        ("Χαράλαμπος", "Haralambos"),
        ("Αθανάσιος", "Athanasios"),
        ("Ελένη", "Eleni"),
        ("Νίκος", "Nikos"),
    ];
    owner
        .has_all(pairs.map(|(_, latin)| named(latin, "Kowalski")))
        .await;
    owner
        .has_all([named("Giorgos", "A"), named("Yorgos", "B")])
        .await;

    for (query, latin) in pairs {
        let expected = [format!("{latin} Kowalski")];
        assert_eq!(spelled(&owner, query).await, expected, "{query}");
        let whole = format!("{query} Ковальски");
        assert_eq!(spelled(&owner, &whole).await, expected, "{whole}");
    }
    assert_eq!(spelled(&owner, "Γιώργος").await, ["Giorgos A", "Yorgos B"]);
    // Short words have too many spellings, and others are none.
    for query in ["Ал", "Я", "Борис", "Ἀχιλλεύς"] {
        assert_eq!(spelled(&owner, query).await, [""; 0], "{query}");
    }
}
