//! Arguments of the commands for contacts.

use std::path::PathBuf;

use addressbook_client::proto::contacts::v1::Date;
use clap::Args;

use crate::field::{Labelled, birthday};

/// Whose contacts.
#[derive(Args, Debug)]
pub(crate) struct Owner {
    /// The owner of contacts that are shared with you, by id; see `share received`
    #[arg(
        long,
        global = true,
        value_name = "ID",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) owner: String,
}

/// Which contacts to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only contacts that match, such as 'labels:"work" AND has:phone'; docs/TOUR.md has more
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) filter: String,
    /// The field that defines the order, such as `given_name` or `"update_time desc"`
    #[arg(
        long,
        value_name = "FIELD",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) order_by: String,
    /// At most this many
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<usize>,
    /// Also those that others share with you
    #[arg(long, conflicts_with = "owner")]
    pub(crate) all_owners: bool,
    /// List deleted contacts instead
    #[arg(long, conflicts_with = "all_owners")]
    pub(crate) deleted: bool,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// What to search for.
#[derive(Args, Debug)]
pub(crate) struct Search {
    /// Words, each of which must match a field of the contact
    #[arg(required = true)]
    pub(crate) query: Vec<String>,
    /// Only contacts that match, as for `list`
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) filter: String,
    /// At most this many
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Also those that others share with you
    #[arg(long, conflicts_with = "owner")]
    pub(crate) all_owners: bool,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// A contact.
#[derive(Args, Debug)]
pub(crate) struct One {
    /// The contact: its id, or words that find it alone
    #[arg(required = true)]
    pub(crate) contact: Vec<String>,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// Contacts.
#[derive(Args, Debug)]
pub(crate) struct Ids {
    /// The contacts, by id
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}

/// A new contact.
#[derive(Args, Debug)]
pub(crate) struct Add {
    /// The given name
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) given_name: String,
    /// The family name
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) family_name: String,
    /// The nickname
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) nickname: String,
    /// An e-mail address, such as `ada@example.com` or `work=ada@example.com`; repeatable
    #[arg(long, value_name = "[LABEL=]ADDRESS")]
    pub(crate) email: Vec<Labelled>,
    /// A phone number, such as `"030 123456"` or `mobile=+491701234567`; repeatable
    #[arg(long, value_name = "[LABEL=]NUMBER")]
    pub(crate) phone: Vec<Labelled>,
    /// The organization
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) organization: String,
    /// The date of birth: 1815-12-10, or --12-10 without the year
    #[arg(long, value_name = "DATE", value_parser = birthday, allow_hyphen_values = true)]
    pub(crate) birthday: Option<Date>,
    /// A label; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Vec<String>,
    /// Notes
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) notes: String,
    /// Mark it as a favourite
    #[arg(long)]
    pub(crate) starred: bool,
    /// The country of phone numbers without a country code, such as DE; default: that of your
    /// settings
    #[arg(
        long,
        value_name = "COUNTRY",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) region: String,
    /// Further fields: a file with a contact in JSON, as `show --json` prints it; - for standard
    /// input
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Whose contacts
    #[command(flatten)]
    pub(crate) owner: Owner,
}
