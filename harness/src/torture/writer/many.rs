//! Writes several contacts in one transaction.

use proto::contacts::v1::{
    BatchDeleteContactsRequest, BatchUpdateContactsRequest, DeleteContactRequest,
};

use super::Writer;
use crate::torture::book::Image;
use crate::torture::calls::{Answer, Clients, signed};

const UPDATE: &str = "BatchUpdateContacts";
const DELETE: &str = "BatchDeleteContacts";

impl Writer {
    /// Some contacts that can be written, with their current etags.
    pub(super) async fn several(&mut self, count: usize) -> Vec<String> {
        let mut several = Vec::new();
        for tag in self.book.some(&mut self.rng, count, false) {
            if self.refresh(&tag).await {
                several.push(tag);
            }
        }
        several
    }

    pub(super) async fn update_many(&mut self) {
        let count = self.rng.usize(2..6);
        let tags = self.several(count).await;
        if tags.is_empty() {
            return;
        }
        let (mut requests, mut after) = (Vec::new(), Vec::new());
        for tag in &tags {
            if let Some((request, image)) = self.change(tag) {
                requests.push(request);
                after.push((tag.clone(), image));
            }
        }
        let request = BatchUpdateContactsRequest {
            requests,
            ..BatchUpdateContactsRequest::default()
        };
        let about = tags.join(" ");
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.batch_update_contacts(request).await }
        };
        match self.write(UPDATE, &about, make).await {
            Answer::Done(response) => {
                let results = response.results;
                let contacts = self.contacts_of(UPDATE, &about, results, after.len());
                for (contact, (tag, image)) in contacts.iter().zip(&after) {
                    self.changed(UPDATE, tag, contact, image);
                }
            }
            Answer::Refused(refusal) => self.unexpected(UPDATE, &about, &refusal),
            Answer::Unknown => self.doubt_many(UPDATE, after),
        }
    }

    pub(super) async fn delete_many(&mut self) {
        let count = self.rng.usize(2..4);
        let tags = self.several(count).await;
        if tags.is_empty() {
            return;
        }
        let (mut requests, mut after) = (Vec::new(), Vec::new());
        for tag in &tags {
            let known = &self.book.known[tag];
            let image = Image {
                deleted: true,
                ..known.image.clone()
            };
            requests.push(DeleteContactRequest {
                id: known.id.clone(),
                etag: known.etag.clone(),
                allow_missing: true,
                ..DeleteContactRequest::default()
            });
            after.push((tag.clone(), image));
        }
        let request = BatchDeleteContactsRequest {
            requests,
            ..BatchDeleteContactsRequest::default()
        };
        let about = tags.join(" ");
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.batch_delete_contacts(request).await }
        };
        match self.write(DELETE, &about, make).await {
            Answer::Done(response) => {
                let results = response.results;
                let contacts = self.contacts_of(DELETE, &about, results, after.len());
                for (contact, (tag, image)) in contacts.iter().zip(&after) {
                    self.changed(DELETE, tag, contact, image);
                }
            }
            Answer::Refused(refusal) => self.unexpected(DELETE, &about, &refusal),
            Answer::Unknown => self.doubt_many(DELETE, after),
        }
    }

    fn doubt_many(&mut self, call: &'static str, after: Vec<(String, Image)>) {
        let after = after.into_iter().map(|(tag, image)| (tag, Some(image)));
        let parts = self.book.parts(after);
        self.book.doubt(call, parts);
    }
}
