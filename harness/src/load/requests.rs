//! The requests of scenarios that write.

use proto::contacts::v1::{
    BatchContactResult, BatchCreateContactsRequest, BatchDeleteContactsRequest,
    BatchUpdateContactsRequest, Contact, CreateContactRequest, DeleteContactRequest,
    UpdateContactRequest, batch_contact_result,
};

use super::scenario::Scenario;

/// A small contact that differs from the others.
pub(super) fn creation(random: &mut fastrand::Rng) -> CreateContactRequest {
    let contact = Contact {
        given_name: format!("Given {}", random.u32(..)),
        family_name: format!("Family {}", random.u32(..)),
        ..Contact::default()
    };
    CreateContactRequest {
        contact: Some(contact),
        ..CreateContactRequest::default()
    }
}

/// Marks the contact that a sync returns, in its notes.
pub(super) const CHANGED: &str = "changed since";

/// The update that a sync returns.
pub(super) fn telling(id: &str) -> UpdateContactRequest {
    let notes = format!("{CHANGED} {}", fastrand::u32(..));
    change(id.to_owned(), &notes)
}

/// Other notes for a contact.
pub(super) fn change(id: String, notes: &str) -> UpdateContactRequest {
    UpdateContactRequest {
        contact: Some(Contact {
            id,
            notes: notes.to_owned(),
            ..Contact::default()
        }),
        ..UpdateContactRequest::default()
    }
}

/// A batch of new contacts.
pub(super) fn creations(random: &mut fastrand::Rng) -> BatchCreateContactsRequest {
    BatchCreateContactsRequest {
        requests: (0..Scenario::BATCH).map(|_| creation(random)).collect(),
        ..BatchCreateContactsRequest::default()
    }
}

/// Other notes for some contacts.
pub(super) fn changes<'a>(
    ids: impl IntoIterator<Item = &'a String>,
    notes: &str,
) -> BatchUpdateContactsRequest {
    let requests = ids.into_iter().map(|id| change(id.clone(), notes));
    BatchUpdateContactsRequest {
        requests: requests.collect(),
        ..BatchUpdateContactsRequest::default()
    }
}

/// The deletion of contacts.
pub(super) fn deletions(ids: impl IntoIterator<Item = String>) -> BatchDeleteContactsRequest {
    let requests = ids.into_iter().map(|id| DeleteContactRequest {
        id,
        ..DeleteContactRequest::default()
    });
    BatchDeleteContactsRequest {
        requests: requests.collect(),
        ..BatchDeleteContactsRequest::default()
    }
}

/// The id of a contact that a batch created.
pub(super) fn created(result: BatchContactResult) -> Option<String> {
    match result.result? {
        batch_contact_result::Result::Contact(contact) => Some(contact.id),
        batch_contact_result::Result::Status(_) => None,
    }
}
