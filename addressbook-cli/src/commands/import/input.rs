//! What is imported: a file, or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use addressbook_client::Error;
use aws_lc_rs::digest::{self, SHA256};
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

/// A file that can be read several times.
pub(super) struct Input {
    /// As in the command; `-` for standard input.
    pub(super) name: PathBuf,
    /// The same for the same content, so that a repeated import continues an interrupted one.
    pub(super) fingerprint: String,
    /// The size.
    pub(super) bytes: u64,
    /// A copy of standard input.
    copy: Option<NamedTempFile>,
}

impl Input {
    /// A regular file, or for `-` what standard input contains.
    pub(super) async fn open(name: &Path) -> Result<Self, Error> {
        let failed = |cause: io::Error| {
            Error::local(format_args!("cannot read {}: {cause}", name.display()))
        };
        let copy = if name == Path::new("-") {
            Some(copy_of_input().await.map_err(failed)?)
        } else if std::fs::metadata(name).map_err(failed)?.is_file() {
            None
        } else {
            return Err(Error::local(format_args!(
                "{} is not a regular file; `import -` reads standard input",
                name.display()
            )));
        };
        let mut input = Self {
            name: name.to_owned(),
            fingerprint: String::new(),
            bytes: 0,
            copy,
        };
        (input.fingerprint, input.bytes) = fingerprint(input.path()).map_err(failed)?;
        Ok(input)
    }

    /// Where the content is.
    pub(super) fn path(&self) -> &Path {
        let copy = self.copy.as_ref().map(NamedTempFile::path);
        copy.unwrap_or(&self.name)
    }
}

/// Reads on a thread, so that Ctrl-C is noticed meanwhile. It only has a handle of the file,
/// because a thread that still reads when the program ends would not remove it.
async fn copy_of_input() -> io::Result<NamedTempFile> {
    let copy = NamedTempFile::new()?;
    let mut handle = copy.reopen()?;
    spawn_blocking(move || io::copy(&mut io::stdin().lock(), &mut handle)).await??;
    Ok(copy)
}

/// The SHA-256 in hexadecimal digits, and the number of bytes.
fn fingerprint(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hash = digest::Context::new(&SHA256);
    let mut piece = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            let hash = hash.finish();
            let hex = hash.as_ref().iter().map(|byte| format!("{byte:02x}"));
            return Ok((hex.collect(), bytes));
        }
        hash.update(&piece[..count]);
        bytes += count as u64;
    }
}
