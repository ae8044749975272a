//! What became of the cards of a file.

use addressbook_client::proto::contacts::v1::{ImportOutcome, ImportRow, ImportSummary};
use addressbook_client::{Error, to_json};
use serde_json::{Value, json};

use super::Imported;
use crate::context::Context;
use crate::output::{self, error_json};

/// How many refused cards people see, and how many with warnings. `--json` prints all.
const SHOWN_MAX: usize = 20;

/// Prints the cards that were not stored as they are, then how many there are of each kind,
/// and where the refused ones are.
pub(super) fn print(context: &Context, imported: &Imported) -> Result<(), Error> {
    print_cards(context, imported)?;
    // The cards that were stored are reported all the same.
    if let Err(error) = &imported.refused {
        context.output.failed(error);
    }
    Ok(())
}

fn print_cards(context: &Context, imported: &Imported) -> Result<(), Error> {
    let Imported {
        name,
        summary,
        rows,
        refused,
    } = imported;
    let name = name.display();
    let refused = refused.as_ref().ok().and_then(Option::as_ref);
    if context.output.is_json() {
        for row in rows {
            output::json(&row_json(row))?;
        }
        let summary = to_json("addressbook.contacts.v1.ImportSummary", summary);
        let mut last = json!({"file": name.to_string(), "summary": summary});
        if let Some(refused) = refused {
            last["refused"] = refused.display().to_string().into();
        }
        return output::json(&last);
    }
    let (failed, stored): (Vec<_>, Vec<_>) = rows
        .iter()
        .partition(|row| row.outcome() == ImportOutcome::Failed);
    let reason = |row: &ImportRow| {
        let message = row.status.as_ref().map(|status| status.message.clone());
        message.unwrap_or_default()
    };
    table("WHY IT WAS REFUSED", &failed, reason)?;
    let warned: Vec<_> = stored
        .into_iter()
        .filter(|row| !row.warnings.is_empty())
        .collect();
    table("WARNINGS", &warned, |row| row.warnings.join("\n"))?;
    let with_warnings = rows.iter().filter(|row| !row.warnings.is_empty()).count();
    let ImportSummary {
        created,
        updated,
        skipped,
        failed,
    } = summary;
    output::line(format_args!(
        "{name}: {created} new, {updated} changed, {skipped} as before, {failed} refused, \
         {with_warnings} with warnings"
    ))?;
    if let Some(refused) = refused {
        output::note(format_args!(
            "The refused cards are in {}.",
            refused.display()
        ));
    }
    Ok(())
}

/// The first of these cards, each with a text, and how many more there are.
fn table(
    header: &str,
    rows: &[&ImportRow],
    text: impl Fn(&ImportRow) -> String,
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let shown = rows.iter().take(SHOWN_MAX);
    let cells = shown.map(|row| vec![row.line.to_string(), text(row), row.excerpt.clone()]);
    output::table(&["LINE", header, "CARD"], cells.collect(), "")?;
    match rows.len().saturating_sub(SHOWN_MAX) {
        0 => Ok(()),
        more => output::line(format_args!("and {more} more; --json prints all")),
    }
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
