//! Writes mail: plain text, without text chosen by strangers. All of it is ASCII, except for
//! addresses that are not.

use std::fmt::Display;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox};
use lettre::{Address, Message};
use uuid::Uuid;

use super::{Letter, Topic};

/// A letter cannot be written, because mail cannot be sent to its address.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("mail cannot be sent to this address")]
pub struct WriteError;

/// Writes mail from one sender.
pub struct Writer {
    from: Mailbox,
    /// The base URL of links.
    links: Option<String>,
}

impl Writer {
    /// Writes mail from `from`, with links that begin with `links`.
    #[must_use]
    pub fn new(from: Mailbox, links: Option<String>) -> Self {
        Self { from, links }
    }

    /// Writes a letter. The same letter results in the same mail: receivers detect
    /// duplicates by the `Message-ID`.
    pub fn write(&self, id: Uuid, letter: &Letter) -> Result<Message, WriteError> {
        let to: Address = letter.to.parse().map_err(|_| WriteError)?;
        // Sent as 7-bit text: the other encodings break lines at 76 characters, and links
        // are longer.
        let text = self.text(letter).replace('\n', "\r\n").into_bytes();
        let text = if text.is_ascii() {
            Body::dangerous_pre_encoded(text, ContentTransferEncoding::SevenBit)
        } else {
            Body::new(text)
        };
        // RFC 3834 section 5: prevents automatic replies, such as holiday notes.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(to.into())
            .subject(subject(letter.topic))
            .date(SystemTime::from(letter.time))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|_| WriteError)
    }

    fn text(&self, letter: &Letter) -> String {
        let call = call(&letter.ip, letter.time);
        let token = letter.token.as_deref().unwrap_or_default();
        match letter.topic {
            Topic::Verification => format!(
                "An account with this e-mail address was created on\n{}.\n\n\
                 If it is yours, confirm the address. {}\n\n\
                 It works once, within 24 hours. Requested\n{call}.\n\n\
                 If it is not yours, do nothing: the address stays unconfirmed. To take the\n\
                 account over, without anything that others set up in it, choose a new\n\
                 password with \"forgot password\".\n",
                minute(letter.account_time.unwrap_or(letter.time)),
                self.way("/verify-email", token),
            ),
            Topic::NewEmail => format!(
                "This address was entered as the new one of an account that was created on\n\
                 {}.\n\n\
                 If the account is yours, log in to it and confirm the address. {}\n\n\
                 It works once, within 24 hours. Requested\n{call}.\n\n\
                 If it is not yours, do nothing: the account does not get the address.\n",
                minute(letter.account_time.unwrap_or(letter.time)),
                self.way("/verify-email", token),
            ),
            Topic::Reset => format!(
                "Choose a new password for your account. {}\n\n\
                 It works once, within 15 minutes. Requested\n{call}.\n\n\
                 If that was not you, do nothing: your password does not change.\n",
                self.way("/reset-password", token),
            ),
            Topic::PasswordChanged => format!(
                "The password of your account was changed\n{call}.\n\n\
                 If that was not you, someone else has used your account: choose a new\n\
                 password now with \"forgot password\", which ends all sessions.\n",
            ),
            Topic::EmailChanged => format!(
                "The e-mail address of your account was changed\n{call}.\n\
                 This address no longer belongs to the account, and gets no further mail.\n\n\
                 If that was not you, someone else knows your password: contact the operator\n\
                 of this service at once.\n",
            ),
            Topic::MfaEnabled => format!(
                "Two-step verification was turned on for your account\n{call}.\n\n\
                 If that was not you, someone else knows your password: contact the operator\n\
                 of this service at once.\n",
            ),
            Topic::MfaDisabled => format!(
                "Two-step verification was turned off for your account\n{call}.\n\
                 From now on the password is enough to log in.\n\n\
                 If that was not you, someone else has used your account: choose a new\n\
                 password now with \"forgot password\", which ends all sessions.\n",
            ),
            Topic::MfaReset => format!(
                "An administrator turned two-step verification off for your account on\n{}.\n\
                 From now on the password is enough to log in; the app and the recovery\n\
                 codes no longer work.\n\n\
                 If you did not request that, contact the operator of this service at once.\n",
                minute(letter.time),
            ),
            Topic::RecoveryCodesRegenerated => format!(
                "New recovery codes were generated for your account\n{call}.\n\
                 The earlier ones no longer work.\n\n\
                 If that was not you, someone else has used your account: choose a new\n\
                 password now with \"forgot password\", which ends all sessions, and generate\n\
                 recovery codes again.\n",
            ),
            Topic::ShareOffered => offer(letter.offered_by.as_deref().unwrap_or_default()),
        }
    }

    /// The instructions for a token. Links have it in the fragment, which browsers do not
    /// send to servers or in referrers.
    fn way(&self, path: &str, token: &str) -> String {
        match &self.links {
            Some(base) => format!("Open this link:\n\n{base}{path}#token={token}"),
            None => format!("Use this token:\n\n{token}"),
        }
    }
}

/// The text about an offer by the user with this e-mail.
fn offer(owner: &str) -> String {
    format!(
        "Contacts of an address book are offered to you by the user with this verified\n\
         e-mail address:\n\n{owner}\n\n\
         If you know who that is, log in with this address of yours to accept the\n\
         offer or to refuse it. Otherwise do nothing: it expires in 30 days.\n",
    )
}

fn subject(topic: Topic) -> &'static str {
    match topic {
        Topic::Verification => "Confirm your e-mail address",
        Topic::NewEmail => "Confirm your new e-mail address",
        Topic::Reset => "Choose a new password",
        Topic::PasswordChanged => "Your password was changed",
        Topic::EmailChanged => "Your e-mail address was changed",
        Topic::MfaEnabled => "Two-step verification was turned on",
        Topic::MfaDisabled => "Two-step verification was turned off",
        Topic::MfaReset => "Two-step verification was reset",
        Topic::RecoveryCodesRegenerated => "Your recovery codes were renewed",
        Topic::ShareOffered => "Contacts are offered to you",
    }
}

fn call(ip: &str, time: DateTime<Utc>) -> String {
    let ip = if ip.is_empty() {
        "an unknown address"
    } else {
        ip
    };
    format!("from {ip} on {}", minute(time))
}

fn minute(time: DateTime<Utc>) -> impl Display {
    time.format("%Y-%m-%d at %H:%M UTC")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::email::Email;

    fn written(topic: Topic, links: Option<&str>) -> String {
        let from = "Address book <noreply@example.com>".parse().unwrap();
        let writer = Writer::new(from, links.map(str::to_owned));
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let to = Email::parse("ada@example.com").unwrap();
        let letter = Letter {
            token: topic.purpose().map(|_| "et1_abc".to_owned()),
            offered_by: Some("grace@example.com".to_owned()),
            ..Letter::new(topic, &to, "192.0.2.1", now)
        };
        let mail = writer.write(Uuid::from_u128(7), &letter).unwrap();
        String::from_utf8(mail.formatted()).unwrap()
    }

    #[test]
    fn a_mail_says_what_to_do_who_asked_and_when() {
        let mail = written(Topic::Reset, Some("https://app.example.com"));

        for line in [
            "From: \"Address book\" <noreply@example.com>\r\n",
            "To: ada@example.com\r\n",
            "Subject: Choose a new password\r\n",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "\r\nhttps://app.example.com/reset-password#token=et1_abc\r\n",
            "\r\nfrom 192.0.2.1 on 2027-01-15 at 08:00 UTC.\r\n",
        ] {
            assert!(mail.contains(line), "no {line:?} in {mail}");
        }
    }

    #[test]
    fn without_a_base_url_the_mail_contains_the_token_only() {
        assert!(written(Topic::Verification, None).contains("\r\net1_abc\r\n"));
    }

    #[test]
    fn mail_is_ascii_in_short_lines() {
        for topic in [
            Topic::Verification,
            Topic::NewEmail,
            Topic::Reset,
            Topic::PasswordChanged,
            Topic::EmailChanged,
            Topic::MfaEnabled,
            Topic::MfaDisabled,
            Topic::MfaReset,
            Topic::RecoveryCodesRegenerated,
            Topic::ShareOffered,
        ] {
            let mail = written(topic, None);
            assert!(mail.is_ascii());
            assert!(mail.lines().all(|line| line.len() <= 78), "{mail}");
        }
    }
}
