//! `add`.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use addressbook_client::proto::contacts::v1::{
    Contact, CreateContactRequest, Email, Organization, Phone,
};
use addressbook_client::{Error, from_json};
use uuid::Uuid;

use super::show;
use crate::cli::Add;
use crate::context::Context;
use crate::person::CONTACT;

/// Adds a contact.
pub(crate) async fn run(context: &Context, args: Add) -> Result<(), Error> {
    let client = context.client().await?;
    let request = CreateContactRequest {
        default_region: args.region.clone(),
        // The call can be repeated after a lost response.
        request_id: Uuid::new_v4().to_string(),
        owner_id: context.owner.clone(),
        contact: Some(contact(args)?),
        ..CreateContactRequest::default()
    };
    let response = client
        .contacts()
        .create_contact(request)
        .await?
        .into_inner();
    show::print(context, &response.contact.unwrap_or_default())
}

/// The contact in the file, with the fields of the command line.
fn contact(args: Add) -> Result<Contact, Error> {
    let mut contact = match &args.from {
        Some(path) => read(path)?,
        None => Contact::default(),
    };
    let set = |field: &mut String, value: String| {
        if !value.is_empty() {
            *field = value;
        }
    };
    set(&mut contact.given_name, args.given_name);
    set(&mut contact.family_name, args.family_name);
    set(&mut contact.nickname, args.nickname);
    set(&mut contact.notes, args.notes);
    contact
        .emails
        .extend(args.email.into_iter().map(|email| Email {
            address: email.value,
            label: email.label,
            primary: false,
        }));
    contact
        .phones
        .extend(args.phone.into_iter().map(|phone| Phone {
            number: phone.value,
            label: phone.label,
            ..Phone::default()
        }));
    if !args.organization.is_empty() {
        contact.organizations.push(Organization {
            name: args.organization,
            ..Organization::default()
        });
    }
    contact.birthday = args.birthday.or(contact.birthday);
    contact.labels.extend(args.label);
    contact.starred |= args.starred;
    Ok(contact)
}

/// A contact in JSON.
fn read(path: &Path) -> Result<Contact, Error> {
    let failed =
        |cause: io::Error| Error::local(format_args!("cannot read {}: {cause}", path.display()));
    let mut text = String::new();
    if path == Path::new("-") {
        let reading = io::stdin().read_to_string(&mut text);
        reading.map_err(failed)?;
    } else {
        text = fs::read_to_string(path).map_err(failed)?;
    }
    let value = serde_json::from_str(&text).map_err(Error::invalid);
    let contact = value.and_then(|value| from_json(CONTACT, value));
    contact.map_err(|error| error.at(path.display()))
}
