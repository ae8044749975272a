//! Other spellings of a name: digraphs for letters that keyboards lack, and the usual
//! romanisations of Cyrillic and Greek. Both sides are reduced to one spelling, so that the
//! systems (passports, BGN/PCGN, ISO 9, the Ukrainian one) need no variants of their own.

use std::borrow::Cow;
use std::collections::BTreeSet;

use icu_properties::props::Script;

use super::characters::script;
use super::fold::{fold, latin};
use super::rules::{Rules, Text, replaced};

/// Umlauts and the letters of Scandinavia, as they are typed without them.
const DIGRAPHS: Rules = &[("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a")];

/// Romanised Cyrillic. Longer spellings first; vowels lose the sound before them.
const CYRILLIC: Rules = &[
    ("shch", "s"),
    ("tsch", "c'"),
    ("sch", "s"),
    ("sh", "s"),
    ("tch", "c'"),
    ("ch", "c'"),
    ("zh", "z"),
    ("kh", "h"),
    ("ts", "c'"),
    ("tz", "c'"),
    ("ck", "k"),
    ("ca", "ka"),
    ("co", "ko"),
    ("cu", "ku"),
    ("ct", "kt"),
    ("cr", "kr"),
    ("cl", "kl"),
    ("'", ""),
    ("x", "ks"),
    ("ph", "f"),
    ("w", "v"),
    ("q", "k"),
    ("y", "i"),
    ("j", "i"),
];

/// German ch, which is х and not ч; in tsch, tch and sch it is a part of another letter.
const GERMAN: Rules = &[
    ("schtsch", "shch"),
    ("shch", "sH"),
    ("tsch", "tS"),
    ("tch", "tC"),
    ("sch", "sS"),
    ("ch", "kh"),
    ("tS", "tsch"),
    ("tC", "tch"),
    ("sS", "sch"),
    ("sH", "shch"),
];

/// Romanised Greek.
const GREEK: Rules = &[
    ("ou", "u"),
    ("mp", "b"),
    ("mb", "b"),
    ("nt", "d"),
    ("nd", "d"),
    ("gk", "g"),
    ("ng", "g"),
    ("ph", "f"),
    ("th", "t"),
    ("ch", "h"),
    ("kh", "h"),
    ("x", "ks"),
    ("c", "k"),
    ("q", "k"),
    ("y", "i"),
    ("j", "i"),
    ("ei", "i"),
    ("oi", "i"),
    ("ai", "e"),
    ("eu", "ev"),
    ("ef", "ev"),
    ("au", "av"),
    ("af", "av"),
    ("gi", "i"),
    ("b", "v"),
];

/// Greek before it is romanised: what its letters mean together.
const GREEK_LETTERS: Rules = &[
    ("ου", "u"),
    ("μπ", "b"),
    ("ντ", "d"),
    ("γκ", "g"),
    ("γγ", "g"),
    ("γχ", "nh"),
    ("ευ", "ev"),
    ("αυ", "av"),
    ("ει", "i"),
    ("οι", "i"),
    ("αι", "e"),
    ("υ", "i"),
    ("η", "i"),
    ("χ", "h"),
    ("θ", "t"),
    ("φ", "f"),
    ("ω", "o"),
];

/// The reduced spellings of a name; none if it has no other ones.
pub(super) fn of_name(name: &str) -> BTreeSet<String> {
    let folded = fold(name);
    let mut spellings = BTreeSet::new();
    if folded.is_ascii() {
        spellings.insert(replaced(&folded, DIGRAPHS));
    } else if has(name, Script::Cyrillic) {
        // Some systems write yo, and the Ukrainian one h.
        let name = name.to_lowercase();
        for name in [name.replace('ё', "ио"), name] {
            for name in [name.replace('г', "х"), name] {
                spellings.insert(reduced_cyrillic(&romanised(&fold(&name))));
            }
        }
    } else if has(name, Script::Greek) {
        let letters = replaced(&folded, GREEK_LETTERS);
        spellings.insert(reduced_greek(&romanised(&letters)));
    }
    spellings.remove(&folded);
    spellings
}

/// The reduced spellings of a word of a query, which are compared with those of names.
#[must_use]
pub fn of_word(word: &str) -> BTreeSet<String> {
    let mut spellings = BTreeSet::new();
    if word.len() < CHARS_MIN || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return spellings;
    }
    spellings.extend([
        replaced(word, DIGRAPHS),
        reduced_cyrillic(word),
        reduced_cyrillic(&replaced(word, GERMAN)),
        reduced_greek(word),
    ]);
    spellings.remove(word);
    spellings.retain(|spelling| spelling.len() >= CHARS_MIN);
    spellings
}

/// A folded word with one letter for what is typed instead of an umlaut: "mueller" becomes
/// "muller".
#[must_use]
pub fn plain_digraphs(folded: &str) -> String {
    replaced(folded, DIGRAPHS)
}

/// The reduced spellings of a folded Latin word of a name, which are compared with those of
/// Cyrillic and Greek queries.
pub(super) fn of_latin_word(word: &str) -> BTreeSet<String> {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return BTreeSet::new();
    }
    let mut spellings = BTreeSet::from([reduced_cyrillic(word), reduced_greek(word)]);
    spellings.remove(word);
    spellings.retain(|spelling| spelling.len() >= CHARS_MIN);
    spellings
}

/// The reduced spellings of a Cyrillic or Greek word of a query, which are compared with Latin
/// names.
#[must_use]
pub fn of_foreign_word(word: &str) -> BTreeSet<String> {
    let mut spellings = BTreeSet::new();
    if has(word, Script::Cyrillic) {
        // A name with ch is reduced as if that were ч.
        spellings.extend(of_name(&word.to_lowercase().replace('х', "ч")));
    }
    if has(word, Script::Cyrillic) || has(word, Script::Greek) {
        spellings.extend(of_name(word));
    }
    spellings.retain(|spelling| spelling.is_ascii() && spelling.len() >= CHARS_MIN);
    spellings
}

/// Letters with a caron are digraphs in other systems: č is ch.
#[must_use]
pub fn without_carons(text: &str) -> String {
    let rules = [("č", "ch"), ("š", "sh"), ("ž", "zh"), ("ŝ", "shch")];
    let text = text.to_lowercase();
    rules
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

/// Shorter words have too many other spellings.
const CHARS_MIN: usize = 3;

fn has(text: &str, one: Script) -> bool {
    text.chars().any(|c| script(c) == one)
}

fn romanised(folded: &str) -> Cow<'_, str> {
    latin(folded).map_or(folded.into(), Cow::from)
}

fn reduced_cyrillic(latin: &str) -> String {
    let mut text = Text::of(latin);
    text.apply(CYRILLIC);
    for (from, to) in [("ia", "a"), ("ie", "e"), ("io", "o"), ("iu", "u")] {
        while text.has(from) {
            text.replace(from, to);
        }
    }
    let words = once_each(text.letters());
    let words = words.split(' ').map(|word| {
        let stem = word
            .strip_suffix("er")
            .filter(|stem| stem.ends_with(['d', 't']));
        stem.map_or(word.to_owned(), |stem| format!("{stem}r"))
    });
    words.collect::<Vec<_>>().join(" ")
}

fn reduced_greek(latin: &str) -> String {
    once_each(&replaced(latin, GREEK))
}

/// Each letter once that is there twice in a row.
fn once_each(text: &str) -> String {
    let mut once = String::with_capacity(text.len());
    for c in text.chars() {
        if !once.ends_with(c) {
            once.push(c);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_same(name: &str, query: &str) -> bool {
        let names = of_name(name);
        let folded = fold(&without_carons(query));
        let queries: Vec<_> = folded.split(' ').map(of_word).collect();
        let has = |word: &str| names.contains(word) || fold(name) == word;
        queries.iter().flatten().any(|word| has(word)) || has(&folded)
    }

    #[test]
    fn umlauts_have_digraphs() {
        for (name, query) in [
            ("Müller", "Mueller"),
            ("Mueller", "Müller"),
            ("Mueller", "Muller"),
            ("Muller", "Mueller"),
            ("Öztürk", "Oeztuerk"),
            ("Oeztuerk", "Öztürk"),
            ("Ågård", "Aagaard"),
            ("Aagaard", "Ågård"),
            ("Søren", "Soeren"),
            ("Jäger", "Jaeger"),
            ("Goethe", "Göthe"),
            ("Kjær", "Kjaer"),
        ] {
            assert!(are_same(name, query), "{name} {query}");
        }
    }

    #[test]
    fn cyrillic_is_romanised_in_many_ways() {
        for (name, queries) in [
            (
                "Александр",
                &["Alexander", "Aleksandr", "Alexandr", "Aleksander"][..],
            ),
            ("Алексей", &["Alexey", "Alexei", "Aleksei", "Aleksej"]),
            ("Ксения", &["Xenia", "Kseniya", "Ksenia", "Kseniia"]),
            (
                "Евгений",
                &["Yevgeny", "Evgeny", "Evgenii", "Yevgeniy", "Jewgenij"],
            ),
            ("Юрий", &["Yuri", "Yury", "Iurii", "Jurij", "Yuriy"]),
            ("Юлия", &["Yulia", "Julia", "Iuliia", "Yuliya"]),
            ("Пётр", &["Pyotr", "Petr", "Peter", "Piotr"]),
            ("Фёдор", &["Fyodor", "Fedor", "Fiodor"]),
            ("Дмитрий", &["Dmitry", "Dmitri", "Dmitrij", "Dmitrii"]),
            ("Хрущёв", &["Khrushchev", "Khrushchyov", "Hruščev"]),
            ("Горбачёв", &["Gorbachev", "Gorbachyov", "Gorbatschow"]),
            (
                "Чайковский",
                &["Chaikovsky", "Tchaikovsky", "Čajkovskij", "Tschaikowski"],
            ),
            ("Жанна", &["Zhanna", "Žanna"]),
            ("Виктор", &["Victor", "Viktor"]),
            ("Татьяна", &["Tatiana", "Tatyana", "Tatjana"]),
            ("Цветаева", &["Tsvetaeva", "Cvetaeva", "Tsvetayeva"]),
            ("Богдан", &["Bohdan", "Bogdan"]),
            ("Сергій", &["Serhii", "Serhiy", "Sergii"]),
            ("Володимир", &["Volodymyr", "Volodimir"]),
            ("Юлія", &["Yuliia", "Yulia"]),
            ("Євген", &["Yevhen", "Ievgen"]),
            ("Бах", &["Bach", "Bakh"]),
            ("Михаил", &["Michail", "Mikhail"]),
            ("Хрущов", &["Chruschtschow"]),
            ("Тихон", &["Tichon", "Tikhon"]),
        ] {
            for query in queries {
                assert!(are_same(name, query), "{name} {query}: {:?}", of_name(name));
            }
        }
    }

    #[test]
    fn cyrillic_queries_find_latin_names() {
        for (query, name) in [
            ("Бах", "bach"),
            ("Бах", "bakh"),
            ("Михаил", "michail"),
            ("Чехов", "chekhov"),
            ("Чехов", "tschechow"),
        ] {
            let (queries, names) = (of_foreign_word(query), of_latin_word(name));
            let is_same = queries.iter().any(|one| one == name || names.contains(one));
            assert!(is_same, "{query} {name}: {queries:?} {names:?}");
        }
    }

    #[test]
    fn greek_is_romanised_in_many_ways() {
        for (name, queries) in [
            ("Μπάμπης", &["Babis", "Bampis", "Mpampis"][..]),
            ("Ντίνος", &["Dinos", "Ntinos"]),
            ("Γκίκας", &["Gikas", "Gkikas"]),
            (
                "Κωνσταντίνος",
                &["Konstantinos", "Constantinos", "Konstandinos"],
            ),
            ("Γιώργος", &["Giorgos", "Yiorgos"]),
            ("Ευάγγελος", &["Evangelos", "Evaggelos"]),
            ("Ευθύμιος", &["Efthymios", "Euthymios", "Eftimios"]),
            ("Χαράλαμπος", &["Charalampos", "Haralambos"]),
            ("Ξένια", &["Xenia", "Ksenia"]),
            ("Παπαδόπουλος", &["Papadopoulos", "Papadopulos"]),
            ("Αθανάσιος", &["Athanasios", "Atanasios"]),
            ("Σοφία", &["Sofia", "Sophia"]),
            ("Δημήτρης", &["Dimitris", "Dimitrys"]),
        ] {
            for query in queries {
                assert!(are_same(name, query), "{name} {query}: {:?}", of_name(name));
            }
        }
    }

    #[test]
    fn other_names_stay_apart() {
        for (name, query) in [
            ("Александр", "Alexey"),
            ("Анна", "Inna"),
            ("Müller", "Miller"),
            ("Μπάμπης", "Pampis"),
            ("Li", "Lee"),
            ("Чехов", "Khekhov"),
            ("Шах", "Chach"),
        ] {
            assert!(!are_same(name, query), "{name} {query}");
        }
    }
}
