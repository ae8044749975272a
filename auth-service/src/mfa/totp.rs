//! Authenticator apps (RFC 6238): SHA-1, six digits, 30 seconds, one step of tolerance.
//! Not every app supports other parameters.

use aws_lc_rs::rand;
use chrono::{DateTime, Utc};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The length of a code.
pub(crate) const DIGITS: usize = 6;
/// 160 bits, as RFC 4226 recommends (section 4, R6).
const SECRET_BYTES: usize = 20;
/// How many steps the app's clock may be off, either way.
const STEPS_OFF: u16 = 1;

/// The secret shared with an app; wiped on drop.
pub(crate) struct TotpSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl TotpSecret {
    /// Generates a new one.
    pub(crate) fn generate() -> Result<Self> {
        let mut secret = Self(Zeroizing::default());
        rand::fill(&mut *secret.0)?;
        Ok(secret)
    }

    /// Reads what was stored; `None` if the length is wrong.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self(Zeroizing::default());
        (bytes.len() == SECRET_BYTES).then(|| secret.0.copy_from_slice(bytes))?;
        Some(secret)
    }

    /// The bytes to store.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// The secret in base32, for typing.
    pub(crate) fn base32(&self) -> String {
        self.for_check().secret().to_base32()
    }

    /// The secret as a URI for a QR code. Neither name may contain a colon.
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> Result<String> {
        let totp = self.builder().with_issuer(Some(issuer));
        totp.with_account_name(account)
            .build()
            .and_then(|totp| totp.to_url())
            .map_err(Error::internal(
                "cannot use the secret of an authenticator app",
            ))
    }

    /// The time step of this code, among those accepted now.
    pub(crate) fn step(&self, code: &str, now: DateTime<Utc>) -> Option<i64> {
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let step = self.for_check().check(code, seconds)?;
        i64::try_from(step).ok()
    }

    fn for_check(&self) -> Totp {
        self.builder().build_noncompliant()
    }

    fn builder(&self) -> Builder {
        let secret = Secret::new(self.0.to_vec().into_boxed_slice());
        Builder::new().with_secret(secret).with_skew(STEPS_OFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// Appendix B; the last six of its eight digits.
    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().step(code, at(seconds)), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_valid_one_step_before_and_after_its_own() {
        let counts = |seconds| secret().step("005924", at(seconds)).is_some();
        let start = 1_234_567_890;

        assert!(counts(start - 30) && counts(start) && counts(start + 59));
        assert!(!counts(start - 31) && !counts(start + 60));
    }

    #[test]
    fn only_six_digits_are_a_code() {
        for text in ["", "05924", "0005924", "+05924", "00592٤", "00592a"] {
            assert_eq!(secret().step(text, at(1_234_567_890)), None, "{text}");
        }
    }

    #[test]
    fn the_uri_can_be_a_qr_code() {
        let uri = secret().uri("Grüße & Co", "ada+x@example.com").unwrap();

        let expected = "otpauth://totp/Gr%C3%BC%C3%9Fe%20%26%20Co:ada%2Bx%40example.com\
                        ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Gr%C3%BC%C3%9Fe%20%26%20Co";
        assert_eq!(uri, expected);
    }

    #[test]
    fn secrets_differ() {
        let secrets: Vec<_> = (0..50)
            .map(|_| TotpSecret::generate().unwrap().base32())
            .collect();
        assert!(secrets.iter().all(|secret| secret.len() == 32));
        let distinct: std::collections::HashSet<_> = secrets.iter().collect();
        assert_eq!(distinct.len(), 50);
    }
}
