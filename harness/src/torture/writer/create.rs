//! Creates contacts: alone, many at once, and with a request that is delivered twice.

use proto::contacts::v1::batch_contact_result::Result as Part;
use proto::contacts::v1::{
    BatchContactResult, BatchCreateContactsRequest, Contact, CreateContactRequest,
    CreateContactResponse,
};

use super::Writer;
use crate::torture::book::Image;
use crate::torture::calls::{Answer, Clients, signed};

const CREATE: &str = "CreateContact";
const CREATE_MANY: &str = "BatchCreateContacts";

impl Writer {
    pub(super) async fn create(&mut self) {
        let contact = self.contact();
        let tag = contact.nickname.clone();
        let image = Image::from(&contact);
        let request_id = if self.rng.bool() {
            self.request_id()
        } else {
            String::new()
        };
        let has_id = !request_id.is_empty();
        let request = CreateContactRequest {
            contact: Some(contact),
            request_id,
            ..CreateContactRequest::default()
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.create_contact(request).await }
        };
        // Without an id a repeat would create another contact.
        let answer = if has_id {
            self.write(CREATE, &tag, make).await
        } else {
            self.caller.once(CREATE, &tag, make).await
        };
        match answer {
            Answer::Done(CreateContactResponse { contact }) => {
                self.created(CREATE, &contact.unwrap_or_default(), &image);
            }
            Answer::Refused(refusal) => self.unexpected(CREATE, &tag, &refusal),
            Answer::Unknown => {
                let parts = self.book.parts([(tag, Some(image))]);
                self.book.doubt(CREATE, parts);
            }
        }
    }

    pub(super) async fn create_many(&mut self) {
        let contacts: Vec<_> = (0..self.rng.usize(2..8)).map(|_| self.contact()).collect();
        let request = BatchCreateContactsRequest {
            requests: contacts.iter().cloned().map(creation).collect(),
            request_id: self.request_id(),
            ..BatchCreateContactsRequest::default()
        };
        let tags = tags(&contacts);
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.batch_create_contacts(request).await }
        };
        match self.write(CREATE_MANY, &tags, make).await {
            Answer::Done(response) => {
                let results = response.results;
                let created = self.contacts_of(CREATE_MANY, &tags, results, contacts.len());
                for (created, wanted) in created.iter().zip(&contacts) {
                    self.created(CREATE_MANY, created, &wanted.into());
                }
            }
            Answer::Refused(refusal) => self.unexpected(CREATE_MANY, &tags, &refusal),
            Answer::Unknown => {
                let part = |contact: &Contact| (contact.nickname.clone(), Some(contact.into()));
                let parts = self.book.parts(contacts.iter().map(part));
                self.book.doubt(CREATE_MANY, parts);
            }
        }
    }

    /// Sends the same request to both replicas at once: it is executed once.
    pub(super) async fn create_twice(&mut self) {
        let contact = self.contact();
        let tag = contact.nickname.clone();
        let image = Image::from(&contact);
        let request = CreateContactRequest {
            request_id: self.request_id(),
            ..creation(contact)
        };
        let token = self.user.token.clone();
        let make = |mut to: Clients| {
            let request = signed(&token, request.clone());
            async move { to.book.create_contact(request).await }
        };
        let caller = &self.caller;
        let (first, second) = tokio::join!(
            caller.settle(CREATE, &tag, make),
            caller.settle(CREATE, &tag, make),
        );
        match (first.answer, second.answer) {
            (Answer::Done(first), Answer::Done(second)) => {
                caller
                    .history
                    .check("request ids", first == second, &tag, || {
                        "two calls with one request id had different answers".to_owned()
                    });
                self.created(CREATE, &first.contact.unwrap_or_default(), &image);
            }
            (Answer::Refused(refusal), _) | (_, Answer::Refused(refusal)) => {
                self.unexpected(CREATE, &tag, &refusal);
            }
            _ => {
                let parts = self.book.parts([(tag, Some(image))]);
                self.book.doubt(CREATE, parts);
            }
        }
    }

    fn created(&mut self, call: &str, contact: &Contact, wanted: &Image) {
        let image = Image::from(contact);
        let history = &self.caller.history;
        history.check("answers", image == *wanted, &contact.nickname, || {
            format!("{call} returned {image:?} for {wanted:?}")
        });
        self.learn(call, contact);
    }

    /// The contacts of a batch that was executed, of which each must be there.
    pub(super) fn contacts_of(
        &self,
        call: &str,
        about: &str,
        results: Vec<BatchContactResult>,
        count: usize,
    ) -> Vec<Contact> {
        let contact = |result: BatchContactResult| match result.result {
            Some(Part::Contact(contact)) => Some(contact),
            _ => None,
        };
        let contacts: Vec<_> = results.into_iter().filter_map(contact).collect();
        let history = &self.caller.history;
        history.check("batches", contacts.len() == count, about, || {
            format!("{call} of {count} contacts returned {}", contacts.len())
        });
        contacts
    }
}

fn creation(contact: Contact) -> CreateContactRequest {
    CreateContactRequest {
        contact: Some(contact),
        ..CreateContactRequest::default()
    }
}

pub(super) fn tags(contacts: &[Contact]) -> String {
    let tags: Vec<_> = contacts.iter().map(|contact| &*contact.nickname).collect();
    tags.join(" ")
}
