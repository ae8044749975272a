//! Arguments of the commands for accounts and sessions.

use clap::{Args, Subcommand};

use super::ServerArgs;

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
    /// Request the mail that lets you set a new password
    ForgotPassword {
        /// The e-mail of the account; that of the last log-in by default
        email: Option<String>,
        /// Where the services are
        #[command(flatten)]
        servers: ServerArgs,
    },
    /// Set a new password with the link of that mail, which is asked for; ends all sessions
    ResetPassword(ServerArgs),
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
    #[arg(long, default_value = "", hide_default_value = true)]
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

/// The sub-commands of `sessions`.
#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// List where you are logged in
    List,
    /// End a session
    Revoke {
        /// The session, by id
        #[arg(value_name = "ID")]
        id: String,
    },
    /// End all sessions except this one
    RevokeOthers,
}
