//! The transport of mail: a mail server, or, for developers, a folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chassis::settings::secret_file;
use chassis::tls;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::response::Category;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::fs;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use url::{Host, Url};
use uuid::Uuid;

use super::{MailError, set};
use crate::config::MailConfig;
use crate::model::email_tokens::PREFIX;

/// The longest time for one mail; less than its lease.
pub(crate) const SEND_MAX: Duration = Duration::from_secs(45);
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Why a mail was not sent. Without the mail server's text, which may contain the
/// address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The mail may be accepted later.
    #[error("{0}")]
    Later(String),
    /// The server refuses this mail permanently, for example because its mailbox does not
    /// exist.
    #[error("{0}")]
    Never(String),
}

/// Sends mail.
pub enum Transport {
    /// SMTP.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// Files, and the log.
    Folder(PathBuf),
}

impl Transport {
    /// Reads the settings; `None` if neither is set. A mail server takes precedence over
    /// a folder.
    pub fn new(config: &MailConfig) -> Result<Option<Self>, MailError> {
        let url = config.smtp_url.as_ref().map(ExposeSecret::expose_secret);
        if let Some(url) = set(url) {
            return Ok(Some(Self::Smtp(smtp(url, config)?)));
        }
        let folder = non_empty(config.mail_folder.as_deref());
        folder.map(open_folder).transpose()
    }

    /// Whether mail stays on this machine.
    #[must_use]
    pub fn is_for_development(&self) -> bool {
        matches!(self, Self::Folder(_))
    }

    /// Sends a mail with this `id`.
    pub async fn send(&self, id: Uuid, mail: &Message) -> Result<(), SendError> {
        match self {
            Self::Smtp(server) => {
                let sent = timeout(SEND_MAX, server.send(mail.clone())).await;
                let sent = sent.map_err(|_| SendError::Later("no response in time".to_owned()))?;
                sent.map(drop).map_err(|error| failure(&error))
            }
            Self::Folder(folder) => keep(folder, id, &mail.formatted())
                .await
                .map_err(|error| SendError::Later(error.to_string())),
        }
    }
}

fn smtp(text: &str, config: &MailConfig) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let mut url = Url::parse(text).map_err(|_| MailError::UrlInvalid)?;
    if let Some(path) = non_empty(config.smtp_password_file.as_deref()) {
        let password = secret_file::text(path).map_err(|cause| MailError::PasswordFile {
            path: path.display().to_string(),
            cause,
        })?;
        url.set_password(Some(password.expose_secret()))
            .map_err(|()| MailError::UrlInvalid)?;
    }
    // An attacker on the network can disable `tls=opportunistic`.
    let is_private = url.scheme() == "smtps"
        || url
            .query_pairs()
            .any(|(key, value)| key == "tls" && value == "required");
    if url.password().is_some() && !is_private && !is_here(&url) {
        return Err(MailError::PasswordInClear);
    }
    let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str());
    let mut server = server.map_err(|_| MailError::UrlInvalid)?;
    if let Some(path) = non_empty(config.smtp_ca_file.as_deref()) {
        if !is_private {
            return Err(MailError::IssuersInClear);
        }
        server = server.tls(tls_trusting(path, &url)?);
    }
    Ok(server.timeout(Some(CONNECT_MAX)).build())
}

/// An empty setting counts as unset.
fn non_empty(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !path.as_os_str().is_empty())
}

/// The TLS mode of the URL, with the CA certificates in `path` as the only trusted ones.
fn tls_trusting(path: &Path, url: &Url) -> Result<Tls, MailError> {
    let issuers = tls::issuers(path)?;
    let issuers = Certificate::from_pem(&issuers).map_err(|_| MailError::UrlInvalid)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let parameters = TlsParameters::builder(host)
        .certificate_store(CertificateStore::None)
        .add_root_certificate(issuers)
        .build()
        .map_err(|_| MailError::UrlInvalid)?;
    Ok(if url.scheme() == "smtps" {
        Tls::Wrapper(parameters)
    } else {
        Tls::Required(parameters)
    })
}

/// Whether the server is on this machine.
fn is_here(url: &Url) -> bool {
    // The library does not parse the hosts of schemes that it does not know.
    let host = url.host_str().map(Host::parse);
    match host {
        Some(Ok(Host::Domain(name))) => name == "localhost",
        Some(Ok(Host::Ipv4(ip))) => ip.is_loopback(),
        Some(Ok(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    }
}

fn open_folder(folder: &Path) -> Result<Transport, MailError> {
    std::fs::create_dir_all(folder).map_err(|cause| MailError::Folder {
        path: folder.display().to_string(),
        cause,
    })?;
    tracing::warn!(folder = %folder.display(), "mail is written to a folder, and its tokens to the log");
    Ok(Transport::Folder(folder.to_owned()))
}

/// Writes a mail to the folder, completely or not at all, so that nobody sees a partial
/// one.
async fn keep(folder: &Path, id: Uuid, mail: &[u8]) -> std::io::Result<()> {
    let (path, part) = (
        folder.join(format!("{id}.eml")),
        folder.join(format!("{id}.part")),
    );
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .await?;
    file.write_all(mail).await?;
    file.flush().await?;
    fs::rename(&part, &path).await?;
    tracing::info!(file = %path.display(), token = token_in(mail), "mail written");
    Ok(())
}

/// The part of a mail for developers: its token, if it has one.
fn token_in(mail: &[u8]) -> &str {
    let text = str::from_utf8(mail).unwrap_or_default();
    let token = text.find(PREFIX).map(|at| &text[at..]).unwrap_or_default();
    token.split_whitespace().next().unwrap_or_default()
}

/// Replies 55x are about this mail (RFC 5321 section 4.2.3) and final. Other replies are
/// about our settings or the server's state, which can be fixed while the mail waits.
fn failure(error: &SmtpError) -> SendError {
    let Some(code) = error.status() else {
        let what = if error.is_tls() {
            "the TLS connection to the mail server failed"
        } else {
            "the connection to the mail server failed"
        };
        return SendError::Later(what.to_owned());
    };
    let what = format!("the mail server replied {code}");
    if error.is_permanent() && code.category == Category::MailSystem {
        SendError::Never(what)
    } else {
        SendError::Later(what)
    }
}
