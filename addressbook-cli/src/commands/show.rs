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
    print(context, &contact)
}

/// Prints a contact.
pub(crate) fn print(context: &Context, contact: &Contact) -> Result<(), Error> {
    if context.output.is_json() {
        return output::message(person::CONTACT, contact);
    }
    let fields = person::fields(contact);
    let rows = fields.into_iter().map(|(name, value)| vec![name, value]);
    output::table(&[], rows.collect(), "")
}
