//! One file for each command or group of them.

mod account;
mod add;
mod delete;
mod list;
mod login;
mod search;
mod show;
mod totp;

use addressbook_client::Error;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::output::Output;

/// Runs a command; returns the exit code.
pub(crate) async fn run(cli: Cli, output: Output) -> Result<u8, Error> {
    let context = Context::new(&cli.profile, cli.owner, output)?;
    match cli.command {
        Command::Login(args) => login::log_in(&context, args).await?,
        Command::Logout => login::log_out(&context).await?,
        Command::Token => login::token(&context).await?,
        Command::List(args) => list::run(&context, args).await?,
        Command::Search(args) => search::run(&context, args).await?,
        Command::Show(args) => show::run(&context, args).await?,
        Command::Add(args) => add::run(&context, *args).await?,
        Command::Delete(args) => delete::delete(&context, args).await?,
        Command::Undelete(args) => delete::undelete(&context, args).await?,
        Command::Account(command) => account::run(&context, command).await?,
    }
    Ok(0)
}
