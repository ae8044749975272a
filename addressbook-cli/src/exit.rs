//! The exit codes, as in the table of `addressbook --help`.

use addressbook_client::{Error, Kind};

/// Some cards of a file were refused, or one of several files.
pub(crate) const PARTIAL: u8 = 14;
/// A file of this machine cannot be read or written.
pub(crate) const LOCAL: u8 = 13;
/// Ctrl-C, as shells count it.
pub(crate) const INTERRUPTED: u8 = 130;

/// Below the help of the program.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done
    1  a fault of the server or of this program, or their versions do not match
    2  the command line is wrong
    3  nobody is logged in, or the credentials are wrong
    4  not allowed
    5  not found
    6  something in the request is invalid; the fields are named
    7  it exists already, or somebody else has changed it
    8  the state of the account or address book does not allow it
    9  too many calls; try again later
   10  there is no room for more
   11  a server cannot be reached
   12  a call took too long, and may have been executed
   13  a file of this machine, or the output, cannot be read or written
   14  some cards were not imported, or some of several files
  130  interrupted with Ctrl-C

Environment:
  ADDRESSBOOK_PROFILE  the profile, as --profile
  ADDRESSBOOK_AUTH_URL, ADDRESSBOOK_CONTACTS_URL, ADDRESSBOOK_CA_FILE
                       the servers of `login` and `account sign-up`
  XDG_STATE_HOME       where the profiles are, in the folder `addressbook`;
                       by default ~/.local/state
  VISUAL, EDITOR       the editor of `edit`
  NO_COLOR             disables colours";

/// The exit code of a failure.
pub(crate) fn code_of(error: &Error) -> u8 {
    match error.kind {
        Kind::Internal | Kind::Unimplemented => 1,
        Kind::Unauthenticated => 3,
        Kind::PermissionDenied => 4,
        Kind::NotFound => 5,
        Kind::Invalid => 6,
        Kind::Conflict => 7,
        Kind::Precondition => 8,
        Kind::RateLimited => 9,
        Kind::QuotaExceeded => 10,
        Kind::Unavailable => 11,
        Kind::DeadlineExceeded => 12,
        Kind::Local => LOCAL,
    }
}
