//! Labels, as types of vCard and as Apple writes them.

use super::property::Property;

/// The words of labels that are types, in the order in which a label contains them.
const WORDS: [(&str, &str); 15] = [
    ("home", "home"),
    ("work", "work"),
    ("other", "other"),
    ("mobile", "cell"),
    ("main", "main"),
    ("fax", "fax"),
    ("pager", "pager"),
    ("video", "video"),
    ("textphone", "textphone"),
    ("car", "car"),
    ("isdn", "isdn"),
    ("iphone", "iphone"),
    ("school", "school"),
    ("blog", "blog"),
    ("profile", "profile"),
];
/// Types that every property has anyway, or that are not labels.
const MEANINGLESS: [&str; 6] = ["pref", "voice", "internet", "text", "smtp", "x-internet"];
/// What Apple translates for its users.
const APPLE: [&str; 24] = [
    "anniversary",
    "other",
    "home",
    "work",
    "school",
    "homepage",
    "father",
    "mother",
    "parent",
    "brother",
    "sister",
    "child",
    "son",
    "daughter",
    "friend",
    "spouse",
    "partner",
    "assistant",
    "manager",
    "husband",
    "wife",
    "mobile",
    "main",
    "pager",
];

/// The label that the types of a property say. Returns also whether it is all that they
/// say.
pub(super) fn of_types(property: &Property) -> (String, bool) {
    let (mut words, mut others) = (Vec::new(), Vec::new());
    for kind in property.types().filter(|kind| !kind.is_empty()) {
        let kind = match kind.as_str() {
            "x-mobile" => "cell",
            "x-main" => "main",
            "x-other" => "other",
            other => other,
        };
        if MEANINGLESS.contains(&kind) {
            continue;
        }
        match WORDS.iter().position(|(_, known)| *known == kind) {
            Some(at) => words.push(at),
            None => others.push(kind.to_owned()),
        }
    }
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        return (others.join(" "), true);
    }
    let words: Vec<&str> = words.into_iter().map(|at| WORDS[at].0).collect();
    (words.join(" "), others.is_empty())
}

/// The types of a label, in lower case; `None` if the label is a text of its own.
pub(super) fn to_types(label: &str) -> Option<Vec<&'static str>> {
    let mut from = 0;
    let mut types = Vec::new();
    for word in label.split(' ') {
        let at = WORDS[from..].iter().position(|(name, _)| *name == word)?;
        types.push(WORDS[from + at].1);
        from += at + 1;
    }
    Some(types)
}

/// The label in a property X-ABLabel: `_$!<HomePage>!$_` is translated by Apple.
pub(super) fn of_apple(text: &str) -> String {
    let inner = text
        .strip_prefix("_$!<")
        .and_then(|text| text.strip_suffix(">!$_"));
    match inner {
        Some("HomeFAX") => "home fax".into(),
        Some("WorkFAX") => "work fax".into(),
        Some("OtherFAX") => "other fax".into(),
        Some(inner) => inner.to_lowercase(),
        None => text.to_owned(),
    }
}

/// The text of X-ABLabel for a label.
pub(super) fn to_apple(label: &str) -> String {
    if !APPLE.contains(&label) {
        return label.to_owned();
    }
    if label == "homepage" {
        return "_$!<HomePage>!$_".into();
    }
    let (first, rest) = label.split_at(1);
    format!("_$!<{}{rest}>!$_", first.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_types_is_in_one_order() {
        assert_eq!(to_types("home fax").unwrap(), ["home", "fax"]);
        assert_eq!(to_types("work mobile").unwrap(), ["work", "cell"]);
        for text in [
            "fax home",
            "Home",
            "home  fax",
            "home home",
            "",
            " home",
            "cell",
            "Ferienhaus",
        ] {
            assert_eq!(to_types(text), None, "{text}");
        }
    }

    #[test]
    fn labels_of_apple_come_back() {
        for label in APPLE
            .iter()
            .copied()
            .chain(["Ferienhaus", "Home", "_$!<", ""])
        {
            assert_eq!(of_apple(&to_apple(label)), label);
        }
        assert_eq!(of_apple("_$!<HomeFAX>!$_"), "home fax");
    }
}
