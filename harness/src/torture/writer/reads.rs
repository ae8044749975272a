//! Reads, which must return what was acknowledged, and nothing of other owners.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use proto::contacts::v1::{
    Contact, DeleteContactRequest, GetContactRequest, Label, ListContactsRequest,
    ListLabelsRequest, SearchContactsRequest,
};
use tonic::Code;

use super::Writer;
use crate::torture::book::Image;
use crate::torture::calls::{Answer, Clients, signed};
use crate::torture::history::Refusal;

const GET: &str = "GetContact";
const LIST: &str = "ListContacts";
const LIST_LABELS: &str = "ListLabels";
const SEARCH: &str = "SearchContacts";

/// As many as a page can have.
const PAGE: i32 = 500;

impl Writer {
    pub(super) async fn get(&mut self) {
        let deleted = self.rng.u8(..4) == 0;
        if let Some(tag) = self.book.some(&mut self.rng, 1, deleted).pop() {
            self.read(&tag).await;
        }
    }

    /// Reads the contact if its etag is unknown; returns whether it is known now.
    pub(super) async fn refresh(&mut self, tag: &str) -> bool {
        let is_known = self.book.known.get(tag).map(|known| !known.etag.is_empty());
        match is_known {
            Some(false) => self.read(tag).await,
            known => known.unwrap_or(false),
        }
    }

    /// Reads a contact, compares it, and stores its etag; returns whether that worked.
    async fn read(&mut self, tag: &str) -> bool {
        let request = GetContactRequest {
            id: self.book.known[tag].id.clone(),
            ..GetContactRequest::default()
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.get_contact(request).await }
        };
        match self.caller.settle(GET, tag, make).await.answer {
            Answer::Done(response) => {
                let contact = response.contact.unwrap_or_default();
                self.saw(GET, &contact);
                self.compare(GET, &contact);
                let is_frozen = self.book.known[tag].is_frozen;
                self.book.learn(&contact);
                if let Some(known) = self.book.known.get_mut(tag) {
                    known.is_frozen = is_frozen;
                }
                true
            }
            Answer::Refused(refusal) => {
                self.unexpected(GET, tag, &refusal);
                false
            }
            Answer::Unknown => false,
        }
    }

    fn compare(&self, call: &str, contact: &Contact) {
        let difference = self.book.difference(contact);
        let history = &self.caller.history;
        history.check("reads", difference.is_none(), &contact.nickname, || {
            format!("{call}: {}", difference.unwrap_or_default())
        });
    }

    /// Lists the contacts that are not deleted, and compares them.
    pub(super) async fn list(&mut self) {
        let Some(contacts) = self.read_all(false).await else {
            return;
        };
        let mut rows: BTreeMap<&str, &Contact> = BTreeMap::new();
        for contact in &contacts {
            self.compare(LIST, contact);
            rows.insert(&contact.nickname, contact);
        }
        for (tag, known) in &self.book.known {
            let is_right = rows.contains_key(tag.as_str()) != known.image.deleted;
            self.caller.history.check("reads", is_right, tag, || {
                format!("{LIST} misses it, or returned it although it is deleted")
            });
        }
    }

    /// All contacts by pages, or `None` if that failed, which is recorded.
    pub(in crate::torture) async fn read_all(&self, deleted: bool) -> Option<Vec<Contact>> {
        let mut contacts = Vec::new();
        let mut request = ListContactsRequest {
            page_size: PAGE,
            show_deleted: deleted,
            ..ListContactsRequest::default()
        };
        loop {
            let make = |mut to: Clients| {
                let request = signed(&self.user.token, request.clone());
                async move { to.book.list_contacts(request).await }
            };
            match self.caller.settle(LIST, "", make).await.answer {
                Answer::Done(page) => {
                    contacts.extend(page.contacts);
                    request.page_token = page.next_page_token;
                }
                Answer::Refused(refusal) => {
                    self.unexpected(LIST, "", &refusal);
                    return None;
                }
                Answer::Unknown => return None,
            }
            if request.page_token.is_empty() {
                break;
            }
        }
        for contact in &contacts {
            self.saw(LIST, contact);
        }
        Some(contacts)
    }

    /// All labels, or `None` if that failed, which is recorded.
    pub(in crate::torture) async fn read_labels(&self) -> Option<Vec<Label>> {
        let request = ListLabelsRequest {
            page_size: PAGE,
            ..ListLabelsRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(&self.user.token, request.clone());
            async move { to.labels.list_labels(request).await }
        };
        match self.caller.settle(LIST_LABELS, "", make).await.answer {
            Answer::Done(page) => Some(page.labels),
            Answer::Refused(refusal) => {
                self.unexpected(LIST_LABELS, "", &refusal);
                None
            }
            Answer::Unknown => None,
        }
    }

    /// Searches for the notes of a contact, which no other has, at the next replica.
    pub(super) async fn search(&mut self) {
        let deleted = self.rng.u8(..4) == 0;
        if let Some(tag) = self.book.some(&mut self.rng, 1, deleted).pop() {
            self.search_for(&tag).await;
        }
    }

    /// Compares a search with what is known of a contact.
    pub(in crate::torture) async fn search_for(&self, tag: &str) {
        let Image { notes, deleted, .. } = &self.book.known[tag].image;
        // A merged contact has the notes of several.
        if notes.contains(char::is_whitespace) {
            return;
        }
        let request = SearchContactsRequest {
            query: notes.clone(),
            ..SearchContactsRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(&self.user.token, request.clone());
            async move { to.book.search_contacts(request).await }
        };
        match self.caller.settle(SEARCH, tag, make).await.answer {
            Answer::Done(response) => {
                let contacts = response.results.into_iter().filter_map(|it| it.contact);
                let mut found = false;
                for contact in contacts {
                    self.saw(SEARCH, &contact);
                    self.compare(SEARCH, &contact);
                    found |= contact.nickname == tag;
                }
                self.caller
                    .history
                    .check("search", found != *deleted, tag, || {
                        format!("a search for {notes} found it: {found}, deleted: {deleted}")
                    });
            }
            Answer::Refused(refusal) => self.unexpected(SEARCH, tag, &refusal),
            Answer::Unknown => {}
        }
    }

    /// Reads and deletes a contact of another owner, which looks like a missing one.
    pub(super) async fn foreign(&mut self) {
        let others = self.secrets_of_others();
        let Some(id) = self.rng.choice(others) else {
            return;
        };
        let token = &self.user.token;
        let get = GetContactRequest {
            id: id.clone(),
            ..GetContactRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(token, get.clone());
            async move { to.book.get_contact(request).await }
        };
        let read = self.caller.once(GET, &id, make).await;
        self.looks_missing(GET, &id, &read);
        let delete = DeleteContactRequest {
            id: id.clone(),
            ..DeleteContactRequest::default()
        };
        let make = |mut to: Clients| {
            let request = signed(token, delete.clone());
            async move { to.book.delete_contact(request).await }
        };
        let deleted = self.caller.once("DeleteContact", &id, make).await;
        self.looks_missing("DeleteContact", &id, &deleted);
    }

    fn secrets_of_others(&self) -> Vec<String> {
        let own = self.caller.owner;
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let others = secrets.iter().filter(|(owner, _)| **owner != own);
        others.map(|(_, id)| id.clone()).collect()
    }

    fn looks_missing<T>(&self, call: &str, id: &str, answer: &Answer<T>) {
        let is_missing = |refusal: &Refusal| refusal.code == Code::NotFound;
        let holds = match answer {
            Answer::Done(_) => false,
            Answer::Refused(refusal) => is_missing(refusal),
            Answer::Unknown => true,
        };
        self.caller.history.check("owners", holds, id, || {
            format!("{call} of another owner's contact did not fail with NOT_FOUND")
        });
    }
}
