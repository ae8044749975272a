//! `import`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use addressbook_client::proto::contacts::v1::{
    ImportColumn, ImportConflict, ImportFormat, ImportHeader, ImportOutcome, ImportRow,
    ImportSummary,
};
use addressbook_client::{Client, Error, ImportEvent, Source, to_json};
use aws_lc_rs::digest::{self, SHA256};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::cli::Import;
use crate::context::Context;
use crate::output::error_json;
use crate::{exit, failures, output};

/// How many refused cards are shown; the others are only in the file of failures.
const SHOWN_MAX: usize = 20;

/// What became of a file.
struct Imported {
    summary: ImportSummary,
    /// The cards that were not stored as they are in the file.
    rows: Vec<ImportRow>,
}

/// Imports files one after the other; returns the exit code.
pub(crate) async fn run(context: &Context, args: Import) -> Result<u8, Error> {
    if args.failures.is_some() && args.files.len() > 1 {
        return Err(Error::invalid("--failures is for a single file"));
    }
    let client = context.client().await?;
    let mut code = 0;
    for path in &args.files {
        let imported = tokio::select! {
            biased;
            imported = import(context, &client, &args, path) => imported?,
            _ = tokio::signal::ctrl_c() => {
                output::note(format_args!(
                    "Interrupted. What was stored stays; the same command imports the rest of {}.",
                    path.display()
                ));
                return Ok(exit::INTERRUPTED);
            }
        };
        let has_failures = imported.summary.failed > 0;
        report(context, path, &imported);
        if has_failures && !args.dry_run {
            write_failures(&args, path, &imported.rows)?;
        }
        if has_failures {
            code = exit::PARTIAL;
        }
    }
    Ok(code)
}

/// Imports a file, with a progress bar on a terminal.
async fn import(
    context: &Context,
    client: &Client,
    args: &Import,
    path: &Path,
) -> Result<Imported, Error> {
    let (import_id, length) = fingerprint(path)
        .map_err(|cause| Error::local(format_args!("cannot read {}: {cause}", path.display())))?;
    let header = ImportHeader {
        format: ImportFormat::from(args.format).into(),
        on_conflict: ImportConflict::from(args.on_conflict).into(),
        validate_only: args.dry_run,
        default_region: args.region.clone(),
        // An empty one is replaced by a random one.
        import_id: if args.again { String::new() } else { import_id },
        columns: args.column.iter().map(ImportColumn::clone).collect(),
        labels: args.label.clone(),
        owner_id: context.owner.clone(),
    };
    let bar = progress_bar(path, length);
    let mut rows = Vec::new();
    let source = Source::File(path.to_owned());
    let importing = client.import(header, &source, |event| match event {
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
    Ok(Imported {
        summary: summary?,
        rows,
    })
}

/// An id that is the same for the same file, so that a repeated import continues an
/// interrupted one; and the size of the file.
fn fingerprint(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hash = digest::Context::new(&SHA256);
    let mut piece = vec![0; 64 * 1024];
    let mut length = 0;
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            let hash = hash.finish();
            let hex = hash.as_ref().iter().map(|byte| format!("{byte:02x}"));
            return Ok((hex.collect(), length));
        }
        hash.update(&piece[..count]);
        length += count as u64;
    }
}

/// Hidden if the errors do not go to a terminal.
fn progress_bar(path: &Path, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = "{prefix} [{wide_bar}] {percent}% {msg} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(path.display().to_string());
    bar.tick();
    bar
}

fn report(context: &Context, path: &Path, imported: &Imported) {
    let Imported { summary, rows } = imported;
    if context.output.is_json() {
        for row in rows {
            output::line(row_json(row));
        }
        let summary = to_json("addressbook.contacts.v1.ImportSummary", summary);
        output::line(json!({"file": path.display().to_string(), "summary": summary}));
        return;
    }
    let failed = rows
        .iter()
        .filter(|row| row.outcome() == ImportOutcome::Failed);
    let failed: Vec<_> = failed
        .take(SHOWN_MAX)
        .map(|row| {
            let reason = row.status.as_ref().map(|status| status.message.clone());
            vec![
                row.line.to_string(),
                reason.unwrap_or_default(),
                row.excerpt.clone(),
            ]
        })
        .collect();
    if !failed.is_empty() {
        context
            .output
            .table(&["LINE", "WHY IT WAS REFUSED", "CARD"], failed, "");
    }
    let warned = rows.iter().filter(|row| !row.warnings.is_empty()).count();
    let ImportSummary {
        created,
        updated,
        skipped,
        failed,
    } = summary;
    output::line(format_args!(
        "{}: {created} new, {updated} changed, {skipped} as before, {failed} refused, \
         {warned} with warnings",
        path.display()
    ));
}

/// The row; its error as everywhere in this program.
fn row_json(row: &ImportRow) -> Value {
    let error = row.status.as_ref().map(Error::from);
    let row = ImportRow {
        status: None,
        ..row.clone()
    };
    let mut value = to_json("addressbook.contacts.v1.ImportRow", &row);
    if let Some(error) = error {
        value["error"] = error_json(&error);
    }
    value
}

/// Writes the refused cards to a file that can be mended and imported.
fn write_failures(args: &Import, path: &Path, rows: &[ImportRow]) -> Result<(), Error> {
    let failed = rows
        .iter()
        .filter(|row| row.outcome() == ImportOutcome::Failed);
    let indices: Vec<_> = failed.map(|row| row.index.unsigned_abs()).collect();
    let to = args.failures.clone().unwrap_or_else(|| beside(path));
    let failed =
        |cause: io::Error| Error::local(format_args!("cannot write {}: {cause}", to.display()));
    let bytes = std::fs::read(path).map_err(failed)?;
    let text = failures::of(&bytes, args.format, &args.column, &indices);
    std::fs::write(&to, text).map_err(failed)?;
    output::note(format_args!("The refused cards are in {}.", to.display()));
    Ok(())
}

/// `contacts.failed.vcf` beside `contacts.vcf`.
fn beside(path: &Path) -> PathBuf {
    match path.extension() {
        Some(extension) => {
            let mut failed = std::ffi::OsString::from("failed.");
            failed.push(extension);
            path.with_extension(failed)
        }
        None => path.with_extension("failed"),
    }
}
