//! Mail: its content, the outbox, and the transport.
//!
//! A call stores a sealed [`Letter`] in the outbox, in the transaction of the change that
//! it reports. Later a [`Sender`] leases it, creates its token, and tries to send it
//! until the mail server accepts it.

mod backlog;
mod budget;
mod letter;
mod outbox;
mod sender;
mod transport;
mod write;

use chassis::tls::TlsError;
use url::Url;

pub use self::backlog::Backlog;
pub(crate) use self::budget::About;
pub use self::budget::Mail;
pub use self::letter::{Letter, Topic};
pub use self::outbox::Outbox;
pub use self::sender::{Running, Sender};
pub use self::transport::Transport;
pub use self::write::Writer;
use crate::config::Config;

/// The longest base URL: with its token a link must fit into a line of a mail, which has
/// at most 998 bytes (RFC 5322 section 2.1.1).
const LINK_BYTES_MAX: usize = 500;

/// Why the mail settings cannot be used. Never contains a password.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The URL is not shown, because it can contain a password.
    #[error("SMTP_URL is not the URL of a mail server, such as smtps://user@mail.example.com")]
    UrlInvalid,
    /// The password could be read on the network.
    #[error(
        "SMTP_URL would send its password in the clear: \
         use smtps://, or smtp:// with ?tls=required"
    )]
    PasswordInClear,
    /// A password file cannot be read.
    #[error("cannot read the password file {path}: {cause}")]
    PasswordFile {
        /// The file.
        path: String,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// The CA certificates cannot be used.
    #[error("SMTP_CA_FILE: {0}")]
    Issuers(#[from] TlsError),
    /// CA certificates are set, but would not be used.
    #[error("SMTP_CA_FILE needs TLS: use smtps://, or smtp:// with ?tls=required")]
    IssuersInClear,
    /// No sender.
    #[error("MAIL_FROM must be a sender such as `Address book <noreply@example.com>`")]
    FromInvalid,
    /// The base URL of links is invalid.
    #[error("MAIL_LINK_BASE_URL is not a URL such as https://app.example.com, without ? and #")]
    LinkInvalid,
    /// Mail cannot be written to its folder.
    #[error("cannot create the folder for mail {path}: {cause}")]
    Folder {
        /// The folder.
        path: String,
        /// The error of the operating system.
        cause: std::io::Error,
    },
    /// Without mail, no user could verify an e-mail and log in.
    #[error("EMAIL_VERIFICATION_REQUIRED needs a mail server: set SMTP_URL")]
    VerificationWithoutMail,
}

/// The transport of mail, from the settings.
pub struct Delivery {
    /// Writes mail.
    pub(crate) writer: Writer,
    /// Sends it.
    pub(crate) transport: Transport,
}

impl Delivery {
    /// Reads the settings; `None` if mail is not configured.
    pub fn new(config: &Config) -> Result<Option<Self>, MailError> {
        let mail = &config.mail;
        let Some(transport) = Transport::new(mail)? else {
            if config.email_verification_required {
                return Err(MailError::VerificationWithoutMail);
            }
            return Ok(None);
        };
        let from = match set(mail.mail_from.as_deref()) {
            Some(from) => from,
            None if transport.is_for_development() => "addressbook@localhost",
            None => return Err(MailError::FromInvalid),
        };
        let links = set(mail.mail_link_base_url.as_deref()).map(link_base);
        Ok(Some(Self {
            writer: Writer::new(
                from.parse().map_err(|_| MailError::FromInvalid)?,
                links.transpose()?,
            ),
            transport,
        }))
    }
}

/// An empty setting counts as unset.
fn set(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Checks the base URL of links; what is appended to it starts with a slash.
fn link_base(text: &str) -> Result<String, MailError> {
    let url = Url::parse(text).map_err(|_| MailError::LinkInvalid)?;
    let is_web = ["http", "https"].contains(&url.scheme());
    let is_long = url.as_str().len() > LINK_BYTES_MAX;
    if !is_web || is_long || url.query().is_some() || url.fragment().is_some() {
        return Err(MailError::LinkInvalid);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::start::cli::{Cli, Command};

    /// The error for these settings.
    fn refusal(flags: &[&str]) -> Option<MailError> {
        let required = [
            "auth-service",
            "--database-url=postgres://h/d",
            "--secret-keys-file=k",
        ];
        let args = required.iter().chain(flags).map(Into::into);
        match Cli::<Config>::read(args).unwrap().command {
            Command::Serve(config) => Delivery::new(&config).err(),
            _ => unreachable!("no sub-command means serve"),
        }
    }

    const FROM: &str = "--mail-from=Address book <noreply@example.com>";

    #[tokio::test]
    async fn valid_settings_are_accepted() {
        for flags in [
            &[][..],
            &["--smtp-url=", "--mail-from=", "--mail-link-base-url="],
            &["--smtp-url=smtp://relay.internal", FROM],
            &["--smtp-url=smtps://user:secret@mail.example.com", FROM],
            &[
                "--smtp-url=smtp://user:secret@mail.example.com:587?tls=required",
                FROM,
                "--mail-link-base-url=https://app.example.com/account/",
                "--email-verification-required=true",
                "--smtp-ca-file=",
                "--smtp-password-file=",
                "--mail-folder=",
            ],
            &["--smtp-url=smtp://user:secret@127.0.0.1:2525", FROM],
        ] {
            assert!(refusal(flags).is_none(), "{flags:?}");
        }
    }

    #[tokio::test]
    async fn a_password_never_travels_in_the_clear() {
        for url in [
            "smtp://user:secret@mail.example.com",
            "smtp://user:secret@mail.example.com:587?tls=opportunistic",
        ] {
            let refused = refusal(&[&format!("--smtp-url={url}"), FROM]);
            assert!(matches!(refused, Some(MailError::PasswordInClear)), "{url}");
        }
    }

    #[tokio::test]
    async fn ca_certificates_are_read_at_start_and_need_tls() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let ca = format!("--smtp-ca-file={}", file.path().display());

        for tls in ["", "?tls=opportunistic"] {
            let url = format!("--smtp-url=smtp://mail.example.com{tls}");
            let refused = refusal(&[&url, &ca, FROM]);
            assert!(
                matches!(refused, Some(MailError::IssuersInClear)),
                "{tls:?}"
            );
        }
        let smtps = "--smtp-url=smtps://mail.example.com";
        let refused = refusal(&[smtps, &ca, FROM]);
        assert!(matches!(refused, Some(MailError::Issuers(_))));
    }

    #[tokio::test]
    async fn settings_that_do_not_go_together_are_refused() {
        let smtp = "--smtp-url=smtp://relay.internal";
        assert!(matches!(
            refusal(&["--smtp-url=mail.example.com", FROM]),
            Some(MailError::UrlInvalid)
        ));
        assert!(matches!(
            refusal(&["--smtp-url=https://mail.example.com", FROM]),
            Some(MailError::UrlInvalid)
        ));
        assert!(matches!(refusal(&[smtp]), Some(MailError::FromInvalid)));
        assert!(matches!(
            refusal(&[smtp, "--mail-from=nobody"]),
            Some(MailError::FromInvalid)
        ));
        for base in [
            "app.example.com",
            "ftp://x.example.com",
            "https://x.example.com/#a",
        ] {
            let refused = refusal(&[smtp, FROM, &format!("--mail-link-base-url={base}")]);
            assert!(matches!(refused, Some(MailError::LinkInvalid)), "{base}");
        }
        assert!(matches!(
            refusal(&["--email-verification-required=true"]),
            Some(MailError::VerificationWithoutMail)
        ));
        assert!(matches!(
            refusal(&[smtp, FROM, "--smtp-password-file=/nowhere"]),
            Some(MailError::PasswordFile { .. })
        ));
    }
}
