//! Counts the processor instructions of the functions that every call runs, and compares
//! them with the stored counts. Unlike a time, a count hardly varies between runs or with
//! the load of the machine.

mod baseline;
mod callgrind;
mod hot;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use self::hot::Hot;

/// Counts instructions with valgrind, and fails if a function needs over 10 % more than
/// before
#[derive(Debug, Parser)]
struct Cli {
    /// Store the counts as the new baseline
    #[arg(long)]
    write: bool,

    /// Call a function so many times without counting; valgrind runs this
    #[arg(long, hide = true, num_args = 2, value_names = ["FUNCTION", "CALLS"])]
    call: Vec<String>,
}

/// Why nothing could be counted.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot run valgrind (Debian: valgrind)")]
    Valgrind(#[source] std::io::Error),
    #[error("valgrind counted nothing: {0}")]
    NoCount(String),
    #[error("cannot use {}", baseline::FILE)]
    Baseline(#[source] std::io::Error),
    #[error("cannot print")]
    Output(#[source] std::io::Error),
    #[error("there is no such function")]
    Unknown,
    #[error("cannot prepare a function")]
    Unprepared(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The program: prints the counts, and fails if one is too high.
#[must_use]
pub fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(
                std::io::stderr(),
                "{error}: {:?}",
                std::error::Error::source(&error)
            );
            ExitCode::FAILURE
        }
    }
}

/// Returns whether every function is within its limit.
fn run(cli: &Cli) -> Result<bool, Error> {
    if let [name, calls] = &*cli.call {
        let hot = Hot::named(name).ok_or(Error::Unknown)?;
        hot.call(calls.parse().map_err(|_| Error::Unknown)?)?;
        return Ok(true);
    }
    let mut counts = Vec::new();
    for hot in Hot::ALL {
        counts.push((hot, callgrind::instructions_per_call(hot)?));
    }
    if cli.write {
        baseline::write(&counts).map_err(Error::Baseline)?;
    }
    let kept = baseline::read().map_err(Error::Baseline)?;
    let (table, is_good) = baseline::compare(&counts, &kept);
    std::io::stdout()
        .write_all(table.as_bytes())
        .map_err(Error::Output)?;
    Ok(is_good)
}
