//! A contact as its owner wrote it.

use std::collections::HashSet;
use std::fmt::Display;

use chassis::text;
use prost::Message;
use proto::contacts::v1::{Contact, Date, Email, Phone};

use super::phone::{DefaultRegion, understand};
use super::{date, limits};
use crate::error::{Error, Invalid, Result};

/// A contact that keeps every rule of its message's comments: text in NFC,
/// phones understood, the display name made, and nothing set that the store
/// keeps beside it (ids, versions, times).
///
/// It wraps the message itself: a twin of thirty fields would say the same
/// twice, and the stored bytes are the message's.
#[derive(Clone, Debug, PartialEq)]
pub struct Body(Contact);

impl Body {
    /// Accepts a contact, or says everything that is wrong with it. Output-only
    /// fields and the uid are dropped; phones keep an `e164` that is set.
    pub fn parse(mut contact: Contact, region: DefaultRegion) -> Result<Self> {
        clear_kept_beside(&mut contact);
        let mut check = Check::default();
        check.names(&mut contact);
        check.emails(&mut contact.emails);
        check.phones(&mut contact.phones);
        check.addresses(&mut contact);
        check.web(&mut contact);
        check.people(&mut contact);
        check.free(&mut contact);
        if let Some(birthday) = contact.birthday {
            check.date("birthday", birthday);
        }
        if !check.0.is_empty() {
            return Err(Invalid::many("FIELD_INVALID", check.0).into());
        }
        for phone in &mut contact.phones {
            understand(phone, region);
        }
        contact.display_name = display_name(&contact);
        if contact.display_name.is_empty() {
            return Err(Error::invalid(
                "CONTACT_EMPTY",
                "contact",
                "needs a name, a nickname, an organization, an e-mail or a phone",
            ));
        }
        if contact.encoded_len() > limits::BODY_BYTES {
            return Err(Error::invalid(
                "CONTACT_TOO_LARGE",
                "contact",
                "takes more than 64 KiB",
            ));
        }
        Ok(Self(contact))
    }

    /// What is stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Contact {
        &self.0
    }

    /// The message.
    #[must_use]
    pub fn into_message(self) -> Contact {
        self.0
    }
}

/// A vCard UID that came over the wire; nothing when it is to be made.
pub fn parse_uid(text: &str) -> Result<Option<String>> {
    let uid = text::single_line(text, limits::UID)
        .map_err(|problem| Error::invalid("FIELD_INVALID", "contact.uid", problem))?;
    Ok(Some(uid).filter(|uid| !uid.is_empty()))
}

/// Forgets what a client may not set of its phones.
pub fn clear_understood(contact: &mut Contact) {
    for phone in &mut contact.phones {
        phone.e164.clear();
        phone.extension.clear();
    }
}

fn clear_kept_beside(contact: &mut Contact) {
    contact.id.clear();
    contact.uid.clear();
    contact.etag.clear();
    contact.version = 0;
    contact.create_time = None;
    contact.update_time = None;
    contact.delete_time = None;
    contact.expire_time = None;
    contact.merged_into.clear();
    contact.photo = None;
}

/// From the names, else the nickname, the organization, the first e-mail or
/// phone. Names in Han, Kana or Hangul put the family first.
fn display_name(contact: &Contact) -> String {
    let east_asian = |text: &str| {
        text.chars().next().is_some_and(|c| {
            matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
        })
    };
    let family_first = east_asian(&contact.family_name) && east_asian(&contact.given_name);
    let (first, last) = if family_first {
        (&contact.family_name, &contact.given_name)
    } else {
        (&contact.given_name, &contact.family_name)
    };
    let names = [
        &contact.name_prefix,
        first,
        &contact.middle_name,
        last,
        &contact.name_suffix,
    ];
    let names: Vec<&str> = names
        .into_iter()
        .map(String::as_str)
        .filter(|name| !name.is_empty())
        .collect();
    let organization = contact.organizations.iter().map(|organization| {
        [
            &organization.name,
            &organization.department,
            &organization.title,
        ]
        .into_iter()
        .find(|text| !text.is_empty())
        .cloned()
        .unwrap_or_default()
    });
    [names.join(" "), contact.nickname.clone()]
        .into_iter()
        .chain(organization)
        .chain(contact.emails.iter().map(|email| email.address.clone()))
        .chain(contact.phones.iter().map(|phone| phone.number.clone()))
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}

/// Normalises fields in place, and collects what is wrong: paths and problems.
#[derive(Default)]
struct Check(Vec<(String, String)>);

impl Check {
    fn refuse(&mut self, field: impl Display, problem: impl Into<String>) {
        self.0.push((format!("contact.{field}"), problem.into()));
    }

    fn line(&mut self, field: impl Display, text: &mut String, chars_max: usize) {
        if text.is_empty() {
            return;
        }
        match text::single_line(text, chars_max) {
            Ok(normalized) => *text = normalized,
            Err(problem) => self.refuse(field, problem),
        }
    }

    fn lines(&mut self, field: impl Display, text: &mut String, chars_max: usize) {
        match text::multi_line(text, chars_max) {
            Ok(normalized) => *text = normalized,
            Err(problem) => self.refuse(field, problem),
        }
    }

    fn required(&mut self, field: impl Display, text: &mut String, chars_max: usize) {
        self.line(&field, text, chars_max);
        if text.is_empty() {
            self.refuse(field, "must not be empty");
        }
    }

    fn count(&mut self, field: &str, count: usize) {
        if count > limits::ITEMS {
            self.refuse(field, format!("has more than {} elements", limits::ITEMS));
        }
    }

    fn date(&mut self, field: impl Display, value: Date) {
        if let Err(problem) = date::check(value) {
            self.refuse(field, problem);
        }
    }

    fn one_primary(&mut self, field: &str, primary: impl Iterator<Item = bool>) {
        let mut marked = primary.enumerate().filter(|(_, primary)| *primary);
        marked.next();
        if let Some((index, _)) = marked.next() {
            self.refuse(
                format_args!("{field}[{index}].primary"),
                "is set, and so is an earlier one's",
            );
        }
    }

    fn names(&mut self, contact: &mut Contact) {
        for (field, text) in [
            ("name_prefix", &mut contact.name_prefix),
            ("given_name", &mut contact.given_name),
            ("middle_name", &mut contact.middle_name),
            ("family_name", &mut contact.family_name),
            ("name_suffix", &mut contact.name_suffix),
            ("nickname", &mut contact.nickname),
            ("phonetic_given_name", &mut contact.phonetic_given_name),
            ("phonetic_family_name", &mut contact.phonetic_family_name),
        ] {
            self.line(field, text, limits::NAME);
        }
    }

    fn emails(&mut self, emails: &mut [Email]) {
        self.count("emails", emails.len());
        for (i, email) in emails.iter_mut().enumerate() {
            let field = format!("emails[{i}].address");
            self.line(&field, &mut email.address, limits::EMAIL);
            let sides = email.address.rsplit_once('@');
            if sides.is_none_or(|(local, domain)| local.is_empty() || domain.is_empty()) {
                self.refuse(field, "needs an @ with something on both sides");
            }
            self.line(
                format_args!("emails[{i}].label"),
                &mut email.label,
                limits::LABEL,
            );
        }
        self.one_primary("emails", emails.iter().map(|email| email.primary));
    }

    fn phones(&mut self, phones: &mut [Phone]) {
        self.count("phones", phones.len());
        for (i, phone) in phones.iter_mut().enumerate() {
            self.required(
                format_args!("phones[{i}].number"),
                &mut phone.number,
                limits::PHONE,
            );
            self.line(
                format_args!("phones[{i}].label"),
                &mut phone.label,
                limits::LABEL,
            );
        }
        self.one_primary("phones", phones.iter().map(|phone| phone.primary));
    }

    fn addresses(&mut self, contact: &mut Contact) {
        self.count("addresses", contact.addresses.len());
        for (i, address) in contact.addresses.iter_mut().enumerate() {
            self.line(
                format_args!("addresses[{i}].label"),
                &mut address.label,
                limits::LABEL,
            );
            for (field, text) in [
                ("street", &mut address.street),
                ("extended", &mut address.extended),
            ] {
                self.lines(format_args!("addresses[{i}].{field}"), text, limits::LINE);
            }
            for (field, text) in [
                ("city", &mut address.city),
                ("region", &mut address.region),
                ("postal_code", &mut address.postal_code),
                ("country", &mut address.country),
            ] {
                self.line(format_args!("addresses[{i}].{field}"), text, limits::LINE);
            }
            let code = &mut address.country_code;
            code.make_ascii_uppercase();
            if !code.is_empty()
                && (code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()))
            {
                self.refuse(
                    format_args!("addresses[{i}].country_code"),
                    "is not an ISO 3166-1 alpha-2 code",
                );
            }
        }
    }

    fn web(&mut self, contact: &mut Contact) {
        self.count("urls", contact.urls.len());
        for (i, url) in contact.urls.iter_mut().enumerate() {
            self.required(format_args!("urls[{i}].url"), &mut url.url, limits::URL);
            self.line(
                format_args!("urls[{i}].label"),
                &mut url.label,
                limits::LABEL,
            );
        }
        self.count("impps", contact.impps.len());
        for (i, impp) in contact.impps.iter_mut().enumerate() {
            self.required(format_args!("impps[{i}].uri"), &mut impp.uri, limits::URL);
            self.line(
                format_args!("impps[{i}].label"),
                &mut impp.label,
                limits::LABEL,
            );
        }
    }

    fn people(&mut self, contact: &mut Contact) {
        self.count("organizations", contact.organizations.len());
        for (i, organization) in contact.organizations.iter_mut().enumerate() {
            let mut empty = true;
            for (field, text) in [
                ("name", &mut organization.name),
                ("department", &mut organization.department),
                ("title", &mut organization.title),
            ] {
                self.line(
                    format_args!("organizations[{i}].{field}"),
                    text,
                    limits::LINE,
                );
                empty &= text.is_empty();
            }
            if empty {
                self.refuse(format_args!("organizations[{i}]"), "must not be empty");
            }
        }
        self.count("relations", contact.relations.len());
        for (i, relation) in contact.relations.iter_mut().enumerate() {
            self.required(
                format_args!("relations[{i}].name"),
                &mut relation.name,
                limits::LINE,
            );
            self.line(
                format_args!("relations[{i}].label"),
                &mut relation.label,
                limits::LABEL,
            );
        }
        self.count("events", contact.events.len());
        for (i, event) in contact.events.iter_mut().enumerate() {
            match event.date {
                Some(date) => self.date(format_args!("events[{i}].date"), date),
                None => self.refuse(format_args!("events[{i}].date"), "must not be empty"),
            }
            self.line(
                format_args!("events[{i}].label"),
                &mut event.label,
                limits::LABEL,
            );
        }
    }

    fn free(&mut self, contact: &mut Contact) {
        self.lines("notes", &mut contact.notes, usize::MAX);
        if contact.notes.len() > limits::NOTES_BYTES {
            self.refuse("notes", "takes more than 16 KiB");
        }
        self.custom_fields(contact);
        self.count("labels", contact.labels.len());
        for (i, label) in contact.labels.iter_mut().enumerate() {
            self.required(format_args!("labels[{i}]"), label, limits::LABEL);
        }
        let mut seen = HashSet::new();
        contact.labels.retain(|label| seen.insert(label.clone()));
        self.count("raw_properties", contact.raw_properties.len());
        for (i, property) in contact.raw_properties.iter().enumerate() {
            // Kept to the letter, so only looked at.
            if let Err(problem) = text::multi_line(property, limits::RAW_PROPERTY) {
                self.refuse(format_args!("raw_properties[{i}]"), problem);
            }
        }
    }

    fn custom_fields(&mut self, contact: &mut Contact) {
        self.count("custom_fields", contact.custom_fields.len());
        for (mut key, mut value) in std::mem::take(&mut contact.custom_fields) {
            // A key that is no plain line is not repeated in an error.
            let Ok(plain) = text::single_line(&key, limits::LABEL) else {
                let problem = "has a key over 100 characters or with a control character";
                self.refuse("custom_fields", problem);
                continue;
            };
            key = plain;
            if key.is_empty() {
                self.refuse("custom_fields", "has an empty key");
            }
            self.lines(
                format_args!("custom_fields[{key:?}]"),
                &mut value,
                limits::LINE,
            );
            if contact.custom_fields.insert(key, value).is_some() {
                self.refuse(
                    "custom_fields",
                    "has two keys that differ in spaces or form only",
                );
            }
        }
    }
}
