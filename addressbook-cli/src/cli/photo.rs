//! Arguments of `photo`.

use std::path::PathBuf;

use clap::Subcommand;

/// The sub-commands of `photo`.
#[derive(Debug, Subcommand)]
pub(crate) enum Photo {
    /// Set the photo of a contact
    Set {
        /// The contact: its id, or a text that finds it alone, in quotes if it has spaces
        contact: String,
        /// A JPEG, PNG or WebP image of at most 2 MiB; - for standard input
        file: PathBuf,
    },
    /// Write the photo of a contact to a file
    Get {
        /// The contact: its id, or a text that finds it alone, in quotes if it has spaces
        contact: String,
        /// The file to write; standard output if it is missing or `-`
        file: Option<PathBuf>,
        /// Replace an existing FILE
        #[arg(long)]
        force: bool,
    },
    /// Remove the photo of a contact
    Delete {
        /// The contact: its id, or a text that finds it alone, in quotes if it has spaces
        contact: String,
    },
}
