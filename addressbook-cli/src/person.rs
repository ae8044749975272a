//! A contact for people.

use addressbook_client::proto::contacts::v1::{Contact, Date};
use card_formats::date_text;

/// The full name of the message.
pub(crate) const CONTACT: &str = "addressbook.contacts.v1.Contact";

/// The columns of [`row`].
pub(crate) const HEADER: [&str; 4] = ["NAME", "E-MAIL", "PHONE", "ID"];

/// The fields that [`row`] needs.
pub(crate) const FIELDS: [&str; 4] = ["display_name", "emails", "phones", "starred"];

/// A contact as a row of a table.
pub(crate) fn row(contact: &Contact) -> Vec<String> {
    let star = if contact.starred { "★ " } else { "" };
    let email = contact.emails.first().map(|email| email.address.clone());
    let phone = contact.phones.first().map(|phone| phone.number.clone());
    vec![
        format!("{star}{}", contact.display_name),
        email.unwrap_or_default(),
        phone.unwrap_or_default(),
        contact.id.clone(),
    ]
}

/// The fields of a contact that people read, each with its name and label.
struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds a field, unless it is empty.
    fn add(&mut self, name: &str, label: &str, value: impl Into<String>) {
        let value = value.into();
        if value.is_empty() {
            return;
        }
        let name = if label.is_empty() {
            name.to_owned()
        } else {
            format!("{name} ({label})")
        };
        self.0.push((name, value));
    }

    fn add_addresses(&mut self, contact: &Contact) {
        for email in &contact.emails {
            self.add("e-mail", &email.label, &email.address);
        }
        for phone in &contact.phones {
            self.add("phone", &phone.label, &phone.number);
        }
        for address in &contact.addresses {
            let city = joined(&[&address.postal_code, &address.city], " ");
            let country = [&city, &address.region, &address.country];
            let parts = [[&address.extended, &address.street].as_slice(), &country].concat();
            self.add("address", &address.label, joined(&parts, ", "));
        }
        for url in &contact.urls {
            self.add("url", &url.label, &url.url);
        }
        for impp in &contact.impps {
            self.add("messages", &impp.label, &impp.uri);
        }
    }

    fn add_dates(&mut self, contact: &Contact) {
        let text = |day: &Option<Date>| day.map(date_text).unwrap_or_default();
        self.add("birthday", "", text(&contact.birthday));
        self.add("died", "", text(&contact.date_of_death));
        for event in &contact.events {
            self.add("event", &event.label, text(&event.date));
        }
    }
}

/// All fields of a contact that people read, each with its name.
pub(crate) fn fields(contact: &Contact) -> Vec<(String, String)> {
    let mut fields = Fields(Vec::new());
    fields.add("name", "", &contact.display_name);
    fields.add("nickname", "", &contact.nickname);
    for organization in &contact.organizations {
        let parts = [
            &organization.title,
            &organization.department,
            &organization.name,
        ];
        fields.add("organization", "", joined(&parts, ", "));
    }
    fields.add_addresses(contact);
    fields.add_dates(contact);
    for relation in &contact.relations {
        fields.add("relation", &relation.label, &relation.name);
    }
    for (key, value) in &contact.custom_fields {
        fields.add(key, "", value);
    }
    fields.add("labels", "", contact.labels.join(", "));
    if let Some(photo) = &contact.photo {
        fields.add(
            "photo",
            "",
            format!("{}, {} bytes", photo.media_type, photo.byte_size),
        );
    }
    fields.add("notes", "", &contact.notes);
    fields.add("id", "", &contact.id);
    fields.0
}

fn joined(parts: &[&String], separator: &str) -> String {
    let parts = parts.iter().filter(|part| !part.is_empty());
    parts
        .map(|part| part.replace('\n', ", "))
        .collect::<Vec<_>>()
        .join(separator)
}

#[cfg(test)]
mod tests {
    use addressbook_client::proto::contacts::v1::{Email, PostalAddress};

    use super::*;

    #[test]
    fn empty_fields_are_not_shown() {
        let contact = Contact {
            display_name: "Ada".into(),
            emails: vec![Email {
                address: "ada@example.com".into(),
                label: "work".into(),
                primary: false,
            }],
            addresses: vec![PostalAddress {
                street: "Ring 1\nHof".into(),
                postal_code: "10115".into(),
                city: "Berlin".into(),
                ..PostalAddress::default()
            }],
            ..Contact::default()
        };

        let fields = fields(&contact);

        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let expected = [
            ("name", "Ada"),
            ("e-mail (work)", "ada@example.com"),
            ("address", "Ring 1, Hof, 10115 Berlin"),
        ];
        assert_eq!(fields, expected);
    }
}
