//! What a contact is called, and what of a card has room in it.

use prost::Message;
use proto::contacts::v1::Contact;

use super::Build;
use crate::card::Warning;
use crate::limits;

impl Build {
    /// Drops raw properties that are too many or too large, the largest first.
    pub(super) fn fit(&mut self, raw: &mut Vec<String>) {
        let mut room = limits::CONTACT_BYTES.saturating_sub(self.contact.encoded_len());
        let mut by_size: Vec<usize> = (0..raw.len()).collect();
        by_size.sort_by_key(|at| raw[*at].len());
        let mut kept = vec![false; raw.len()];
        for at in by_size.into_iter().take(limits::RAW_PROPERTIES) {
            // Its key and its length need up to five bytes.
            let Some(left) = room.checked_sub(raw[at].len() + 5) else {
                break;
            };
            room = left;
            kept[at] = true;
        }
        for (text, _) in raw.iter().zip(&kept).filter(|(_, kept)| !**kept) {
            if self.warnings.len() < limits::WARNINGS {
                let name = text.split([':', ';']).next().unwrap_or_default();
                self.warnings.push(Warning {
                    property: name.to_owned(),
                    text: "was dropped: the card has more than fits in a contact".into(),
                });
            }
        }
        let mut kept = kept.into_iter();
        raw.retain(|_| kept.next().unwrap_or(false));
    }

    /// A name that is as the parts of the name are put together needs no field of its own.
    pub(super) fn settle_name(&mut self) {
        if self.is_written_name {
            return;
        }
        if as_parts(&self.contact) {
            self.contact.formatted_name.clear();
        }
    }
}

/// Whether the formatted name is as the contact would be shown without it.
pub(crate) fn as_parts(contact: &Contact) -> bool {
    let formatted = contact.formatted_name.as_str();
    let shown = unformatted_name(contact);
    let together = format!("{}{}", contact.family_name, contact.given_name);
    let is_east_asian = together.chars().all(|c| c >= '\u{2e80}');
    formatted.split_whitespace().eq(shown.split_whitespace())
        || (is_east_asian && formatted == together)
}

/// The name that a contact is shown by.
pub(crate) fn display_name(contact: &Contact) -> String {
    if !contact.formatted_name.is_empty() {
        return contact.formatted_name.clone();
    }
    unformatted_name(contact)
}

fn unformatted_name(contact: &Contact) -> String {
    let family_first = is_east_asian(&contact.family_name) && is_east_asian(&contact.given_name);
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
    let organizations = contact.organizations.iter().map(|organization| {
        let texts = [
            &organization.name,
            &organization.department,
            &organization.title,
        ];
        texts
            .into_iter()
            .find(|text| !text.is_empty())
            .cloned()
            .unwrap_or_default()
    });
    [names.join(" "), contact.nickname.clone()]
        .into_iter()
        .chain(organizations)
        .chain(contact.emails.iter().map(|email| email.address.clone()))
        .chain(contact.phones.iter().map(|phone| phone.number.clone()))
        .find(|name| !name.is_empty())
        .unwrap_or_default()
}

/// Whether a name begins with a character of Chinese, Japanese or Korean.
fn is_east_asian(name: &str) -> bool {
    name.chars().next().is_some_and(|c| {
        matches!(c,
            '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}' | '\u{3040}'..='\u{318f}'
            | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
    })
}
