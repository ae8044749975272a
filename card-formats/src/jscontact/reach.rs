//! How a person is reached: e-mails, phones, services and pages.

use proto::contacts::v1::{Email, Impp, Phone, Url};

use super::labels::{self, Of};
use crate::json::Json;
use crate::limits::{PHONE, URL};
use crate::vcard::read::reach::{email_address, is_email, phone_number};
use crate::vcard::text::one_line;

fn is_preferred(entry: &Json) -> bool {
    entry.number_of("pref") == Some(1)
}

fn push_preferred(entry: &mut Json, is: bool) {
    if is {
        entry.push("pref", 1);
    }
}

pub(super) fn read_email(entry: &Json) -> Option<Email> {
    let address = email_address(entry.text_of("address"));
    is_email(&address).then(|| Email {
        address,
        label: labels::label(entry, Of::Other),
        primary: is_preferred(entry),
    })
}

pub(super) fn write_email(email: &Email) -> Json {
    let mut entry = Json::object("address", email.address.as_str());
    labels::push(&mut entry, &email.label, Of::Other);
    push_preferred(&mut entry, email.primary);
    entry
}

pub(super) fn read_phone(entry: &Json) -> Option<Phone> {
    let number = phone_number(entry.text_of("number"));
    let fits = !number.is_empty() && number.chars().count() <= PHONE;
    fits.then(|| Phone {
        number,
        label: labels::label(entry, Of::Phone),
        primary: is_preferred(entry),
        ..Phone::default()
    })
}

pub(super) fn write_phone(phone: &Phone) -> Json {
    let mut entry = Json::object("number", phone.number.as_str());
    labels::push(&mut entry, &phone.label, Of::Phone);
    push_preferred(&mut entry, phone.primary);
    entry
}

/// An address for messages. A profile without an address is named by its user.
pub(super) fn read_service(entry: &Json) -> Option<Impp> {
    let service = one_line(entry.text_of("service"));
    let mut uri = one_line(entry.text_of("uri"));
    let user = one_line(entry.text_of("user"));
    if uri.is_empty() && !user.is_empty() {
        let scheme: String = service
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let scheme = if scheme.is_empty() { "im" } else { &scheme };
        uri = format!("{}:{user}", scheme.to_ascii_lowercase());
    }
    let mut label = labels::label(entry, Of::Other);
    if label.is_empty() {
        label = service.to_lowercase();
        crate::vcard::text::cut(&mut label, crate::limits::LABEL);
    }
    fits(&uri).then_some(Impp { uri, label })
}

pub(super) fn write_service(impp: &Impp) -> Json {
    let mut entry = Json::object("uri", impp.uri.as_str());
    labels::push(&mut entry, &impp.label, Of::Other);
    entry
}

pub(super) fn read_link(entry: &Json) -> Option<Url> {
    let url = one_line(entry.text_of("uri"));
    let label = labels::label(entry, Of::Other);
    fits(&url).then_some(Url { url, label })
}

pub(super) fn write_link(url: &Url) -> Json {
    let mut entry = Json::object("uri", url.url.as_str());
    labels::push(&mut entry, &url.label, Of::Other);
    entry
}

fn fits(uri: &str) -> bool {
    !uri.is_empty() && uri.chars().count() <= URL
}
