//! `completions` and `man`, which are made of the definition of the command line.

use std::io;
use std::path::Path;

use addressbook_client::Error;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::output;

/// Prints the completions for a shell.
pub(crate) fn completions(shell: Shell) -> Result<(), Error> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "addressbook", &mut text);
    output::print(&text)
}

/// Prints the manual page, or writes it and those of all sub-commands to a folder.
pub(crate) fn man(folder: Option<&Path>) -> Result<(), Error> {
    let Some(folder) = folder else {
        let mut text = Vec::new();
        let rendered = clap_mangen::Man::new(Cli::command()).render(&mut text);
        rendered.map_err(Error::local)?;
        return output::print(&text);
    };
    let failed = |cause: io::Error| {
        Error::local(format_args!(
            "cannot write to {}: {cause}",
            folder.display()
        ))
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)
}
