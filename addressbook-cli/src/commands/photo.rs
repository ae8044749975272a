//! `photo`.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use addressbook_client::proto::contacts::v1::get_photo_response::Part;
use addressbook_client::proto::contacts::v1::{
    Contact, DeletePhotoRequest, GetPhotoRequest, SetPhotoHeader,
};
use addressbook_client::{Client, Error};

use crate::cli::Photo;
use crate::context::Context;
use crate::new_file::NewFile;
use crate::person::CONTACT;
use crate::{find, output};

/// One byte more than a photo may have: enough for the server to say that it is too large.
const READ_MAX: u64 = 2 * 1024 * 1024 + 1;

/// Runs a sub-command of `photo`.
pub(crate) async fn run(context: &Context, command: Photo) -> Result<(), Error> {
    let client = context.client().await?;
    match command {
        Photo::Set { contact, file } => set(context, &client, contact, &file).await,
        Photo::Get {
            contact,
            file,
            force,
        } => {
            let id = find::contact(context, &client, &[contact]).await?.id;
            match file.filter(|file| file != Path::new("-")) {
                Some(file) => to_file(context, &client, id, &file, force).await,
                None => to_output(context, &client, id).await,
            }
        }
        Photo::Delete { contact } => delete(context, &client, contact).await,
    }
}

async fn set(
    context: &Context,
    client: &Client,
    contact: String,
    file: &Path,
) -> Result<(), Error> {
    let photo = read(file)
        .map_err(|cause| Error::local(format_args!("cannot read {}: {cause}", file.display())))?;
    let header = SetPhotoHeader {
        id: find::contact(context, client, &[contact]).await?.id,
        owner_id: context.owner.clone(),
        ..SetPhotoHeader::default()
    };
    let contact = client.set_photo(header, &photo).await?;
    print(context, &contact, "has a photo now")
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut photo = Vec::new();
    if file == Path::new("-") {
        io::stdin().take(READ_MAX).read_to_end(&mut photo)?;
    } else {
        File::open(file)?.take(READ_MAX).read_to_end(&mut photo)?;
    }
    Ok(photo)
}

async fn to_file(
    context: &Context,
    client: &Client,
    id: String,
    path: &Path,
    is_forced: bool,
) -> Result<(), Error> {
    let mut file = NewFile::create(path, is_forced)?;
    receive(context, client, id, |chunk| file.write(chunk)).await?;
    file.finish()?;
    output::note(format_args!("The photo is in {}.", path.display()));
    Ok(())
}

async fn to_output(context: &Context, client: &Client, id: String) -> Result<(), Error> {
    if io::stdout().is_terminal() {
        let text = "a terminal cannot show a photo; name a file, or redirect the output";
        return Err(Error::invalid(text));
    }
    receive(context, client, id, output::print).await
}

/// Passes on the bytes of a photo, piece by piece.
async fn receive(
    context: &Context,
    client: &Client,
    id: String,
    mut write: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let request = GetPhotoRequest {
        id,
        owner_id: context.owner.clone(),
        ..GetPhotoRequest::default()
    };
    let mut parts = client.contacts().get_photo(request).await?.into_inner();
    while let Some(response) = parts.message().await? {
        if let Some(Part::Chunk(chunk)) = response.part {
            write(&chunk)?;
        }
    }
    Ok(())
}

async fn delete(context: &Context, client: &Client, contact: String) -> Result<(), Error> {
    let request = DeletePhotoRequest {
        id: find::contact(context, client, &[contact]).await?.id,
        owner_id: context.owner.clone(),
        ..DeletePhotoRequest::default()
    };
    let response = client.contacts().delete_photo(request).await?;
    let contact = response.into_inner().contact.unwrap_or_default();
    print(context, &contact, "has no photo any longer")
}

fn print(context: &Context, contact: &Contact, what: &str) -> Result<(), Error> {
    if context.output.is_json() {
        return output::message(CONTACT, contact);
    }
    output::note(format_args!("{} {what}.", contact.display_name));
    Ok(())
}
