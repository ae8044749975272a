//! Validates the fields of a contact.

use std::collections::HashSet;
use std::fmt::Display;

use chassis::text;
use proto::contacts::v1::{Contact, Date, Email, Phone};

use super::characters::is_invisible;
use super::identity::label_key;
use super::{date, limits};

/// Normalizes fields in place, and collects errors: paths and problems.
#[derive(Default)]
pub(super) struct Check(Vec<(String, String)>);

impl Check {
    /// Normalizes every field of a contact; returns its errors.
    pub(super) fn contact(contact: &mut Contact) -> Vec<(String, String)> {
        let mut check = Self::default();
        check.names(contact);
        check.emails(&mut contact.emails);
        check.phones(&mut contact.phones);
        check.addresses(contact);
        check.web(contact);
        check.people(contact);
        check.free(contact);
        for (field, date) in [
            ("birthday", contact.birthday),
            ("date_of_death", contact.date_of_death),
        ] {
            if let Some(date) = date {
                check.date(field, date);
            }
        }
        check.0
    }

    fn refuse(&mut self, field: impl Display, problem: impl Into<String>) {
        self.0.push((format!("contact.{field}"), problem.into()));
    }

    /// Clears a text that shows nothing. Returns whether the text is valid.
    fn line(&mut self, field: impl Display, text: &mut String, chars_max: usize) -> bool {
        if text.is_empty() {
            return true;
        }
        match text::single_line(text, chars_max) {
            Ok(normalized) if is_invisible(&normalized) => text.clear(),
            Ok(normalized) => *text = normalized,
            Err(problem) => {
                self.refuse(field, problem);
                return false;
            }
        }
        true
    }

    fn lines(&mut self, field: impl Display, text: &mut String, chars_max: usize) {
        match text::multi_line(text, chars_max) {
            Ok(normalized) if is_invisible(&normalized) => text.clear(),
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
                "must not be set twice",
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
            ("formatted_name", &mut contact.formatted_name),
        ] {
            self.line(field, text, limits::NAME);
        }
    }

    fn emails(&mut self, emails: &mut [Email]) {
        self.count("emails", emails.len());
        for (i, email) in emails.iter_mut().enumerate() {
            let field = format!("emails[{i}].address");
            let fine = self.line(&field, &mut email.address, limits::EMAIL);
            let sides = email.address.rsplit_once('@');
            if fine
                && sides.is_none_or(|(local, domain)| is_invisible(local) || is_invisible(domain))
            {
                self.refuse(field, "must contain an @ with text on both sides");
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
            self.refuse("notes", "must have at most 16 KiB");
        }
        self.custom_fields(contact);
        self.count("labels", contact.labels.len());
        for (i, label) in contact.labels.iter_mut().enumerate() {
            self.required(format_args!("labels[{i}]"), label, limits::LABEL);
        }
        if contact.labels.len() > 1 {
            let mut seen = HashSet::new();
            contact.labels.retain(|label| seen.insert(label_key(label)));
        }
        self.count("raw_properties", contact.raw_properties.len());
        for (i, property) in contact.raw_properties.iter().enumerate() {
            // Stored verbatim, so only checked.
            if let Err(problem) = text::multi_line(property, limits::RAW_PROPERTY) {
                self.refuse(format_args!("raw_properties[{i}]"), problem);
            }
        }
    }

    fn custom_fields(&mut self, contact: &mut Contact) {
        self.count("custom_fields", contact.custom_fields.len());
        for (mut key, mut value) in std::mem::take(&mut contact.custom_fields) {
            // A key that is not a plain line is not repeated in an error.
            let Ok(plain) = text::single_line(&key, limits::LABEL) else {
                let problem = "has a key over 100 characters or with a control character";
                self.refuse("custom_fields", problem);
                continue;
            };
            key = plain;
            if is_invisible(&key) {
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
