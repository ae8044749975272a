//! Random names in every script are found as they are typed.

use proto::contacts::v1::Contact;
use unicode_normalization::UnicodeNormalization;

use super::rank::{exact, spelled};
use crate::contact::body::Body;
use crate::contact::fold::{fold, joined};
use crate::contact::identity::label_key;
use crate::contact::keys::Keys;
use crate::contact::phone::DefaultRegion;
use crate::model::query::Query;

/// Names of each script, of which random ones are put together.
const WORDS: [&[&str]; 16] = [
    &[
        "Müller",
        "Øyvind",
        "O'Brien",
        "Nguyễn",
        "Smith-Jones",
        "Łukasz",
    ],
    &["Пётр", "Королёв", "Юлія", "Наталья", "Ђорђе"],
    &["Γιώργος", "Μπάμπης", "Ευάγγελος", "Αΐδης"],
    &["שָׁלוֹם", "כהן", "צ׳רלי", "בן-גוריון"],
    &["مُحَمَّد", "كريم", "فاطمة", "عبد الرحمن", "می\u{200c}نا"],
    &["राम", "कुमारी", "प्रिया", "दादी", "फ़िरोज़"],
    &["বাবা", "প্রিয়া", "শ্রী"],
    &["தம்பி", "ஸ்ரீ", "குமார்"],
    &["สมชาย", "เพ็ญ", "แก้ว", "น้ำ"],
    &["ម៉ែ", "សុខ", "ស្រី"],
    &["မေမေ", "အောင်", "စု"],
    &["བཀྲ་ཤིས", "ཚེ་རིང"],
    &["ヤマダ", "ﾔﾏｻﾞｷ", "ぱぱ", "ヴィクトル", "ジョー"],
    &["山田", "𠮷田", "﨑本", "欧阳", "娜娜"],
    &["남궁", "민수", "김", "영희"],
    &["Հայկ", "გიორგი", "ሰላም", "ᏣᎳᎩ"],
];

fn random_name(random: &mut fastrand::Rng, words: &[&str]) -> String {
    let count = random.usize(1..=2);
    let words = (0..count).map(|_| words[random.usize(..words.len())]);
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_name_is_found_whole_word_by_word_joined_folded_and_decomposed() {
    let mut random = fastrand::Rng::with_seed(26);
    for _ in 0..400 {
        let words = WORDS[random.usize(..WORDS.len())];
        let (given, family) = (
            random_name(&mut random, words),
            random_name(&mut random, words),
        );
        let contact = Contact {
            given_name: given.clone(),
            family_name: family.clone(),
            ..Contact::default()
        };
        let region = DefaultRegion::parse("").unwrap();
        let keys = Keys::of(&Body::parse(contact, region).unwrap());

        let whole = format!("{given} {family}");
        let mut queries = vec![
            format!("{family} {given}"),
            joined(&fold(&format!("{given} {family}"))),
            joined(&fold(&format!("{family} {given}"))),
            fold(&whole),
            whole.nfd().collect(),
            whole.to_uppercase(),
        ];
        queries.extend(whole.split(' ').map(str::to_owned));
        queries.push(whole);
        for text in queries {
            let query = Query::parse(&text, &[]).unwrap();
            let found = exact(&query, &keys.search_text);
            let found = found.or_else(|| spelled(&query, &keys.search_text));
            assert!(found.is_some(), "{text}: {:?}", keys.search_text);
        }
    }
}

#[test]
fn no_two_of_these_names_are_one_label() {
    let names: Vec<&str> = WORDS.concat();
    for (at, one) in names.iter().enumerate() {
        for other in &names[at + 1..] {
            assert_ne!(label_key(one), label_key(other), "{one} {other}");
        }
        assert_eq!(label_key(one), label_key(&one.nfd().collect::<String>()));
        assert_eq!(label_key(one), label_key(&one.to_lowercase()));
    }
}
