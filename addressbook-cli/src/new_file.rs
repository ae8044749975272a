//! A file of the user that is there only when it is complete.

use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

use addressbook_client::Error;
use tempfile::NamedTempFile;

/// A file that is being written, and that only its owner can read.
pub(crate) struct NewFile {
    path: PathBuf,
    is_forced: bool,
    file: NamedTempFile,
}

impl NewFile {
    /// Begins a file. An existing one is an error, unless `is_forced`.
    pub(crate) fn create(path: &Path, is_forced: bool) -> Result<Self, Error> {
        match path.metadata() {
            Ok(other) if !other.is_file() => {
                let path = path.display();
                return Err(Error::local(format_args!("{path} is not a regular file")));
            }
            Ok(_) if !is_forced => return Err(exists(path)),
            _ => {}
        }
        Ok(Self {
            path: path.to_owned(),
            is_forced,
            file: beside(path).map_err(|cause| unwritten(path, &cause))?,
        })
    }

    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        written.map_err(|cause| unwritten(&self.path, &cause))
    }

    /// Removes what was written.
    pub(crate) fn begin_again(&mut self) -> Result<(), Error> {
        let emptied = self.file.as_file().set_len(0);
        let emptied = emptied.and_then(|()| self.file.rewind());
        emptied.map_err(|cause| unwritten(&self.path, &cause))
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let Self {
            path,
            is_forced,
            file,
        } = self;
        let synced = file.as_file().sync_all();
        synced.map_err(|cause| unwritten(&path, &cause))?;
        let persisted = if is_forced {
            file.persist(&path)
        } else {
            file.persist_noclobber(&path)
        };
        match persisted {
            Ok(_) => Ok(()),
            // Another program has created it meanwhile.
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(exists(&path)),
            Err(error) => Err(unwritten(&path, &error.error)),
        }
    }
}

/// A temporary file that can be given this name, and that only its owner can read.
pub(crate) fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
}

fn exists(path: &Path) -> Error {
    let path = path.display();
    Error::local(format_args!("{path} exists; --force replaces it"))
}

fn unwritten(path: &Path, cause: &io::Error) -> Error {
    Error::local(format_args!("cannot write {}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_there_when_it_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.vcf");
        let mut file = NewFile::create(&path, false).unwrap();
        file.write(b"half").unwrap();
        file.begin_again().unwrap();
        file.write(b"all").unwrap();
        assert!(!path.exists());

        file.finish().unwrap();

        assert_eq!(fs::read(&path).unwrap(), b"all");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_is_replaced_only_by_force() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.vcf");
        let late = NewFile::create(&path, false).unwrap();
        fs::write(&path, "other").unwrap();

        let error = late.finish().unwrap_err();

        assert!(error.message.contains("--force"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"other");
        assert!(NewFile::create(&path, false).is_err());
        NewFile::create(&path, true).unwrap().finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert!(NewFile::create(dir.path(), true).is_err());
    }
}
