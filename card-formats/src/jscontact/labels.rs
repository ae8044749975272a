//! Labels, as the contexts and features of JSContact.

use crate::json::Json;
use crate::limits;
use crate::vcard::text::{cut, one_line};

/// What has a label.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Phone,
    Address,
    Other,
}

/// A word of labels: the member of an entry in which it is, and the key there.
struct Word {
    text: &'static str,
    member: &'static str,
    key: &'static str,
}

const fn word(text: &'static str, member: &'static str, key: &'static str) -> Word {
    Word { text, member, key }
}

/// In the order in which a label contains them.
const WORDS: [Word; 10] = [
    word("home", CONTEXTS, "private"),
    word("work", CONTEXTS, "work"),
    word("billing", CONTEXTS, "billing"),
    word("delivery", CONTEXTS, "delivery"),
    word("mobile", FEATURES, "mobile"),
    word("main", FEATURES, "main-number"),
    word("fax", FEATURES, "fax"),
    word("pager", FEATURES, "pager"),
    word("video", FEATURES, "video"),
    word("textphone", FEATURES, "textphone"),
];
const CONTEXTS: &str = "contexts";
const FEATURES: &str = "features";

impl Of {
    fn words(self) -> impl Iterator<Item = &'static Word> {
        WORDS.iter().filter(move |word| match word.text {
            "home" | "work" => true,
            "billing" | "delivery" => self == Self::Address,
            _ => self == Self::Phone,
        })
    }
}

/// The label of an entry: its own, else what its contexts and features say.
pub(super) fn label(entry: &Json, of: Of) -> String {
    let mut label = one_line(entry.text_of("label"));
    if label.is_empty() {
        let is_set = |word: &&Word| {
            entry
                .get(word.member)
                .is_some_and(|set| set.is_set(word.key))
        };
        let words: Vec<&str> = of.words().filter(is_set).map(|word| word.text).collect();
        label = words.join(" ");
    }
    cut(&mut label, limits::LABEL);
    label
}

/// Appends what an entry has for a label.
pub(super) fn push(entry: &mut Json, label: &str, of: Of) {
    if label.is_empty() {
        return;
    }
    let words: Vec<&Word> = of
        .words()
        .filter(|word| label.split(' ').any(|part| part == word.text))
        .collect();
    let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
    if texts.join(" ") != label {
        return entry.push("label", label);
    }
    for member in [CONTEXTS, FEATURES] {
        let keys = words.iter().filter(|word| word.member == member);
        let keys: Vec<&str> = keys.map(|word| word.key).collect();
        if !keys.is_empty() {
            entry.push(member, Json::set(keys));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        for of in [Of::Phone, Of::Address, Of::Other] {
            for text in [
                "",
                "home",
                "work fax",
                "fax work",
                "home home",
                "home work mobile",
                "Home",
                "billing",
                "Ferienhaus",
            ] {
                let mut entry = Json::default();
                push(&mut entry, text, of);

                assert_eq!(label(&entry, of), text);
            }
        }
    }
}
