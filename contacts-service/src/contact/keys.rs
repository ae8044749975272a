//! Folded copies of parts of a contact, for sorting, filtering and searching.

use std::collections::BTreeSet;

use card_formats::is_east_asian;
use proto::contacts::v1::Contact;

use super::body::Body;
use super::date::{is_anniversary, month_day_of};
use super::fold::{cut, digits, fold};
use super::identity::{identity, label_key};
use super::match_key::MatchKey;
use super::match_keys::{compared_name, match_keys, name_words};
use super::order::order_key;
use super::search_text::search_text;

/// The version of these keys. Keys of an earlier version are made again from the bodies
/// ([`crate::rebuild`]); a change of any key is a new version.
pub const KEYS_VERSION: i16 = 3;

/// The columns beside a contact's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The order by family name, then given name.
    pub family: String,
    /// The order by given name, then family name.
    pub given: String,
    /// The order by display name.
    pub display: String,
    /// The identity of the display name, unless it names nobody, and the words of the name,
    /// sorted and folded.
    pub names: Vec<String>,
    /// What duplicates have in common, one [`MatchKey`] after the other.
    pub matches: Vec<u8>,
    /// The birthday's month and day, as 229 for 29 February.
    pub birth_md: Option<i16>,
    /// Whether there is a date of death.
    pub deceased: bool,
    /// The same as `birth_md` for the events, negative for anniversaries; sorted, each once.
    pub event_mds: Vec<i16>,
    /// Whether the contact is a favourite.
    pub starred: bool,
    /// The labels, in their order.
    pub labels: Vec<String>,
    /// The labels that may be new to the owner, as typed.
    pub new_labels: Vec<String>,
    /// The e-mail addresses.
    pub emails: Vec<String>,
    /// The digits of the phones, as typed and as E.164.
    pub phones: Vec<String>,
    /// The names of the organizations, one per line.
    pub organizations: String,
    /// The search text: folded lines, each with the code of its field.
    pub search_text: String,
}

impl Keys {
    /// Derives the keys of a contact.
    #[must_use]
    pub fn of(body: &Body) -> Self {
        let contact = body.message();
        let order = Order::of(contact);
        let phones = phone_digits(contact);
        Self {
            family: order.by(order.family, order.given),
            given: order.by(order.given, order.family),
            display: order.by_display_name(),
            names: name_keys(contact),
            matches: match_keys(contact)
                .into_iter()
                .flat_map(MatchKey::to_bytes)
                .collect(),
            birth_md: contact.birthday.and_then(month_day_of),
            deceased: contact.date_of_death.is_some(),
            event_mds: event_mds(contact),
            starred: contact.starred,
            labels: contact
                .labels
                .iter()
                .map(|label| label_key(label))
                .collect(),
            new_labels: contact.labels.clone(),
            emails: contact
                .emails
                .iter()
                .map(|email| identity(&email.address))
                .collect(),
            phones: phones.iter().cloned().collect(),
            organizations: contact
                .organizations
                .iter()
                .map(|organization| fold(&organization.name))
                .collect::<Vec<_>>()
                .join("\n"),
            search_text: search_text(contact, &phones),
        }
    }
}

impl Keys {
    /// The same for a contact that had these labels before.
    #[must_use]
    pub fn after(mut self, labels: &[String]) -> Self {
        self.new_labels.retain(|label| !labels.contains(label));
        self
    }
}

fn event_mds(contact: &Contact) -> Vec<i16> {
    let events = contact.events.iter();
    let days = events.filter_map(|event| {
        let md = event.date.and_then(month_day_of)?;
        Some(if is_anniversary(event) { -md } else { md })
    });
    let days: BTreeSet<i16> = days.collect();
    days.into_iter().collect()
}

/// What a contact is sorted by.
struct Order<'a> {
    family: &'a str,
    given: &'a str,
    middle: &'a str,
    display: &'a str,
    has_reading: bool,
}

impl<'a> Order<'a> {
    /// A name in characters that do not show how they are read is sorted by its reading, if
    /// there is one.
    fn of(contact: &'a Contact) -> Self {
        let read = |name: &'a String, reading: &'a String| {
            let is_read = is_east_asian(name) && !reading.is_empty();
            if is_read { reading } else { name }
        };
        let family = read(&contact.family_name, &contact.phonetic_family_name);
        let given = read(&contact.given_name, &contact.phonetic_given_name);
        Self {
            family,
            given,
            middle: &contact.middle_name,
            display: &contact.display_name,
            has_reading: contact.formatted_name.is_empty()
                && (*family != contact.family_name || *given != contact.given_name),
        }
    }

    /// Without the first name the second one counts; without both, what is displayed.
    fn by(&self, first: &str, second: &str) -> String {
        match (first, second) {
            ("", "") => order_key(&[self.display]),
            ("", only) => order_key(&[only, "", self.middle]),
            _ => order_key(&[first, second, self.middle]),
        }
    }

    fn by_display_name(&self) -> String {
        if self.has_reading {
            self.by(self.family, self.given)
        } else {
            order_key(&[self.display])
        }
    }
}

/// The maximum size of each of these keys, in bytes.
const NAME_KEY_BYTES: usize = 400;

fn name_keys(contact: &Contact) -> Vec<String> {
    let Some(name) = compared_name(contact) else {
        return Vec::new();
    };
    let keys = [name, name_words(contact).join(" ")];
    keys.map(|key| cut(&key, NAME_KEY_BYTES).to_owned()).into()
}

fn phone_digits(contact: &Contact) -> BTreeSet<String> {
    let phones = contact.phones.iter();
    phones
        .flat_map(|phone| [digits(&phone.number), digits(&phone.e164)])
        .filter(|digits| !digits.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use proto::contacts::v1::{Email, Organization, Phone};

    use super::super::search_text::SEARCH_TEXT_BYTES;
    use super::*;
    use crate::contact::phone::DefaultRegion;

    fn keys(contact: Contact) -> Keys {
        Keys::of(&Body::parse(contact, DefaultRegion::parse("DE").unwrap()).unwrap())
    }

    fn named(given: &str, family: &str) -> Contact {
        Contact {
            given_name: given.into(),
            family_name: family.into(),
            ..Contact::default()
        }
    }

    #[test]
    fn contacts_are_sorted_by_the_name_that_is_shown() {
        let organization = Contact {
            organizations: vec![Organization {
                name: "Acme".into(),
                ..Organization::default()
            }],
            ..Contact::default()
        };
        let nicknamed = Contact {
            nickname: "Bear".into(),
            ..Contact::default()
        };
        let mailed = Contact {
            emails: vec![Email {
                address: "dora@example.com".into(),
                ..Email::default()
            }],
            ..Contact::default()
        };
        let read = Contact {
            phonetic_family_name: "ﾔﾏﾀﾞ".into(),
            phonetic_given_name: "はなこ".into(),
            ..named("花子", "山田")
        };
        let in_order = [
            organization,
            named("Zoe", "Adams"),
            nicknamed,
            named("Carla", ""),
            mailed,
            named("Adam", "Éluard"),
            read,
            named("明", "阿部"),
        ];
        let keys = in_order.map(|contact| keys(contact).family);
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn names_with_the_same_words_are_similar_and_only_the_same_ones_equal() {
        let [one, swapped, plain, other] = [
            named("Hans", "Müller"),
            named("MÜLLER", "Hans"),
            named("hans", "muller"),
            named("राम", "कुमार"),
        ]
        .map(|contact| keys(contact).names);
        assert_eq!(one[1], swapped[1]);
        assert_eq!(one[1], plain[1]);
        assert_ne!(one[0], plain[0]);
        assert_ne!(other[1], keys(named("रमा", "कुमारी")).names[1]);
        let mailed = Contact {
            emails: vec![Email {
                address: "k@example.com".into(),
                ..Email::default()
            }],
            ..Contact::default()
        };
        assert_eq!(keys(mailed).names, [""; 0]);
    }

    #[test]
    fn keys_stay_short_whatever_a_name_unfolds_to() {
        let keys = keys(named("", &"\u{fdfa}".repeat(200)));
        assert!(keys.names.iter().all(|key| key.len() <= NAME_KEY_BYTES));
    }

    #[test]
    fn the_search_text_stays_short_whatever_a_contact_unfolds_to() {
        let organizations = (0..55).map(|number| Organization {
            name: format!("{}{number}", "\u{fdfa}".repeat(300)),
            ..Organization::default()
        });
        let keys = keys(Contact {
            given_name: "Ada".into(),
            organizations: organizations.collect(),
            notes: "Engine".into(),
            ..Contact::default()
        });
        let text = keys.search_text;
        assert!(text.len() <= SEARCH_TEXT_BYTES && text.len() > SEARCH_TEXT_BYTES / 2);
        assert!(text.contains("\u{2}ada\n") && text.contains("\u{8}engine\n"));
    }

    #[test]
    fn phones_are_found_by_their_digits_as_typed_and_as_dialled_from_abroad() {
        let keys = keys(Contact {
            phones: vec![Phone {
                number: "030 / 12 34 56".into(),
                ..Phone::default()
            }],
            ..Contact::default()
        });
        assert_eq!(keys.phones, ["030123456", "4930123456"]);
        assert!(keys.search_text.contains("\n\u{5}030123456\n"));
    }

    #[test]
    fn other_scripts_are_also_spelled_in_latin_letters() {
        let keys = keys(Contact {
            family_name: "Ковальчук".into(),
            emails: vec![Email {
                address: "K@Example.com".into(),
                ..Email::default()
            }],
            ..Contact::default()
        });
        assert_eq!(
            keys.search_text,
            "\n\u{2}kovalchuk\n\u{2}ковальчук\n\u{4}k@example.com\n\u{17}kovalcuk\n"
        );
    }
}
