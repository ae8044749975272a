//! Finds the contact that a person means.

use addressbook_client::proto::contacts::v1::{Contact, GetContactRequest, SearchContactsRequest};
use addressbook_client::{Client, Error};
use uuid::Uuid;

use crate::context::Context;

/// How many contacts an ambiguous name lists.
const CANDIDATES_MAX: i32 = 5;

/// The contact with this id, or the only one that these words find.
pub(crate) async fn contact(
    context: &Context,
    client: &Client,
    words: &[String],
) -> Result<Contact, Error> {
    let words = words.join(" ");
    if Uuid::try_parse(&words).is_ok() {
        return by_id(context, client, words).await;
    }
    let request = SearchContactsRequest {
        query: words.clone(),
        page_size: CANDIDATES_MAX,
        owner_id: context.owner.clone(),
        ..SearchContactsRequest::default()
    };
    let response = client
        .contacts()
        .search_contacts(request)
        .await?
        .into_inner();
    let mut contacts: Vec<Contact> = response
        .results
        .into_iter()
        .filter_map(|result| result.contact)
        .collect();
    match (contacts.len(), contacts.pop()) {
        (1, Some(contact)) => Ok(contact),
        (0, _) | (_, None) => Err(Error::not_found(format_args!(
            "no contact matches {words:?}"
        ))),
        (_, Some(last)) => {
            contacts.push(last);
            let lines = contacts
                .iter()
                .map(|contact| format!("\n  {}  {}", contact.id, contact.display_name));
            Err(Error::invalid(format_args!(
                "several contacts match {words:?}; name one by its id:{}",
                lines.collect::<String>()
            )))
        }
    }
}

async fn by_id(context: &Context, client: &Client, id: String) -> Result<Contact, Error> {
    let request = GetContactRequest {
        id,
        owner_id: context.owner.clone(),
        ..GetContactRequest::default()
    };
    let response = client.contacts().get_contact(request).await?.into_inner();
    Ok(response.contact.unwrap_or_default())
}
