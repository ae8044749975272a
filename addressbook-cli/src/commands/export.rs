//! `export`.

use std::path::Path;

use addressbook_client::proto::contacts::v1::{
    ExportContactsRequest, ExportContactsResponse, ExportFormat,
};
use addressbook_client::{Client, Error, Export, Exported};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::cli;
use crate::context::Context;
use crate::new_file::NewFile;
use crate::output;

/// Exports contacts to a file, or to the output.
pub(crate) async fn run(context: &Context, args: cli::Export) -> Result<(), Error> {
    let client = context.client().await?;
    match &args.file {
        Some(path) if path != Path::new("-") => to_file(context, &client, &args, path).await,
        _ => to_output(context, &client, &args).await,
    }
}

fn start(context: &Context, client: &Client, args: &cli::Export) -> Export {
    client.export(ExportContactsRequest {
        format: ExportFormat::from(args.format).into(),
        filter: args.filter.clone(),
        include_deleted: args.deleted,
        include_photos: args.photos,
        default_region: args.region.clone(),
        owner_id: context.owner.clone(),
    })
}

/// Writes a file that is there only when it is complete, and that only its owner can read.
async fn to_file(
    context: &Context,
    client: &Client,
    args: &cli::Export,
    path: &Path,
) -> Result<(), Error> {
    let mut file = NewFile::create(path, args.force)?;
    let bar = progress_bar(path);
    let mut export = start(context, client, args);
    let mut contacts = 0;
    loop {
        match export.next().await? {
            Exported::Piece(piece) => {
                file.write(&piece.chunk)?;
                contacts = piece.contact_count;
                show(&bar, &piece);
            }
            Exported::Restarted(error) => {
                bar.suspend(|| output::note(format_args!("{error}; beginning again")));
                file.begin_again()?;
            }
            Exported::End => break,
        }
    }
    bar.finish_and_clear();
    file.finish()?;
    if context.output.is_json() {
        return output::json(
            &json!({"file": path.display().to_string(), "contactCount": contacts}),
        );
    }
    output::note(format_args!(
        "{contacts} contacts are in {}.",
        path.display()
    ));
    Ok(())
}

/// Writes to the output, which cannot begin again.
async fn to_output(context: &Context, client: &Client, args: &cli::Export) -> Result<(), Error> {
    let mut export = start(context, client, args);
    let mut has_begun = false;
    loop {
        match export.next().await? {
            Exported::Piece(piece) => {
                has_begun = true;
                output::print(&piece.chunk)?;
            }
            Exported::Restarted(error) if has_begun => return Err(error),
            Exported::Restarted(_) => {}
            Exported::End => return Ok(()),
        }
    }
}

/// Hidden if the errors do not go to a terminal.
fn progress_bar(path: &Path) -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "{prefix} [{wide_bar}] {pos} of {len} contacts {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(output::plain(&path.display().to_string()));
    bar
}

fn show(bar: &ProgressBar, piece: &ExportContactsResponse) {
    bar.set_length(piece.total_count.unsigned_abs());
    bar.set_position(piece.contact_count.unsigned_abs());
}
