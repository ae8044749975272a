//! `import`.

mod cards;
mod input;
mod refused;
mod report;

use std::path::{Path, PathBuf};

use addressbook_client::proto::contacts::v1::{
    ImportColumn, ImportConflict, ImportFormat, ImportHeader, ImportRow, ImportSummary,
};
use addressbook_client::{Client, Error, ImportEvent, Kind};
use indicatif::{ProgressBar, ProgressStyle};

use self::input::Input;
use crate::cli::Import;
use crate::context::Context;
use crate::{exit, interrupt, output};

/// What became of a file.
struct Imported {
    /// As in the command; `-` for standard input.
    name: PathBuf,
    summary: ImportSummary,
    /// The cards that were not stored as they are in the file.
    rows: Vec<ImportRow>,
    /// The file that contains the refused ones, if there are any.
    refused: Result<Option<PathBuf>, Error>,
}

/// Imports files one after the other; returns the exit code.
pub(crate) async fn run(context: &Context, args: Import) -> Result<u8, Error> {
    if args.failures.is_some() && args.files.len() > 1 {
        return Err(Error::invalid("--failures is for a single file"));
    }
    let client = context.client().await?;
    let mut code = 0;
    for file in &args.files {
        let imported = tokio::select! {
            biased;
            imported = send(context, &client, &args, file) => imported,
            () = interrupt::pressed() => {
                output::note(interrupted(&args));
                return Ok(exit::INTERRUPTED);
            }
        };
        match imported {
            Ok(imported) => {
                report::print(context, &imported)?;
                suggest_as_new(context, &args, &imported.summary);
                if imported.summary.failed > 0 {
                    code = exit::PARTIAL;
                }
            }
            Err(error) if args.files.len() == 1 => return Err(error),
            // The other files may be fine.
            Err(error) if is_of_file(&error) => {
                context.output.failed(&named(&error, file));
                code = exit::PARTIAL;
            }
            Err(error) => return Err(named(&error, file)),
        }
    }
    Ok(code)
}

/// Whether another file can be imported where this error stopped one.
fn is_of_file(error: &Error) -> bool {
    matches!(error.kind, Kind::Local | Kind::Invalid)
}

/// The error with the name of its file. One of this machine names its file already.
fn named(error: &Error, file: &Path) -> Error {
    match error.kind {
        Kind::Local => error.clone(),
        _ => error.at(file.display()),
    }
}

fn interrupted(args: &Import) -> &'static str {
    if args.dry_run {
        "Interrupted; nothing is stored."
    } else if args.as_new {
        "Interrupted. What was stored stays, and the same command would store it again."
    } else {
        "Interrupted. What was stored stays, and the same command imports the rest."
    }
}

/// Says why nothing was stored of a file whose contacts the user may have deleted since.
fn suggest_as_new(context: &Context, args: &Import, summary: &ImportSummary) {
    let is_nothing_stored = summary.created == 0 && summary.updated == 0;
    if summary.skipped > 0 && is_nothing_stored && !args.as_new && !context.output.is_json() {
        output::note(
            "What an earlier import of this file has stored is not stored again, even if it was \
             deleted since. --as-new does that.",
        );
    }
}

/// Sends a file, with a progress bar on a terminal, and writes its refused cards to another.
async fn send(
    context: &Context,
    client: &Client,
    args: &Import,
    file: &Path,
) -> Result<Imported, Error> {
    let input = Input::open(file).await?;
    // With an empty id, each import is another.
    let import_id = if args.as_new {
        String::new()
    } else {
        input.fingerprint.clone()
    };
    let header = ImportHeader {
        format: ImportFormat::from(args.format).into(),
        on_conflict: ImportConflict::from(args.on_conflict).into(),
        validate_only: args.dry_run,
        default_region: args.region.clone(),
        import_id,
        columns: args.column.iter().map(ImportColumn::clone).collect(),
        labels: args.label.clone(),
        owner_id: context.owner.clone(),
    };
    let bar = progress_bar(&input);
    let mut rows = Vec::new();
    let importing = client.import(header, input.path(), |event| match event {
        ImportEvent::Row(row) => rows.push(*row),
        ImportEvent::Progress(progress) => {
            bar.set_position(progress.bytes.unsigned_abs());
            bar.set_message(format!("{} cards", progress.rows));
        }
        ImportEvent::Restarted(error) => {
            rows.clear();
            bar.suspend(|| output::note(format_args!("{error}; continuing")));
        }
    });
    let summary = importing.await;
    bar.finish_and_clear();
    let summary = summary?;
    let refused = if summary.failed == 0 || args.dry_run {
        Ok(None)
    } else {
        refused::write(args, &input, &rows).map(Some)
    };
    Ok(Imported {
        name: input.name,
        summary,
        rows,
        refused,
    })
}

/// Hidden if the errors do not go to a terminal.
fn progress_bar(input: &Input) -> ProgressBar {
    let bar = ProgressBar::new(input.bytes);
    let template = "{prefix} [{wide_bar}] {percent}% {msg} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(output::plain(&input.name.display().to_string()));
    bar.tick();
    bar
}
