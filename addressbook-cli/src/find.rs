//! Finds the contact that a person means.

use addressbook_client::proto::contacts::v1::{
    Contact, GetContactRequest, MatchTier, SearchContactsRequest,
};
use addressbook_client::{Client, Error};
use uuid::Uuid;

use crate::context::Context;

/// How many contacts an ambiguous name lists.
const CANDIDATES_MAX: i32 = 5;

/// The contact with this id, or the only one that these words find as they are. One that is
/// only similar may be another person, so it is named, but not taken.
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
    let is_cut = !response.next_page_token.is_empty();
    let (similar, mut exact): (Vec<_>, Vec<_>) = response
        .results
        .into_iter()
        .partition(|result| result.match_tier() == MatchTier::Fuzzy);
    if exact.len() == 1 {
        return Ok(exact.remove(0).contact.unwrap_or_default());
    }
    let shown = if exact.is_empty() { &similar } else { &exact };
    let contacts = shown.iter().filter_map(|result| result.contact.as_ref());
    let contacts = contacts.map(|contact| format!("\n  {}  {}", contact.id, contact.display_name));
    let others = is_cut.then(|| "\n  and others".to_owned());
    let lines = contacts.chain(others).collect::<Vec<_>>().concat();
    Err(match (exact.is_empty(), similar.is_empty()) {
        (false, _) => Error::invalid(format_args!(
            "several contacts match {words:?}; name one by its id:{lines}"
        )),
        (true, false) => Error::not_found(format_args!(
            "no contact matches {words:?}, but these are similar; name one by its id:{lines}"
        )),
        (true, true) => Error::not_found(format_args!("no contact matches {words:?}")),
    })
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
