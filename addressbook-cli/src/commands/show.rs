//! `show`.

use addressbook_client::Error;
use addressbook_client::proto::contacts::v1::Contact;

use crate::cli::One;
use crate::context::Context;
use crate::{find, output, person};

/// Shows a contact.
pub(crate) async fn run(context: &Context, args: One) -> Result<(), Error> {
    let client = context.client().await?;
    let contact = find::contact(context, &client, &args.contact).await?;
    print(context, &contact);
    Ok(())
}

/// Prints a contact.
pub(crate) fn print(context: &Context, contact: &Contact) {
    if context.output.is_json() {
        return output::message("addressbook.contacts.v1.Contact", contact);
    }
    let fields = person::fields(contact);
    let rows = fields.into_iter().map(|(name, value)| vec![name, value]);
    context.output.table(&[], rows.collect(), "");
}
