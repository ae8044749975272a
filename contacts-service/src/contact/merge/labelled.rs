//! Combines lists of e-mails, phones and other values that have a label.

use std::collections::HashMap;
use std::mem::take;

use proto::contacts::v1::{Email, Impp, Phone, PostalAddress, Url};

use super::line;
use crate::contact::identity::identity;

/// A value with a label, which is not part of its identity.
pub(super) trait Labelled {
    /// The key that is the same for equal values.
    fn key(&self) -> Vec<String>;
    /// The label.
    fn label(&mut self) -> &mut String;
    /// If the equal value of the other contact is the preferred one, this one becomes it.
    fn prefer(&mut self, _equal: &Self) {}
}

impl Labelled for Email {
    fn key(&self) -> Vec<String> {
        vec![identity(&self.address)]
    }

    fn label(&mut self) -> &mut String {
        &mut self.label
    }

    fn prefer(&mut self, equal: &Self) {
        self.primary |= equal.primary;
    }
}

impl Labelled for Phone {
    fn key(&self) -> Vec<String> {
        if self.e164.is_empty() {
            let marks = |c: char| c.is_whitespace() || "()-./".contains(c);
            return vec![identity(&self.number.replace(marks, ""))];
        }
        vec![self.e164.clone(), self.extension.clone()]
    }

    fn label(&mut self) -> &mut String {
        &mut self.label
    }

    fn prefer(&mut self, equal: &Self) {
        self.primary |= equal.primary;
    }
}

impl Labelled for PostalAddress {
    fn key(&self) -> Vec<String> {
        let fields = [
            &self.street,
            &self.extended,
            &self.city,
            &self.region,
            &self.postal_code,
            &self.country,
            &self.country_code,
        ];
        fields.map(|text| identity(text)).into()
    }

    fn label(&mut self) -> &mut String {
        &mut self.label
    }
}

impl Labelled for Url {
    /// Scheme and host in lower case, without a final slash; the rest may be
    /// case-sensitive.
    fn key(&self) -> Vec<String> {
        let url = self.url.strip_suffix('/').unwrap_or(&self.url);
        let host = url.find("://").map_or(0, |scheme| scheme + 3);
        let path = url[host..].find(['/', '?', '#']);
        let (front, rest) = url.split_at(path.map_or(url.len(), |path| host + path));
        vec![front.to_lowercase() + rest]
    }

    fn label(&mut self) -> &mut String {
        &mut self.label
    }
}

impl Labelled for Impp {
    fn key(&self) -> Vec<String> {
        vec![self.uri.clone()]
    }

    fn label(&mut self) -> &mut String {
        &mut self.label
    }
}

/// Adds missing values. A missing label is filled; a different one becomes a line of the
/// notes.
pub(super) fn unite_labelled<T: Labelled>(
    mine: &mut Vec<T>,
    theirs: Vec<T>,
    lines: &mut Vec<String>,
) {
    let places = mine.iter().enumerate().rev();
    let mut places: HashMap<Vec<String>, usize> =
        places.map(|(place, item)| (item.key(), place)).collect();
    for mut item in theirs {
        let key = item.key();
        let Some(known) = places.get(&key).map(|place| &mut mine[*place]) else {
            places.insert(key, mine.len());
            mine.push(item);
            continue;
        };
        known.prefer(&item);
        let (label, other) = (known.label(), take(item.label()));
        if label.is_empty() {
            *label = other;
        } else if !other.is_empty() && identity(label) != identity(&other) {
            let texts: Vec<String> = key.into_iter().filter(|text| !text.is_empty()).collect();
            lines.push(line(&other, &texts.join(", ")));
        }
    }
}
