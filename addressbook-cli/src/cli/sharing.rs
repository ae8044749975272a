//! Arguments of `labels`, `share`, `merge` and `watch`.

use addressbook_client::proto::contacts::v1::ShareRole;
use clap::{Args, Subcommand, ValueEnum};

use super::Owner;

/// The sub-commands of `labels`.
#[derive(Debug, Subcommand)]
pub(crate) enum Labels {
    /// List labels, with the number of their contacts
    List,
    /// Create a label
    Create {
        /// Its name
        name: String,
    },
    /// Rename a label, also in its contacts
    Rename {
        /// The label, by name or id
        label: String,
        /// Its new name
        name: String,
    },
    /// Delete a label; its contacts stay
    Delete {
        /// The label, by name or id
        label: String,
    },
    /// Add a label to contacts
    Add(Members),
    /// Remove a label from contacts
    Remove(Members),
}

/// A label and contacts.
#[derive(Args, Debug)]
pub(crate) struct Members {
    /// The label, by name or id
    pub(crate) label: String,
    /// The contacts, by id
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

/// The sub-commands of `share`.
#[derive(Debug, Subcommand)]
pub(crate) enum Share {
    /// Offer your contacts to somebody
    Create(CreateShare),
    /// List what you share
    List,
    /// List what others share with you or offer, with the id for --owner
    Received,
    /// Accept an offer
    Accept {
        /// The offer, by id
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Change what the recipient may do
    Role {
        /// The share, by id
        #[arg(value_name = "ID")]
        id: String,
        /// What the recipient may do
        #[arg(value_enum)]
        role: Role,
    },
    /// End a share, or refuse an offer
    End {
        /// The share, by id
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// A new share.
#[derive(Args, Debug)]
pub(crate) struct CreateShare {
    /// The address of the recipient
    pub(crate) email: String,
    /// Only the contacts with this label, by name or id
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// What the recipient may do
    #[arg(long, value_enum, default_value_t)]
    pub(crate) role: Role,
}

/// What a recipient may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Read
    #[default]
    Reader,
    /// Read and write
    Editor,
}

impl From<Role> for ShareRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Reader => Self::Reader,
            Role::Editor => Self::Editor,
        }
    }
}

/// Which birthdays to list.
#[derive(Args, Debug)]
pub(crate) struct Birthdays {
    /// How many days from today, at most 366
    #[arg(long, value_name = "NUMBER", default_value_t = 30)]
    pub(crate) days: i32,
    /// The time zone that defines today, such as Europe/Berlin; by default that of your
    /// settings
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) time_zone: String,
    /// Also anniversaries and other events
    #[arg(long)]
    pub(crate) events: bool,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// Which duplicates to find.
#[derive(Args, Debug)]
pub(crate) struct Duplicates {
    /// Only groups that are at least as certain as this, from 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.0)]
    pub(crate) min_score: f64,
    /// At most this many groups
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Never show these contacts as duplicates again, by id
    #[arg(long, value_name = "ID", num_args = 2.., conflicts_with_all = ["min_score", "limit"])]
    pub(crate) ignore: Vec<String>,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// The contacts to merge.
#[derive(Args, Debug)]
pub(crate) struct Merge {
    /// The contact that is kept, by id
    #[arg(value_name = "ID")]
    pub(crate) primary: String,
    /// The contacts that are merged into it, by id
    #[arg(required = true, value_name = "OTHER_ID")]
    pub(crate) others: Vec<String>,
    /// Show the result, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// From where to watch.
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// Resume after the event with this `syncToken`, which --json prints; by default only new
    /// changes
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}
