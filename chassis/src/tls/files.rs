//! PEM files of certificates and keys. Errors never show their content.

use std::fs;
use std::io;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::settings::secret_file;

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// A file is malformed, or not completely written yet.
    #[error("{path} has no readable {what} in PEM")]
    NotPem {
        /// The file.
        path: String,
        /// The expected content.
        what: &'static str,
    },
    /// A certificate and a key do not match, or are of an unsupported kind.
    #[error("the certificate in {path} cannot be used with its key: {cause}")]
    Pair {
        /// The certificate's file.
        path: String,
        /// The error of the TLS library.
        cause: rustls::Error,
    },
    /// A certificate is not that of a CA.
    #[error("the CA certificates in {path} cannot be used: {cause}")]
    Issuers {
        /// The file.
        path: String,
        /// The error of the TLS library.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The library's settings are inconsistent: a bug.
    #[error("cannot use TLS: {0}")]
    Provider(rustls::Error),
}

/// The content of a file when it was read.
pub(crate) struct Pem {
    path: String,
    text: Zeroizing<Vec<u8>>,
}

impl Pem {
    pub(crate) fn read(path: &Path) -> Result<Self, TlsError> {
        Self::new(path, fs::read(path).map(Zeroizing::new))
    }

    /// A file with a private key.
    pub(crate) fn read_secret(path: &Path) -> Result<Self, TlsError> {
        Self::new(path, secret_file::bytes(path))
    }

    fn new(path: &Path, text: io::Result<Zeroizing<Vec<u8>>>) -> Result<Self, TlsError> {
        let path = path.display().to_string();
        match text {
            Ok(text) => Ok(Self { path, text }),
            Err(cause) => Err(TlsError::Unreadable { path, cause }),
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> String {
        self.path.clone()
    }

    /// The content.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The certificates, at least one.
    pub(crate) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&self.text).collect();
        match found {
            Ok(found) if !found.is_empty() => Ok(found),
            _ => Err(self.not_pem("certificate")),
        }
    }

    /// The first private key.
    pub(crate) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.text).map_err(|_| self.not_pem("private key"))
    }

    /// The certificates, as trusted CAs.
    pub(crate) fn issuers(&self) -> Result<RootCertStore, TlsError> {
        let mut issuers = RootCertStore::empty();
        for certificate in self.certificates()? {
            issuers
                .add(certificate)
                .map_err(|cause| TlsError::Issuers {
                    path: self.path(),
                    cause: cause.into(),
                })?;
        }
        Ok(issuers)
    }

    fn not_pem(&self, what: &'static str) -> TlsError {
        TlsError::NotPem {
            path: self.path(),
            what,
        }
    }
}

/// A certificate chain with its key.
pub(crate) struct Pair {
    pub(crate) certificate: Pem,
    pub(crate) key: Pem,
}

impl Pair {
    pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: Pem::read(certificate)?,
            key: Pem::read_secret(key)?,
        })
    }

    /// The TLS library's check of the pair.
    pub(crate) fn refused(&self, cause: rustls::Error) -> TlsError {
        TlsError::Pair {
            path: self.certificate.path(),
            cause,
        }
    }
}
