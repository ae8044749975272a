//! `delete` and `undelete`.

use std::fmt::Display;

use addressbook_client::Error;
use addressbook_client::proto::contacts::v1::{
    Contact, DeleteContactRequest, UndeleteContactRequest,
};

use crate::cli::Ids;
use crate::context::Context;
use crate::output;
use crate::person::CONTACT;

/// Deletes contacts.
pub(crate) async fn delete(context: &Context, args: Ids) -> Result<(), Error> {
    let client = context.client().await?;
    for id in args.ids {
        let request = DeleteContactRequest {
            id,
            owner_id: context.owner.clone(),
            ..DeleteContactRequest::default()
        };
        let response = client.contacts().delete_contact(request).await?;
        let contact = response.into_inner().contact.unwrap_or_default();
        let (name, id) = (&contact.display_name, &contact.id);
        let text = format!("Deleted {name}. `addressbook undelete {id}` brings it back.");
        print(context, &contact, text)?;
    }
    Ok(())
}

/// Undeletes contacts.
pub(crate) async fn undelete(context: &Context, args: Ids) -> Result<(), Error> {
    let client = context.client().await?;
    for id in args.ids {
        let owner_id = context.owner.clone();
        let request = UndeleteContactRequest { id, owner_id };
        let response = client.contacts().undelete_contact(request).await?;
        let contact = response.into_inner().contact.unwrap_or_default();
        print(
            context,
            &contact,
            format!("Undeleted {}.", contact.display_name),
        )?;
    }
    Ok(())
}

fn print(context: &Context, contact: &Contact, text: impl Display) -> Result<(), Error> {
    if context.output.is_json() {
        output::message(CONTACT, contact)
    } else {
        output::line(text)
    }
}
