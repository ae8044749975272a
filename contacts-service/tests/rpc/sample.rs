//! Contacts to test with.

use proto::contacts::v1::{
    Contact, Date, Email, Event, Impp, Organization, Phone, PostalAddress, Relation, Url,
};

pub fn named(given: &str, family: &str) -> Contact {
    Contact {
        given_name: given.into(),
        family_name: family.into(),
        ..Contact::default()
    }
}

pub fn ada() -> Contact {
    named("Ada", "Lovelace")
}

pub fn email(address: &str) -> Email {
    Email {
        address: address.into(),
        ..Email::default()
    }
}

pub fn phone(number: &str) -> Phone {
    Phone {
        number: number.into(),
        ..Phone::default()
    }
}

pub fn organization(name: &str) -> Organization {
    Organization {
        name: name.into(),
        ..Organization::default()
    }
}

pub fn date(year: i32, month: i32, day: i32) -> Date {
    Date { year, month, day }
}

pub fn born(given: &str, birthday: Date) -> Contact {
    Contact {
        given_name: given.into(),
        birthday: Some(birthday),
        ..Contact::default()
    }
}

/// A contact with every field that a client writes.
pub fn full() -> Contact {
    Contact {
        uid: "urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1".into(),
        name_prefix: "Dr.".into(),
        given_name: "Ada".into(),
        middle_name: "Augusta".into(),
        family_name: "Lovelace".into(),
        name_suffix: "Jr.".into(),
        nickname: "Countess".into(),
        phonetic_given_name: "Ayda".into(),
        phonetic_family_name: "Luvlis".into(),
        formatted_name: "Ada, Countess of Lovelace".into(),
        emails: vec![
            Email {
                address: "Ada@Example.com".into(),
                label: "home".into(),
                primary: true,
            },
            email("ada@engine.example"),
        ],
        phones: vec![Phone {
            number: "+44 20 7946 0958 ext. 12".into(),
            label: "work".into(),
            primary: true,
            e164: String::new(),
            extension: String::new(),
        }],
        addresses: vec![PostalAddress {
            label: "home".into(),
            street: "12 St James's Square\nSecond door".into(),
            extended: "Flat 3".into(),
            city: "London".into(),
            region: "Greater London".into(),
            postal_code: "SW1Y 4JH".into(),
            country: "United Kingdom".into(),
            country_code: "GB".into(),
        }],
        urls: vec![Url {
            url: "https://ada.example".into(),
            label: "blog".into(),
        }],
        organizations: vec![Organization {
            name: "Analytical Engines".into(),
            department: "Programs".into(),
            title: "Founder".into(),
        }],
        birthday: Some(date(1815, 12, 10)),
        date_of_death: Some(date(1852, 11, 27)),
        notes: "Wrote the first program.\nThen some more.".into(),
        starred: true,
        ..people()
    }
}

/// The lists of a full contact that do not identify it.
fn people() -> Contact {
    Contact {
        events: vec![Event {
            date: Some(date(1835, 7, 8)),
            label: "wedding".into(),
        }],
        relations: vec![Relation {
            name: "Charles Babbage".into(),
            label: "friend".into(),
        }],
        impps: vec![Impp {
            uri: "xmpp:ada@example.com".into(),
            label: "chat".into(),
        }],
        custom_fields: [("Shoe size".to_owned(), "38".to_owned())].into(),
        labels: vec!["Friends".into(), "Maths".into()],
        raw_properties: vec!["X-ANCIENT;TYPE=a:b\\,c".into()],
        ..Contact::default()
    }
}

/// A contact without what the server sets.
pub fn as_written(mut contact: Contact) -> Contact {
    contact.id.clear();
    contact.etag.clear();
    contact.version = 0;
    contact.create_time = None;
    contact.update_time = None;
    contact.delete_time = None;
    contact.expire_time = None;
    contact.display_name.clear();
    for phone in &mut contact.phones {
        phone.e164.clear();
        phone.extension.clear();
    }
    contact
}

pub fn ids(contacts: &[Contact]) -> Vec<&str> {
    contacts.iter().map(|contact| &*contact.id).collect()
}
