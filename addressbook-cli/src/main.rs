//! `addressbook`, the command line of the address book.

mod cli;
mod commands;
mod config;
mod context;
mod exit;
mod field;
mod find;
mod interrupt;
mod new_file;
mod output;
mod pages;
mod person;
mod prompt;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.json, cli.color);
    let profile = cli.profile.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(cause) => {
            output.failed(&addressbook_client::Error::local(cause));
            return exit::LOCAL.into();
        }
    };
    let code = runtime.block_on(async {
        tokio::select! {
            // A command that ends with Ctrl-C in its own way returns first.
            biased;
            done = commands::run(cli, output) => match done {
                Ok(code) => code,
                Err(error) => {
                    output.failed(&error);
                    if !output.is_json() && error.asks_for_log_in() {
                        output::suggest_log_in(&profile);
                    }
                    exit::code_of(&error)
                }
            },
            () = interrupt::pressed() => exit::INTERRUPTED,
        }
    });
    // A thread may still read the terminal.
    runtime.shutdown_background();
    code.into()
}
