//! How a person is reached: e-mails, phones, addresses, messages, and pages.

use proto::contacts::v1::{Email, Impp, Phone, PostalAddress, Url};

use super::{Build, Taken};
use crate::limits::{EMAIL, ITEMS, LINE, PHONE, URL};
use crate::vcard::property::Property;
use crate::vcard::text::{cut, many_lines, one_line, split, unescape};

/// Properties for one service each, and the scheme of its addresses.
const SERVICES: [(&str, &str); 18] = [
    ("X-AIM", "aim"),
    ("X-JABBER", "xmpp"),
    ("X-GOOGLE-TALK", "xmpp"),
    ("X-GTALK", "xmpp"),
    ("X-SKYPE", "skype"),
    ("X-SKYPE-USERNAME", "skype"),
    ("X-ICQ", "icq"),
    ("X-MSN", "msnim"),
    ("X-MS-IMADDRESS", "msnim"),
    ("X-YAHOO", "ymsgr"),
    ("X-QQ", "qq"),
    ("X-GADUGADU", "gg"),
    ("X-GROUPWISE", "groupwise"),
    ("X-TWITTER", "twitter"),
    ("X-MATRIX", "matrix"),
    ("X-TELEGRAM", "telegram"),
    ("X-SIP", "sip"),
    ("X-EVOLUTION-VIDEO-URL", "callto"),
];

impl Build {
    pub(super) fn take_reach(&mut self, property: &Property) -> Option<Taken> {
        let name = property.name.as_str();
        let taken = match name {
            "EMAIL" => self.email(property),
            "TEL" => self.phone(property),
            "ADR" => self.address(property),
            "URL" => {
                let (label, is_whole) = self.label(property);
                self.url(property, label, is_whole && !property.has_others_than(&[]))
            }
            "X-SOCIALPROFILE" | "SOCIALPROFILE" => self.profile(property),
            "IMPP" => self.message_address(property),
            _ => {
                let (_, scheme) = SERVICES.iter().find(|(service, _)| *service == name)?;
                self.service(property, scheme)
            }
        };
        Some(taken)
    }

    fn email(&mut self, property: &Property) -> Taken {
        let address = email_address(&unescape(&property.value));
        if address.is_empty() {
            return Taken::Whole;
        }
        if !is_email(&address) {
            self.warn(property, "is not an e-mail address; kept as a raw property");
            return Taken::Not;
        }
        if self.contact.emails.len() >= ITEMS {
            return Taken::Not;
        }
        let (label, is_whole) = self.label(property);
        let has_primary = self.contact.emails.iter().any(|email| email.primary);
        self.contact.emails.push(Email {
            address,
            label,
            primary: property.is_preferred() && !has_primary,
        });
        Taken::whole_if(is_whole && !property.has_others_than(&[]))
    }

    fn phone(&mut self, property: &Property) -> Taken {
        let number = phone_number(&unescape(&property.value));
        if number.is_empty() {
            return Taken::Whole;
        }
        if number.chars().count() > PHONE {
            self.warn(
                property,
                "has more than 100 characters; kept as a raw property",
            );
            return Taken::Not;
        }
        if self.contact.phones.len() >= ITEMS {
            return Taken::Not;
        }
        let (label, is_whole) = self.label(property);
        let has_primary = self.contact.phones.iter().any(|phone| phone.primary);
        self.contact.phones.push(Phone {
            number,
            label,
            primary: property.is_preferred() && !has_primary,
            ..Phone::default()
        });
        Taken::whole_if(is_whole && !property.has_others_than(&[]))
    }

    fn address(&mut self, property: &Property) -> Taken {
        let components = property.components();
        let part = |at: usize| {
            let values = split(components.get(at).copied().unwrap_or_default(), ',');
            let values = values.into_iter().map(|value| many_lines(&unescape(value)));
            let values: Vec<String> = values.filter(|value| !value.is_empty()).collect();
            values.join(", ")
        };
        let extended = [part(0), part(1)];
        let extended: Vec<String> = extended
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let (label, is_whole_label) = self.label(property);
        let country_code = self
            .group_countries
            .get(&property.group)
            .map(String::as_str);
        let country_code = property
            .parameter("CC")
            .or(country_code)
            .unwrap_or_default();
        let is_code =
            country_code.len() == 2 && country_code.bytes().all(|b| b.is_ascii_alphabetic());
        let mut address = PostalAddress {
            extended: extended.join("\n"),
            street: part(2),
            city: one_line(&part(3)),
            region: one_line(&part(4)),
            postal_code: one_line(&part(5)),
            country: one_line(&part(6)),
            country_code: if is_code {
                country_code.to_ascii_uppercase()
            } else {
                String::new()
            },
            ..PostalAddress::default()
        };
        if address == PostalAddress::default() && !property.has_others_than(&["CC"]) {
            return Taken::Whole;
        }
        if self.contact.addresses.len() >= ITEMS {
            return Taken::Not;
        }
        address.label = label;
        let mut was_cut = false;
        for text in [
            &mut address.extended,
            &mut address.street,
            &mut address.city,
            &mut address.region,
            &mut address.postal_code,
            &mut address.country,
        ] {
            was_cut |= cut(text, LINE);
        }
        let is_first_or_plain = self.contact.addresses.is_empty() || !property.is_preferred();
        self.contact.addresses.push(address);
        let is_whole = is_whole_label && !was_cut && components.len() <= 7 && extended.len() <= 1;
        Taken::whole_if(is_whole && is_first_or_plain && !property.has_others_than(&["CC"]))
    }

    fn url(&mut self, property: &Property, label: String, is_whole: bool) -> Taken {
        let url = one_line(&unescape(&property.value));
        if url.is_empty() {
            return Taken::Whole;
        }
        if url.chars().count() > URL || self.contact.urls.len() >= ITEMS {
            self.warn(
                property,
                "has more than 2,000 characters; kept as a raw property",
            );
            return Taken::Not;
        }
        let is_whole = is_whole && (self.contact.urls.is_empty() || !property.is_preferred());
        self.contact.urls.push(Url { url, label });
        Taken::whole_if(is_whole)
    }

    /// A profile in a social network: its address, labelled by the network.
    fn profile(&mut self, property: &Property) -> Taken {
        let (label, is_whole) = self.label(property);
        let service = property.parameter("SERVICE-TYPE").map(str::to_lowercase);
        let is_whole = is_whole && service.is_none() && !property.has_others_than(&[]);
        self.url(property, service.unwrap_or(label), is_whole)
    }

    fn message_address(&mut self, property: &Property) -> Taken {
        let uri = one_line(&unescape(&property.value));
        if uri.is_empty() {
            return Taken::Whole;
        }
        if uri.chars().count() > URL || self.contact.impps.len() >= ITEMS {
            self.warn(
                property,
                "has more than 2,000 characters; kept as a raw property",
            );
            return Taken::Not;
        }
        let scheme = uri.split(':').next().unwrap_or_default();
        let service = property
            .parameter("X-SERVICE-TYPE")
            .or(property.parameter("SERVICE-TYPE"));
        let is_named = service.is_none_or(|service| {
            service.eq_ignore_ascii_case(scheme)
                || (service.eq_ignore_ascii_case("jabber") && scheme == "xmpp")
        });
        let (label, is_whole) = self.label(property);
        let is_first = self.contact.impps.is_empty();
        let is_whole = is_whole && is_named && (is_first || !property.is_preferred());
        self.contact.impps.push(Impp { uri, label });
        Taken::whole_if(is_whole && !property.has_others_than(&["X-SERVICE-TYPE", "SERVICE-TYPE"]))
    }

    /// An address for one service, which programs often write beside an IMPP.
    fn service(&mut self, property: &Property, scheme: &str) -> Taken {
        let text = one_line(&unescape(&property.value));
        let text = strip_scheme(&text, &format!("{scheme}:")).to_owned();
        if text.is_empty() {
            return Taken::Whole;
        }
        let uri = format!("{scheme}:{text}");
        if uri.chars().count() > URL || self.contact.impps.len() >= ITEMS {
            return Taken::Not;
        }
        if !self.contact.impps.iter().any(|impp| impp.uri == uri) {
            let (label, _) = self.label(property);
            self.contact.impps.push(Impp { uri, label });
        }
        Taken::Whole
    }
}

/// The number in a text, which may be a URI (RFC 3966).
pub(crate) fn phone_number(text: &str) -> String {
    let text = one_line(text);
    match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => {
            let mut parts = text[4..].split(';');
            let number = percent_decoded(parts.next().unwrap_or_default());
            match parts.find_map(|part| part.strip_prefix("ext=")) {
                Some(extension) => format!("{number} ext. {extension}"),
                None => number,
            }
        }
        _ => text,
    }
}

/// The address in a text, which may be a URI.
pub(crate) fn email_address(text: &str) -> String {
    strip_scheme(&one_line(text), "mailto:").to_owned()
}

/// Whether a contact can have this e-mail address.
pub(crate) fn is_email(address: &str) -> bool {
    let sides = address.rsplit_once('@');
    sides.is_some_and(|(local, domain)| !local.trim().is_empty() && !domain.trim().is_empty())
        && address.chars().count() <= EMAIL
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> &'a str {
    match text.split_at_checked(scheme.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(scheme) => rest,
        _ => text,
    }
}

fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = crate::vcard::text::quoted_printable(text.replace('%', "=").as_bytes());
    one_line(&String::from_utf8_lossy(&bytes))
}
