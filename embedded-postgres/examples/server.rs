//! Starts a server on the folder named by the argument, prints its process id and waits:
//! for the tests, which kill this, and to inspect a folder.

use std::io::{Write, stdin, stdout};

use embedded_postgres::{Binaries, Cluster, Folder, Search};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = match std::env::args_os().nth(1) {
        Some(path) => Folder::kept(path.as_ref())?,
        None => Folder::ephemeral()?,
    };
    let cluster = Cluster::start(Binaries::find(&Search::from_environment())?, folder)?;
    let pid = cluster.pid().ok_or("the server is gone")?;
    writeln!(stdout(), "{pid}")?;
    stdin().read_line(&mut String::new())?;
    Ok(())
}
