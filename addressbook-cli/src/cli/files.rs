//! Arguments of `import` and `export`.

use std::path::PathBuf;

use addressbook_client::proto::contacts::v1::{
    ExportFormat, ImportColumn, ImportConflict, ImportFormat,
};
use clap::{Args, ValueEnum};

use super::Owner;

/// Which files to import, and how.
#[derive(Args, Debug)]
pub(crate) struct Import {
    /// The files: vCard, CSV of Google or Outlook, JSContact, or JSON lines; - for standard
    /// input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The format of the files
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// For --format csv: what a column contains, such as `Surname=family_name` or
    /// `Mail=emails[0].address`; repeatable
    #[arg(long, value_name = "HEADER=FIELD", value_parser = column)]
    pub(crate) column: Vec<ImportColumn>,
    /// What happens to a card (a contact of the file) whose uid a contact has already
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub(crate) on_conflict: Conflict,
    /// Say what would happen, and store nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Store cards without a uid as new contacts, even if an earlier import of the same file
    /// has stored them: those that you did not delete since are then there twice
    #[arg(long)]
    pub(crate) as_new: bool,
    /// The country of phone numbers without a country code, such as DE; default: that of your
    /// settings
    #[arg(
        long,
        value_name = "COUNTRY",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) region: String,
    /// A label for every contact; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Vec<String>,
    /// Where to write the refused cards of a single FILE; by default beside it, as
    /// NAME.failed.vcf. An existing file is kept, and the new one gets a number
    #[arg(long, value_name = "FILE")]
    pub(crate) failures: Option<PathBuf>,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// What a file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The one that the file begins like
    #[default]
    Auto,
    /// vCard 2.1, 3.0 or 4.0
    Vcard,
    /// A table exported by Google
    GoogleCsv,
    /// A table exported by Outlook
    OutlookCsv,
    /// Another table, see --column
    Csv,
    /// JSContact
    Jscontact,
    /// A contact in JSON on each line
    JsonLines,
}

impl From<Format> for ImportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Auto => Self::Unspecified,
            Format::Vcard => Self::Vcard,
            Format::GoogleCsv => Self::GoogleCsv,
            Format::OutlookCsv => Self::OutlookCsv,
            Format::Csv => Self::MappedCsv,
            Format::Jscontact => Self::Jscontact,
            Format::JsonLines => Self::JsonLines,
        }
    }
}

/// What happens to a card whose uid a contact has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Conflict {
    /// The contact stays as it is
    #[default]
    Skip,
    /// The fields that the card has replace those of the contact
    Update,
    /// The card is merged into the contact
    Merge,
    /// The card becomes another contact
    Duplicate,
}

impl From<Conflict> for ImportConflict {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Skip => Self::Skip,
            Conflict::Update => Self::Update,
            Conflict::Merge => Self::Merge,
            Conflict::Duplicate => Self::Duplicate,
        }
    }
}

/// Which contacts to export, and how.
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// The file to write; standard output if it is missing or `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The format of the file; tables lose what they have no column for
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ExportAs,
    /// Only contacts that match, as for `list`
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) filter: String,
    /// Also photos
    #[arg(long)]
    pub(crate) photos: bool,
    /// Also deleted contacts, with --format json-lines
    #[arg(long)]
    pub(crate) deleted: bool,
    /// The country of phone numbers in the filter
    #[arg(
        long,
        value_name = "COUNTRY",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) region: String,
    /// Replace an existing FILE
    #[arg(long)]
    pub(crate) force: bool,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// What an exported file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportAs {
    /// vCard 4.0
    #[default]
    Vcard4,
    /// vCard 3.0, which older programs read, too
    Vcard3,
    /// A table for Google
    GoogleCsv,
    /// A table for Outlook
    OutlookCsv,
    /// JSContact
    Jscontact,
    /// A contact in JSON on each line
    JsonLines,
}

impl From<ExportAs> for ExportFormat {
    fn from(format: ExportAs) -> Self {
        match format {
            ExportAs::Vcard4 => Self::Vcard4,
            ExportAs::Vcard3 => Self::Vcard3,
            ExportAs::GoogleCsv => Self::GoogleCsv,
            ExportAs::OutlookCsv => Self::OutlookCsv,
            ExportAs::Jscontact => Self::Jscontact,
            ExportAs::JsonLines => Self::JsonLines,
        }
    }
}

fn column(text: &str) -> Result<ImportColumn, String> {
    let (header, field) = text
        .rsplit_once('=')
        .ok_or("must be like Surname=family_name")?;
    Ok(ImportColumn {
        header: header.to_owned(),
        field: field.to_owned(),
    })
}
