//! `delete` and `undelete`.

use addressbook_client::Error;
use addressbook_client::proto::contacts::v1::{DeleteContactRequest, UndeleteContactRequest};

use crate::cli::Some;
use crate::context::Context;
use crate::output;

const CONTACT: &str = "addressbook.contacts.v1.Contact";

/// Deletes contacts.
pub(crate) async fn delete(context: &Context, args: Some) -> Result<(), Error> {
    let client = context.client().await?;
    for id in args.ids {
        let request = DeleteContactRequest {
            id,
            owner_id: context.owner.clone(),
            ..DeleteContactRequest::default()
        };
        let response = client
            .contacts()
            .delete_contact(request)
            .await?
            .into_inner();
        let contact = response.contact.unwrap_or_default();
        if context.output.is_json() {
            output::message(CONTACT, &contact);
        } else {
            let (name, id) = (&contact.display_name, &contact.id);
            let text = format_args!("Deleted {name}. `addressbook undelete {id}` brings it back.");
            output::line(text);
        }
    }
    Ok(())
}

/// Undeletes contacts.
pub(crate) async fn undelete(context: &Context, args: Some) -> Result<(), Error> {
    let client = context.client().await?;
    for id in args.ids {
        let owner_id = context.owner.clone();
        let request = UndeleteContactRequest { id, owner_id };
        let response = client
            .contacts()
            .undelete_contact(request)
            .await?
            .into_inner();
        let contact = response.contact.unwrap_or_default();
        if context.output.is_json() {
            output::message(CONTACT, &contact);
        } else {
            output::line(format_args!("Undeleted {}.", contact.display_name));
        }
    }
    Ok(())
}
