//! Slows guessing down, and limits requested mail. One statement counts an attempt before
//! it is checked, and changes no row while the bucket is blocked: however many guesses
//! arrive at once, no more are checked than the steps allow.

mod steps;

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chassis::access::client_address;
use chassis::database::pool::{Pool, Transaction};
use chassis::settings::keyring::KeyRing;
use chassis::user_id::UserId;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgExecutor;

use self::steps::{
    ACCOUNT, EMAIL_CHANGES, MAIL, MAIL_ASKER, NOTICES, RESETS, SHARE_NOTICES, STRANGERS_ENTRIES,
    TOTP, of_address,
};
use crate::error::Result;
use crate::model::device_token::Device;
use crate::store::throttles::{self as table, Step};

/// What is guessed; each kind has buckets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// The password of a log-in.
    LogIn,
    /// The current password of a call that requires it.
    CurrentPassword,
    /// The current password of a call that changes the second factor.
    MfaPassword,
    /// A code of an authenticator app.
    Totp,
    /// A recovery code.
    RecoveryCode,
}

impl Guess {
    /// The passwords of calls within a session.
    const IN_SESSION: [Self; 2] = [Self::CurrentPassword, Self::MfaPassword];

    fn name(self) -> &'static str {
        match self {
            Self::LogIn => "log-in",
            Self::CurrentPassword => "current-password",
            Self::MfaPassword => "mfa-password",
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery-code",
        }
    }
}

/// Whose password is guessed.
#[derive(Clone, Copy, Debug)]
pub enum GuessedAccount<'a> {
    /// The account with this e-mail, if there is one.
    Email(&'a str),
    /// The account that this device has logged in to before. Strangers' guesses are not
    /// counted there.
    Device(&'a Device),
    /// The user who calls with a session. An e-mail can move to another account, but a
    /// user's failures stay with the user.
    User(UserId),
}

/// How long failures are remembered.
pub(crate) const MEMORY: TimeDelta = TimeDelta::days(1);

/// The buckets.
pub struct Throttle {
    db: Pool,
    /// A keyed hash, so that a dump of the table identifies nobody.
    key: hmac::Key,
    address: [Step; 5],
}

/// An admitted attempt; the caller reports its result to the throttle.
#[derive(Debug)]
pub struct Attempted {
    account: [u8; 32],
    address: [u8; 32],
}

/// The result of a count: the call may continue, or must wait; the caller chooses the
/// error.
pub type Allowed<T> = std::result::Result<T, Duration>;

/// A code that was counted before its check.
#[derive(Clone, Copy, Debug)]
pub struct CountedCode([u8; 32]);

impl Throttle {
    /// Stores the buckets in this database; slows an address down after so many failures,
    /// 0 for never.
    #[must_use]
    pub fn new(db: Pool, ring: &KeyRing, address_failures: u32) -> Self {
        let free = i32::try_from(address_failures).ok();
        let free = free.filter(|free| *free > 0).unwrap_or(i32::MAX);
        let (_, key) = ring.current("throttle-bucket");
        Self {
            db,
            key: hmac::Key::new(hmac::HMAC_SHA256, &*key),
            address: of_address(free),
        }
    }

    /// Counts an attempt, or refuses it. An e-mail without an account has a bucket
    /// like any other.
    pub async fn attempt(
        &self,
        guess: Guess,
        account: GuessedAccount<'_>,
        ip: &str,
        now: DateTime<Utc>,
    ) -> Result<Allowed<Attempted>> {
        let account = match account {
            GuessedAccount::Email(email) => self.bucket(guess.name(), "account", email),
            GuessedAccount::Device(device) => self.bucket(
                guess.name(),
                "device",
                &BASE64_URL_SAFE_NO_PAD.encode(device),
            ),
            GuessedAccount::User(id) => self.bucket_of_user(guess, id),
        };
        let attempted = Attempted {
            account,
            address: self.bucket(guess.name(), "address", &network(ip)),
        };
        if let Err(wait) = self.reserve(attempted.address, &self.address, now).await? {
            return Ok(Err(wait));
        }
        let reserved = self.reserve(attempted.account, &ACCOUNT, now).await?;
        if reserved.is_err() {
            // An attack on one account does not slow down others at its address.
            table::take_back(&self.db, attempted.address).await?;
        }
        Ok(reserved.map(|()| attempted))
    }

    /// Counts a code of `of`, or refuses it. Addresses are not counted, because a correct
    /// password is needed first.
    pub async fn attempt_code(
        &self,
        guess: Guess,
        of: &str,
        now: DateTime<Utc>,
    ) -> Result<Allowed<CountedCode>> {
        let bucket = self.bucket(guess.name(), "account", of);
        let steps = if guess == Guess::Totp {
            &TOTP
        } else {
            &ACCOUNT
        };
        let reserved = self.reserve(bucket, steps, now).await?;
        Ok(reserved.map(|()| CountedCode(bucket)))
    }

    /// Resets the wrong codes before this one, in the transaction that uses it up.
    pub async fn code_succeeded(&self, tx: &mut Transaction, code: CountedCode) -> Result<()> {
        table::forget(&mut **tx, code.0).await
    }

    /// Counts a change of a user's e-mail before it is made, or refuses it.
    pub async fn attempt_email_change(
        &self,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Allowed<()>> {
        let bucket = self.bucket("email-change", "account", &id.to_string());
        self.reserve(bucket, &EMAIL_CHANGES, now).await
    }

    /// Counts an audit entry that a stranger causes; false if there were too many
    /// recently.
    pub async fn allow_strangers_entry(&self, id: UserId, now: DateTime<Utc>) -> Result<bool> {
        let bucket = self.bucket("audit", "account", &id.to_string());
        count(&self.db, bucket, &STRANGERS_ENTRIES, now).await
    }

    /// Records that the guess was correct.
    pub async fn succeeded(&self, attempted: &Attempted) -> Result<()> {
        table::forget(&self.db, attempted.account).await?;
        table::take_back(&self.db, attempted.address).await
    }

    /// Takes back an attempt whose guess was not checked. A block stays, because others
    /// may have failed meanwhile.
    pub async fn not_made(&self, attempted: &Attempted) -> Result<()> {
        table::take_back(&self.db, attempted.account).await?;
        table::take_back(&self.db, attempted.address).await
    }

    /// Counts a mail that a client address requests; false if there were too many
    /// recently.
    pub async fn allow_asker(&self, ip: &str, now: DateTime<Utc>) -> Result<bool> {
        let bucket = self.bucket("mail", "address", &network(ip));
        count(&self.db, bucket, &MAIL_ASKER, now).await
    }

    /// Counts a requested mail to an e-mail address; false if there were too many
    /// recently. Resets have an additional budget, so that no other mail keeps the owner
    /// out. The buckets belong to the address, not to an account, and survive its
    /// deletion.
    pub async fn allow_mail(
        &self,
        tx: &mut Transaction,
        email: &str,
        is_reset: bool,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let of_all = self.bucket("mail", "account", email);
        if count(&mut **tx, of_all, &MAIL, now).await? {
            return Ok(true);
        }
        let of_resets = self.bucket("mail", "resets", email);
        Ok(is_reset && count(&mut **tx, of_resets, &RESETS, now).await?)
    }

    /// Counts a notice to an e-mail address; false if there were too many recently. Each
    /// kind has a bucket, so that one kind cannot suppress the others.
    pub async fn allow_notice(
        &self,
        tx: &mut Transaction,
        email: &str,
        kind: &str,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let bucket = self.bucket("notice", kind, email);
        count(&mut **tx, bucket, &NOTICES, now).await
    }

    /// Counts a mail about a share, for the user who offers it and for the address that it is
    /// offered to; false if either had too many recently. The address has a bucket of its own,
    /// so that offers cannot keep an owner from other mail.
    pub async fn allow_share_notice(
        &self,
        tx: &mut Transaction,
        owner: UserId,
        email: &str,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let of_owner = self.bucket("share-notice", "account", &owner.to_string());
        let of_email = self.bucket("share-notice", "recipient", email);
        Ok(count(&mut **tx, of_owner, &SHARE_NOTICES, now).await?
            && count(&mut **tx, of_email, &MAIL, now).await?)
    }

    /// Resets the wrong passwords of an account, which has a new one or is deleted.
    pub async fn forgive(&self, tx: &mut Transaction, user_id: UserId, email: &str) -> Result<()> {
        let of_email = self.bucket(Guess::LogIn.name(), "account", email);
        table::forget(&mut **tx, of_email).await?;
        for guess in Guess::IN_SESSION {
            table::forget(&mut **tx, self.bucket_of_user(guess, user_id)).await?;
        }
        Ok(())
    }

    /// Resets the wrong codes of a user, whose app was changed or removed.
    pub async fn forgive_codes(&self, tx: &mut Transaction, user_id: UserId) -> Result<()> {
        table::forget(&mut **tx, self.bucket_of_user(Guess::Totp, user_id)).await
    }

    fn bucket_of_user(&self, guess: Guess, id: UserId) -> [u8; 32] {
        self.bucket(guess.name(), "account", &id.to_string())
    }

    async fn reserve(
        &self,
        bucket: [u8; 32],
        steps: &[Step],
        now: DateTime<Utc>,
    ) -> Result<Allowed<()>> {
        if count(&self.db, bucket, steps, now).await? {
            return Ok(Ok(()));
        }
        let until = table::blocked_until(&self.db, bucket).await?;
        let wait = until.unwrap_or(now) - now;
        // The block may have just ended; a client still gets a minimum delay.
        let wait = wait.to_std().unwrap_or_default();
        Ok(Err(wait.max(Duration::from_secs(1))))
    }

    fn bucket(&self, counted: &str, of: &str, what: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [counted, of, what] {
            context.update(part.as_bytes());
            context.update(&[0]);
        }
        let mut bucket = [0; 32];
        bucket.copy_from_slice(context.sign().as_ref());
        bucket
    }
}

/// Counts one more, or returns false if the bucket is blocked.
async fn count(
    db: impl PgExecutor<'_>,
    bucket: [u8; 32],
    steps: &[Step],
    now: DateTime<Utc>,
) -> Result<bool> {
    table::reserve(db, bucket, steps, now - MEMORY, now).await
}

/// Text that is not an IP address is a network of its own.
fn network(ip: &str) -> String {
    let parsed = ip.parse().map(client_address::network);
    parsed.map_or_else(|_| ip.to_owned(), |network: IpAddr| network.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_bucket() {
        assert_eq!(network("2001:db8:1:2::7"), network("2001:db8:1:2:ffff::1"));
        assert_ne!(network("2001:db8:1:2::7"), network("2001:db8:1:3::7"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    /// Either without a pause, or with a pause of a day after so many guesses, which
    /// resets them.
    #[test]
    fn a_year_of_guessing_finds_a_code_with_less_than_one_percent() {
        let pause_after = |failures| {
            let step = TOTP.iter().find(|step| step.below > failures).unwrap();
            i64::from(step.pause_seconds)
        };
        let year = TimeDelta::days(365).num_seconds();
        let mut cycle = MEMORY.num_seconds();
        for guesses in 1..3000 {
            // Three in a million are valid, and one in a hundred is too many.
            assert!(3 * i64::from(guesses) * year < 10_000 * cycle, "{guesses}");
            cycle += pause_after(guesses);
        }
    }

    #[test]
    fn steps_rise() {
        for steps in [ACCOUNT, TOTP, of_address(300), of_address(1)] {
            assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
        }
        for steps in [
            MAIL,
            RESETS,
            NOTICES,
            SHARE_NOTICES,
            EMAIL_CHANGES,
            STRANGERS_ENTRIES,
        ] {
            assert!(steps.windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert!(MAIL_ASKER.windows(2).all(|steps| steps[0] < steps[1]));
    }
}
