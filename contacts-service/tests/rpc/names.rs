//! Names as people have them, in the scripts and spellings of the world: what finds what,
//! and what is the same.

use proto::contacts::v1::{Contact, DuplicateReason, ListContactsRequest};
use tonic::Code;

use crate::app::App;
use crate::owner::Owner;
use crate::owner_labels::labelled;
use crate::refusal::{assert_bad_fields, assert_refused};
use crate::sample::{email, ids, named, organization};

/// Asserts that each query finds exactly these of the names, apart from typing errors.
async fn assert_found(names: &[(&str, &str)], queries: &[(&str, &[&str])]) {
    let app = App::start().await;
    let owner = app.owner();
    owner
        .has_all(names.iter().map(|(given, family)| named(given, family)))
        .await;
    for (query, expected) in queries {
        let mut found = owner.exact_names(query).await;
        found.sort_unstable();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn a_vowel_or_a_voiced_consonant_is_a_letter_whatever_it_is_written_as() {
    assert_found(
        &[
            ("राम", "कुमार"),
            ("रमा", "कुमारी"),
            ("パパ", ""),
            ("ハハ", ""),
            ("ババ", ""),
            ("พ่อ", ""),
            ("พอ", ""),
            ("แม่", ""),
            ("ម៉ែ", ""),
            ("မေမေ", ""),
            ("မိမိ", ""),
            ("བོད་", ""),
            ("বাবা", ""),
            ("বিবি", ""),
            ("தம்பி", ""),
            ("தம்பா", ""),
            ("ਮਾਂ", ""),
            ("ਮੀਂ", ""),
        ],
        &[
            ("राम", &["राम कुमार"]),
            ("रमा", &["रमा कुमारी"]),
            ("कुमारी", &["रमा कुमारी"]),
            ("कुमार", &["राम कुमार", "रमा कुमारी"]),
            ("パパ", &["パパ"]),
            ("はは", &["ハハ"]),
            ("ばば", &["ババ"]),
            ("ﾊﾟﾊﾟ", &["パパ"]),
            ("พ่อ", &["พ่อ"]),
            ("พอ", &["พอ"]),
            ("แม่", &["แม่"]),
            ("ម៉ែ", &["ម៉ែ"]),
            ("မေ", &["မေမေ"]),
            ("မိ", &["မိမိ"]),
            ("བོད་", &["བོད་"]),
            ("বাবা", &["বাবা"]),
            ("தம்பி", &["தம்பி"]),
            ("தம்பா", &["தம்பா"]),
            ("ਮਾਂ", &["ਮਾਂ"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn diacritics_do_not_count() {
    assert_found(
        &[
            ("Łukasz", "Żółć"),
            ("Γιώργος", "Αΐδης"),
            ("Пётр", "Королёв"),
            ("שָׁלוֹם", "כֹּהֵן"),
            ("مُحَمَّد", "أَحمد"),
            ("Nguyễn", "Đức"),
            ("Ἀχιλλεύς", ""),
            ("Čapek", "Dvořák"),
            ("Gülşah", "Çağlayan"),
            ("Þórður", "Æsir"),
            ("फ़िरोज़", "ख़ान"),
        ],
        &[
            ("zolc lukasz", &["Łukasz Żółć"]),
            ("γιωργος", &["Γιώργος Αΐδης"]),
            ("петр королев", &["Пётр Королёв"]),
            ("שלום כהן", &["שָׁלוֹם כֹּהֵן"]),
            ("محمد احمد", &["مُحَمَّد أَحمد"]),
            ("duc nguyen", &["Nguyễn Đức"]),
            ("αχιλλευς", &["Ἀχιλλεύς"]),
            ("dvorak", &["Čapek Dvořák"]),
            ("gulsah caglayan", &["Gülşah Çağlayan"]),
            ("thordur", &["Þórður Æsir"]),
            ("फिरोज खान", &["फ़िरोज़ ख़ान"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn apostrophes_hyphens_and_what_is_invisible_are_typed_in_many_ways() {
    assert_found(
        &[
            ("Sinéad", "O\u{2019}Connor"),
            ("Jean\u{2011}Luc", "Picard"),
            ("Anne", "Smith-Jones"),
            ("D'Arcy", ""),
            ("می\u{200c}نا", "كريمي"),
            ("Kaʻahumanu", ""),
            ("צ\u{5f3}רלי", ""),
            ("Fami\u{ad}ly\u{200e}", "\u{feff}Name"),
            ("Omar al\u{2010}Rahman", ""),
            ("محـــمود", ""),
            ("约翰·史密斯", ""),
        ],
        &[
            ("O'Connor", &["Sinéad O\u{2019}Connor"]),
            ("oconnor", &["Sinéad O\u{2019}Connor"]),
            ("o connor", &["Sinéad O\u{2019}Connor"]),
            ("o\u{2bc}con", &["Sinéad O\u{2019}Connor"]),
            ("connor", &["Sinéad O\u{2019}Connor"]),
            ("jean-luc", &["Jean\u{2011}Luc Picard"]),
            ("jean luc picard", &["Jean\u{2011}Luc Picard"]),
            ("jeanluc", &["Jean\u{2011}Luc Picard"]),
            ("smith\u{2013}jones", &["Anne Smith-Jones"]),
            ("smithjones", &["Anne Smith-Jones"]),
            ("smith\u{2212}jones anne", &["Anne Smith-Jones"]),
            ("darcy", &["D'Arcy"]),
            ("d\u{60}arcy", &["D'Arcy"]),
            ("مینا کریمی", &["می\u{200c}نا كريمي"]),
            ("kaahumanu", &["Kaʻahumanu"]),
            ("צ'רלי", &["צ\u{5f3}רלי"]),
            ("צרלי", &["צ\u{5f3}רלי"]),
            (
                "fam\u{200b}ily name",
                &["Fami\u{ad}ly\u{200e} \u{feff}Name"],
            ),
            ("omar alrahman", &["Omar al\u{2010}Rahman"]),
            ("omaralrahman", &["Omar al\u{2010}Rahman"]),
            ("محمود", &["محـــمود"]),
            ("约翰史密斯", &["约翰·史密斯"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn east_asian_names_are_found_joined_in_both_orders_and_by_their_readings() {
    let app = App::start().await;
    let owner = app.owner();
    let read = |given: &str, family: &str, phonetic_given: &str, phonetic_family: &str| Contact {
        phonetic_given_name: phonetic_given.into(),
        phonetic_family_name: phonetic_family.into(),
        ..named(given, family)
    };
    owner
        .has_all([
            read("太郎", "山田", "タロウ", "ヤマダ"),
            read("明", "𠮷田", "あきら", "よしだ"),
            read("健", "﨑本", "ｹﾝ", "ｻｷﾓﾄ"),
            named("娜娜", "欧阳"),
            named("민수", "남궁"),
            named("영희", "김"),
            named("ヴィクトル", "ﾔﾏｻﾞｷ"),
            named("", "고은아"),
        ])
        .await;

    for (query, name) in [
        ("山田太郎", "山田 太郎"),
        ("太郎山田", "山田 太郎"),
        ("山田 太郎", "山田 太郎"),
        ("やまだ", "山田 太郎"),
        ("ヤマダタロウ", "山田 太郎"),
        ("やまだたろう", "山田 太郎"),
        ("ﾔﾏﾀﾞ", "山田 太郎"),
        ("𠮷田明", "𠮷田 明"),
        ("ヨシダ", "𠮷田 明"),
        ("よしだ あきら", "𠮷田 明"),
        ("﨑本", "﨑本 健"),
        ("さきもと", "﨑本 健"),
        ("欧阳娜娜", "欧阳 娜娜"),
        ("欧阳", "欧阳 娜娜"),
        ("남궁민수", "남궁 민수"),
        ("민수 남궁", "남궁 민수"),
        ("ㄴㄱㅁㅅ", "남궁 민수"),
        ("ㄱㅇㅎ", "김 영희"),
        ("ㄱㅇㅇ", "고은아"),
        ("ㅇㅎ", "김 영희"),
        ("김영희", "김 영희"),
        ("やまざき", "ﾔﾏｻﾞｷ ヴィクトル"),
        ("ゔぃくとる", "ﾔﾏｻﾞｷ ヴィクトル"),
    ] {
        assert_eq!(owner.exact_names(query).await, [name], "{query}");
    }
}

/// The displayed names of an owner's contacts, in this order.
async fn listed(owner: &Owner, order: &str) -> Vec<String> {
    let request = ListContactsRequest {
        order_by: order.into(),
        page_size: 2,
        ..ListContactsRequest::default()
    };
    let contacts = owner.list_all(request).await.into_iter();
    contacts.map(|one| one.display_name).collect()
}

#[tokio::test]
async fn lists_are_in_the_order_of_the_names_that_are_shown() {
    let app = App::start().await;
    let owner = app.owner();
    let read = |given: &str, family: &str, phonetic_family: &str| Contact {
        phonetic_family_name: phonetic_family.into(),
        ..named(given, family)
    };
    let acme = Contact {
        organizations: vec![organization("Acme")],
        ..Contact::default()
    };
    let mailed = Contact {
        emails: vec![email("dora@example.com")],
        ..Contact::default()
    };
    let nicknamed = Contact {
        nickname: "Bear".into(),
        ..Contact::default()
    };
    let people = [
        named("Zoe", "Éluard"),
        read("健", "﨑本", "ｻｷﾓﾄ"),
        named("Carla", ""),
        read("明", "𠮷田", "ヨシダ"),
        named("", "เอก"),
        named("", "ขวัญ"),
        named("Яна", "Ющенко"),
        named("", "ｱﾍﾞ"),
        named("Іван", "Франко"),
        named("Adam", "Zola"),
    ];
    owner.has_all([mailed, nicknamed, acme]).await;
    owner.has_all(people).await;

    let by_family = "Acme|Bear|Carla|dora@example.com|Zoe Éluard|Adam Zola|Іван Франко|\
                     Яна Ющенко|ขวัญ|เอก|ｱﾍﾞ|﨑本 健|𠮷田 明";
    assert_eq!(listed(&owner, "").await.join("|"), by_family);
    assert_eq!(listed(&owner, "family_name").await.join("|"), by_family);
    let by_given = "Acme|Adam Zola|Bear|Carla|dora@example.com|Zoe Éluard|Іван Франко|Яна Ющенко";
    assert_eq!(listed(&owner, "given_name").await[..8].join("|"), by_given);
}

#[tokio::test]
async fn labels_are_the_same_only_if_they_read_the_same() {
    let app = App::start().await;
    let owner = app.owner();
    let alike: [&[&str]; 6] = [
        &[
            "Family",
            "FAMILY",
            "Ｆａｍｉｌｙ",
            "Fam\u{200b}ily",
            "Family\u{200e}",
            "\u{feff}Family",
            "Fami\u{ad}ly",
            "F\u{3164}amily",
        ],
        &["O'Brien", "O\u{2019}Brien", "o\u{2bc}brien"],
        &["Co-op", "Co\u{2010}op", "co\u{2212}op"],
        &["مینا", "مينا", "می\u{200c}نا"],
        &["ﾊﾟﾊﾟ", "パパ"],
        &["Straße", "STRASSE"],
    ];
    for names in alike {
        let label = owner.create_label(names[0]).await.unwrap();
        for name in &names[1..] {
            let answer = owner.create_label(name).await;
            assert_refused(answer, Code::AlreadyExists, "LABEL_TAKEN");
            let contact = owner.has(labelled(&[names[0], name])).await;
            assert_eq!(contact.labels, [names[0]]);
        }
        let members = owner.get_label(&label.id).await.unwrap().contact_count;
        assert_eq!(members, i64::try_from(names.len() - 1).unwrap());
    }

    let different = [
        "दादा",
        "दादी",
        "ハハ",
        "ババ",
        "はは",
        "พ่อ",
        "พอ",
        "Familia",
        "Família",
        "OBrien",
        "မေ",
        "မိ",
    ];
    let contact = owner.has(labelled(&different)).await;
    assert_eq!(contact.labels, different);
    for name in different {
        assert_eq!(ids(&owner.members(name).await), [&*contact.id], "{name}");
        assert_eq!(owner.label(name).await.contact_count, 1, "{name}");
    }
}

#[tokio::test]
async fn a_text_that_shows_nothing_is_empty() {
    let app = App::start().await;
    let owner = app.owner();

    for nothing in [
        "\u{200b}",
        "\u{3164}\u{ad}",
        "\u{2800} \u{feff}",
        "\u{200e}\u{fe0f}",
    ] {
        let answer = owner.create(named(nothing, nothing)).await;
        assert_refused(answer, Code::InvalidArgument, "CONTACT_EMPTY");
        assert_bad_fields(owner.create_label(nothing).await, &["label.name"]);
        assert_bad_fields(
            owner.create(labelled(&[nothing])).await,
            &["contact.labels[0]"],
        );
        let contact = owner.has(named("Ada", nothing)).await;
        assert_eq!((&*contact.family_name, &*contact.display_name), ("", "Ada"));
    }
}

async fn reasons(owner: &Owner, one: Contact, other: Contact) -> Vec<DuplicateReason> {
    let stored = owner.has_all([one, other]).await;
    let groups = owner.duplicates(0).await;
    for contact in &stored {
        owner.delete(&contact.id).await.unwrap();
    }
    let reasons = groups.iter().flat_map(|group| group.reasons());
    reasons.collect()
}

#[tokio::test]
async fn duplicates_have_the_same_name_only_if_it_reads_the_same() {
    use DuplicateReason::{SameName, SimilarName};
    let app = App::start().await;
    let owner = app.owner();

    for (one, other, expected) in [
        (("राम", "कुमार"), ("रमा", "कुमारी"), None),
        (("", "パパ"), ("", "ハハ"), None),
        (("", "พ่อแก้ว"), ("", "พอแกว"), None),
        (
            ("Sinéad", "O'Connor"),
            ("Sinéad", "O\u{2019}Connor"),
            Some(SameName),
        ),
        (("Jean-Luc", ""), ("jean\u{2011}luc", ""), Some(SameName)),
        (("می\u{200c}نا", "كريم"), ("مينا", "کریم"), Some(SameName)),
        (
            ("Fam\u{200b}ily", "Name"),
            ("Family", "Name"),
            Some(SameName),
        ),
        (("ﾔﾏﾀﾞ", ""), ("ヤマダ", ""), Some(SameName)),
        (("Hans", "Müller"), ("Hans", "Muller"), Some(SimilarName)),
        (("Hans", "Müller"), ("Müller", "Hans"), Some(SimilarName)),
        (
            ("Sinéad", "O'Connor"),
            ("Sinead", "O Connor"),
            Some(SimilarName),
        ),
        (("مُحَمَّد", "علي"), ("محمد", "علي"), Some(SimilarName)),
    ] {
        let [one, other] = [one, other].map(|(given, family)| named(given, family));
        let found = reasons(&owner, one.clone(), other.clone()).await;
        assert_eq!(found, Vec::from_iter(expected), "{one:?} {other:?}");
    }
    let mailed = |address: &str| Contact {
        emails: vec![email(address)],
        ..Contact::default()
    };
    let found = reasons(
        &owner,
        mailed("o\u{2019}b@example.com"),
        mailed("O'B@example.com"),
    )
    .await;
    assert_eq!(found, [DuplicateReason::SameEmail]);
}
