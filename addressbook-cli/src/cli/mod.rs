//! The command line.

mod account;
mod contacts;
mod files;
mod photo;
mod settings;
mod sharing;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use account::{Account, Confirm, Sessions, SignUp, Totp};
pub(crate) use contacts::{Add, Ids, List, One, Owner, Search};
pub(crate) use files::{Export, Format, Import};
pub(crate) use photo::Photo;
pub(crate) use settings::{SetSettings, Settings};
pub(crate) use sharing::{
    Birthdays, CreateShare, Duplicates, Labels, Members, Merge, Share, Watch,
};

use crate::exit;

/// The profile of commands that name none.
pub(crate) const DEFAULT_PROFILE: &str = "default";

/// Contacts, from a terminal or a script
#[derive(Debug, Parser)]
#[command(name = "addressbook", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    /// The account to use, if you have several: a name of your choice
    #[arg(
        long,
        global = true,
        env = "ADDRESSBOOK_PROFILE",
        default_value = DEFAULT_PROFILE,
        hide_env = true,
        help_heading = "Options of every command"
    )]
    pub(crate) profile: String,
    /// Print results and errors as JSON: one value per line, with the field names of the protos
    #[arg(long, global = true, help_heading = "Options of every command")]
    pub(crate) json: bool,
    /// Whether to use colours; auto: on a terminal, unless `NO_COLOR` is set
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        help_heading = "Options of every command"
    )]
    pub(crate) color: Color,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// The sub-commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Log in; the password is asked for, or read from standard input
    Login(Login),
    /// Log out: end the session, and forget its tokens
    Logout,
    /// Print an access token, as for grpcurl -H "authorization: Bearer $(addressbook token)"
    Token,
    /// List contacts
    List(List),
    /// Search contacts, the best match first
    Search(Search),
    /// Show a contact
    Show(One),
    /// Add a contact
    Add(Box<Add>),
    /// Edit a contact in $VISUAL or $EDITOR
    Edit(One),
    /// Delete contacts; they can be undeleted for 30 days
    Delete(Ids),
    /// Undelete contacts
    Undelete(Ids),
    /// Import files of contacts; the same command again continues an interrupted import
    Import(Import),
    /// Export contacts as a file for another program
    Export(Export),
    /// List upcoming birthdays
    Birthdays(Birthdays),
    /// Print changes as they happen
    Watch(Watch),
    /// Find contacts that may be the same person
    Duplicates(Duplicates),
    /// Merge contacts into one
    Merge(Merge),
    /// Undo a merge
    Unmerge {
        /// The merge, by the id that `merge` printed
        #[arg(value_name = "ID")]
        id: String,
        /// Whose contacts
        #[command(flatten)]
        owner: Owner,
    },
    /// Manage labels
    Labels {
        /// Whose labels
        #[command(flatten)]
        owner: Owner,
        /// What to do
        #[command(subcommand)]
        command: Labels,
    },
    /// Set, get and remove photos of contacts
    Photo {
        /// Whose contacts
        #[command(flatten)]
        owner: Owner,
        /// What to do
        #[command(subcommand)]
        command: Photo,
    },
    /// Share contacts with others
    #[command(subcommand)]
    Share(Share),
    /// Show and change the settings of your address book
    #[command(subcommand)]
    Settings(Settings),
    /// List and end sessions
    #[command(subcommand)]
    Sessions(Sessions),
    /// Sign up, and manage your account
    #[command(subcommand)]
    Account(Account),
    /// Print completions for a shell, such as `addressbook completions bash`
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page
    Man {
        /// Write this page and those of all sub-commands into a folder
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

/// Where the services are.
#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// The auth service; by default that of the last log-in, or of `cargo dev`
    #[arg(
        long,
        value_name = "URL",
        env = "ADDRESSBOOK_AUTH_URL",
        hide_env = true,
        requires = "contacts"
    )]
    pub(crate) auth: Option<String>,
    /// The contacts service; only together with --auth
    #[arg(
        long,
        value_name = "URL",
        env = "ADDRESSBOOK_CONTACTS_URL",
        hide_env = true,
        requires = "auth"
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
    /// Send passwords and tokens without TLS to another machine; others can read them
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
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
