//! Warns in the log before a certificate expires.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};

/// How long before a certificate expires the warnings begin.
const NOTICE: TimeDelta = TimeDelta::days(14);

/// The beginning of the year 10000, which no certificate lasts to.
const NEVER: UnixTime = UnixTime::since_unix_epoch(Duration::from_hours(24 * 2_932_897));

/// The last second of a certificate. Verifying it as of the year 10000 returns its
/// expiry, so no parser is needed.
pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<DateTime<Utc>> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    let nobody = RootCertStore::empty();
    match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], NEVER, &[]) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            DateTime::from_timestamp(not_after.as_secs().try_into().ok()?, 0)
        }
        _ => None,
    }
}

/// How urgent a renewal is.
#[derive(Debug, PartialEq, Eq)]
enum Urgency {
    None,
    Soon,
    TooLate,
}

fn urgency(end: DateTime<Utc>, now: DateTime<Utc>) -> Urgency {
    if end < now {
        Urgency::TooLate
    } else if end < now + NOTICE {
        Urgency::Soon
    } else {
        Urgency::None
    }
}

/// Logs a warning if necessary.
pub(crate) fn log(end: DateTime<Utc>, now: DateTime<Utc>) {
    match urgency(end, now) {
        Urgency::None => {}
        Urgency::Soon => tracing::warn!(%end, "the TLS certificate expires soon"),
        Urgency::TooLate => tracing::error!(%end, "the TLS certificate has expired"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warnings_begin_two_weeks_before_the_expiry() {
        let end: DateTime<Utc> = "2030-06-15T12:00:00Z".parse().unwrap();

        assert_eq!(urgency(end, end - TimeDelta::days(15)), Urgency::None);
        assert_eq!(urgency(end, end - TimeDelta::days(13)), Urgency::Soon);
        assert_eq!(urgency(end, end), Urgency::Soon);
        assert_eq!(urgency(end, end + TimeDelta::seconds(1)), Urgency::TooLate);
    }

    #[test]
    fn the_expiry_is_read_from_the_certificate() {
        let mut wanted = rcgen::CertificateParams::new(vec!["a.example.com".into()]).unwrap();
        wanted.not_after = rcgen::date_time_ymd(2031, 7, 9);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = wanted.self_signed(&key).unwrap();

        let end = of(certificate.der()).unwrap();

        assert_eq!(end.to_rfc3339(), "2031-07-09T00:00:00+00:00");
    }
}
