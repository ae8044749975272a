//! Writes one existing contact.

use prost_types::FieldMask;
use proto::contacts::v1::{
    Contact, DeleteContactRequest, PurgeContactsRequest, UndeleteContactRequest,
    UpdateContactRequest,
};
use tonic::Code;

use super::Writer;
use crate::torture::book::Image;
use crate::torture::calls::{Answer, Clients, Settled, signed};

const UPDATE: &str = "UpdateContact";
const DELETE: &str = "DeleteContact";
const UNDELETE: &str = "UndeleteContact";
const PURGE: &str = "PurgeContacts";

impl Writer {
    /// One contact that can be written, with its current etag.
    pub(super) async fn one(&mut self, deleted: bool) -> Option<String> {
        let tag = self.book.some(&mut self.rng, 1, deleted).pop()?;
        self.refresh(&tag).await.then_some(tag)
    }

    /// The update of a contact, and what it becomes.
    pub(super) fn change(&mut self, tag: &str) -> Option<(UpdateContactRequest, Image)> {
        let known = self.book.known.get(tag)?.clone();
        let image = Image {
            notes: self.word("note"),
            starred: self.rng.bool(),
            ..known.image
        };
        let request = UpdateContactRequest {
            contact: Some(Contact {
                id: known.id,
                etag: known.etag,
                notes: image.notes.clone(),
                starred: image.starred,
                ..Contact::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec!["notes".into(), "starred".into()],
            }),
            ..UpdateContactRequest::default()
        };
        Some((request, image))
    }

    pub(super) async fn update(&mut self) {
        let Some(tag) = self.one(false).await else {
            return;
        };
        let Some((request, image)) = self.change(&tag) else {
            return;
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.update_contact(request).await }
        };
        match self.write(UPDATE, &tag, make).await {
            Answer::Done(response) => {
                let contact = response.contact.unwrap_or_default();
                self.changed(UPDATE, &tag, &contact, &image);
            }
            Answer::Refused(refusal) => self.unexpected(UPDATE, &tag, &refusal),
            Answer::Unknown => self.doubt_one(UPDATE, tag, image),
        }
    }

    /// An update with an old etag changes nothing.
    pub(super) async fn update_stale(&mut self) {
        let Some(tag) = self.one(false).await else {
            return;
        };
        let Some((mut request, _)) = self.change(&tag) else {
            return;
        };
        if let Some(contact) = &mut request.contact {
            contact.etag = "an-old-etag".into();
        }
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.update_contact(request).await }
        };
        let is_refused = match self.caller.once(UPDATE, &tag, make).await {
            Answer::Done(_) => false,
            Answer::Refused(refusal) => refusal.code == Code::Aborted,
            Answer::Unknown => true,
        };
        let history = &self.caller.history;
        history.check("etags", is_refused, &tag, || {
            "an update with another etag was not refused with ABORTED".to_owned()
        });
    }

    pub(super) async fn delete(&mut self) {
        let Some(tag) = self.one(false).await else {
            return;
        };
        let known = &self.book.known[&tag];
        let image = Image {
            deleted: true,
            ..known.image.clone()
        };
        let request = DeleteContactRequest {
            id: known.id.clone(),
            etag: known.etag.clone(),
            allow_missing: true,
            ..DeleteContactRequest::default()
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.delete_contact(request).await }
        };
        match self.write(DELETE, &tag, make).await {
            Answer::Done(response) => {
                let contact = response.contact.unwrap_or_default();
                self.changed(DELETE, &tag, &contact, &image);
            }
            Answer::Refused(refusal) => self.unexpected(DELETE, &tag, &refusal),
            Answer::Unknown => self.doubt_one(DELETE, tag, image),
        }
    }

    /// Has no etag, so an attempt may arrive late: then nothing more is written.
    pub(super) async fn undelete(&mut self) {
        let Some(tag) = self.one(true).await else {
            return;
        };
        let known = self.book.known[&tag].clone();
        let image = Image {
            deleted: false,
            ..known.image
        };
        let request = UndeleteContactRequest {
            id: known.id,
            ..UndeleteContactRequest::default()
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.undelete_contact(request).await }
        };
        let Settled {
            answer,
            was_unknown,
        } = self.caller.settle(UNDELETE, &tag, make).await;
        match answer {
            Answer::Done(response) => {
                let contact = response.contact.unwrap_or_default();
                self.changed(UNDELETE, &tag, &contact, &image);
            }
            Answer::Refused(refusal) if was_unknown && refusal.code == Code::AlreadyExists => {
                self.expect(&tag, image);
            }
            Answer::Refused(refusal) => self.unexpected(UNDELETE, &tag, &refusal),
            Answer::Unknown => self.doubt_one(UNDELETE, tag.clone(), image),
        }
        if let Some(known) = self.book.known.get_mut(&tag) {
            known.is_frozen |= was_unknown;
        }
    }

    /// Purges a deleted contact, which then is nowhere.
    pub(super) async fn purge(&mut self) {
        let Some(tag) = self.book.some(&mut self.rng, 1, true).pop() else {
            return;
        };
        let request = PurgeContactsRequest {
            ids: vec![self.book.known[&tag].id.clone()],
            ..PurgeContactsRequest::default()
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.purge_contacts(request).await }
        };
        let Settled {
            answer,
            was_unknown,
        } = self.caller.settle(PURGE, &tag, make).await;
        match answer {
            Answer::Done(_) => {}
            // The first attempt purged it.
            Answer::Refused(refusal) if was_unknown && refusal.code == Code::NotFound => {}
            Answer::Refused(refusal) => return self.unexpected(PURGE, &tag, &refusal),
            Answer::Unknown => return,
        }
        self.book.known.remove(&tag);
    }

    /// Stores an acknowledged change, which must be the wanted one.
    pub(super) fn changed(&mut self, call: &str, tag: &str, contact: &Contact, wanted: &Image) {
        let image = Image::from(contact);
        let is_it = contact.nickname == tag && image == *wanted;
        self.caller.history.check("answers", is_it, tag, || {
            format!("{call} returned {image:?} for {wanted:?}")
        });
        self.learn(call, contact);
    }

    /// Stores a state that was reached without being returned.
    pub(super) fn expect(&mut self, tag: &str, image: Image) {
        if let Some(known) = self.book.known.get_mut(tag) {
            known.image = image;
            known.etag = String::new();
        }
    }

    fn doubt_one(&mut self, call: &'static str, tag: String, image: Image) {
        let parts = self.book.parts([(tag, Some(image))]);
        self.book.doubt(call, parts);
    }
}
