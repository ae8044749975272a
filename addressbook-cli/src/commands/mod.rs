//! One file for each command or group of them.

mod account;
mod add;
mod birthdays;
mod delete;
mod duplicates;
mod edit;
mod export;
mod import;
mod labels;
mod list;
mod login;
mod manual;
mod photo;
mod search;
mod sessions;
mod settings;
mod share;
mod show;
mod totp;
mod watch;

use addressbook_client::Error;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::output::Output;

/// Runs a command; returns the exit code.
pub(crate) async fn run(cli: Cli, output: Output) -> Result<u8, Error> {
    match &cli.command {
        Command::Completions { shell } => return manual::completions(*shell).map(|()| 0),
        Command::Man { dir } => return manual::man(dir.as_deref()).map(|()| 0),
        _ => {}
    }
    let context = Context::new(&cli.profile, output)?;
    match cli.command {
        Command::Login(args) => login::log_in(&context, args).await?,
        Command::Logout => login::log_out(&context).await?,
        Command::Token => login::token(&context).await?,
        Command::List(args) => list::run(&context.of(&args.owner), args).await?,
        Command::Search(args) => search::run(&context.of(&args.owner), args).await?,
        Command::Show(args) => show::run(&context.of(&args.owner), args).await?,
        Command::Add(args) => add::run(&context.of(&args.owner), *args).await?,
        Command::Delete(args) => delete::delete(&context.of(&args.owner), args).await?,
        Command::Undelete(args) => delete::undelete(&context.of(&args.owner), args).await?,
        Command::Edit(args) => return edit::run(&context.of(&args.owner), args).await,
        Command::Import(args) => return import::run(&context.of(&args.owner), args).await,
        Command::Export(args) => export::run(&context.of(&args.owner), args).await?,
        Command::Birthdays(args) => birthdays::run(&context.of(&args.owner), args).await?,
        Command::Watch(args) => watch::run(&context.of(&args.owner), args).await?,
        Command::Duplicates(args) => duplicates::find(&context.of(&args.owner), args).await?,
        Command::Merge(args) => duplicates::merge(&context.of(&args.owner), args).await?,
        Command::Unmerge { id, owner } => duplicates::unmerge(&context.of(&owner), id).await?,
        Command::Labels { owner, command } => labels::run(&context.of(&owner), command).await?,
        Command::Photo { owner, command } => photo::run(&context.of(&owner), command).await?,
        Command::Settings(command) => settings::run(&context, command).await?,
        Command::Share(command) => share::run(&context, command).await?,
        Command::Sessions(command) => sessions::run(&context, command).await?,
        Command::Account(command) => account::run(&context, command).await?,
        // Above: they need no profile.
        Command::Completions { .. } | Command::Man { .. } => {}
    }
    Ok(0)
}
