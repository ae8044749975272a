//! A contact as a text to edit.

use addressbook_client::proto::contacts::v1::Contact;
use addressbook_client::{from_json, to_json};
use serde_json::{Map, Value};

use crate::person::CONTACT;

/// The fields to edit, in their order. Values come before tables, as TOML requires.
const FIELDS: [&str; 24] = [
    "namePrefix",
    "givenName",
    "middleName",
    "familyName",
    "nameSuffix",
    "formattedName",
    "nickname",
    "phoneticGivenName",
    "phoneticFamilyName",
    "starred",
    "labels",
    "notes",
    "rawProperties",
    "emails",
    "phones",
    "organizations",
    "birthday",
    "addresses",
    "urls",
    "impps",
    "events",
    "relations",
    "dateOfDeath",
    "customFields",
];

/// What the server sets within a phone.
const OUTPUT_ONLY: [&str; 2] = ["e164", "extension"];

const HELP: &str = "\
# Change the contact and save it. Without a change, nothing is stored.
# To remove a field, remove its lines. Further fields:
#
#   givenName = \"Ada\"            also namePrefix, middleName, familyName, nameSuffix,
#                                formattedName, nickname, notes
#   starred = true
#   labels = [\"Rowing\", \"Work\"]
#   [[emails]]                   one for each
#   address = \"ada@example.com\"
#   label = \"work\"
#   [[phones]]                   number, label
#   [[organizations]]            name, department, title
#   [[addresses]]                street, extended, city, region, postalCode, country, label
#   [[urls]]                     url, label
#   [[impps]]                    uri, label
#   [[relations]]                name, label
#   [[events]]                   date = { year = 2020, month = 5, day = 1 }, label
#   [birthday]                   year, month, day; also [dateOfDeath]
#   [customFields]               any names

";

/// The text of a contact.
pub(crate) fn of(contact: &Contact) -> Result<String, toml::ser::Error> {
    let mut value = to_json(CONTACT, contact);
    let phones = value.get_mut("phones").and_then(Value::as_array_mut);
    for phone in phones.into_iter().flatten() {
        if let Some(phone) = phone.as_object_mut() {
            phone.retain(|name, _| !OUTPUT_ONLY.contains(&&**name));
        }
    }
    let mut text = HELP.to_owned();
    for name in FIELDS {
        if let Some(field) = value.as_object_mut().and_then(|fields| fields.remove(name)) {
            let field = Map::from_iter([(name.to_owned(), field)]);
            text += &toml::to_string_pretty(&field)?;
        }
    }
    Ok(text)
}

/// The contact of an edited text. A field that the text lacks is removed.
pub(crate) fn read(text: &str, before: &Contact) -> Result<Contact, String> {
    let edited: Value = toml::from_str(text).map_err(|cause| cause.to_string())?;
    let edited: Contact = from_json(CONTACT, edited).map_err(|cause| cause.to_string())?;
    Ok(Contact {
        id: before.id.clone(),
        uid: before.uid.clone(),
        etag: before.etag.clone(),
        ..edited
    })
}

#[cfg(test)]
mod tests {
    use addressbook_client::proto::contacts::v1::{Date, Email, Phone};

    use super::*;

    fn contact() -> Contact {
        Contact {
            id: "0190b5d4-7a00-7000-8000-000000000000".into(),
            uid: "uid".into(),
            etag: "etag".into(),
            given_name: "Ada".into(),
            notes: "one\ntwo \"three\"".into(),
            starred: true,
            labels: vec!["Work".into()],
            emails: vec![Email {
                address: "ada@example.com".into(),
                label: "work".into(),
                primary: true,
            }],
            phones: vec![Phone {
                number: "030 1".into(),
                ..Phone::default()
            }],
            birthday: Some(Date {
                year: 1815,
                month: 12,
                day: 10,
            }),
            custom_fields: [("shoe size".to_owned(), "38".to_owned())].into(),
            raw_properties: vec!["X-A:b".into()],
            ..Contact::default()
        }
    }

    #[test]
    fn a_text_is_the_contact() {
        let contact = contact();

        let text = of(&contact).unwrap();

        assert_eq!(read(&text, &contact).unwrap(), contact, "{text}");
        assert!(!text.contains("etag"), "{text}");
    }

    #[test]
    fn a_contact_can_have_a_name_alone() {
        let contact = Contact {
            given_name: "Ada".into(),
            ..Contact::default()
        };

        let text = of(&contact).unwrap();

        assert_eq!(read(&text, &contact).unwrap(), contact, "{text}");
    }

    #[test]
    fn what_the_server_sets_is_not_edited() {
        let mut shown = contact();
        shown.phones[0].e164 = "+49301".into();
        shown.display_name = "Ada".into();
        shown.version = 7;

        assert_eq!(of(&shown).unwrap(), of(&contact()).unwrap());
    }

    #[test]
    fn a_mistake_is_named() {
        let error = read("givenname = \"Ada\"", &contact()).unwrap_err();

        assert!(error.contains("givenname"), "{error}");
        assert!(read("given", &contact()).is_err());
    }
}
