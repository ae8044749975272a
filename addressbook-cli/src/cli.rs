//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit;
use crate::field::{Labelled, birthday};

/// Contacts, from a terminal or a script
#[derive(Debug, Parser)]
#[command(name = "addressbook", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    /// Which of several accounts to use
    #[arg(
        long,
        global = true,
        env = "ADDRESSBOOK_PROFILE",
        default_value = "default",
        hide_env = true
    )]
    pub(crate) profile: String,
    /// Print JSON for programs: a value a line, with the members of the protos
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Whether to use colours
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) color: Color,
    /// The owner of contacts that are shared with you, by id; see `share received`
    #[arg(long, global = true, value_name = "ID", default_value = "")]
    pub(crate) owner: String,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in; the password is asked for, or read from the first line of the input
    Login(Login),
    /// Log out: end the session, and forget its tokens
    Logout,
    /// Print a fresh access token, as for grpcurl -H "authorization: Bearer $(addressbook token)"
    Token,
    /// List contacts
    List(List),
    /// Search contacts, the best match first
    Search(Search),
    /// Show a contact
    Show(One),
    /// Add a contact
    Add(Box<Add>),
    /// Delete contacts; they can be undeleted for 30 days
    Delete(Some),
    /// Undelete contacts
    Undelete(Some),
    /// Sign up, and manage your account
    #[command(subcommand)]
    Account(Account),
}

/// Where the services are.
#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// The auth service; by default that of the last log-in, or of `cargo dev`
    #[arg(
        long,
        value_name = "URL",
        env = "ADDRESSBOOK_AUTH_URL",
        hide_env = true
    )]
    pub(crate) auth: Option<String>,
    /// The contacts service; by default as for --auth
    #[arg(
        long,
        value_name = "URL",
        env = "ADDRESSBOOK_CONTACTS_URL",
        hide_env = true
    )]
    pub(crate) contacts: Option<String>,
    /// PEM file of CA certificates for https:// URLs; default: the system's trust store
    #[arg(
        long,
        value_name = "FILE",
        env = "ADDRESSBOOK_CA_FILE",
        hide_env = true
    )]
    pub(crate) ca_file: Option<PathBuf>,
}

/// Who logs in.
#[derive(Args, Debug)]
pub(crate) struct Login {
    /// The e-mail of the account; that of the last log-in by default
    pub(crate) email: Option<String>,
    /// Where the services are
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
}

/// Which contacts to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only these, in the language of AIP-160, such as 'labels:"work" AND has:phone'
    #[arg(long, default_value = "")]
    pub(crate) filter: String,
    /// The order, such as `given_name` or `"update_time desc"`
    #[arg(long, value_name = "FIELD", default_value = "")]
    pub(crate) order_by: String,
    /// At most this many
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<usize>,
    /// Also those that others share with you
    #[arg(long, conflicts_with = "owner")]
    pub(crate) all_owners: bool,
    /// The deleted ones
    #[arg(long, conflicts_with = "all_owners")]
    pub(crate) deleted: bool,
}

/// What to search for.
#[derive(Args, Debug)]
pub(crate) struct Search {
    /// Words; each matches some field
    #[arg(required = true)]
    pub(crate) query: Vec<String>,
    /// Only these, as for `list`
    #[arg(long, default_value = "")]
    pub(crate) filter: String,
    /// At most this many
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Also those that others share with you
    #[arg(long, conflicts_with = "owner")]
    pub(crate) all_owners: bool,
}

/// A contact.
#[derive(Args, Debug)]
pub(crate) struct One {
    /// The contact: its id, or words that find it alone
    #[arg(required = true)]
    pub(crate) contact: Vec<String>,
}

/// Some contacts.
#[derive(Args, Debug)]
pub(crate) struct Some {
    /// The contacts by id
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

/// A new contact.
#[derive(Args, Debug)]
pub(crate) struct Add {
    /// The given name
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) given_name: String,
    /// The family name
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) family_name: String,
    /// The nickname
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) nickname: String,
    /// An e-mail address, such as `ada@example.com` or `work=ada@example.com`; repeatable
    #[arg(long, value_name = "[LABEL=]ADDRESS")]
    pub(crate) email: Vec<Labelled>,
    /// A phone number, such as `"030 123456"` or `mobile=+491701234567`; repeatable
    #[arg(long, value_name = "[LABEL=]NUMBER")]
    pub(crate) phone: Vec<Labelled>,
    /// The organization
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) organization: String,
    /// The date of birth: 1815-12-10, or --12-10 without the year
    #[arg(long, value_name = "DATE", value_parser = birthday, allow_hyphen_values = true)]
    pub(crate) birthday: Option<addressbook_client::proto::contacts::v1::Date>,
    /// A label; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Vec<String>,
    /// Notes
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) notes: String,
    /// Mark it as a favourite
    #[arg(long)]
    pub(crate) starred: bool,
    /// The country of phone numbers without a country code, such as DE
    #[arg(long, value_name = "COUNTRY", default_value = "")]
    pub(crate) region: String,
    /// Further fields: a file with a contact in JSON, as `show --json` prints it; - for the input
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

/// The sub-commands of `account`.
#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Create an account, and log in; the password is asked for
    SignUp(SignUp),
    /// Show your account
    Show,
    /// Request the mail that verifies your address
    SendVerification,
    /// Verify your address with the link of the mail, which is asked for
    Verify,
    /// Change the password, which ends all other sessions
    ChangePassword,
    /// Turn the second factor on or off
    #[command(subcommand)]
    Totp(Totp),
    /// Delete your account and all its contacts for good
    Delete(Confirm),
}

/// Who signs up.
#[derive(Args, Debug)]
pub(crate) struct SignUp {
    /// The e-mail of the account
    pub(crate) email: Option<String>,
    /// Your name, which others see
    #[arg(long, default_value = "")]
    pub(crate) name: String,
    /// Where the services are
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
}

/// The sub-commands of `account totp`.
#[derive(Debug, Subcommand)]
pub(crate) enum Totp {
    /// Show a QR code for an authenticator app, and turn the second factor on
    Enable,
    /// Turn the second factor off
    Disable,
    /// Replace the recovery codes
    RecoveryCodes,
}

/// Whether to do what cannot be undone.
#[derive(Args, Debug)]
pub(crate) struct Confirm {
    /// Do not ask whether to do it
    #[arg(long)]
    pub(crate) yes: bool,
}
