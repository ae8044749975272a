//! Related people, and the properties of Android, most of which are about them.

use proto::contacts::v1::Relation;

use super::{Build, Taken};
use crate::limits::{ITEMS, LABEL, LINE, NAME};
use crate::vcard::date;
use crate::vcard::property::Property;
use crate::vcard::text::{cut, one_line, unescape};

/// Properties for one kind of relation each.
const KINDS: [(&str, &str); 15] = [
    ("X-SPOUSE", "spouse"),
    ("X-EVOLUTION-SPOUSE", "spouse"),
    ("X-KADDRESSBOOK-X-SPOUSENAME", "spouse"),
    ("X-KADDRESSBOOK-X-SPOUSESNAME", "spouse"),
    ("X-MS-SPOUSE", "spouse"),
    ("X-MANAGER", "manager"),
    ("X-EVOLUTION-MANAGER", "manager"),
    ("X-KADDRESSBOOK-X-MANAGERSNAME", "manager"),
    ("X-MS-MANAGER", "manager"),
    ("X-ASSISTANT", "assistant"),
    ("X-EVOLUTION-ASSISTANT", "assistant"),
    ("X-KADDRESSBOOK-X-ASSISTANTSNAME", "assistant"),
    ("X-MS-ASSISTANT", "assistant"),
    ("X-MS-CHILD", "child"),
    ("X-CHILDREN", "child"),
];

/// The kinds of relations in Android, by their numbers.
const ANDROID_RELATIONS: [&str; 15] = [
    "",
    "assistant",
    "brother",
    "child",
    "domestic partner",
    "father",
    "friend",
    "manager",
    "mother",
    "parent",
    "partner",
    "referred by",
    "relative",
    "sister",
    "spouse",
];
/// The kinds of events in Android, by their numbers.
const ANDROID_EVENTS: [&str; 4] = ["", "anniversary", "other", "birthday"];

impl Build {
    pub(super) fn take_people(&mut self, property: &Property) -> Option<Taken> {
        let name = || one_line(&unescape(&property.value));
        let taken = match property.name.as_str() {
            "X-ABRELATEDNAMES" => {
                let (label, is_whole) = self.label(property);
                let is_whole = is_whole && !property.has_others_than(&[]);
                self.relation(name(), label, is_whole)
            }
            "RELATED" => {
                let is_uri = !property.is_value("text") && name().contains(':');
                if is_uri {
                    return Some(Taken::Not);
                }
                let (label, is_whole) = self.label(property);
                let is_whole = is_whole && !property.has_others_than(&[]);
                self.relation(name(), label, is_whole)
            }
            "X-ANDROID-CUSTOM" => self.android(property),
            other => {
                let (_, label) = KINDS.iter().find(|(kind, _)| *kind == other)?;
                let (name, label) = (name(), (*label).to_owned());
                let mut relations = self.contact.relations.iter();
                if relations.any(|relation| relation.name == name && relation.label == label) {
                    return Some(Taken::Whole);
                }
                self.relation(name, label, true)
            }
        };
        Some(taken)
    }

    fn relation(&mut self, mut name: String, label: String, is_whole: bool) -> Taken {
        if name.is_empty() {
            return Taken::Whole;
        }
        if self.contact.relations.len() >= ITEMS {
            return Taken::Not;
        }
        let was_cut = cut(&mut name, LINE);
        self.contact.relations.push(Relation { name, label });
        Taken::whole_if(is_whole && !was_cut)
    }

    /// `vnd.android.cursor.item/KIND;VALUE;TYPE;LABEL`.
    fn android(&mut self, property: &Property) -> Taken {
        let parts = property
            .components()
            .into_iter()
            .map(|part| one_line(&unescape(part)));
        let parts: Vec<String> = parts.collect();
        let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
        let label = |names: &[&str]| {
            let number = part(2).parse().unwrap_or(0_usize);
            let mut label = match names.get(number) {
                Some(name) if !name.is_empty() => (*name).to_owned(),
                _ => part(3),
            };
            cut(&mut label, LABEL);
            label
        };
        match parts[0].strip_prefix("vnd.android.cursor.item/") {
            Some("nickname") if self.contact.nickname.is_empty() => {
                self.contact.nickname = part(1);
                let was_cut = cut(&mut self.contact.nickname, NAME);
                Taken::whole_if(!was_cut)
            }
            Some("nickname") if self.contact.nickname == part(1) => Taken::Whole,
            Some("relation") => self.relation(part(1), label(&ANDROID_RELATIONS), true),
            Some("contact_event") => match date::parse(&part(1), None) {
                Some((date, true)) if label(&ANDROID_EVENTS) == "birthday" => {
                    if self
                        .contact
                        .birthday
                        .is_some_and(|birthday| birthday != date)
                    {
                        return Taken::Not;
                    }
                    self.contact.birthday = Some(date);
                    Taken::Whole
                }
                Some((date, true)) => self.event(date, label(&ANDROID_EVENTS), Taken::Whole),
                _ => {
                    self.warn(
                        property,
                        "is not a date of the calendar; kept as a raw property",
                    );
                    Taken::Not
                }
            },
            _ => Taken::Not,
        }
    }
}
