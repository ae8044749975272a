//! Writes a contact as a card.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::contacts::v1::Contact;

use super::kept::Kept;
use super::list::entries;
use super::{address, dates, name, people, reach, read, vcard_props};
use crate::card::Photo;
use crate::json::{Json, Members};

/// Members of our own: whether the contact is starred, and its custom fields.
pub(super) const STARRED: &str = "addressbook.dev:starred";
pub(super) const CUSTOM_FIELDS: &str = "addressbook.dev:customFields";

/// Appends the card of a contact.
pub(crate) fn write(contact: &Contact, photo: Option<&Photo>, out: &mut Vec<u8>) {
    let uri = photo.map(|photo| {
        let media_type: String = photo
            .media_type
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '+' | '.'))
            .collect();
        format!("data:{media_type};base64,{}", STANDARD.encode(&photo.data))
    });
    // Nothing in it can fail: all keys are texts, and it is written to memory.
    let _ = serde_json::to_writer(out, &card(contact, uri));
}

/// The card of a contact, with the URI of its photo.
pub(super) fn card(contact: &Contact, photo: Option<String>) -> Json {
    let (kept, others) = Kept::of(&contact.raw_properties);
    let mut card = Card {
        contact,
        kept,
        members: vec![("@type".into(), "Card".into())],
    };
    card.about();
    card.names();
    card.lists();
    card.media(photo);
    card.rest();
    let Card {
        mut kept,
        mut members,
        ..
    } = card;
    let mut properties: Vec<Json> = others
        .into_iter()
        .map(|raw| vcard_props::element(raw))
        .collect();
    let mut odd = None;
    for value in kept.values("vCardProps") {
        match value {
            Json::Array(elements) => properties.extend(elements),
            other => odd = Some(other),
        }
    }
    let properties = Some(Json::Array(properties)).filter(|list| *list != Json::Array(vec![]));
    if let Some(properties) = properties.or(odd) {
        members.push(("vCardProps".into(), properties));
    }
    kept.finish(&mut members);
    members.into()
}

/// A card that is being written.
struct Card<'a> {
    contact: &'a Contact,
    kept: Kept,
    members: Members,
}

impl Card<'_> {
    fn push(&mut self, name: &str, value: impl Into<Json>) {
        let value = value.into();
        if value != Json::default() {
            self.members.push((name.to_owned(), value));
        }
    }

    /// Writes a member as it was, if that says the same as the contact.
    fn one(&mut self, name: &str, own: Option<Json>, is_same: impl Fn(&Json) -> bool) {
        let mut values = self.kept.values(name).into_iter();
        let same = values.find(is_same);
        if let Some(value) = same.or(own) {
            self.members.push((name.to_owned(), value));
        }
    }

    fn about(&mut self) {
        let contact = self.contact;
        self.one("version", Some("1.0".into()), |_| true);
        let uid = &contact.uid;
        let own = (!uid.is_empty()).then(|| uid.as_str().into());
        self.one("uid", own, |value| {
            crate::vcard::text::one_line(value.text().unwrap_or_default()) == *uid
        });
        let times = [
            ("created", &contact.create_time),
            ("updated", &contact.update_time),
        ];
        for (name, time) in times {
            let own = time.as_ref().map(|time| time.to_string().as_str().into());
            self.one(name, own, |value| read::time(value) == *time);
        }
    }

    fn names(&mut self) {
        let contact = self.contact;
        self.one("name", name::write(contact), |value| {
            let mut again = contact.clone();
            name::clear(&mut again);
            name::read(value, &mut again);
            again == *contact
        });
        let own = Json::object("name", contact.nickname.as_str());
        let own = (!contact.nickname.is_empty()).then(|| Json::object("1", own));
        self.one("nicknames", own, |value| {
            read::nickname(value) == contact.nickname
        });
        let (organizations, titles) =
            people::write_organizations(&contact.organizations, &mut self.kept);
        self.push("organizations", organizations);
        self.push("titles", titles);
    }

    fn lists(&mut self) {
        let contact = self.contact;
        let follows_primary = follows(&contact.emails, |email| email.primary);
        let map = entries(
            &contact.emails,
            self.kept.entries("emails"),
            reach::read_email,
            |own, kept| read::is_same_email(own, kept, follows_primary(own)),
            reach::write_email,
        );
        self.push("emails", map);
        let follows_primary = follows(&contact.phones, |phone| phone.primary);
        let map = entries(
            &contact.phones,
            self.kept.entries("phones"),
            reach::read_phone,
            |own, kept| read::is_same_phone(own, kept, follows_primary(own)),
            reach::write_phone,
        );
        self.push("phones", map);
        let kept = self.kept.entries("onlineServices");
        self.list(
            "onlineServices",
            &contact.impps,
            kept,
            reach::read_service,
            reach::write_service,
        );
        let kept = self.kept.entries("addresses");
        self.list(
            "addresses",
            &contact.addresses,
            kept,
            address::read,
            address::write,
        );
        let kept = self.kept.entries("links");
        self.list(
            "links",
            &contact.urls,
            kept,
            reach::read_link,
            reach::write_link,
        );
    }

    fn list<T: PartialEq>(
        &mut self,
        name: &str,
        items: &[T],
        kept: Members,
        read: impl Fn(&Json) -> Option<T>,
        write: impl Fn(&T) -> Json,
    ) {
        let map = entries(items, kept, read, PartialEq::eq, write);
        self.push(name, map);
    }

    fn media(&mut self, photo: Option<String>) {
        let photo: Vec<String> = photo.into_iter().collect();
        let kept = self.kept.entries("media").into_iter();
        // Without a photo, its entry says nothing any longer.
        let kept =
            kept.filter(|(_, entry)| !photo.is_empty() || entry.text_of("uri") != read::NO_DATA);
        let mut map = entries(
            &photo,
            kept.collect(),
            |entry| (entry.text_of("uri") == read::NO_DATA).then(String::new),
            |_, _| true,
            |_| {
                let mut entry = Json::object("kind", "photo");
                entry.push("uri", read::NO_DATA);
                entry
            },
        );
        let uris = map.iter_mut().flat_map(|(_, entry)| match entry {
            Json::Object(members) => members.as_mut_slice(),
            _ => &mut [],
        });
        let mut empty =
            uris.filter(|(name, uri)| name == "uri" && uri.text() == Some(read::NO_DATA));
        if let (Some(photo), Some((_, uri))) = (photo.into_iter().next(), empty.next()) {
            *uri = Json::String(photo);
        }
        self.push("media", map);
    }

    fn rest(&mut self) {
        let contact = self.contact;
        let map = dates::entries_of(contact, self.kept.entries("anniversaries"));
        self.push("anniversaries", map);
        let (related, own) = people::write_relations(&contact.relations, &mut self.kept);
        self.push("relatedTo", related);
        self.kept.values(people::RELATIONS);
        if let Some(own) = own {
            self.push(people::RELATIONS, own);
        }
        let labels = &contact.labels;
        let own = (!labels.is_empty()).then(|| Json::set(labels.iter().map(String::as_str)));
        self.one("keywords", own, |value| read::labels(value) == *labels);
        let notes = &contact.notes;
        let own = Json::object("note", notes.as_str());
        let own = (!notes.is_empty()).then(|| Json::object("1", own));
        self.one("notes", own, |value| read::notes(value) == *notes);
        let own = contact.starred.then_some(Json::Bool(true));
        self.one(STARRED, own, |value| *value == Json::Bool(contact.starred));
        let fields = contact.custom_fields.iter();
        let fields = fields.map(|(key, value)| (key.clone(), value.as_str().into()));
        // Values that are not texts were kept.
        let kept = self.kept.entries(CUSTOM_FIELDS).into_iter();
        let kept = kept.filter(|(_, value)| value.text().is_none());
        self.push(CUSTOM_FIELDS, fields.chain(kept).collect::<Members>());
    }
}

/// Whether an element is after the first one that is preferred.
fn follows<T: PartialEq>(items: &[T], is_preferred: impl Fn(&T) -> bool) -> impl Fn(&T) -> bool {
    let first = items.iter().position(is_preferred);
    move |own| {
        let at = items.iter().position(|item| item == own);
        first.is_some_and(|first| at.is_some_and(|at| first < at))
    }
}
