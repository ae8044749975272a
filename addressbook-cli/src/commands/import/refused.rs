//! The file of the refused cards, which can be mended and imported.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use addressbook_client::Error;
use addressbook_client::proto::contacts::v1::{ImportOutcome, ImportRow};

use super::cards;
use super::input::Input;
use crate::cli::Import;
use crate::new_file;

/// Writes the refused cards to a new file; returns where it is.
pub(super) fn write(args: &Import, input: &Input, rows: &[ImportRow]) -> Result<PathBuf, Error> {
    let failed = rows
        .iter()
        .filter(|row| row.outcome() == ImportOutcome::Failed);
    let indices: Vec<_> = failed.map(|row| row.index.unsigned_abs()).collect();
    let bytes = std::fs::read(input.path()).map_err(|cause| {
        let name = input.name.display();
        Error::local(format_args!("cannot read {name} again: {cause}"))
    })?;
    let text = cards::of(&bytes, args.format, &args.column, &indices);
    let to = args.failures.clone().unwrap_or_else(|| beside(&input.name));
    write_new(&to, &text)
        .map_err(|cause| Error::local(format_args!("cannot write {}: {cause}", to.display())))
}

/// `contacts.failed.vcf` beside `contacts.vcf`.
fn beside(name: &Path) -> PathBuf {
    if name == Path::new("-") {
        return "input.failed".into();
    }
    match name.extension() {
        Some(extension) => {
            let mut failed = OsString::from("failed.");
            failed.push(extension);
            name.with_extension(failed)
        }
        None => name.with_extension("failed"),
    }
}

/// Writes a file that only its owner can read. If there is one of this name, the new one gets a
/// number after its name, because the other may have been mended since.
fn write_new(path: &Path, text: &[u8]) -> io::Result<PathBuf> {
    let mut file = new_file::beside(path)?;
    file.write_all(text)?;
    let mut number = 1;
    loop {
        let to = numbered(path, number);
        match file.persist_noclobber(&to) {
            Ok(_) => return Ok(to),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => file = error.file,
            Err(error) => return Err(error.error),
        }
        number += 1;
    }
}

/// `contacts.failed-2.vcf` for the second `contacts.failed.vcf`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_file_is_beside_the_imported_one() {
        for (name, expected) in [
            ("a/people.vcf", "a/people.failed.vcf"),
            ("people", "people.failed"),
            ("-", "input.failed"),
        ] {
            assert_eq!(beside(Path::new(name)), Path::new(expected));
        }
    }

    #[test]
    fn no_file_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.failed.vcf");

        let written = ["one", "two", "three"].map(|text| {
            let written = write_new(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&written).unwrap(), text);
            written.file_name().unwrap().to_owned()
        });

        assert_eq!(
            written,
            [
                "people.failed.vcf",
                "people.failed-2.vcf",
                "people.failed-3.vcf"
            ]
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
