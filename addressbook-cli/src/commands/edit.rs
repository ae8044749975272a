//! `edit`.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use addressbook_client::proto::contacts::v1::{Contact, UpdateContactRequest};
use addressbook_client::{Client, Error, FieldMask, Kind};
use tempfile::NamedTempFile;
use tokio::process::Command;

use super::show;
use crate::cli::One;
use crate::context::Context;
use crate::{config, exit, find, interrupt, output, prompt, text};

/// Lets the user edit a contact, and stores it; returns the exit code.
pub(crate) async fn run(context: &Context, args: One) -> Result<u8, Error> {
    let client = context.client().await?;
    let contact = find::contact(context, &client, &args.contact).await?;
    let before = text::of(&contact).map_err(Error::invalid)?;
    let file = write(&before)?;
    let result = tokio::select! {
        biased;
        result = edit(context, &client, &contact, &before, file.path()) => result,
        () = interrupt::pressed() => {
            keep(file, &before)?;
            return Ok(exit::INTERRUPTED);
        }
    };
    match result {
        Err(error) => {
            keep(file, &before)?;
            return Err(error);
        }
        Ok(None) => output::note("Nothing has changed."),
        Ok(Some(contact)) => {
            drop(file);
            show::print(context, &contact)?;
        }
    }
    Ok(0)
}

/// Runs the editor until the text is a contact that the server stores; `None` if nothing has
/// changed.
async fn edit(
    context: &Context,
    client: &Client,
    contact: &Contact,
    before: &str,
    path: &Path,
) -> Result<Option<Contact>, Error> {
    loop {
        run_editor(path).await?;
        let after = fs::read_to_string(path).map_err(Error::local)?;
        if after == before {
            return Ok(None);
        }
        let stored = match text::read(&after, contact) {
            Ok(changed) => update(context, client, changed).await,
            Err(cause) => Err(Error::invalid(cause)),
        };
        match stored {
            Err(error) if error.kind == Kind::Invalid && io::stdin().is_terminal() => {
                context.output.failed(&error);
                if !prompt::is_agreed("Edit it again?").await? {
                    return Err(Error::invalid("the contact is as before"));
                }
            }
            result => return result.map(Some),
        }
    }
}

async fn update(context: &Context, client: &Client, contact: Contact) -> Result<Contact, Error> {
    let request = UpdateContactRequest {
        contact: Some(contact),
        update_mask: Some(FieldMask {
            paths: vec!["*".into()],
        }),
        owner_id: context.owner.clone(),
        ..UpdateContactRequest::default()
    };
    let response = client
        .contacts()
        .update_contact(request)
        .await?
        .into_inner();
    Ok(response.contact.unwrap_or_default())
}

/// A file that only the user can read.
fn write(text: &str) -> Result<NamedTempFile, Error> {
    let mut builder = tempfile::Builder::new();
    let file = builder.prefix("contact-").suffix(".toml").tempfile();
    let mut file = file.map_err(Error::local)?;
    file.write_all(text.as_bytes()).map_err(Error::local)?;
    Ok(file)
}

/// Keeps what the user has typed, if that is anything.
fn keep(file: NamedTempFile, before: &str) -> Result<(), Error> {
    if fs::read(file.path()).is_ok_and(|text| text == before.as_bytes()) {
        return Ok(());
    }
    let (_, path) = file.keep().map_err(Error::local)?;
    output::note(format_args!("The text is in {}.", path.display()));
    Ok(())
}

/// The variable may contain arguments, as in `code --wait`.
async fn run_editor(path: &Path) -> Result<(), Error> {
    let editor = config::editor();
    // Editors give Ctrl-C a meaning of their own, so neither this program nor the shell ends.
    let lent = interrupt::Lent::new();
    let script = format!("trap : INT; {editor} \"$1\"");
    let status = Command::new("sh")
        .args(["-c", &script, "sh"])
        .arg(path)
        .status()
        .await;
    lent.end().await;
    let status = status.map_err(Error::local)?;
    if !status.success() {
        return Err(Error::local(format_args!(
            "the editor `{editor}` failed: {status}"
        )));
    }
    Ok(())
}
