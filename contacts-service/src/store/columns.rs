//! Contacts as arrays for `unnest`.

use uuid::Uuid;

use crate::contact::row::ContactRow;

/// The contacts by column. Lists of keys are joined with line breaks, because arrays of
/// arrays must be rectangular; no key contains a line break.
#[derive(Default)]
pub(super) struct Columns<'a> {
    pub(super) bytes: i64,
    pub(super) id: Vec<Uuid>,
    pub(super) uid: Vec<&'a str>,
    pub(super) body: Vec<&'a [u8]>,
    pub(super) family: Vec<&'a str>,
    pub(super) given: Vec<&'a str>,
    pub(super) display: Vec<&'a str>,
    pub(super) names: Vec<String>,
    pub(super) matches: Vec<&'a [u8]>,
    pub(super) birth_md: Vec<Option<i16>>,
    pub(super) deceased: Vec<bool>,
    pub(super) event_mds: Vec<Option<String>>,
    pub(super) starred: Vec<bool>,
    pub(super) labels: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) phones: Vec<String>,
    pub(super) organizations: Vec<&'a str>,
    pub(super) search_text: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(new: &'a [ContactRow]) -> Self {
        let mut columns = Self::default();
        for ContactRow { contact, keys, .. } in new {
            columns.bytes += i64::try_from(contact.body.len()).unwrap_or(i64::MAX);
            columns.id.push(contact.id.0);
            columns.uid.push(&contact.uid);
            columns.body.push(&contact.body);
            columns.family.push(&keys.family);
            columns.given.push(&keys.given);
            columns.display.push(&keys.display);
            columns.names.push(keys.names.join("\n"));
            columns.matches.push(&keys.matches);
            columns.birth_md.push(keys.birth_md);
            columns.deceased.push(keys.deceased);
            let days = keys.event_mds.iter().map(i16::to_string);
            let days = days.collect::<Vec<_>>().join("\n");
            let days = Some(days).filter(|days| !days.is_empty());
            columns.event_mds.push(days);
            columns.starred.push(keys.starred);
            columns.labels.push(keys.labels.join("\n"));
            columns.emails.push(keys.emails.join("\n"));
            columns.phones.push(keys.phones.join("\n"));
            columns.organizations.push(&keys.organizations);
            columns.search_text.push(&keys.search_text);
        }
        columns
    }
}
